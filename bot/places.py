"""Places people name in a message: neighbourhoods, towns, libraries and other buildings, postal codes.

The names are the directory's own, and the other ones of data/places.yml. They are found inside sentences of any
language, with other spellings and small mistakes. A name that is an ordinary expression too ("Harbour", "Law Centre")
counts only where it can hardly be anything else: a wrong place sends people to the wrong end of the town, while a
missed one is asked for.
"""

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

import regex
import yaml
from babel import Locale
from rapidfuzz import process
from rapidfuzz.distance import OSA
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.directory.tables import TABLES
from bot.errors import DataError
from bot.filters import known_words
from bot.folding import fold, is_cjk, loosen

DATA: Final = Path(__file__).resolve().parent.parent / "data" / "places.yml"

Kind = Literal["neighbourhood", "town", "location", "postcode"]

#: The longest name, in words, that is looked for.
_LONGEST: Final = 5
#: Letters that a name keeps at least without what is written onto it.
_BARE: Final = 3
#: Mistakes that a word of at least so many letters may hold.
_MISTAKES: Final = ((8, 2), (6, 1))

# Words of one script each: "eastgate这边" and "Harbourमा" are a name with something written onto it.
_CJK: Final = r"\p{Han}\p{Hiragana}\p{Katakana}\u30fc"
_WORD: Final = regex.compile(
    rf"[\p{{Latin}}\p{{M}}\p{{N}}]+|[{_CJK}\p{{M}}]+|(?:(?![\p{{Latin}}{_CJK}])[\p{{L}}\p{{M}}\p{{N}}\u200c\u200d])+"
)
_POSTCODE_END: Final = regex.compile(r"\d[a-z]{2}")
#: What leads to the name of a place for certain, where it begins with a capital.
_STRANGER: Final = regex.compile(
    r"\b(?:near|in|around|close to|next to|cerca de|en|près de|pres de|à|perto de|em|bij|vlakbij|karibu na|malapit sa)\s+"
    r"(?P<name>\p{Lu}\p{Ll}{3,}(?:\s\p{Lu}\p{Ll}{2,})?)(?![\p{L}\p{N}'’])"
)
_ORDER: Final[dict[Kind, int]] = {"postcode": 0, "location": 1, "neighbourhood": 2, "town": 3}


@dataclass(frozen=True)
class Place:
    """A place with its coordinates. `town` is the town it lies in; `span` the characters that named it in the text."""

    name: str
    latitude: float
    longitude: float
    kind: Kind = "location"
    town: str | None = None
    span: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class _Word:
    """A word of a text in the form that names are compared in, and where it stands."""

    text: str
    start: int
    end: int


@dataclass(frozen=True)
class _Name:
    """A way to name a place, by words. `common` if it is an ordinary expression as well, `known` if we listed it; an
    `ordinary` one is a word of every day ("the market") that means the place only where somebody says to be near it."""

    place: Place
    words: tuple[str, ...]
    common: bool = False
    known: bool = False
    ordinary: bool = False


@dataclass(frozen=True)
class _Hit:
    name: _Name
    start: int
    end: int
    mistakes: int

    @property
    def order(self) -> tuple[bool, int, int, int]:
        """Which of several hits counts: a name that is nothing else, the more exact place, the first in the text."""
        place = self.name.place
        return (
            self.name.ordinary or (self.name.common and place.kind == "location"),
            _ORDER[place.kind],
            self.mistakes,
            self.start,
        )


