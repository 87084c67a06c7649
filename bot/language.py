"""Which language a message is in, and which one it asks for.

The evidence, from the surest down: the script (kana is Japanese; another script than Latin decides even where most of the
letters are Latin, since names and titles stay Latin), words and characters that we listed, and, for text in Latin
letters, py3langid, the sequences of letters in our lists, and those of our utterances (bot.letters). The lists decide for
one or two words and for sentences with English nouns in them; of Arabic, Urdu, Nepali, Chinese and Japanese in Latin
letters other detectors know nothing.
langdetect has no vote: where these are unsure it is right less often than they are, and it takes fifteen times as long
(the table "certainty" of benchmarks/language.py).

The lists are data/languages/<language>.yml:

    names     what the language is called, in every language served: "Spanish", "español", "kihispania"
    asking    how somebody who writes this language asks for one; {} is the name of any: "in {}", "parlez vous {}"
    around    what may stand before or after: "please", "hello"
    not       what comes before a name that is not wanted: "not", "instead of"; `not_after`: what comes after it
    letters   characters that tell this language from the others in its script
    marks     words that tell it, in its own and in Latin letters, as people type them, separated by spaces
    loans     words of it that people put into sentences of other languages ("appointment"), which tell less
    sounds    syllables of it in Latin letters, separated by spaces; they and the marks teach its sequences of letters

Everything but `letters` is compared folded (see `bot.folding`), so that accents and capitals do not matter.
"""

import copy
import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from bot import letters
from bot.errors import DataError
from bot.folding import fold, is_cjk, squeeze
from bot.languages import LANGUAGES, written_in

_Loader: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
DATA: Final = Path(__file__).resolve().parent.parent / "data" / "languages"

# A request for a language is a short message; a long one that ends in "english" is about something else.
_LONGEST_REQUEST: Final = 60
# Detectors have seen enough of a message by then; the words beyond only cost time.
_LONGEST_READ: Final = 400

# From here on a first message is answered in the language detected, and a later one in another than before.
_SURE_ENOUGH: Final = 0.5
_CERTAIN: Final = 0.9
_BEYOND_DOUBT: Final = 0.99
_SPOKEN: Final = 2  # words

# In units of natural logarithms, chosen on half of the messages that benchmarks/language.py reads.
_MARK: Final = 5.0  # a word that one language alone has
_LOAN: Final = 2.0  # a word that other languages borrow
_LETTER: Final = 2.5  # a character that one language alone has
_SEQUENCE: Final = 0.25  # sequences of letters, against what they would say if each told something new
_MOST_A_WORD: Final = 4.0  # what one word's letters say at most, or a slip of the hand on the keyboard is certain
_DETECTOR: Final = 2.0  # py3langid, which is modest about short texts
_LETTERS: Final = 2.0  # bot.letters, which knows our languages in Latin letters
_LETTERS_ALONE: Final = 0.5  # the same for one word that no list has
_LEAST: Final = 1e-6
_USUAL: Final = 0.8  # the line's first language; the next ones have a half, a third ... of it
_ROMANISED: Final = 0.06  # share of messages in Latin letters, for each language that has a script of its own
_WEIGHT: Final = 8  # Latin letters that one of another script outweighs: names and titles stay Latin
_CJK_WEIGHT: Final = 16  # the same for a character of Chinese or Japanese, which is half a word
_FLOOR: Final = 0.0005  # detectors are surer of themselves than they are right

_LATIN_WRITTEN: Final = written_in("latin")
_WRITTEN_IN: Final = {"cjk": written_in("cjk"), "devanagari": written_in("devanagari"), "arabic": written_in("arabic")}

