"""What is answered: one module per behaviour, each making a Reply from what the directory and the articles know.

An answer also says what to remember of the conversation, so that "2", "more" and "is it open on Sunday" make sense.
"""

from dataclasses import dataclass, field
from datetime import datetime

from bot.filters import Filters
from bot.local_words import Meant
from bot.places import Place
from bot.reply import Channel, Detail, Reply


@dataclass(frozen=True)
class Memory:
    """What a follow-up question may refer to.

    `shown` are ids of the services given so far on this topic, `current` the one spoken about last, `place` the name of the
    place asked about, `unsure` how many messages in a row were not understood.
    """

    topic: str | None = None
    place: str | None = None
    current: str | None = None
    shown: tuple[str, ...] = ()
    unsure: int = 0


@dataclass(frozen=True)
class Asked:
    """What a person asks, as far as it can be told: the text, what stands in it, and what was said before.

    `moment` is aware and local to the service's time zone; `topics` what the model holds likely, best first;
    `service` the id of a service picked by number; `unknown_place` a place named in the text that the directory does not know;
    `meant` the topic and services that the city's own words in the text mean.
    """

    conversation_id: str
    text: str
    language: str
    channel: Channel
    moment: datetime
    memory: Memory = field(default_factory=Memory)
    place: Place | None = None
    filters: Filters = field(default_factory=Filters)
    detail: Detail | None = None
    topics: tuple[str, ...] = ()
    service: str | None = None
    unknown_place: str | None = None
    meant: Meant | None = None

    def services(self, topic: str) -> tuple[str, ...]:
        """Services to answer this topic with before all others: those that a topic of the city's own leads to."""
        return self.meant.services if self.meant is not None and self.meant.topic == topic else ()


@dataclass(frozen=True)
class Answer:
    """A reply, and what to remember with it."""

    reply: Reply
    memory: Memory = field(default_factory=Memory)
