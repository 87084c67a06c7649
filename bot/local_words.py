"""The words residents use: other names of places, words that mean a topic, and topics of the city's own.

Stewards keep them at the desk, in the database. They count from the next message on, in every process, without training.
Each change is a `Change` beside those of the directory: dated, with a name, undone by another one, exported with them.
"""

import csv
import io
import json
import unicodedata
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from sqlalchemy import String, Text, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from bot import crisis, keywords, redaction
from bot.clock import now
from bot.db import Base
from bot.directory.changes import Change
from bot.directory.editing import By, RefusedChange
from bot.directory.needs import Forms
from bot.directory.tables import ID_LENGTH, TABLES
from bot.filters import known_words
from bot.folding import fold, loosen
from bot.languages import LANGUAGES
from bot.places import Places
from bot.topics import NEEDS, RIGHTS

Kind = Literal["place", "topic"]

#: What a change of these is written down under.
WORD: Final = "local_word"
TOPIC: Final = "local_topic"
#: The page they are changed on, as a `Change` names it.
SUBJECT: Final = "words"
#: How long a word may be, in characters; names of topics too.
SHORTEST: Final = 2
LONGEST: Final = 80
#: How many services a topic of the city's own leads to at most.
MOST_SERVICES: Final = 10


class LocalWord(Base):
    """A word or several. `target` is what it means: the name of a place, or the id of a topic. An `ordinary` one is a word
    of every day that means a place only after "near" and the like (data/places.yml)."""

    __tablename__ = "local_word"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    target: Mapped[str] = mapped_column(String(ID_LENGTH))
    word: Mapped[str] = mapped_column(String(LONGEST))
    ordinary: Mapped[bool] = mapped_column(default=False)


class LocalTopic(Base):
    """A topic of the city's own: its `names` by language (JSON), which of our topics it is a part of, and the ids of the
    services it leads to (JSON)."""

    __tablename__ = "local_topic"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    names: Mapped[str] = mapped_column(Text)
    leads_to: Mapped[str] = mapped_column(String(60))
    services: Mapped[str] = mapped_column(Text)


@dataclass(frozen=True)
class Meant:
    """What a message's words mean here: one of our topics, and the services to show first, if it is the city's own."""

    topic: str
    services: tuple[str, ...] = ()


@dataclass(frozen=True)
class LocalWords:
    """All of them, ready to be looked for. `places` are words, the place each names, and whether it is ordinary."""

    places: tuple[tuple[str, str, bool], ...] = ()
    topics: Mapping[str, Meant] = field(default_factory=dict)
    forms: Forms | None = None

    def meant(self, text: str) -> Meant | None:
        """What a message is about, by its words; None where it holds none, or words of two topics."""
        found = self.forms.find(text) if self.forms is not None else frozenset()
        own = {label for label in found if self.topics[label].services} or found
        return self.topics[next(iter(own))] if len(own) == 1 else None


def version(session: Session) -> int:
    """Rises with every change."""
    return session.scalar(select(func.max(Change.id)).where(Change.resource.in_((WORD, TOPIC)))) or 0


def load(session: Session) -> LocalWords:
    """What there is now."""
    words = list(session.scalars(select(LocalWord).order_by(LocalWord.id)))
    own = {topic.id: topic for topic in session.scalars(select(LocalTopic))}
    meanings = {id: Meant(topic.leads_to, tuple(json.loads(topic.services))) for id, topic in own.items()}
    meanings |= {word.target: Meant(word.target) for word in words if word.kind == "topic" and word.target not in own}
    lists: dict[str, list[str]] = {label: [] for label in meanings}
    for id, topic in own.items():
        lists[id] += json.loads(topic.names).values()
    for word in words:
        if word.kind == "topic":
            lists[word.target].append(word.word)
    return LocalWords(
        places=tuple((word.word, word.target, word.ordinary) for word in words if word.kind == "place"),
        topics=meanings,
        forms=Forms(lists) if lists else None,
    )


