"""`careline evaluate`: how well messages are understood, by cross-validation, as one page and one short table.

The folds are grouped by meaning, within and across languages, so that no text is judged by a model that has seen its
copy or its translation. What runs is the code that answers, with the options of config.yml.
"""

import json
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from bot.errors import DataError
from bot.nlu import tuned
from bot.nlu.encoder import BundledEncoder, Encoder, TunedEncoder, VectorCache
from bot.nlu.groups import by_meaning, centred
from bot.nlu.groups import folds as fold_numbers
from bot.nlu.model import KEPT, IntentModel, ModelOptions
from bot.nlu.ngrams import Ngrams
from bot.nlu.romanised import copies
from bot.nlu.softmax import Floats
from bot.nlu.unsure import CONFIG, Thresholds, component, offer, read_config, read_thresholds
from bot.nlu.utterances import Utterance, read_utterances, without_copies
from bot.settings import Settings, ours

Progress = Callable[[str, int, int], None]

#: What the page says of the encoder it was made with.
ENCODERS: Final = {
    "shipped": "The encoder was tuned on all of these texts, those of each part too: these figures flatter. Honest ones come "
    "from `careline evaluate --weights`, with weights tuned for each part (see docs/tuning.md).",
    "fold": "For each part the encoder was tuned on the texts of the others only.",
    "untuned": "The encoder is the one that was not tuned; the one that answers does better.",
}

# Rasa passes on the first ten.
_RANKED = 10


@dataclass(frozen=True)
class Guess:
    """What the model that had not seen `utterance` made of it: the first ten topics with their confidences, the topic
    `answered` at once (None: asked back) or the choices `offered`, and whether a crisis `phrase` stands in it."""

    utterance: Utterance
    topics: tuple[str, ...]
    confidences: tuple[float, ...]
    answered: str | None
    offered: tuple[str, ...]
    phrase: bool

    @property
    def right(self) -> bool:
        """Whether the first topic is the text's own."""
        return self.topics[0] == self.utterance.topic


@dataclass(frozen=True)
class Scores:
    """Shares between 0 and 1, over `count` texts; None where no text tells.

    `crisis` is the share of crisis texts taken for a crisis at once (any of the crisis topics), `crisis_seen` of those
    where a crisis is at least among the choices, `crisis_phrases` with the phrase lists' help. `false_crisis` and
    `false_phrases` are shares of the other texts. `answered_wrong` is of all texts; `asked_right` is the share of the
    texts asked back where the right topic is among the choices; `strangers_answered` the share of out_of_scope texts
    that got another topic's answer. `error` is the expected calibration error.
    """

    count: int
    first: float
    third: float
    answered: float
    answered_wrong: float
    asked: float
    asked_right: float | None
    refused: float
    crisis: float | None
    crisis_seen: float | None
    crisis_phrases: float | None
    false_crisis: float | None
    false_phrases: float | None
    strangers_answered: float | None
    error: float


@dataclass(frozen=True)
class Confusion:
    """`count` texts of `topic` taken for `taken_for`, with a few of them."""

    topic: str
    taken_for: str
    count: int
    examples: tuple[str, ...]


@dataclass
class Evaluation:
    """All results. `matrix[topic][taken for]` counts texts; `encoder` is one of `ENCODERS`, or a name."""

    folds: int
    copies: int
    groups: int
    encoder: str
    thresholds: Thresholds
    phrases: bool
    total: Scores
    languages: dict[str, Scores]
    styles: dict[str, Scores]
    topics: dict[str, Scores]
    confusions: list[Confusion]
    reliability: list[tuple[float, float, int]]
    matrix: dict[str, dict[str, int]] = field(default_factory=dict)

    def table(self) -> Table:
        """The short table for a terminal."""
        table = Table(title=f"Understanding: {self.total.count} texts, {self.folds} folds grouped by meaning", padding=0)
        table.add_column("", no_wrap=True)
        for heading in ("texts", "first", "in 3", "answ.", "wrong", "asked", "ref.", "crisis", "false", "calib."):
            table.add_column(heading, justify="right", no_wrap=True)
        for name, scores in {"all": self.total, **self.languages, **self.styles}.items():
            crisis = scores.crisis if scores.crisis_phrases is None else scores.crisis_phrases
            table.add_row(
                name,
                str(scores.count),
                *(
                    percent(share)
                    for share in (
                        scores.first,
                        scores.third,
                        scores.answered,
                        scores.answered_wrong,
                        scores.asked,
                        scores.refused,
                        crisis,
                        scores.false_crisis,
                        scores.error,
                    )
                ),
            )
        return table