_SCRIPTS: Final = {
    "kana": re.compile("[\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fd-\u30ff\uff66-\uff9d]"),
    "han": re.compile("[\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"),
    "devanagari": re.compile("[\u0904-\u0939\u0958-\u0961\u0972-\u097f]"),
    "arabic": re.compile("[\u0620-\u064a\u066e-\u06d3\u06fa-\u06ff\u0750-\u077f\ufb50-\ufdfb\ufe70-\ufefc]"),
    "latin": re.compile("[A-Za-z\u00aa\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff\uff21-\uff3a\uff41-\uff5a]"),
}
_MOST_SEQUENCES: Final = 20_000  # what people type at random shall not fill the memory
_CLAUSES: Final = re.compile(r"[,.;:!?\n،؛؟۔।。、，；：！？]+")
_ADDRESSES: Final = re.compile(r"(?:https?://|www\.)\S+|\S+@\S+\.\S+", re.IGNORECASE)
_ANY_LETTER: Final = re.compile(r"[^\W\d_]")


@dataclass(frozen=True, slots=True)
class Guess:
    """A language and how certain we are of it, from 0 (nothing to go by) to 1."""

    language: str
    certainty: float


def requested(text: str, served: tuple[str, ...]) -> str | None:
    """The language that the whole message asks for ("English please", "नेपालीमा", "parlez vous français"), or None.

    None too where the message says more than that, or asks for a language that is not served. Never raises for any text;
    DataError if a list is broken.
    """
    return _own_names().asked(text, served)


@cache
def _own_names() -> "Names":
    return Names(_lists().names)


