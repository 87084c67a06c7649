"""Which language: langdetect, py3langid and ours side by side, by language, length and style.

    python benchmarks/language.py --nlu data/nlu --half odd
    python benchmarks/language.py --conll xsid/ --errors 20

`--nlu` is a folder of <language>/*.yml utterances, `--conll` one of <language>.test.conll files with `# text = …`
lines. All three choose among the languages served. The weights in bot/language.py were chosen, and some words were added
to the lists, after looking at messages in ar, en, es, fr, ne, nl and zh whose checksum is even, so `--half odd` is the
honest figure there. The columns: `ours` is the
likeliest language; `first` what a first message is answered in (the default where that is too uncertain); `second` the
next message of somebody who goes on in the same language and style, whatever the first was taken for; `stays` a message
of somebody whose language we know. Messages of the style "mixed" are in two languages, so that no answer is right or
wrong: they count in the table of styles only.
"""

import argparse
import re
import statistics
import time
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bot import language
from bot.languages import LANGUAGES

DEFAULT = "en"
LENGTHS = ((2, "1-2 words"), (5, "3-5 words"), (1000, "6 and more"))


@dataclass(frozen=True)
class Example:
    """A message, the language it is in, and how it is written."""

    text: str
    language: str
    style: str


def utterances(folder: Path) -> Iterator[Example]:
    """The messages of a folder of Rasa training files."""
    for path in sorted(folder.glob("*/*.yml")):
        if path.parent.name not in LANGUAGES:
            continue
        data: Any = yaml.load(path.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        for block in data.get("nlu", ()):
            style = (block.get("metadata") or {}).get("style", "none")
            for line in str(block.get("examples", "")).splitlines():
                text = re.sub(r"\[([^]]*)\](\([^)]*\)|\{[^}]*\})", r"\1", line.removeprefix("- ").strip())
                if text:
                    yield Example(text, path.parent.name, style)


def sentences(folder: Path) -> Iterator[Example]:
    """The sentences of a folder of CoNLL files that carry the text in a comment."""
    for path in sorted(folder.glob("*.test.conll")):
        code = path.name.split(".")[0]
        if code in LANGUAGES:
            for line in path.read_text(encoding="utf-8").splitlines():
                name, _, text = line.removeprefix("# ").partition(" = ")
                if name in ("text", "text-" + code) and line.startswith("# ") and text.strip():
                    yield Example(text.strip(), code, "conll")


def with_langdetect() -> Callable[[str], str]:
    """langdetect, seeded, the best of the languages served."""
    from langdetect import DetectorFactory, detect_langs
    from langdetect.lang_detect_exception import LangDetectException

    DetectorFactory.seed = 0
    codes = {"zh-cn": "zh", "zh-tw": "zh"}

    def detect(text: str) -> str:
        try:
            found = [codes.get(guess.lang, guess.lang) for guess in detect_langs(text)]
        except LangDetectException:
            return DEFAULT
        return next((code for code in found if code in LANGUAGES), DEFAULT)

    return detect


def with_py3langid() -> Callable[[str], str]:
    """py3langid, restricted to the languages served."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(list(LANGUAGES))
    return lambda text: str(identifier.classify(text)[0])


def best(text: str) -> str:
    """Ours: the likeliest language, however uncertain."""
    return language.detect(text, LANGUAGES, LANGUAGES).language


def first(text: str) -> str:
    """Ours: what a first message is answered in."""
    return language.choose(text, None, False, LANGUAGES, DEFAULT)


def report(
    title: str,
    examples: list[Example],
    answers: dict[str, list[str]],
    key: Callable[[Example], str],
    mixed: bool = False,
) -> None:
    """Print the share right of each method, for each group of examples."""
    groups: dict[str, list[int]] = defaultdict(list)
    for index, example in enumerate(examples):
        if mixed or example.style != "mixed":
            groups[key(example)].append(index)
    print(f"\n{title:<22}{'n':>7}" + "".join(f"{name:>12}" for name in answers))
    for group, indexes in sorted(groups.items()):
        shares = [sum(given[i] == examples[i].language for i in indexes) / len(indexes) for given in answers.values()]
        print(f"{group:<22}{len(indexes):>7}" + "".join(f"{share:>12.1%}" for share in shares))


def length(example: Example) -> str:
    """The length class; two characters count as a word in Chinese and Japanese."""
    words = len(example.text.split())
    if example.language in ("zh", "ja"):
        words = max(words, len(example.text) // 2)
    return next(name for limit, name in LENGTHS if words <= limit)


def certainty(example: Example) -> str:
    """How certain we are, and whether the message is a sentence."""
    sure = language.detect(example.text, LANGUAGES, LANGUAGES).certainty >= 0.9
    return f"{'sure' if sure else 'unsure'}, {'4 and more' if len(example.text.split()) > 3 else 'up to 3 words'}"


def main() -> None:
    """Read the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nlu", type=Path)
    parser.add_argument("--conll", type=Path)
    parser.add_argument("--half", choices=("even", "odd", "both"), default="both")
    parser.add_argument("--only-ours", action="store_true")
    parser.add_argument("--errors", type=int, default=0, help="show so many errors of each language")
    options = parser.parse_args()
    examples = list(utterances(options.nlu)) if options.nlu else []
    examples += list(sentences(options.conll)) if options.conll else []
    halves = {"even": (0,), "odd": (1,), "both": (0, 1)}[options.half]
    examples = [example for example in examples if zlib.crc32(example.text.encode()) % 2 in halves]
    if not examples:
        parser.error("no messages found: name a folder with --nlu or --conll")

    methods: dict[str, Callable[[str], str]] = {}
    if not options.only_ours:
        methods = {"langdetect": with_langdetect(), "py3langid": with_py3langid()}
    methods |= {"ours": best, "first": first}
    answers: dict[str, list[str]] = {}
    times: dict[str, list[float]] = {}
    for name, method in methods.items():
        method("a first one, to load what is loaded once: donde hay comida")
        answers[name], times[name] = [], []
        for example in examples:
            started = time.perf_counter()
            answers[name].append(method(example.text))
            times[name].append((time.perf_counter() - started) * 1000)
    # Whoever goes on writing as they did, whatever the first message was taken for.
    previous: dict[tuple[str, str], str] = {}
    answers |= {"second": [], "stays": []}
    for example, seen in zip(examples, answers["first"], strict=True):
        before = previous.get((example.language, example.style), seen)
        answers["second"].append(language.choose(example.text, before, False, LANGUAGES, DEFAULT))
        answers["stays"].append(language.choose(example.text, example.language, False, LANGUAGES, DEFAULT))
        previous[example.language, example.style] = seen

    report("all", examples, answers, lambda example: "all")
    report("language", examples, answers, lambda example: example.language)
    report("length", examples, answers, length)
    report("language, length", examples, answers, lambda example: f"{example.language} {length(example)}")
    report("certainty", examples, answers, certainty)
    report("style", examples, answers, lambda example: example.style, mixed=True)
    report("language, style", examples, answers, lambda example: f"{example.language} {example.style}", mixed=True)
    print()
    for name, taken in times.items():
        slowest = sorted(taken)[int(len(taken) * 0.99)]
        print(f"{name:<12} median {statistics.median(taken):.3f} ms, 99 of 100 below {slowest:.3f} ms")
    shown: dict[str, int] = defaultdict(int)
    for example, given in zip(examples, answers["first"], strict=True):
        if given != example.language and shown[example.language] < options.errors:
            shown[example.language] += 1
            certain = language.detect(example.text, LANGUAGES, LANGUAGES).certainty
            print(f"{example.language} -> {given} ({certain:.2f}) [{example.style}] {example.text}")


if __name__ == "__main__":
    main()
