"""The evaluation as one page: no script, nothing fetched, readable by screen reader and in the dark."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from bot.nlu.evaluate import ENCODERS, Evaluation, Scores, percent

_STYLE: Final = """
:root { color-scheme: light dark; --ink: #1b1b1b; --paper: #fff; --line: #c8c8c8; --soft: #f2f4f7; --right: #1d6f42;
  --wrong: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #ececec; --paper: #161616; --line: #4a4a4a; --soft: #242424;
  --right: #63c78d; --wrong: #ff8a80; } }
* { box-sizing: border-box; }
body { color: var(--ink); background: var(--paper); font: 1rem/1.5 system-ui, sans-serif; margin: 0 auto;
  max-width: 80rem; padding: 1rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid var(--line); padding: .25rem .6rem; text-align: right; vertical-align: top; }
th:first-child, td:first-child, td.words { text-align: start; }
thead th { background: var(--soft); position: sticky; top: 0; }
td.words { max-width: 44rem; }
td ul { margin: 0; padding-inline-start: 1.2rem; }
dt { font-weight: bold; }
svg text { fill: var(--ink); font: 9px system-ui, sans-serif; }
"""

_HEADINGS: Final = (
    ("texts", "How many texts"),
    ("first", "The first topic is right"),
    ("in 3", "The right topic is among the first three"),
    ("answered", "Answered at once"),
    ("wrongly", "Answered at once, with another topic's answer"),
    ("asked", "Asked back with choices"),
    ("right choice", "Of those asked back: the right topic is a choice"),
    ("refused", "Neither answered nor offered a choice"),
    ("crisis", "Crisis texts taken for a crisis by the model alone"),
    ("crisis seen", "Crisis texts answered as one or with a crisis among the choices, by the model alone"),
    ("with phrases", "Crisis texts taken for a crisis by the model or the phrase lists"),
    ("false", "Other texts taken for a crisis by the model"),
    ("false, phrases", "Other texts taken for a crisis by the model or the phrase lists"),
    ("strangers", "Texts outside our topics that got another topic's answer"),
    ("calibration", "Expected difference between confidence and share right"),
)


def page(evaluation: Evaluation) -> str:
    """The whole page, as HTML."""
    thresholds = evaluation.thresholds
    total = evaluation.total
    phrases = "" if evaluation.phrases else " The phrase lists could not be read and are left out."
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>How well messages are understood</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>How well messages are understood</h1>
<p>{total.count} texts in {evaluation.groups} groups of like meaning ({evaluation.copies} copies left out), judged in
{evaluation.folds} parts, each by a model that has seen none of the part's texts, copies or close translations. The
texts were written for this service: real messages will be understood less well than this.</p>
<p>{escape(ENCODERS.get(evaluation.encoder, f"The encoder is {evaluation.encoder}."))}</p>
<p>Answered from confidence {thresholds.least:g} on, unless the second topic is closer than {thresholds.margin:g}; taken
for a crisis from {thresholds.crisis:g} on, over all crisis topics together.
All figures are percentages of the texts, except the first.{phrases}</p>
<details><summary>What the columns say</summary><dl>{_legend()}</dl></details>
<h2>Overall</h2>
{_scores("", {"all": total})}
<h2>By language</h2>
{_scores("Language", evaluation.languages)}
<h2>By style</h2>
{_scores("Style", evaluation.styles)}
<h2>By topic</h2>
{_scores("Topic", evaluation.topics)}
<h2>Confidence and truth</h2>
{_table(("Mean confidence", "Share right", "Texts"), _reliability(evaluation))}
<h2>Which topics are mixed up</h2>
<p>A row is a topic, a column what its texts were taken for; the darker, the larger the share of the row. The list below
has the same in words.</p>
<div class="wide" role="region" aria-label="Picture of the confusions" tabindex="0">{_heat_map(evaluation)}</div>
<h2>The worst confusions</h2>
<div class="wide" role="region" aria-label="The worst confusions" tabindex="0">{_confusions(evaluation)}</div>
</main>
</body>
</html>
"""


def _cells(scores: Scores) -> list[str]:
    shares = (
        scores.first, scores.third, scores.answered, scores.answered_wrong, scores.asked, scores.asked_right,
        scores.refused, scores.crisis, scores.crisis_seen, scores.crisis_phrases, scores.false_crisis,
        scores.false_phrases, scores.strangers_answered, scores.error,
    )  # fmt: skip
    return [str(scores.count), *(percent(share) for share in shares)]


def _scores(name: str, rows: dict[str, Scores]) -> str:
    headings = "".join(f'<th scope="col">{escape(short)}</th>' for short, _ in _HEADINGS)
    first = f'<th scope="col">{escape(name)}</th>' if name else "<td></td>"
    lines = "".join(
        f'<tr><th scope="row">{escape(row)}</th>{"".join(f"<td>{cell}</td>" for cell in _cells(scores))}</tr>\n'
        for row, scores in rows.items()
    )
    return (
        f'<div class="wide" role="region" aria-label="{escape(name or "Overall")}" tabindex="0">'
        f"<table><thead><tr>{first}{headings}</tr></thead><tbody>{lines}</tbody></table></div>"
    )


def _legend() -> str:
    return "".join(f"<dt>{escape(short)}</dt><dd>{escape(why)}</dd>" for short, why in _HEADINGS)


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{escape(heading)}</th>' for heading in headings)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>\n" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _reliability(evaluation: Evaluation) -> list[tuple[str, str, str]]:
    return [(percent(said), percent(true), str(count)) for said, true, count in evaluation.reliability]


def _order(topic: str) -> tuple[int, str]:
    """Crises first, rights last, as they are alike among themselves."""
    return (0 if topic.startswith("crisis_") else 2 if topic.startswith("right") else 1, topic)


def _heat_map(evaluation: Evaluation) -> str:
    names = sorted(set(evaluation.matrix) | {taken for row in evaluation.matrix.values() for taken in row}, key=_order)
    place = {name: at for at, name in enumerate(names)}
    side, left = 11, 150
    across = left + side * len(names)
    marks: list[str] = []
    for topic, row in evaluation.matrix.items():
        whole = sum(row.values())
        for taken_for, count in row.items():
            colour = "var(--right)" if topic == taken_for else "var(--wrong)"
            words = f"{topic} taken for {taken_for}: {count} of {whole}"
            marks.append(
                f'<rect x="{left + side * place[taken_for]}" y="{left + side * place[topic]}" width="{side}" '
                f'height="{side}" fill="{colour}" fill-opacity="{min(1, 0.08 + count / whole * 1.6):.2f}">'
                f"<title>{escape(words)}</title></rect>"
            )
    for name, at in place.items():
        marks.append(f'<text x="{left - 4}" y="{left + side * at + 9}" text-anchor="end">{escape(name)}</text>')
        x = left + side * at + 8
        marks.append(f'<text x="{x}" y="{left - 4}" transform="rotate(-90 {x} {left - 4})">{escape(name)}</text>')
    return (
        f'<svg viewBox="0 0 {across} {across}" width="{across}" height="{across}" role="img" '
        f'aria-label="Heat map of {len(names)} topics against what their texts were taken for; the table below says '
        f'the same">{"".join(marks)}</svg>'
    )


def _confusions(evaluation: Evaluation) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(one.topic)}</th><td class="words">{escape(one.taken_for)}</td>'
        f"<td>{one.count}</td>"
        f'<td class="words"><ul>{"".join(_example(example) for example in one.examples)}</ul></td></tr>\n'
        for one in evaluation.confusions
    )
    head = "".join(f'<th scope="col">{heading}</th>' for heading in ("Topic", "Taken for", "Texts", "For example"))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _example(example: str) -> str:
    language, _, text = example.partition(": ")
    return f'<li>{escape(language)}: <bdi lang="{escape(language)}">{escape(text)}</bdi></li>'
