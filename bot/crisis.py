"""Crisis told from the words alone: the same in every language, without the model, and leaning towards care.

The phrases are data/crisis/<language>.yml; all languages are tried on every message, because people mix them. A file maps
each of TOPICS to meanings ("not_breathing", the same keys in every language, so that a missing one is noticed), and each
meaning to a list of patterns. A pattern is words with a space between, found at word borders in the folded and loosened
text (see `bot.folding`), so that it is written without thinking of capitals, accents or apostrophes:

    stopped breathing     these words, side by side
    breath*               any ending
    he|she|they           any of these in this place
    he ... knife          up to four words between (in Chinese and Japanese up to ten characters)
    passed-out|fainted    a hyphen is a space inside one alternative
    = fire now|help       the whole message is this

Chinese and Japanese are found anywhere, as they have no borders, and a space in their patterns only separates the parts.
An Arabic word is also found with the "and" (و) that is written onto it. That is all there is; keep it this small.

A file's `sounds_like` list holds patterns for what only sounds like a crisis ("to die for", "my phone died"). They are
blanked out of the text first, so that a real phrase beside them is still found.

Where several topics are found, a phrase that lies inside a longer one of another topic gives way to it ("he is choking" to
"he is choking me"); then the order of TOPICS decides. Negation is deliberately not understood: somebody who writes "I
don't want to die" is asked how they are.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import yaml

from bot.errors import DataError
from bot.folding import fold, is_cjk, loosen
from bot.languages import LANGUAGES

DATA: Final = Path(__file__).resolve().parent.parent / "data" / "crisis"
TOPICS: Final = ("crisis_suicide", "crisis_medical", "crisis_child", "crisis_violence", "crisis_disaster")
SOUNDS_LIKE: Final = "sounds_like"
#: Meanings so plain that no idiom with a gap may cover them.
NEVER_BLANKED: Final = frozenset({"kill_myself", "want_to_die"})

_BLANK: Final = "░"  # stands for a blanked-out phrase; folding would have removed it, so no message holds one
_Loader: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Crisis:
    """What was found. `language` is that of the phrase's file, which need not be the person's language.

    `phrase` is the pattern as the file has it, and `meaning` its key: for whoever reads the alert, and for tests.
    """

    topic: str
    language: str
    phrase: str
    meaning: str


class PatternError(DataError):
    """A crisis file that cannot be used. The message names the file and the line."""


@dataclass(frozen=True, slots=True)
class Element:
    """One place of a pattern: its alternatives, loosened, with whether any ending may follow."""

    alternatives: tuple[tuple[str, bool], ...]
    cjk: bool
    after_gap: bool


@dataclass(frozen=True)
class Pattern:
    """A pattern of one file. `topic` is SOUNDS_LIKE for what is blanked out."""

    topic: str
    meaning: str
    language: str
    phrase: str
    elements: tuple[Element, ...]
    whole: bool


def match(text: str) -> Crisis | None:
    """The crisis that this message tells of, or None. Never raises for any text; PatternError if a file is broken."""
    loose = loosen(fold(text))
    if not loose:
        return None
    phrases = _phrases()
    # A whole wish to die is not blanked out because a game is spoken of some words later.
    whole = [hit for hit in phrases.crises.find(loose) if hit.pattern.meaning in NEVER_BLANKED]
    hits = phrases.crises.find(phrases.idioms.blank(loose, whole))
    if not hits:
        return None
    hits = [hit for hit in hits if not any(_covers(other, hit) for other in hits)]
    # Two files can hold the same phrase: the language that the rest of the message is in is likelier.
    votes = [hit.pattern.language for hit in hits]
    best = min(hits, key=lambda hit: _rank(hit, votes)).pattern
    return Crisis(best.topic, best.language, best.phrase, best.meaning)


@dataclass(frozen=True, slots=True)
class _Hit:
    pattern: Pattern
    start: int
    end: int


def _covers(longer: _Hit, hit: _Hit) -> bool:
    return (
        longer.pattern.topic != hit.pattern.topic
        and longer.start <= hit.start
        and hit.end <= longer.end
        and longer.end - longer.start > hit.end - hit.start
    )


def _swallows(idiom: _Hit, whole: list[_Hit]) -> bool:
    gapped = any(element.after_gap for element in idiom.pattern.elements)
    return gapped and any(idiom.start <= hit.start and hit.end < idiom.end for hit in whole)


def _rank(hit: _Hit, votes: list[str]) -> tuple[int, int, int, int]:
    language = hit.pattern.language
    return (
        TOPICS.index(hit.pattern.topic),
        -votes.count(language),
        hit.start - hit.end,
        LANGUAGES.index(language),
    )


class _Index:
    """Patterns, found by one telling word of each: only those whose word is in the text are really tried."""

    def __init__(self, patterns: list[Pattern]) -> None:
        self._words: dict[str, list[Pattern]] = defaultdict(list)
        self._beginnings: dict[str, list[Pattern]] = defaultdict(list)
        self._characters: dict[str, list[Pattern]] = defaultdict(list)
        for pattern in patterns:
            self._add(pattern)
        self._lengths = sorted({len(beginning) for beginning in self._beginnings})
        self._compiled: dict[int, re.Pattern[str]] = {}

    def _add(self, pattern: Pattern) -> None:
        telling = max(pattern.elements, key=_weight)
        for alternative, any_ending in telling.alternatives:
            if telling.cjk:
                self._characters[alternative[:2]].append(pattern)
            elif " " in alternative:
                self._words[alternative.split(" ")[0]].append(pattern)
            elif any_ending:
                self._beginnings[alternative].append(pattern)
            else:
                self._words[alternative].append(pattern)

    def _candidates(self, loose: str) -> dict[int, Pattern]:
        found: dict[int, Pattern] = {}
        for word in set(loose.split(" ")):
            for form in (word, word[1:]) if word.startswith("و") else (word,):
                self._collect(found, form)
        if is_cjk(loose):
            for pair in {loose[at : at + 2] for at in range(len(loose))} | set(loose):
                found.update((id(pattern), pattern) for pattern in self._characters.get(pair, ()))
        return found

    def _collect(self, found: dict[int, Pattern], word: str) -> None:
        found.update((id(pattern), pattern) for pattern in self._words.get(word, ()))
        for length in self._lengths:
            if length > len(word):
                break
            found.update((id(pattern), pattern) for pattern in self._beginnings.get(word[:length], ()))

    def find(self, loose: str) -> list[_Hit]:
        """Every place where a pattern is found in the loosened text."""
        return [
            _Hit(pattern, found.start(), found.end())
            for key, pattern in self._candidates(loose).items()
            for found in self._regex(key, pattern).finditer(loose)
        ]

    def blank(self, loose: str, whole: list[_Hit]) -> str:
        """The loosened text with every place where a pattern is found replaced by one word that matches nothing.

        A pattern with a gap may not swallow one of the `whole` phrases.
        """
        spans = sorted((hit.start, hit.end) for hit in self.find(loose) if not _swallows(hit, whole))
        for start, end in _joined(spans):
            loose = f"{loose[:start]} {_BLANK} {loose[end:]}"
        return " ".join(loose.split()) if spans else loose

    def _regex(self, key: int, pattern: Pattern) -> re.Pattern[str]:
        # Compiled when first needed: compiling all takes a second, and most are never tried.
        if key not in self._compiled:
            source = _regex_source(pattern.elements)
            self._compiled[key] = re.compile(rf"\A{source}\Z" if pattern.whole else source)
        return self._compiled[key]


@dataclass(frozen=True)
class _Phrases:
    crises: _Index
    idioms: _Index


@cache
def _phrases() -> _Phrases:
    patterns = load(DATA)
    return _Phrases(
        crises=_Index([pattern for pattern in patterns if pattern.topic != SOUNDS_LIKE]),
        idioms=_Index([pattern for pattern in patterns if pattern.topic == SOUNDS_LIKE]),
    )


def _weight(element: Element) -> tuple[int, int]:
    """How telling an element is: a long word is rarer than a short one, one word rarer than five alternatives."""
    shortest = min(len(alternative.split(" ")[0]) for alternative, _ in element.alternatives)
    return shortest * (4 if element.cjk else 1), -len(element.alternatives)


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Overlapping spans made one, the last first, so that replacing one leaves the others in place."""
    joined: list[tuple[int, int]] = []
    for start, end in spans:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined[::-1]