class Places:
    """All the places of a directory, to be found in texts."""

    def __init__(
        self, places: Iterable[tuple[str, Place]], ordinary: Iterable[tuple[str, Place]] = (), own: Container[str] = ()
    ) -> None:
        """`places` are names with what they name; of two places with one name the first counts. `ordinary` are words of
        every day that mean a place only after "near" and the like; `own` are names, plain, that a steward has listed."""
        words = _data()
        self._near: Final = frozenset(_plain(word) for word in words["near"])
        self._articles: Final = frozenset(_plain(word) for word in words["articles"])
        self._links: Final = frozenset(_plain(word) for word in words["links"])
        self._never_after: Final = frozenset(_plain(word) for word in words["never_after"])
        self._between: Final = self._articles | self._links | frozenset(_plain(word) for word in words["between"])
        self._near_after: Final = frozenset(_plain(word) for word in words["near_after"])
        self._before: Final = tuple(_plain(part) for part in words["glued"]["before"])
        self._after: Final = tuple(_plain(part) for part in words["glued"]["after"])
        self._leading: Final = frozenset(_plain(part) for part in words["glued"]["leading"])
        common = frozenset(_plain(word) for word in words["common"])
        known = {_plain(name) for name in words["names"]}
        self._names: dict[str, _Name] = {}
        self._codes: dict[str, Place] = {}
        self._unspaced: dict[str, _Name] = {}
        for text, place in places:
            if place.kind == "postcode":
                self._codes.setdefault(_joined(_words(text)), place)
                continue
            parts = tuple(word.text for word in _words(text))
            name = _Name(place, parts, all(part in common for part in parts), _plain(place.name) in known or _plain(text) in own)
            if is_cjk(text):
                self._unspaced.setdefault("".join(parts), name)
            elif parts:
                self._names.setdefault("".join(parts), name)
        for text, place in ordinary:
            parts = tuple(word.text for word in _words(text))
            if parts:
                into = self._unspaced if is_cjk(text) else self._names
                into.setdefault("".join(parts), _Name(place, parts, ordinary=True))
        self._shapes: dict[str, set[str]] = defaultdict(set)
        for code in self._codes:
            self._shapes[_shape(code)].add(code[:2])
        self._words: Final = common | self._near | self._articles | self._links | self._never_after
        self._distinct: dict[str, list[str]] = defaultdict(list)  # by the first letter, which people get right
        for text, name in self._names.items():
            if not name.common and not name.ordinary and _allowed(text):
                self._distinct[text[0]].append(text)

    @classmethod
    def load(cls, session: Session, local: Iterable[tuple[str, str, bool]] = ()) -> "Places":
        """The places of the directory. `local` are the city's own words for them: the word, the place's name, and whether it
        is a word of every day. Raises DataError if data/places.yml cannot be read."""
        found = _from_directory(session)
        named = {_plain(place.name): place for _, place in reversed(found)}
        listed = [(str(word), str(name)) for name, words in _data()["ordinary"].items() for word in words]
        listed += [(word, name) for word, name, everyday in local if everyday]
        ordinary = [(word, named[_plain(name)]) for word, name in listed if _plain(name) in named]
        own = [(word, named[_plain(name)]) for word, name, everyday in local if not everyday and _plain(name) in named]
        return cls([*found, *own], ordinary, {_plain(word) for word, _ in own})

    def neighbourhoods(self) -> tuple[str, ...]:
        """The parts of the town by name, in alphabetical order."""
        return tuple(sorted({name.place.name for name in self._names.values() if name.place.kind == "neighbourhood"}))

    def all(self) -> tuple[str, ...]:
        """The names of all places, without postal codes, in alphabetical order."""
        names = (*self._names.values(), *self._unspaced.values())
        return tuple(sorted({name.place.name for name in names}))

    def named(self, name: str) -> Place | None:
        """The place with this very name, however it is spelt."""
        found = self._names.get(_plain(name)) or self._unspaced.get(_plain(name))
        return found.place if found is not None and _plain(found.place.name) == _plain(name) else None

    def find(self, text: str) -> Place | None:
        """The place that a text names, with the characters that name it; None if it names none, or none for certain."""
        words = list(_words(text[:2000]))
        hits = [*self._postcodes(words), *self._spelt(words, text), *self._written_together(words)]
        hits = [hit for hit in hits if not any(_covers(other, hit) for other in hits)]
        if not hits:
            return None
        best = min(hits, key=lambda hit: hit.order)
        return replace(best.name.place, span=(best.start, best.end))

    def unknown(self, text: str) -> Place | None:
        """A postal code, or a name after a word such as "near", that is no place of the directory; where it stands.

        Only what can hardly be anything else: a code of the shape that codes have here, or a capitalised name of one or two words
        that no list of ours has. Its coordinates mean nothing.
        """
        if self.find(text) is not None:
            return None
        words = list(_words(text[:2000]))
        for first, word in enumerate(words):
            for last in (first + 1, first):
                if last < len(words) and self._like_a_code(_joined(words[first : last + 1])):
                    start, end = word.start, words[last].end
                    return Place(text[start:end].upper(), 0.0, 0.0, "postcode", span=(start, end))
        return self._stranger(text)

    def _like_a_code(self, code: str) -> bool:
        if not any(character.isdigit() for character in code) or not (known := self._shapes.get(_shape(code))):
            return False
        return bool(_POSTCODE_END.fullmatch(code[-3:]) and code[0].isalpha() and len(code) > 4) or code[:2] in known

    def _stranger(self, text: str) -> Place | None:
        if text.isupper():
            return None
        for match in _STRANGER.finditer(text):
            name = match["name"]
            parts = [word.text for word in _words(name)]
            if parts and not any(part in self._words or part in _no_places() for part in (*parts, "".join(parts))):
                return Place(name, 0.0, 0.0, "location", span=match.span("name"))
        return None

    def _postcodes(self, words: list[_Word]) -> Iterator[_Hit]:
        for first, word in enumerate(words):
            for last in (first + 1, first):
                if last >= len(words):
                    continue
                code = _joined(words[first : last + 1])
                place = self._codes.get(code)
                if place is None and len(code) > 4 and _POSTCODE_END.fullmatch(code[-3:]):
                    place = self._codes.get(code[:-3])  # a code that no service has, in a district that some have
                if place is not None and any(character.isdigit() for character in code):
                    yield _Hit(_Name(place, (code,)), word.start, words[last].end, 0)
                    break

    def _spelt(self, words: list[_Word], text: str) -> Iterator[_Hit]:
        for first in range(len(words)):
            for last in range(first, min(first + _LONGEST, len(words))):
                window = words[first : last + 1]
                for joined, glue in self._unglued(window):
                    name, mistakes = self._names.get(joined), 0
                    if name is None:
                        name, mistakes = self._misspelt(joined, tuple(word.text for word in window))
                    if name is None or (name.common and not self._meant(name, words, first, text)):
                        continue
                    if name.ordinary and glue not in self._leading and not self._beside(words, first, last):
                        continue
                    yield _Hit(name, words[first].start, words[last].end, mistakes)

    def _unglued(self, words: list[_Word]) -> Iterator[tuple[str, str]]:
        """The words as one, and without what may be written onto their beginning or end, with that."""
        joined = _joined(words)
        yield joined, ""
        if joined.isascii():
            return
        for part in self._before:
            if joined.startswith(part) and len(joined) >= len(part) + _BARE:
                yield joined.removeprefix(part), part
        for part in self._after:
            if joined.endswith(part) and len(joined) >= len(part) + _BARE:
                yield joined.removesuffix(part), part

    def _misspelt(self, joined: str, window: tuple[str, ...]) -> tuple[_Name | None, int]:
        most = _allowed(joined)
        if not most:
            return None, 0
        # "estate" is two letters from Eastgate: a word that is two shorter is more likely another word.
        close = [name for name in self._distinct.get(joined[0], ()) if abs(len(name) - len(joined)) <= 1]
        found = process.extractOne(joined, close, scorer=OSA.distance, score_cutoff=most)
        if found is None:
            return None, 0
        name = self._names[found[0]]
        pairs = zip(name.words, window, strict=False)
        both_long = len(window) > 1 and len(name.words) > 1
        if both_long and (len(window) != len(name.words) or any(OSA.distance(a, b) > _allowed(a) for a, b in pairs)):
            return None, 0  # "Hillcrest has" is not Hillcrest Hall
        if len(window) > 1 and len(name.words) == 1 and len(joined) < _MISTAKES[0][0]:
            return None, 0  # "solo ni" is not "sokoni"
        return name, int(found[1])

    def _meant(self, name: _Name, words: list[_Word], first: int, text: str) -> bool:
        """Whether an expression that begins with this word is the name of a place here."""
        before = [word.text for word in words[max(0, first - 4) : first]]
        if name.place.kind == "location":
            return name.known or self._led_to(before)
        if not before:
            return True
        if before[-1] in self._never_after:
            return False
        if before[-1] in self._articles:
            return self._led_to(before) or (text[words[first].start].isupper() and not text.isupper())
        return True

    def _led_to(self, before: list[str]) -> bool:
        """Whether the words before an expression say that it is a place: "near the", "close to"."""
        while before and before[-1] in self._articles | self._links:
            before.pop()
        return bool(before) and before[-1] in self._near

    def _beside(self, words: list[_Word], first: int, last: int) -> bool:
        """Whether the words around a word of every day say that somebody is, or wants something, near what it names."""
        before = [word.text for word in words[max(0, first - 4) : first]]
        after = [word.text for word in words[last + 1 : last + 4]]
        while before and before[-1] in self._between:
            if before[-1] in self._near:  # "na", "em"
                return True
            before.pop()
        if "".join(after[:2]) in self._near_after:  # "ke paas"
            return True
        while after and after[0] in self._between:
            after.pop(0)
        return bool(before and before[-1] in self._near) or bool(after and after[0] in self._near_after)

    def _written_together(self, words: list[_Word]) -> Iterator[_Hit]:
        """Names in Chinese and Japanese, which have no spaces around them."""
        for word in words:
            if not is_cjk(word.text):
                continue
            for written, name in self._unspaced.items():
                at = word.text.find(written)
                if at >= 0 and (not name.ordinary or self._followed(word.text[at + len(written) :])):
                    exact = word.end - word.start == len(word.text)
                    start, end = (word.start + at, word.start + at + len(written)) if exact else (word.start, word.end)
                    yield _Hit(name, start, end, 0)

    def _followed(self, rest: str) -> bool:
        """Whether what is written on after a name says "near": 附近, の近く."""
        for part in self._between:
            if is_cjk(part):
                rest = rest.removeprefix(part)
        return any(is_cjk(word) and rest.startswith(word) for word in self._near_after)