class Names:
    """What languages are called, folded, and how one asks for them in a message of its own."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names
        self._naming = _naming(names)

    def asked(self, text: str, wanted: Collection[str]) -> str | None:
        """The language of `wanted` that the whole message asks for. Never raises for any text."""
        if len(text) > 2 * _LONGEST_REQUEST:
            return None
        folded = _squeezed(fold(text))
        if not folded or len(folded) > _LONGEST_REQUEST or not self._naming.search(folded):
            return None
        lists = _lists()
        for rest in without_politeness(folded):
            for found in self._naming.finditer(rest):
                for start, end in {found.span(), found.span(found.lastindex or 0)}:
                    language = self._names.get(rest[start:end])
                    if language in wanted and (rest[:start], rest[end:]) in lists.asking:
                        return language
        return None


def mentioned(text: str, served: tuple[str, ...]) -> str | None:
    """The language named in a message that is known to be about changing language, or None.

    "can you write to me in spanish" is Spanish; with several, the last one wins, and one that is turned down counts as not
    named ("not english, spanish"). Never raises for any text; DataError if a list is broken.
    """
    for clause in reversed(_CLAUSES.split(text[: 4 * _LONGEST_READ])):
        language = _wanted(_squeezed(fold(clause)), served)
        if language:
            return language
    return None


def _wanted(clause: str, served: tuple[str, ...]) -> str | None:
    """The last language named in a folded clause that is not turned down there."""
    lists = _lists()
    found = list(lists.naming.finditer(clause))
    borders = [0, *(border for name in found for border in name.span()), len(clause)]
    between = [clause[start:end] for start, end in zip(borders[::2], borders[1::2], strict=True)]
    refused = [lists.not_before.search(words) for words in between[:-1]]
    for place in range(len(found) - 1, -1, -1):
        language = lists.names[found[place].group(found[place].lastindex or 0)]
        # "spanish not english": a refusal in front of the next name belongs to that one
        next_refusal = refused[place + 1] if place + 1 < len(found) else None
        after = between[place + 1][: next_refusal.start() + 1] if next_refusal else between[place + 1]
        if language in served and not refused[place] and not lists.not_after.match(after):
            return language
    return None


def detect(text: str, served: tuple[str, ...], usual: tuple[str, ...]) -> Guess:
    """The served language that the message is most likely in, and how certain that is.

    `usual` are the languages of the line, most usual first: they weigh a little, and decide where nothing else tells. A
    text without letters, or in a script that none of the languages served is written in, has certainty 0. `served` must
    not be empty. Never raises for any text; DataError if a list is broken.
    """
    fallback = next((code for code in usual if code in served), served[0])
    text = _ADDRESSES.sub(" ", text[:_LONGEST_READ])
    script = script_of(text)
    if script is None:
        return Guess(fallback, 0.0)
    scores = _latin_scores(text) if script == "latin" else _script_scores(text, script)
    for place, code in enumerate(usual, start=1):
        if code in scores:
            scores[code] += _USUAL / place
    shares = _shares(scores)
    known = [code for code in served if code in shares]
    if not known:
        return Guess(fallback, 0.0)
    best = max(known, key=lambda code: shares[code])
    return Guess(best, round(shares[best], 4))


def choose(
    text: str,
    remembered: str | None,
    chosen: bool,
    served: tuple[str, ...],
    default: str,
    usual: tuple[str, ...] | None = None,
) -> str:
    """The language to answer in.

    `remembered` is what this person used before, and `chosen` whether they asked for it, which nothing but asking again
    changes. Otherwise it changes only where the message is long enough, or in another script, and clearly in another
    language, with words of it that no name and no address holds: never for one short message. With nothing remembered it
    is the language detected if that is certain enough, else `default`. `usual` are the languages of the line: without
    it, the default and those served in their order. Always one of `served`, or `default`.
    """
    usual = usual or tuple(dict.fromkeys((default, *served)))
    if remembered not in served:
        guess = detect(text, served, usual)
        return guess.language if guess.certainty >= _SURE_ENOUGH else default
    assert remembered is not None
    if chosen or not (_is_long(text) or _in_other_script(text, remembered)):
        return remembered
    guess = detect(text, served, (remembered, *usual))
    changed = guess.certainty >= _CERTAIN and is_spoken_in(text, guess.language) and _says_more(text, guess.language, remembered)
    return guess.language if changed else remembered


def _is_long(text: str) -> bool:
    if is_cjk(text):
        return len(_ANY_LETTER.findall(text)) > 8
    return len(text.split()) > 3 or len(_ANY_LETTER.findall(text)) > 16


def is_spoken_in(text: str, language: str) -> bool:
    """Whether a message in Latin letters holds two words of the language that are no names and that others don't borrow.

    "Mohammad Al Rashid, 12 High Street" says who and where somebody is, in whatever language they speak.
    """
    return script_of(text) != "latin" or _words_of(text, language) >= _SPOKEN


def is_written_in(text: str, guess: Guess, others: Sequence[str], first: bool = False) -> bool:
    """Whether a message is in the language guessed beyond doubt, and in none of `others`.

    In Latin letters it must be a sentence, with two words of the language and more of it than of any other: one that takes a
    word from a neighbour is in its own. The `first` message of somebody may be a single word, of that language alone; later
    a single word may be the name of a place. Another script tells by itself, unless one of `others` is written in it.
    """
    script = script_of(text)
    if script is None:
        return False
    if script != "latin":
        alone = not set(_WRITTEN_IN[script]) & set(others)
        return guess.certainty >= (_SURE_ENOUGH if alone else _CERTAIN)
    if _is_long(text):
        enough = guess.certainty >= _CERTAIN and is_spoken_in(text, guess.language)
    else:
        enough = first and guess.certainty >= _BEYOND_DOUBT
    return enough and all(_says_more(text, guess.language, other) for other in others)


def _says_more(text: str, language: str, remembered: str) -> bool:
    """Whether more words are the one language's than the other's: "a que hora abre" is Spanish and Portuguese alike."""
    return script_of(text) != "latin" or _words_of(text, language) > _words_of(text, remembered)


def _words_of(text: str, language: str) -> int:
    lists = _lists()
    words = squeeze(fold(text[:_LONGEST_READ])).split()
    return sum(language in lists.marks.get(word, ()) and word not in lists.loans for word in words)


def _in_other_script(text: str, language: str) -> bool:
    script = script_of(text)
    if script is None or script == "latin":
        return False  # Latin letters are nobody's own: every language is texted in them
    return language not in _WRITTEN_IN.get(script, ()) or (language == "zh" and bool(_SCRIPTS["kana"].search(text)))


def script_of(text: str) -> str | None:
    """The script that decides: a key of _WRITTEN_IN, "latin", or None where there are no letters or only others."""
    counts = {name: len(pattern.findall(text)) for name, pattern in _SCRIPTS.items()}
    counts["cjk"] = counts.pop("kana") + counts.pop("han")
    latin = counts.pop("latin")
    other = len(_ANY_LETTER.findall(text)) - latin - sum(counts.values())
    name = max(counts, key=lambda script: counts[script])
    weight = _CJK_WEIGHT if name == "cjk" else _WEIGHT
    if counts[name] * weight >= latin and counts[name] > other:
        return name
    return "latin" if latin > other else None


def _script_scores(text: str, script: str) -> dict[str, float]:
    candidates = _WRITTEN_IN[script]
    if len(candidates) == 1:
        return {candidates[0]: 0.0}
    if script == "cjk" and _has_kana(text):
        return {"ja": 0.0}
    scores = dict.fromkeys(candidates, 0.0)
    lists = _lists()
    for character in text:
        for code in lists.letters.get(character, ()):
            if code in scores:
                scores[code] += _LETTER
    folded = fold(text)
    _count_marks(scores, lists.inside.findall(folded) if script == "cjk" else folded.split())
    for code, share in _py3langid(text, candidates).items():
        scores[code] += math.log(max(share, _FLOOR))
    return scores


def _has_kana(text: str) -> bool:
    # Chinese borrows a single の for its looks.
    kana = len(_SCRIPTS["kana"].findall(text))
    return kana > 1 or (kana == 1 and (len(_SCRIPTS["han"].findall(text)) < 4 or "の" not in text))


def _latin_scores(text: str) -> dict[str, float]:
    scores = {code: math.log(_ROMANISED) for code in LANGUAGES}
    for code, share in _py3langid(text, _LATIN_WRITTEN).items():
        scores[code] = _DETECTOR * math.log(max(share, _FLOOR))
    words = squeeze(fold(text)).split()
    _count_marks(scores, words)
    marks = _lists().marks
    if len(words) > 1 or not all(word in marks for word in words):
        weight = _LETTERS if len(words) > 1 else _LETTERS_ALONE
        for code, share in letters.shares(text).items():
            scores[code] += weight * math.log(max(share, _LEAST))
    for word in words:
        if word not in marks:
            odds = _sequences().odds(word)
            for code, value in zip(LANGUAGES, odds, strict=True):
                scores[code] += max(_SEQUENCE * (value - max(odds)), -_MOST_A_WORD)
    return scores


def _count_marks(scores: dict[str, float], words: Iterable[str]) -> None:
    marks, loans = _lists().marks, _lists().loans
    for word in words:
        codes = [code for code in marks.get(word, ()) if code in scores]
        for code in codes:
            weight = _LOAN if word in loans else _MARK
            scores[code] += max(weight - math.log(len(codes)), 0.0)


def _shares(scores: Mapping[str, float]) -> dict[str, float]:
    highest = max(scores.values())
    weights = {code: math.exp(score - highest) for code, score in scores.items()}
    total = sum(weights.values())
    return {code: weight / total for code, weight in weights.items()}


# The detectors, each loaded at its first use


@cache
def _identifier() -> Any:
    # Half a second and 75 MB, so at the first use, and once for all the sets of languages asked about.
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages([*_LATIN_WRITTEN, *_WRITTEN_IN["cjk"], *_WRITTEN_IN["arabic"]])
    return identifier


def likeliest(text: str) -> tuple[str, float]:
    """What py3langid, asked about all languages that it knows, takes the text for (an ISO 639-1 code), and how surely."""
    code, share = _whole_identifier().classify(text)
    return str(code), float(share)


@cache
def _whole_identifier() -> Any:
    # A copy with the same arrays: the sets of languages are only views of them.
    identifier = copy.copy(_identifier())
    identifier.set_languages(None)
    return identifier


def _py3langid(text: str, codes: Iterable[str]) -> dict[str, float]:
    """What py3langid takes the text for, as shares of the languages named."""
    ranked = dict(_identifier().rank(text))
    found = {code: float(ranked[code]) for code in codes}
    total = sum(found.values())
    return {code: share / total if total else 1 / len(found) for code, share in found.items()}


# Sequences of letters, for words that no list has


class _Sequences:
    """How likely a word in Latin letters is in each language, from the sequences of three letters in its lists."""

    def __init__(self, words: Mapping[str, Iterable[str]]) -> None:
        self._counts = [_grams(words[code]) for code in LANGUAGES]
        self._known: dict[str, list[float]] = {}

    def odds(self, word: str) -> list[float]:
        """The logarithm of how likely the word is in each of LANGUAGES, against their mean."""
        padded = f"  {word} "
        sums = [0.0] * len(LANGUAGES)
        for start in range(len(padded) - 2):
            gram = padded[start : start + 3]
            for place, value in enumerate(self._known.get(gram) or self._learn(gram)):
                sums[place] += value
        return sums

    def _learn(self, gram: str) -> list[float]:
        values = [math.log(_likelihood(counts, gram)) for counts in self._counts]
        mean = sum(values) / len(values)
        found = [value - mean for value in values]
        if len(self._known) < _MOST_SEQUENCES:
            self._known[gram] = found
        return found


def _grams(words: Iterable[str]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for word in words:
        padded = f"  {word} "
        for end in range(2, len(padded)):
            for size in (0, 1, 2):
                counts[padded[end - size : end + 1]] += 1
                counts[padded[end - size : end] + "*"] += 1
    return counts


def _likelihood(counts: Counter[str], gram: str) -> float:
    """Of the last letter after the two before it, smoothed with what is known after one and after none."""
    likely = 1 / 40
    for size in (0, 1, 2):
        likely = (counts[gram[2 - size :]] + 2 * likely) / (counts[gram[2 - size : 2] + "*"] + 2)
    return likely


@cache
def _sequences() -> _Sequences:
    lists = _lists()
    words: dict[str, list[str]] = {code: list(lists.sounds[code]) for code in LANGUAGES}
    for word, codes in lists.marks.items():
        for code in codes if word.isascii() else ():
            words[code].append(word)
    return _Sequences(words)


# The lists


@dataclass(frozen=True)
class _Lists:
    names: Mapping[str, str]
    asking: frozenset[tuple[str, str]]
    around: Sequence[str]
    naming: re.Pattern[str]
    not_before: re.Pattern[str]
    not_after: re.Pattern[str]
    letters: Mapping[str, Sequence[str]]
    marks: Mapping[str, Sequence[str]]
    loans: frozenset[str]
    sounds: Mapping[str, Sequence[str]]
    inside: re.Pattern[str]


@cache
def _lists() -> _Lists:
    return load(DATA)


def load(directory: Path) -> _Lists:
    """All the lists, folded and ready to look up. Raises DataError for a missing or malformed file."""
    data = {code: _read(directory / f"{code}.yml") for code in LANGUAGES}
    names: dict[str, str] = {}
    letters: dict[str, list[str]] = {}
    marks: dict[str, list[str]] = {}
    for code, lists in data.items():
        for name in lists["names"]:
            folded = _squeezed(fold(name))
            if names.setdefault(folded, code) != code or not folded:
                raise DataError(f"data/languages/{code}.yml: the name {name!r} is empty or another language's.")
        for character in "".join(lists["letters"]):
            letters.setdefault(character, []).append(code)
        for word in dict.fromkeys(_words(lists["marks"] + lists["loans"])):
            marks.setdefault(word, []).append(code)
    asking = [_parts(template) for lists in data.values() for template in lists["asking"]]

    def phrases(key: str) -> set[str]:
        return {_squeezed(fold(words)) for lists in data.values() for words in lists[key]}

    return _Lists(
        names=names,
        asking=frozenset([("", ""), *asking]),
        around=sorted(phrases("around"), key=len, reverse=True),
        naming=_naming(names),
        not_before=re.compile(rf"(?:{_bounded(phrases('not'))})(?: \S+){{0,2}} ?$"),
        not_after=re.compile(rf"(?:\S{{0,3}} ?|(?: \S+)? )(?:{_bounded(phrases('not_after'))})"),
        letters=letters,
        marks=marks,
        loans=frozenset(word for lists in data.values() for word in _words(lists["loans"])),
        sounds={code: _words(lists["sounds"]) for code, lists in data.items()},
        inside=re.compile(_any_of(word for word in marks if is_cjk(word))),
    )


_KEYS: Final = ("names", "asking", "around", "not", "not_after", "letters", "marks", "loans", "sounds")


def _read(path: Path) -> dict[str, list[str]]:
    try:
        data: Any = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DataError(f"data/languages/{path.name} cannot be read: {error}") from error
    if not isinstance(data, dict) or set(data) - set(_KEYS):
        raise DataError(f"data/languages/{path.name} must hold {', '.join(_KEYS)} and nothing else.")
    lists = {key: data.get(key, []) for key in _KEYS}
    for key, value in lists.items():
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise DataError(f"data/languages/{path.name}: {key} must be a list of texts; put yes and no in quotes.")
    return lists


def _words(lines: Iterable[str]) -> list[str]:
    return [fold(word) for line in lines for word in line.split()]


def _parts(template: str) -> tuple[str, str]:
    """What stands before and after {}, folded, each with the space that parts it from the name, if there is one."""
    before, found, after = _squeezed(fold(template.replace("{}", "0x0"))).partition("0x0")
    if not found:
        raise DataError(f"data/languages: {template!r} has no {{}} for the name of the language.")
    return before, after


def _naming(names: Iterable[str]) -> re.Pattern[str]:
    """Any of the names in running text: Arabic writes prepositions onto them, Nepali after; Chinese has no borders."""
    latin = _any_of(name for name in names if name.isascii())
    cjk = _any_of(name for name in names if is_cjk(name))
    others = _any_of(name for name in names if not name.isascii() and not is_cjk(name))
    prepositions = "و?(?:بال|ال|لل|ب|ل)?"
    return re.compile(
        rf"(?<![a-z0-9])({latin})(?![a-z0-9])|({cjk})|(?<!\S){prepositions}({others})(?=\s|$|[\u0900-\u097f\u4e00-\u9fff])"
    )


def _bounded(phrases: Iterable[str]) -> str:
    """Any of the phrases, as whole words where the script has borders."""
    phrases = set(phrases)
    words = _any_of(phrase for phrase in phrases if not is_cjk(phrase))
    return rf"(?<!\S)(?:{words})(?!\S)|(?:{_any_of(phrase for phrase in phrases if is_cjk(phrase))})"


def _any_of(words: Iterable[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(set(words), key=len, reverse=True))


def without_politeness(text: str) -> Iterable[str]:
    """The folded text, and what is left of it each time a polite word is taken from either end."""
    around = _lists().around
    yield text
    while text:
        rest = next((rest for words in around if (rest := _stripped(text, words)) is not None), None)
        if rest is None:
            return
        text = rest
        yield text


def _stripped(text: str, words: str) -> str | None:
    space = "" if is_cjk(words) else " "
    if text.startswith(words + space):
        return text[len(words) :].strip()
    if text.endswith(space + words):
        return text[: -len(words)].strip()
    return None


def _squeezed(folded: str) -> str:
    """Chinese and Japanese without the spaces that folding leaves for punctuation; drawn-out letters once."""
    return folded.replace(" ", "") if is_cjk(folded) else squeeze(folded)