def add_word(session: Session, by: By, places: Places, kind: Kind, target: str, told: str, ordinary: bool = False) -> str:
    """A new word; its id. Raises RefusedChange saying why it would do harm."""
    word = _checked(told)
    if kind == "topic":
        if target not in (*NEEDS, *RIGHTS) and session.get(LocalTopic, target) is None:
            raise RefusedChange("There is no such topic.")
        _rare(word)
        ordinary = False
    else:
        place = places.named(target)
        if place is None:
            raise RefusedChange("The directory has no such place.")
        target = place.name
        if not ordinary:
            _rare(word)
        found = places.find(word)
        if found is not None and found.span == (0, len(word)) and found.name != target:
            raise RefusedChange("“{word}” names {place} already.", word=word, place=found.name)
    _new(session, word, kind, target)
    row = LocalWord(id=str(uuid.uuid4()), kind=kind, target=target, word=word, ordinary=ordinary)
    session.add(row)
    _write_down(session, by, "add", WORD, row.id, None, _values(row))
    return row.id


def remove_word(session: Session, by: By, id: str) -> None:
    """Take a word away. Raises RefusedChange."""
    row = session.get(LocalWord, id)
    if row is None:
        raise RefusedChange("This word is gone already.")
    session.delete(row)
    _write_down(session, by, "remove", WORD, id, _values(row), None)


def add_topic(session: Session, by: By, names: Mapping[str, str], leads_to: str, services: Sequence[str]) -> str:
    """A topic of the city's own, by its name in one language or more; its id. Raises RefusedChange."""
    checked = {language: _checked(name) for language, name in names.items() if name.strip()}
    if not checked or not set(checked) <= set(LANGUAGES):
        raise RefusedChange("It needs a name, in at least one of our languages.")
    if leads_to not in (*NEEDS, *RIGHTS):
        raise RefusedChange("Say which of our topics it belongs to.")
    wanted = tuple(dict.fromkeys(id.strip() for id in services if id.strip()))
    table = TABLES["service"]
    known = set(session.scalars(select(table.c.id).where(table.c.id.in_(wanted))))
    missing = [id for id in wanted if id not in known]
    if missing or not wanted or len(wanted) > MOST_SERVICES:
        if missing:
            raise RefusedChange("There is no service with the id {id}.", id=missing[0])
        raise RefusedChange("Name one to {most} services by their ids.", most=MOST_SERVICES)
    for name in checked.values():
        _rare(name)
        _new(session, name, "topic", None)
    row = LocalTopic(
        id=str(uuid.uuid4()),
        names=json.dumps(checked, ensure_ascii=False, sort_keys=True),
        leads_to=leads_to,
        services=json.dumps(wanted),
    )
    session.add(row)
    _write_down(session, by, "add", TOPIC, row.id, None, _values(row))
    return row.id


def remove_topic(session: Session, by: By, id: str) -> None:
    """Take a topic away, if no word means it any more. Raises RefusedChange."""
    row = session.get(LocalTopic, id)
    if row is None:
        raise RefusedChange("This topic is gone already.")
    if session.scalar(select(LocalWord.id).where(LocalWord.target == id).limit(1)) is not None:
        raise RefusedChange("Remove its words first.")
    session.delete(row)
    _write_down(session, by, "remove", TOPIC, id, _values(row), None)


def undo(session: Session, by: By, batch: str) -> None:
    """Put back what was before a change of a word or topic. Raises RefusedChange."""
    made = session.scalars(select(Change).where(Change.batch == batch)).one_or_none()
    if made is None or session.scalar(select(Change.id).where(Change.undoes == batch)) is not None:
        raise RefusedChange("This change is undone already.")
    table: type[LocalWord] | type[LocalTopic] = LocalWord if made.resource == WORD else LocalTopic
    row = session.get(table, made.record_id)
    if made.after is not None:
        if row is None:
            raise RefusedChange("What was added is gone already.")
        if isinstance(row, LocalTopic):
            used = session.scalar(select(LocalWord.id).where(LocalWord.target == row.id).limit(1))
            if used is not None:
                raise RefusedChange("Remove its words first.")
        session.delete(row)
    else:
        values: dict[str, Any] = json.loads(made.before or "{}")
        if row is not None:
            raise RefusedChange("It is there again already.")
        if made.resource == WORD:
            target = values["target"]
            if values["kind"] == "topic" and target not in (*NEEDS, *RIGHTS) and session.get(LocalTopic, target) is None:
                raise RefusedChange("The topic it meant is gone.")
            _new(session, values["word"], values["kind"], target)
        session.add(table(**values))
    _write_down(session, by, "undo", made.resource, made.record_id, made.after, made.before, undoes=batch)