def _covers(longer: _Hit, hit: _Hit) -> bool:
    """Whether one hit holds another, as "Eastgate Library" does the neighbourhood's name, or spells the same better."""
    if longer is hit or not (longer.start <= hit.start and hit.end <= longer.end):
        return False
    if longer.end - longer.start == hit.end - hit.start or longer.name.place == hit.name.place:
        return longer.mistakes < hit.mistakes or (
            longer.mistakes == hit.mistakes and longer.end - longer.start > hit.end - hit.start
        )
    return True


def _allowed(word: str) -> int:
    """How many mistakes a word may hold. In scripts where a sign stands for a vowel or a syllable, one at most."""
    most = next((most for shortest, most in _MISTAKES if len(word) >= shortest), 0)
    return most if word.isascii() else min(most, 1)


def _plain(text: str) -> str:
    return loosen(fold(text)).replace(" ", "")


def _words(text: str) -> Iterator[_Word]:
    for match in _WORD.finditer(text):
        plain = _plain(match.group())
        if plain:
            yield _Word(plain, match.start(), match.end())


def _joined(words: Iterable[_Word]) -> str:
    return "".join(word.text for word in words)


def _shape(code: str) -> str:
    return regex.sub(r"\d", "9", regex.sub(r"[^\W\d_]", "a", code))


