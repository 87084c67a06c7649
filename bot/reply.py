"""A reply, as data: what is said, before any words are chosen.

Actions make replies, `bot.render` turns them into what a channel sends. Words are named by catalogue keys
(`Phrase`); facts stand in typed fields, so that every channel says the same ones.
All of it survives JSON (`dump`, `load`), because it travels through Rasa and is kept with the message it answers.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any, Literal

from cattrs.preconf.json import make_converter

Channel = Literal["sms", "voice", "kiosk"]
Detail = Literal["all", "hours", "cost", "phone", "documents", "address", "languages", "accessibility", "eligibility"]


@dataclass(frozen=True)
class Phrase:
    """A phrase of the wording catalogues and the texts and numbers that fill its placeholders."""

    key: str
    params: dict[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True)
class Opening:
    """Whether a place is open at the moment of asking, and what comes next.

    `until` and `opens` are local times, without zone: when it closes if open, when it next opens if closed. `closed_today`
    says that today it does not open at all.
    """

    state: Literal["open", "always", "closed", "unknown"]
    until: datetime | None = None
    opens: datetime | None = None
    closed_today: bool = False


@dataclass(frozen=True)
class DayHours:
    """Opening hours on one day, as (opens, closes) pairs of local times; none means closed, `known` False means unknown."""

    day: date
    intervals: tuple[tuple[time, time], ...] = ()
    known: bool = True


@dataclass(frozen=True)
class Price:
    """One part of what a service costs; an amount that is not known is by income."""

    amount: float | None
    currency: str | None = None
    per: str | None = None


@dataclass(frozen=True)
class Cost:
    """What a service costs: 0 is free. `per` is an option of the directory, such as "per day"; `note` its own words.

    `others` are further parts of the cost: coming in is free, and lunch has a price.
    """

    amount: float | None
    currency: str | None = None
    per: str | None = None
    note: str | None = None
    others: tuple[Price, ...] = ()


@dataclass(frozen=True)
class ServiceCard:
    """One service at one place, with the facts a person needs to use it (HSDS service_at_location).

    `distance_m` is metres in a straight line from the place asked about, `verified_on` the day somebody last
    checked the record, `stale` whether that is too long ago to rely on, `languages` ISO 639 codes,
    `required_documents` and `accessibility` the directory's own words.
    """

    id: str
    service_id: str
    name: str
    organization: str
    address: str | None = None
    area: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    distance_m: int | None = None
    phones: tuple[str, ...] = ()
    opening: Opening = Opening("unknown")
    hours_on: DayHours | None = None
    cost: Cost | None = None
    languages: tuple[str, ...] = ()
    accessibility: tuple[str, ...] = ()
    required_documents: tuple[str, ...] = ()
    eligibility: str | None = None
    minimum_age: int | None = None
    maximum_age: int | None = None
    description: str | None = None
    verified_on: date | None = None
    stale: bool = False
    url: str | None = None


@dataclass(frozen=True)
class Source:
    """What a statement rests on: the instrument and article, its short name for a text, and where to read it."""

    title: str
    short: str
    url: str


@dataclass(frozen=True)
class Choice:
    """Something to pick by number. The label is a catalogue phrase or a name; `payload` is what Rasa gets if it is picked."""

    payload: str
    phrase: Phrase | None = None
    name: str | None = None
    topic: str | None = None


@dataclass(frozen=True)
class Escalation:
    """A person has been asked to help: how urgent it is, and by when they will answer (aware, UTC).

    `staffed`: somebody is there now; `opens_at` when somebody is next, where nobody is.
    """

    status: Literal["open", "claimed", "answered", "closed"]
    expected_at: datetime | None = None
    staffed: bool = True
    opens_at: datetime | None = None


@dataclass(frozen=True)
class Article:
    """A rights article in the reader's language: what each channel shows of it."""

    title: str
    short: str
    body: str
    easy: str | None = None
    outdated: bool = False


@dataclass(frozen=True)
class Reply:
    """One answer.

    `opening` is said first, `closing` last; between them come the article, the services and the choices.
    `topic` is the id of topics.yml that was answered, None where the answer is a question back.
    `detail` says which fact of the first service was asked for.
    """

    opening: tuple[Phrase, ...] = ()
    closing: tuple[Phrase, ...] = ()
    topic: str | None = None
    urgent: bool = False
    detail: Detail | None = None
    article: Article | None = None
    services: tuple[ServiceCard, ...] = ()
    sources: tuple[Source, ...] = ()
    choices: tuple[Choice, ...] = ()
    escalation: Escalation | None = None
    language: str | None = None  # set when the person changed language with this message


converter = make_converter()
converter.register_unstructure_hook(time, lambda value: value.isoformat())
converter.register_structure_hook(time, lambda value, _: time.fromisoformat(value))
converter.register_structure_hook(str | int, lambda value, _: value)


def dump(reply: Reply) -> dict[str, Any]:
    """The reply as JSON-ready data."""
    data: dict[str, Any] = converter.unstructure(reply)
    return data


def load(data: dict[str, Any]) -> Reply:
    """The reply that `dump` wrote. Raises an exception of cattrs if the data is not one."""
    return converter.structure(data, Reply)
