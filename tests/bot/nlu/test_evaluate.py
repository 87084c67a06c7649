import io
import json
from collections import defaultdict
from html.parser import HTMLParser
from pathlib import Path

import pytest
from rich.console import Console
from word_encoder import WordEncoder

from bot.errors import DataError
from bot.nlu.evaluate import Evaluation, Guess, evaluate, score
from bot.nlu.utterances import Utterance, read_utterances, without_copies


@pytest.fixture
def folder(town: list[Utterance], tmp_path: Path) -> Path:
    """The town's utterances as files, with a copy and markup among them."""
    blocks: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for one in [
        *town,
        Utterance("Nowhere to SLEEP!", "shelter", "en", "plain"),
        Utterance("<b>food</b> & bed", "food", "en", "sms"),
    ]:
        blocks[one.language, one.topic, one.style].append(one.text)
    files: dict[tuple[str, str], str] = defaultdict(lambda: 'version: "3.1"\nnlu:\n')
    for (language, topic, style), texts in blocks.items():
        lines = "".join(f"    - {text}\n" for text in texts)
        files[language, topic] += f"- intent: {topic}\n  metadata: {{style: {style}}}\n  examples: |\n{lines}"
    for (language, topic), content in files.items():
        path = tmp_path / "nlu" / language / f"{topic}.yml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return tmp_path / "nlu"


def run(folder: Path, tmp_path: Path, encoder: WordEncoder, **options: object) -> Evaluation:
    return evaluate(
        folder,
        tmp_path / "out" / "page.html",
        folds=3,
        progress=lambda what, done, of: None,
        cache=tmp_path / "vectors",
        encoder=encoder,
        console=Console(file=io.StringIO(), width=100),
        **options,  # type: ignore[arg-type]
    )


class Reader(HTMLParser):
    """Checks that elements close in order, and collects tags and addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in {"src", "href"}]
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_and_fetches_nothing(folder: Path, tmp_path: Path, encoder: WordEncoder) -> None:
    evaluation = run(folder, tmp_path, encoder)
    page = (tmp_path / "out" / "page.html").read_text(encoding="utf-8")
    reader = Reader()
    reader.feed(page)
    assert not reader.open
    assert not reader.addresses
    assert not reader.seen & {"script", "link", "iframe", "img", "b"}
    assert "prefers-color-scheme: dark" in page
    assert json.loads((tmp_path / "out" / "page.json").read_text())["total"]["count"] == evaluation.total.count


def test_shares_add_up_and_copies_are_left_out(folder: Path, town: list[Utterance], tmp_path: Path, encoder: WordEncoder) -> None:
    evaluation = run(folder, tmp_path, encoder)
    total = evaluation.total
    assert evaluation.copies == 1
    assert total.count == len(town) + 1 == sum(scores.count for scores in evaluation.languages.values())
    assert total.answered + total.asked + total.refused == pytest.approx(1)
    assert total.first <= total.third
    assert total.first > 0.3  # far more than one in five topics by chance
    assert sum(count for row in evaluation.matrix.values() for count in row.values()) == total.count


def test_languages_can_be_chosen(folder: Path, tmp_path: Path, encoder: WordEncoder) -> None:
    assert set(run(folder, tmp_path, encoder, languages=["es"]).languages) == {"es"}
    with pytest.raises(DataError, match="no utterances"):
        run(folder, tmp_path, encoder, languages=["xx"])


def guess(topic: str, taken_for: str, confidence: float, answered: bool, offered: tuple[str, ...] = ()) -> Guess:
    return Guess(
        Utterance("a text", topic, "en", "plain"),
        (taken_for, "goods", "funeral"),
        (confidence, 0.1, 0.05),
        taken_for if answered else None,
        offered,
        phrase=False,
    )


def test_scores_by_hand() -> None:
    scores = score(
        [
            guess("food", "food", 0.9, True),
            guess("food", "shelter", 0.7, True),
            guess("shelter", "food", 0.3, False, ("food", "shelter")),
            guess("crisis_child", "crisis_violence", 0.8, True),  # the wrong crisis is still a crisis
            guess("crisis_child", "food", 0.3, False, ("food", "crisis_child")),
            guess("out_of_scope", "food", 0.6, True),
            guess("out_of_scope", "out_of_scope", 0.1, False),
            guess("food", "crisis_medical", 0.9, True),
        ]
    )
    assert scores.first == 2 / 8
    assert scores.answered == 5 / 8
    assert scores.answered_wrong == 4 / 8
    assert (scores.asked, scores.asked_right, scores.refused) == (2 / 8, 1.0, 1 / 8)
    assert (scores.crisis, scores.crisis_seen, scores.false_crisis) == (1 / 2, 1.0, 1 / 6)
    assert scores.strangers_answered == 1 / 2


@pytest.mark.parametrize("content", ["nlu: 3", "nlu:\n- intent: food\n", "a: [", "- x", ""])
def test_a_broken_file_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "food.yml").write_text(content)
    with pytest.raises(DataError, match=r"food\.yml"):
        read_utterances(tmp_path)


def test_copies_under_another_topic_stay() -> None:
    one, copy, other = (
        Utterance(text, topic, "en", "sms") for text, topic in [("Hi", "greet"), ("hi!", "greet"), ("hi", "start")]
    )
    assert without_copies([one, copy, other]) == [one, other]