@cache
def _no_places() -> frozenset[str]:
    """Words with a capital that follow "in" and "near" and are no places of a town: languages, countries, days, months."""
    found: set[str] = set()
    for code in ("en", "es", "fr", "pt", "nl", "sw", "fil"):
        locale = Locale.parse(code)
        names = [*locale.languages.values(), *locale.territories.values()]
        names += [name for kind in (locale.days, locale.months) for name in kind["format"]["wide"].values()]
        found |= {_plain(part) for name in names for part in (name, *name.split())}
    return frozenset(found) | known_words()


@cache
def _data() -> dict[str, Any]:
    try:
        with DATA.open(encoding="utf-8") as file:
            data = yaml.safe_load(file)
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise DataError(f"The file {DATA} cannot be read: {error}.") from error
    lists = dict.fromkeys(("common", "near", "near_after", "articles", "links", "between", "never_after"), list)
    parts: dict[str, type] = {"names": dict, "ordinary": dict, "glued": dict, **lists}
    wrong = [name for name, kind in parts.items() if not isinstance(data, dict) or not isinstance(data.get(name), kind)]
    if wrong or not all(isinstance(data["glued"].get(part), list) for part in ("before", "after", "leading")):
        raise DataError(f"The file {DATA} lacks a list: it needs {', '.join(parts)}.")
    # YAML reads "no" as false
    return {
        name: ["no" if word is False else word for word in part] if isinstance(part, list) else part
        for name, part in data.items()
    }