def words(session: Session) -> list[LocalWord]:
    """All words, in the order of what they mean."""
    return list(session.scalars(select(LocalWord).order_by(LocalWord.kind, LocalWord.target, LocalWord.word)))


def topics(session: Session) -> list[tuple[LocalTopic, dict[str, str], list[tuple[str, str]]]]:
    """The city's own topics, with their names by language, and ids and names of the services they lead to."""
    table = TABLES["service"]
    found = []
    for topic in session.scalars(select(LocalTopic).order_by(LocalTopic.names)):
        ids = json.loads(topic.services)
        named = {row.id: row.name for row in session.execute(select(table.c.id, table.c.name).where(table.c.id.in_(ids)))}
        found.append((topic, json.loads(topic.names), [(id, named.get(id) or "(not in the directory any more)") for id in ids]))
    return found


def as_csv(session: Session) -> Iterable[str]:
    """Every word and every topic's name: kind, what it means, the word, its language, ordinary, services."""
    yield _line(("kind", "means", "word", "language", "ordinary", "services"))
    for word in words(session):
        yield _line((word.kind, word.target, word.word, "", "yes" if word.ordinary else "", ""))
    for topic, names, services in topics(session):
        for language, name in names.items():
            yield _line(("local topic", topic.leads_to, name, language, "", " ".join(id for id, _ in services)))


def _line(cells: Iterable[str]) -> str:
    text = io.StringIO()
    # A spreadsheet would run what begins like this as a formula.
    safe = ("'" + cell if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell for cell in cells)
    csv.writer(text, lineterminator="\n").writerow(safe)
    return text.getvalue()


def _checked(told: str) -> str:
    """A word as it may stand in the list. Raises RefusedChange."""
    word = " ".join(unicodedata.normalize("NFC", told).split())
    if any(unicodedata.category(one) in ("Cc", "Cf", "Co", "Cs") and one not in "\u200c\u200d" for one in word):
        raise RefusedChange("It holds a character that nobody sees.")
    if not SHORTEST <= len(word) <= LONGEST or not any(one.isalpha() for one in word) or "*" in word:
        raise RefusedChange(
            "A word has {shortest} to {longest} characters, at least one letter, and no asterisk.",
            shortest=SHORTEST,
            longest=LONGEST,
        )
    if keywords.match(word) is not None:
        raise RefusedChange("“{word}” is an order already, such as STOP or yes.", word=word)
    if crisis.match(word) is not None:
        raise RefusedChange("“{word}” is heard as somebody in danger: it must stay so.", word=word)
    if redaction.redact(word) != word:
        raise RefusedChange("It looks like a number or an address of a person.")
    return word


def _rare(word: str) -> None:
    """Refuse what stands in messages about anything: "the", "open", "how much"."""
    if all(part in known_words() for part in fold(word).split()):
        raise RefusedChange("“{word}” is a word of every day: it would be found in messages about anything.", word=word)


def _new(session: Session, word: str, kind: str, target: str | None) -> None:
    """Refuse a word that there is already, however it is spelt."""
    key = loosen(fold(word))
    for row in session.scalars(select(LocalWord).where(LocalWord.kind == kind)):
        if loosen(fold(row.word)) == key:
            if row.target == target:
                raise RefusedChange("“{word}” is there already.", word=row.word)
            raise RefusedChange("“{word}” is there already, and means something else.", word=row.word)
    if kind == "topic":
        for topic in session.scalars(select(LocalTopic)):
            if key in {loosen(fold(name)) for name in json.loads(topic.names).values()}:
                raise RefusedChange("“{word}” is the name of a topic of your own already.", word=word)


def _values(row: LocalWord | LocalTopic) -> dict[str, Any]:
    return {column.name: getattr(row, column.name) for column in row.__table__.columns}


def _write_down(
    session: Session, by: By, action: str, resource: str, record_id: str, before: Any, after: Any, undoes: str | None = None,
) -> None:  # fmt: skip
    def text(values: Any) -> str | None:
        return values if values is None or isinstance(values, str) else json.dumps(values, ensure_ascii=False, sort_keys=True)

    session.add(
        Change(
            at=now(), staff_id=by.staff_id, staff=by.staff, action=action, subject=by.subject, resource=resource,
            record_id=record_id, before=text(before), after=text(after), note=by.note, batch=str(uuid.uuid4()), undoes=undoes,
        )
    )  # fmt: skip
    session.flush()
