"""Our understanding beside Rasa's own pipelines, on sets that nobody here wrote, trained and asked in the same way.

    python -m benchmarks.understanding --data FOLDER [--diet] [--sets xsid,curekart]

FOLDER holds `xsid/<language>.valid.conll` and `.test.conll` (https://github.com/mainlp/xsid, CC BY-SA 4.0) and
`hint3/dataset_v2_{train,test}_<name>_{train,test}.csv` (https://github.com/hellohaptik/HINT3, ODbL), or one of the two.
xSID: one model for five languages; test texts that stand in the training part are dropped. HINT3: real users' messages,
English, with messages that fit no intent; "not sure" is how well the confidence tells right answers from those and from
wrong ones (area under the ROC curve). Every pipeline has our tokenizer: Rasa's deletes Chinese and Japanese words.
"""

import argparse
import asyncio
import csv
import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from rich.console import Console
from rich.table import Table

from bot.folding import fold
from bot.nlu.unsure import read_config

LANGUAGES = ("en", "nl", "ar", "zh", "ja")
COMPANIES = ("curekart", "powerplay11", "sofmattress")
STRANGER = "NO_NODES_DETECTED"

_TOKENIZER = {"name": "bot.nlu.tokenizer.CarelineTokenizer"}
_COUNTS = {"name": "CountVectorsFeaturizer", "analyzer": "char_wb", "min_ngram": 1, "max_ngram": 4}
RASA = {
    "n-grams + regression": [_TOKENIZER, _COUNTS, {"name": "LogisticRegressionClassifier"}],
    "n-grams + DIET": [
        _TOKENIZER,
        _COUNTS,
        {"name": "DIETClassifier", "epochs": 100, "entity_recognition": False, "constrain_similarities": True, "random_seed": 7},
    ],
}


@dataclass(frozen=True)
class Example:
    """One text with its intent; `intent` is None for a text that fits none."""

    text: str
    intent: str | None
    part: str


@dataclass(frozen=True)
class Set:
    """Texts to learn from and texts to be asked."""

    name: str
    train: list[Example]
    test: list[Example]


@dataclass(frozen=True)
class Result:
    """`parts` is the accuracy per part (language), `not_sure` an area under the curve, or NaN without strangers."""

    accuracy: float
    parts: dict[str, float]
    not_sure: float
    training: float
    median_ms: float
    slow_ms: float


def xsid(folder: Path) -> Set:
    """The five languages together, without test texts that stand in the training part."""
    train = [example for language in LANGUAGES for example in _conll(folder / f"{language}.valid.conll", language)]
    test = [example for language in LANGUAGES for example in _conll(folder / f"{language}.test.conll", language)]
    known = {fold(example.text) for example in train}
    return Set("xsid", train, [example for example in test if fold(example.text) not in known])


def _conll(path: Path, language: str) -> Iterator[Example]:
    text = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("# text = "):
            text = line.removeprefix("# text = ")
        elif line.startswith("# intent = "):
            # Chinese and Japanese stand there with spaces between the words, as nobody writes them.
            plain = text.replace(" ", "") if language in {"zh", "ja"} else text
            yield Example(plain, line.removeprefix("# intent = ").replace("/", "_"), language)


def hint3(folder: Path, company: str) -> Set:
    """One company's chat."""

    def read(part: str) -> list[Example]:
        with (folder / f"dataset_v2_{part}_{company}_{part}.csv").open(encoding="utf-8", newline="") as file:
            rows = [(row["sentence"], row["label"]) for row in csv.DictReader(file)]
        return [Example(text, None if label == STRANGER else label, company) for text, label in rows if text.strip()]

    return Set(company, [example for example in read("train") if example.intent], read("test"))