def _regex_source(elements: tuple[Element, ...]) -> str:
    parts = ["" if elements[0].cjk else r"(?<!\S)"]
    for at, element in enumerate(elements):
        if at:
            parts.append(_between(elements[at - 1], element))
        parts.append(f"(?:{'|'.join(_alternative_source(*alternative) for alternative in element.alternatives)})")
    parts.append("" if elements[-1].cjk else r"(?!\S)")
    return "".join(parts)


def _between(before: Element, after: Element) -> str:
    if before.cjk or after.cjk:
        if after.after_gap:
            return ".{0,10}?"
        return "" if before.cjk and after.cjk else " "
    return r"(?: \S+){0,4}? " if after.after_gap else " "


def _alternative_source(alternative: str, any_ending: bool) -> str:
    and_ = "و?" if "\u0620" <= alternative[0] <= "\u06ff" else ""
    return and_ + re.escape(alternative) + (r"\S*" if any_ending else "")


def load(directory: Path) -> list[Pattern]:
    """All patterns of all languages' files in the directory, in the order of LANGUAGES.

    Raises PatternError, naming file and line, for a malformed file, an unknown topic, or a pattern that the
    language described above does not have, that is given twice or is too short to be safe.
    """
    files = [directory / f"{language}.yml" for language in LANGUAGES]
    return [pattern for path in files if path.exists() for pattern in load_file(path, path.stem)]