Point = tuple[float, float]


def _from_directory(session: Session) -> list[tuple[str, Place]]:
    address, location = TABLES["address"].c, TABLES["location"].c
    rows = session.execute(
        select(
            location.name,
            location.alternate_name,
            location.latitude,
            location.longitude,
            address.region,
            address.city,
            address.postal_code,
        )
        .select_from(TABLES["location"].join(TABLES["address"], address.location_id == location.id))
        .where(location.latitude.is_not(None), location.longitude.is_not(None))
        .order_by(location.id, address.id)
    ).all()
    points: dict[tuple[Kind, str], list[Point]] = defaultdict(list)
    towns: dict[tuple[Kind, str], Counter[str]] = defaultdict(Counter)
    for row in rows:
        names: list[tuple[Kind, str | None]] = [("town", row.city), ("postcode", row.postal_code)]
        names += [("location", name) for name in (row.name, *_alternates(row.alternate_name))]
        if row.region != row.city:
            names.append(("neighbourhood", row.region))
        if row.postal_code and " " in row.postal_code:
            names.append(("postcode", row.postal_code.split()[0]))
        for kind, name in names:
            if name:
                points[kind, name].append((float(row.latitude), float(row.longitude)))
                towns[kind, name][row.city or ""] += 1
    # The town that nearly everything lies in says nothing about where in it somebody is.
    for key in [key for key in points if key[0] == "town" and len(points[key]) * 2 > len(rows)]:
        del points[key]
    places = {key: _place(key, at, towns[key].most_common(1)[0][0] or None) for key, at in points.items()}
    ordered = sorted(places.items(), key=lambda item: _ORDER[item[0][0]] if item[0][0] != "location" else 9)
    found = [(key[1], place) for key, place in ordered]
    named = {_plain(name): place for name, place in reversed(found)}
    for name, others in _data()["names"].items():
        if _plain(name) in named:
            found += [(str(other), named[_plain(name)]) for other in others]
    return found


def _alternates(text: str | None) -> list[str]:
    return [part.strip() for part in regex.split(r"[;,/|]", text or "") if len(part.strip()) > 2]


def _place(key: tuple[Kind, str], points: list[Point], town: str | None) -> Place:
    kind, name = key
    latitude = sum(point[0] for point in points) / len(points)
    longitude = sum(point[1] for point in points) / len(points)
    return Place(name, round(latitude, 6), round(longitude, 6), kind, town)