def percent(share: float | None) -> str:
    """ "87.5", or a dash where there is nothing to tell."""
    return "\N{EN DASH}" if share is None else f"{100 * share:.1f}"


def evaluate(
    folder: Path,
    out: Path,
    languages: Collection[str] | None = None,
    folds: int = 5,
    progress: Progress | None = None,
    *,
    config: Path = CONFIG,
    cache: Path | None = None,
    encoder: Encoder | None = None,
    weights: Path | None = None,
    untuned: bool = False,
    console: Console | None = None,
) -> Evaluation:
    """Measure understanding on the utterances below `folder`; write the page `out` and a .json beside it; print a table.

    What is measured: with `weights`, a folder with files of `python -m bot.nlu.tuning --fold`, those folds whose file is
    there; with `untuned`, the encoder as it was before; with `encoder`, that one; otherwise the one that answers.

    `progress` is called with what is being done, how much of it is done, of how much; without it a terminal shows that.
    `cache` is the folder that keeps the vectors between runs, that of training if not given. Raises
    DataError for data or a configuration that cannot be used.
    """
    from bot.nlu.report import page

    console = console or Console()
    if progress is None:
        with console.status("Reading") as status:
            return evaluate(
                folder, out, languages, folds, lambda what, done, of: status.update(f"{what}: {done} of {of}"),
                config=config, cache=cache, encoder=encoder, weights=weights, untuned=untuned, console=console,
            )  # fmt: skip
    cache = cache or Settings.from_env(ours(os.environ)).home / "vectors"
    settings = read_config(config)
    every = read_utterances(folder, languages)
    utterances = without_copies(every)
    plain = encoder or BundledEncoder(_cores())
    vectors = _encode(utterances, plain, cache, progress)
    fold, groups = splits(utterances, vectors, folds)
    parts = _parts(weights, fold) if weights else [Part(number, None) for number in range(folds)]
    if not (encoder or weights or untuned):
        shipped = TunedEncoder(_cores())
        vectors = _encode(utterances, shipped, cache, progress)
        parts = [Part(number, shipped.path) for number in range(folds)]
    guesses = [
        guess
        for part in parts
        for guess in _judge_part(utterances, _vectors(part, utterances, fold, vectors, weights), fold, part, settings, progress)
    ]
    evaluation = Evaluation(
        folds=folds,
        copies=len(every) - len(utterances),
        groups=groups,
        encoder="fold" if weights else "untuned" if untuned else encoder.name if encoder else "shipped",
        thresholds=read_thresholds(settings),
        phrases=_phrase_matcher() is not None,
        total=score(guesses),
        languages=_by(guesses, lambda guess: guess.utterance.language),
        styles=_by(guesses, lambda guess: guess.utterance.style),
        topics=_by(guesses, lambda guess: guess.utterance.topic),
        confusions=_confusions(guesses),
        reliability=_reliability(guesses),
        matrix=_matrix(guesses),
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(page(evaluation), encoding="utf-8")
    out.with_suffix(".json").write_text(json.dumps(asdict(evaluation), ensure_ascii=False, indent=1), encoding="utf-8")
    console.print(evaluation.table())
    return evaluation


def _cores() -> int:
    return os.cpu_count() or 1


def _texts(utterances: Sequence[Utterance]) -> list[str]:
    return [utterance.text for utterance in utterances]


def _topics(utterances: Sequence[Utterance]) -> list[str]:
    return [utterance.topic for utterance in utterances]


def _encode(utterances: Sequence[Utterance], encoder: Encoder, cache: Path, tell: Progress) -> Floats:
    return VectorCache(encoder, cache).encode(_texts(utterances), lambda done, of: tell("encoding", done, of))


def _centred_by_language(vectors: Floats, utterances: Sequence[Utterance]) -> Floats:
    """Vectors without what tells languages apart, so that a translation lies beside its original."""
    language = np.array([utterance.language for utterance in utterances])
    moved = np.empty_like(vectors)
    for name in set(language):
        rows = language == name
        moved[rows] = centred(vectors[rows], vectors[rows].mean(axis=0))
    return moved


def splits(utterances: Sequence[Utterance], vectors: Floats, count: int) -> tuple[NDArray[np.int_], int]:
    """The fold of each utterance, and how many groups of like meaning there are; `vectors` are the untuned encoder's."""
    groups = by_meaning(_centred_by_language(vectors, utterances), _texts(utterances), _topics(utterances))
    return fold_numbers(groups, count), int(groups.max()) + 1


@dataclass(frozen=True)
class Part:
    """A fold to be judged, and the file of the tuned weights to judge it with, if any."""

    fold: int
    weights: Path | None


def _parts(folder: Path, fold: NDArray[np.int_]) -> list[Part]:
    found = {number: sorted(folder.glob(f"fold-{number}-*.npz")) for number in range(int(fold.max()) + 1)}
    parts = [Part(number, paths[0]) for number, paths in found.items() if paths]
    if not parts:
        raise DataError(f"There are no weights of a fold in {folder}; make them: python -m bot.nlu.tuning --fold 0.")
    return parts


def _vectors(
    part: Part, utterances: Sequence[Utterance], fold: NDArray[np.int_], vectors: Floats, weights: Path | None
) -> Floats:
    """The vectors to judge the part with: with weights of its own, those of its texts and of as many others as are kept."""
    if weights is None or part.weights is None:
        return vectors
    others = np.flatnonzero(fold != part.fold)
    needed = np.concatenate([np.flatnonzero(fold == part.fold), np.random.default_rng(7).permutation(others)[:KEPT]])
    found = np.zeros_like(vectors)
    found[needed] = TunedEncoder(_cores(), path=part.weights).encode([utterances[at].text for at in needed])
    return found


def _judge_part(
    utterances: Sequence[Utterance],
    vectors: Floats,
    fold: NDArray[np.int_],
    part: Part,
    settings: dict[str, Any],
    tell: Progress,
) -> list[Guess]:
    count = int(fold.max()) + 1
    tell("folds", part.fold, count)
    thresholds = read_thresholds(settings)
    matcher = _phrase_matcher()
    texts, topics = np.array(_texts(utterances), dtype=object), np.array(_topics(utterances), dtype=object)
    train, test = np.flatnonzero(fold != part.fold), np.flatnonzero(fold == part.fold)
    ngrams = Ngrams(**_options(component(settings, "NgramFeaturizer"), ("shortest", "longest", "min_df", "most")))
    originals, romanised = copies(texts[train])
    rows = ngrams.fit([*texts[train], *romanised]).transform([*texts, *romanised])
    chosen = component(settings, "CarelineClassifier")
    options = ModelOptions(**{key: value for key, value in chosen.items() if key != "ranking"})
    model = IntentModel(options, tuned.read(part.weights).judge if part.weights else None)
    extra = np.arange(len(texts), len(texts) + len(romanised))
    unseen = np.zeros((len(romanised), vectors.shape[1]), dtype=np.float32)
    model.fit(
        np.concatenate([vectors[train], unseen]),
        rows[np.concatenate([train, extra])],
        [*topics[train], *topics[train][originals]],
        [*texts[train], *romanised],
    )
    confidence = model.rank(vectors[test], rows[test]).confidence
    best = np.argsort(-confidence, axis=1)[:, :_RANKED]
    tell("folds", part.fold + 1, count)
    return [
        _guess(utterances[at], model.intents, row, order, thresholds, matcher)
        for at, row, order in zip(test, confidence, best, strict=True)
    ]


def _options(given: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: given[name] for name in names if name in given}


def _guess(
    utterance: Utterance,
    intents: Sequence[str],
    row: Floats,
    order: NDArray[np.int_],
    thresholds: Thresholds,
    matcher: Callable[[str], Any] | None,
) -> Guess:
    ranking = [{"name": intents[at], "confidence": float(row[at])} for at in order]
    answered = thresholds.answer(ranking)
    return Guess(
        utterance,
        tuple(intents[at] for at in order),
        tuple(float(row[at]) for at in order),
        answered,
        () if answered else tuple(offer(ranking)),
        matcher is not None and matcher(utterance.text) is not None,
    )


def _phrase_matcher() -> Callable[[str], Any] | None:
    """The crisis phrases' matcher, or None while their files are not all there."""
    try:
        from bot import crisis

        crisis.match("a text")
    except (ImportError, ValueError, OSError):
        return None
    return crisis.match


def _is_crisis(topic: str) -> bool:
    return topic.startswith("crisis_")


def score(guesses: Sequence[Guess]) -> Scores:
    """The shares over these guesses, of which there must be at least one."""

    def share(of: Sequence[Guess], test: Callable[[Guess], bool]) -> float | None:
        return sum(map(test, of)) / len(of) if of else None

    def certain(test: Callable[[Guess], bool]) -> float:
        return sum(map(test, guesses)) / len(guesses)

    def model(guess: Guess) -> bool:
        return guess.answered is not None and _is_crisis(guess.answered)

    def wrong(guess: Guess) -> bool:
        return guess.answered not in (None, guess.utterance.topic)

    crises = [guess for guess in guesses if _is_crisis(guess.utterance.topic)]
    others = [guess for guess in guesses if not _is_crisis(guess.utterance.topic)]
    asked = [guess for guess in guesses if guess.answered is None and guess.offered]
    strangers = [guess for guess in guesses if guess.utterance.topic == "out_of_scope"]
    with_phrases = _phrase_matcher() is not None
    return Scores(
        count=len(guesses),
        first=certain(lambda guess: guess.right),
        third=certain(lambda guess: guess.utterance.topic in guess.topics[:3]),
        answered=certain(lambda guess: guess.answered is not None),
        answered_wrong=certain(wrong),
        asked=len(asked) / len(guesses),
        asked_right=share(asked, lambda guess: guess.utterance.topic in guess.offered),
        refused=certain(lambda guess: guess.answered is None and not guess.offered),
        crisis=share(crises, model),
        crisis_seen=share(crises, lambda guess: model(guess) or any(map(_is_crisis, guess.offered))),
        crisis_phrases=share(crises, lambda guess: model(guess) or guess.phrase) if with_phrases else None,
        false_crisis=share(others, model),
        false_phrases=share(others, lambda guess: model(guess) or guess.phrase) if with_phrases else None,
        strangers_answered=share(strangers, wrong),
        error=_calibration_error(guesses),
    )


def _by(guesses: Sequence[Guess], key: Callable[[Guess], str]) -> dict[str, Scores]:
    parts: dict[str, list[Guess]] = defaultdict(list)
    for guess in guesses:
        parts[key(guess)].append(guess)
    return {name: score(parts[name]) for name in sorted(parts)}


def _reliability(guesses: Sequence[Guess], bins: int = 10) -> list[tuple[float, float, int]]:
    """For each tenth of the confidence scale: mean confidence, share right, count."""
    parts: dict[int, list[Guess]] = defaultdict(list)
    for guess in guesses:
        parts[min(int(guess.confidences[0] * bins), bins - 1)].append(guess)
    return [
        (
            sum(guess.confidences[0] for guess in part) / len(part),
            sum(guess.right for guess in part) / len(part),
            len(part),
        )
        for _, part in sorted(parts.items())
    ]


def _calibration_error(guesses: Sequence[Guess]) -> float:
    return sum(abs(said - true) * count for said, true, count in _reliability(guesses)) / len(guesses)


def _matrix(guesses: Sequence[Guess]) -> dict[str, dict[str, int]]:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for guess in guesses:
        counts[guess.utterance.topic][guess.topics[0]] += 1
    return {topic: dict(counts[topic]) for topic in sorted(counts)}


def _confusions(guesses: Sequence[Guess], most: int = 40, examples: int = 6) -> list[Confusion]:
    pairs: dict[tuple[str, str], list[Guess]] = defaultdict(list)
    for guess in guesses:
        if not guess.right:
            pairs[guess.utterance.topic, guess.topics[0]].append(guess)
    worst = sorted(pairs.items(), key=lambda pair: (-len(pair[1]), pair[0]))[:most]
    return [
        Confusion(
            topic,
            taken_for,
            len(wrong),
            # The surest mistakes first: the likeliest to be a wrong label or a pair of topics to tell apart better.
            tuple(
                f"{guess.utterance.language}: {guess.utterance.text}"
                for guess in sorted(wrong, key=lambda guess: -guess.confidences[0])[:examples]
            ),
        )
        for (topic, taken_for), wrong in worst
    ]
