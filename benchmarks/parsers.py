"""How long each parser takes for the worst 1,600 characters that could be thought of: `python -m benchmarks.parsers`.

Everything here is run on words that anybody may send, before anything else is known of them. Prints the slowest text for each
parser, the median of three runs in milliseconds, the slowest first. Nothing fails here: how fast a machine is decides no test.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from bot import anger, crisis, encryption, filters, folding, foreign, fraud, keywords, language, phone, redaction
from bot.filters.lexicon import lexicons
from bot.inbound import LONGEST, clean
from bot.languages import LANGUAGES
from bot.places import Places
from bot.render.segments import measure

#: Pieces that are repeated until a text is full: halves of patterns, what looks like a number, what folding makes longer.
PIECES = (
    "a", "a ", "aa bb ", "1", "1 ", "1-", "1.", "12-", "a1", "a1-", "A1 ", "0 0", "+44 ",
    "@", "a@", "a@a", "a@a.", "a.a@a.a.", "-", "_", ".", "/", " - ", "\n", "\t", "ſ",
    "ß", "ŉ", "ﬃ", "İ", "ﷺ", "㋿", "Ǆ", "ΐ", "½", "①", "１", "१", "٣", "一", "十", "年月日",
    "e\u0301", "क\u093c\u0941", "\u0645\u064e\u0651", "\u0301", "\u200d", "👨‍👩‍👧‍👦", "😀",
    "🇬🇧", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "が", "ｶﾞ", "死", "死ぬ", "我想", "想死", "i want ", "i want to ",
    "want to kill ", "kill my", "he ", "he has a ", "he ... ", "my husband ", "stop ",
    "help ", "no no ", "please ", "hot to death for ", "to die for ", "dying to ",
    "don't ", "i'm ", "''''", "``´´", "monday ", "mon ", "from 9 to ", "9:00-", "1/1/",
    "on the 1st of ", "open ", "is it open ", "for my ", "in ", "near ", "the ",
    "street ", "in the ", "for 3 year ", "aged ", "under ", "passport no ",
    "passport number is ", "my pin is ", "id: ", "no: ", "iban GB00 ", "AB 12 34 56 ",
    "4111 1111 1111 111", "undocumented ", "no papers ", "sin papeles ", "pay to get ",
    "they ask me to pay ", "ko ", "و", "ال", "وال", "كل ", "میں ", "म ", "मर्न ",
    "nataka ", "{", "{{", "{0", "%s", "<", "<!--", "]]>", "&#", "\\", "(((", "[[[",
    "***", "|||", "$", "^", "?",
)  # fmt: skip


def texts() -> dict[str, str]:
    """The worst cases, by what they are made of, each as long as a message can be."""
    found = {f"{piece!r} again and again": (piece * LONGEST)[:LONGEST] for piece in PIECES}
    found |= {f"{piece!r} again and again, then another letter": (piece * LONGEST)[: LONGEST - 1] + "!" for piece in PIECES}
    digits = " ".join(str(number) for number in range(LONGEST))
    found["all numbers"] = digits[:LONGEST]
    found["a different letter each"] = "".join(chr(0x4E00 + number) for number in range(LONGEST))
    found["a different small word each"] = " ".join(
        f"{chr(97 + number % 26)}{chr(97 + number // 26 % 26)}" for number in range(540)
    )
    for code in LANGUAGES:
        patterns = list(crisis.load_file(crisis.DATA / f"{code}.yml", code))
        words = " ".join(
            pattern.phrase.replace("*", "").replace("...", "").replace("=", "").split("|")[0] for pattern in patterns
        )
        found[f"the halves of every crisis phrase ({code})"] = words[:LONGEST]
        found[f"the same backwards ({code})"] = " ".join(reversed(words.split()))[:LONGEST]
    return found


def parsers(places: Places) -> dict[str, Callable[[str], Any]]:
    """Whatever reads words of people. A loosened text is matched by more patterns; `crisis` and `filters` do that themselves."""
    served = tuple(LANGUAGES)
    moment = datetime(2026, 11, 24, 10, tzinfo=UTC)
    return {
        "clean": clean,
        "folding": folding.fold,
        "loosening": lambda text: folding.loosen(folding.fold(text)),
        "crisis": crisis.match,
        "keywords": keywords.match,
        "redaction": redaction.redact,
        "names_number": redaction.names_number,
        "filters": lambda text: filters.parse(text, moment, None, "GB"),
        "language asked for": lambda text: language.requested(text, served),
        "language mentioned": lambda text: language.mentioned(text, served),
        "language detected": lambda text: language.detect(text, served, ("en", "es", "fr")),
        "language not served": lambda text: (foreign.written(text), foreign.asked(text)),
        "places": places.find,
        "unknown places": places.unknown,
        "fraud": fraud.match,
        "anger": anger.angry,
        "telephone number": lambda text: phone.normalised(text, "GB"),
        "segments": measure,
    }


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--over", type=float, default=100, help="also list each text that takes longer than so many milliseconds")
    over = parser.parse_args().over
    encryption.use(encryption.Vault(["a key for measuring only"]))
    lexicons()
    every, worst, slow = texts(), [], []
    for name, parse in parsers(_places()).items():
        parse("warm up: where can I eat in Riverside")
        figures = []
        for what, text in every.items():
            taken = _milliseconds(parse, clean(text) if name != "clean" else text)
            figures.append((taken, what))
            if taken > over:
                slow.append((taken, name, what))
        worst.append((*max(figures), name))
    print(f"{len(every)} texts of {LONGEST} characters, median of three")
    for taken, what, name in sorted(worst, reverse=True):
        print(f"{taken:8.1f} ms  {name:20}  {what}")
    for taken, name, what in sorted(slow, reverse=True):
        print(f"over {over:.0f} ms: {taken:8.1f} ms  {name:20}  {what}")


def _milliseconds(parse: Callable[[str], Any], text: str) -> float:
    taken = []
    for _ in range(3):
        begun = time.thread_time()
        parse(text)
        taken.append((time.thread_time() - begun) * 1000)
        if taken[0] < 5:
            break
    return statistics.median(taken)


def _places() -> Places:
    from tempfile import TemporaryDirectory

    from bot.db import Database
    from bot.directory.importer import import_package
    from bot.training import ROOT

    with TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/places.db")
        database.migrate()
        import_package(database, ROOT / "data" / "directory")
        with database.read() as session:
            return Places.load(session)


if __name__ == "__main__":
    main()