def load_file(path: Path, language: str) -> list[Pattern]:
    """The patterns of one file. Raises PatternError like `load`."""
    patterns: list[Pattern] = []
    seen: set[tuple[bool, tuple[Element, ...]]] = set()
    for topic, meaning, node in _nodes(path):
        try:
            whole, elements = parse(node.value)
        except PatternError as error:
            raise _error(path, node, f"{node.value!r}: {error}") from None
        if (whole, elements) in seen:
            raise _error(path, node, f"{node.value!r} is given twice")
        seen.add((whole, elements))
        patterns.append(Pattern(topic, meaning, language, node.value, elements, whole))
    return patterns


def _nodes(path: Path) -> Iterator[tuple[str, str, yaml.ScalarNode]]:
    """Each pattern's topic, meaning and place in the file."""
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=_Loader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise PatternError(f"{path}: {error}") from error
    if root is None:
        raise PatternError(f"{path}: the file is empty")
    for topic, below in _mapping(path, root):
        if topic == SOUNDS_LIKE:
            yield from ((topic, topic, node) for node in _list(path, below))
        elif topic in TOPICS:
            for meaning, patterns in _mapping(path, below):
                yield from ((topic, meaning, node) for node in _list(path, patterns))
        else:
            raise _error(path, below, f"{topic!r} is neither a crisis topic nor {SOUNDS_LIKE!r}")


def _mapping(path: Path, node: yaml.Node) -> Iterator[tuple[str, yaml.Node]]:
    if not isinstance(node, yaml.MappingNode):
        raise _error(path, node, "a mapping should stand here")
    seen: set[str] = set()
    for key, value in node.value:
        if key.value in seen:
            raise _error(path, key, f"{key.value!r} is given twice")
        seen.add(key.value)
        yield key.value, value


def _list(path: Path, node: yaml.Node) -> Iterator[yaml.ScalarNode]:
    if not isinstance(node, yaml.SequenceNode):
        raise _error(path, node, "a list of patterns should stand here")
    for item in node.value:
        if not isinstance(item, yaml.ScalarNode) or item.tag != "tag:yaml.org,2002:str":
            raise _error(path, item, "a pattern must be text; put it in quotes")
        yield item


def _error(path: Path, node: yaml.Node, message: str) -> PatternError:
    return PatternError(f"{path}, line {node.start_mark.line + 1}: {message}")


def parse(phrase: str) -> tuple[bool, tuple[Element, ...]]:
    """Whether the pattern is of a whole message, and its elements.

    Raises PatternError, without a place, for what the pattern language does not have.
    """
    elements: list[Element] = []
    words = phrase.split()
    whole = words[:1] == ["="]
    gap = False
    for word in words[whole:]:
        if word == "...":
            if gap or not elements:
                raise PatternError("'...' must stand between two words")
            gap = True
            continue
        elements.append(_element(word, gap))
        gap = False
    if gap:
        raise PatternError("'...' must stand between two words")
    if not elements:
        raise PatternError("the pattern is empty")
    if not whole:
        _check_length(elements)
    return whole, tuple(elements)


def _element(word: str, after_gap: bool) -> Element:
    alternatives = tuple(_alternative(alternative) for alternative in word.split("|"))
    cjk = {is_cjk(alternative) for alternative, _ in alternatives}
    if len(cjk) > 1:
        raise PatternError(f"{word!r} mixes words and characters that are written without spaces")
    if cjk == {True} and any(any_ending for _, any_ending in alternatives):
        raise PatternError(f"{word!r}: '*' is for words with spaces between")
    return Element(alternatives, cjk.pop(), after_gap)


def _alternative(alternative: str) -> tuple[str, bool]:
    stem = alternative.removesuffix("*")
    if not stem:
        raise PatternError("'|' and '*' need a word")
    if "*" in stem or "..." in stem:
        raise PatternError(f"{alternative!r}: '*' stands at the end of a word, '...' between spaces")
    loose = loosen(fold(stem))
    if not loose:
        raise PatternError(f"{alternative!r} holds no letter and no digit")
    return loose, stem != alternative


def _check_length(elements: list[Element]) -> None:
    """One short word, or a short beginning, would be found in half of all messages."""
    if len(elements) > 1:
        return
    for alternative, any_ending in elements[0].alternatives:
        least = 2 if elements[0].cjk else 5 if any_ending and alternative.isascii() else 3
        if len(alternative) < least:
            raise PatternError(f"{alternative!r} alone is too short")