def measure(pipeline: Sequence[dict[str, Any]], data: Set, folder: Path) -> Result:
    """Train with Rasa on the set's training part, ask for each test text, one at a time."""
    from rasa.core.agent import Agent
    from rasa.model_training import train_nlu

    texts: dict[str, list[str]] = {}
    for example in data.train:
        texts.setdefault(str(example.intent), []).append(" ".join(example.text.split()))
    config = {"recipe": "default.v1", "assistant_id": "benchmark", "language": "xx", "pipeline": list(pipeline), "policies": []}
    (folder / "config.yml").write_text(yaml.safe_dump(config))
    blocks = [{"intent": intent, "examples": "".join(f"- {text}\n" for text in of)} for intent, of in texts.items()]
    (folder / "nlu.yml").write_text(yaml.safe_dump({"version": "3.1", "nlu": blocks}, allow_unicode=True, width=10_000))
    started = time.perf_counter()
    model = train_nlu(str(folder / "config.yml"), str(folder / "nlu.yml"), str(folder))
    training = time.perf_counter() - started
    agent = Agent.load(str(model))

    async def ask() -> list[tuple[str, float, float]]:
        answers = []
        for example in data.test:
            began = time.perf_counter()
            parsed = await agent.parse_message(example.text)
            took = time.perf_counter() - began
            best = next((row for row in parsed["intent_ranking"] if row["name"] != "nlu_fallback"), parsed["intent"])
            answers.append((str(best["name"]), float(best["confidence"]), took))
        return answers

    answers = asyncio.run(ask())
    right = np.array([answer[0] == example.intent for answer, example in zip(answers, data.test, strict=True)])
    known = np.array([example.intent is not None for example in data.test])
    part = np.array([example.part for example in data.test])
    times = sorted(1000 * answer[2] for answer in answers)
    return Result(
        accuracy=float(right[known].mean()),
        parts={name: float(right[known & (part == name)].mean()) for name in dict.fromkeys(part)},
        not_sure=float("nan") if known.all() else area(np.array([answer[1] for answer in answers]), right),
        training=training,
        median_ms=statistics.median(times),
        slow_ms=times[int(0.95 * len(times))],
    )


def area(confidence: np.ndarray, right: np.ndarray) -> float:
    """The chance that a right answer is surer than one that is wrong or should not have been given; ties count half."""
    from scipy.stats import rankdata

    ranks = rankdata(confidence)
    good, bad = int(right.sum()), int((~right).sum())
    return float((ranks[right].sum() - good * (good + 1) / 2) / (good * bad)) if good and bad else float("nan")


def sets(folder: Path) -> Iterator[Set]:
    """The sets that are in the folder."""
    if (folder / "xsid").is_dir():
        yield xsid(folder / "xsid")
    if (folder / "hint3").is_dir():
        yield from (hint3(folder / "hint3", company) for company in COMPANIES)


@contextmanager
def _quiet() -> Iterator[None]:
    """Rasa's bars and TensorFlow's remarks go nowhere; an error still comes out as an exception."""
    import logging

    import structlog

    logging.disable(logging.WARNING)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    before = os.dup(2), os.dup(1)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        os.dup2(nowhere.fileno(), 1)
        try:
            yield
        finally:
            os.dup2(before[0], 2)
            os.dup2(before[1], 1)


def main() -> None:
    """Measure, and print one table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder with xsid/ and hint3/; nothing is measured without it")
    parser.add_argument("--diet", action="store_true", help="Rasa's DIET too, which takes minutes")
    parser.add_argument("--sets", default="", help="only these, comma separated")
    options = parser.parse_args()
    if options.data is None:
        parser.exit(0, "Give the public sets with --data; see the top of this file for where they are from.\n")
    os.environ |= {"RASA_TELEMETRY_ENABLED": "false", "RASA_MAX_CACHE_SIZE": "0", "TF_CPP_MIN_LOG_LEVEL": "3"}
    pipelines = {"Careline": read_config()["pipeline"]} | RASA
    if not options.diet:
        del pipelines["n-grams + DIET"]
    wanted = set(filter(None, options.sets.split(",")))
    table = Table(title="Understanding, on sets of others")
    for heading in ("set", "pipeline", "right", "by language", "not sure", "training s", "median ms", "95 % ms"):
        table.add_column(heading)
    console = Console()
    for data in sets(options.data):
        if wanted and data.name not in wanted:
            continue
        for name, pipeline in pipelines.items():
            with tempfile.TemporaryDirectory() as folder:
                os.environ["CARELINE_HOME"] = folder  # no vectors of an earlier run: training is timed whole
                with _quiet():
                    result = measure(pipeline, data, Path(folder))
            parts = " ".join(f"{part} {share:.3f}" for part, share in result.parts.items()) if len(result.parts) > 1 else ""
            row = (f"{result.accuracy:.3f}", parts, f"{result.not_sure:.3f}", f"{result.training:.0f}")
            table.add_row(data.name, name, *row, f"{result.median_ms:.1f}", f"{result.slow_ms:.1f}")
            console.print(data.name, name, *row, f"{result.median_ms:.1f} ms")
    console.print(table)


if __name__ == "__main__":
    main()
