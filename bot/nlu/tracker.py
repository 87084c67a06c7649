"""Rasa's store of conversation state: one encrypted row for each conversation, and no more of it than the dialogue uses.

Rasa's own SQL store keeps every event for ever, a dozen rows a message, and reads and writes them one by one; here a
turn is one read and one write, however long the conversation is.
"""

import json
import os
import zlib
from collections.abc import Iterable
from typing import Any

from rasa.core.brokers.broker import EventBroker
from rasa.core.tracker_store import SerializedTrackerAsText, TrackerStore
from rasa.shared.core.constants import ACTION_LISTEN_NAME
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, Event, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from sqlalchemy import Column, DateTime, Engine, LargeBinary, MetaData, String, Table, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from bot import encryption, municipalities
from bot.clock import now
from bot.db import connect
from bot.encryption import vault
from bot.redaction import redact

#: How many of a person's last messages are kept: what MemoizationPolicy looks at (max_history in config.yml), and one more.
KEPT = 4

#: Where an event holds what a person wrote.
_TEXTS = frozenset({"text", "place", "value"})

DIALOGUE = Table(
    "dialogue",
    MetaData(),
    Column("conversation_id", String(36), primary_key=True),
    Column("events", LargeBinary, nullable=False),
    Column("changed_at", DateTime, nullable=False, index=True),
)


def shortened(events: list[Event], slots: dict[str, Any], kept: int = KEPT) -> list[Event]:
    """The events from the `kept`th last message on, after the slots as they were set before it.

    `slots` are the slots' values at the end; those set within the kept part are set there again, which changes nothing.
    """
    messages = [at for at, event in enumerate(events) if isinstance(event, UserUttered)]
    if len(messages) <= kept:
        return events
    start = messages[-kept]
    before: dict[str, Any] = {}
    for event in events[:start]:
        if isinstance(event, SlotSet) and event.key in slots:
            before[event.key] = event.value
    set_before = [SlotSet(name, value) for name, value in before.items() if value is not None]
    return [*set_before, ActionExecuted(ACTION_LISTEN_NAME), *events[start:]]


def redacted(data: Any) -> Any:
    """Events, as JSON, without what must not be kept of a text."""
    if isinstance(data, dict):
        return {
            key: redact(value) if key in _TEXTS and isinstance(value, str) else redacted(value) for key, value in data.items()
        }
    return [redacted(one) for one in data] if isinstance(data, list) else data


class SealedTrackerStore(TrackerStore, SerializedTrackerAsText):
    """Conversation state in a table of its own, encrypted with the service's keys; SQLite or PostgreSQL.

    Each municipality's is in its own database, under its own keys. `url` is for one municipality alone.
    """

    def __init__(
        self, domain: Domain | None = None, event_broker: EventBroker | None = None, url: str = "", **kwargs: Any
    ) -> None:
        # An endpoints.yml read by Rasa gives the address as `host`.
        given = str(kwargs.pop("host", None) or url)
        self._engines: dict[str, Engine] = {}
        for name, own in municipalities.settings(os.environ).items():
            with municipalities.at(name):
                encryption.use(encryption.open_vault(own.secret_key, own.home))
            self._engines[name] = connect(given if given and not name else own.tracker, own.sqlite_wait)
        self._ready: set[str] = set()
        super().__init__(domain, event_broker)

    @property
    def engine(self) -> Engine:
        """The database of the municipality at hand. Raises KeyError where there is none of that name."""
        return self._engines[municipalities.current()]

    async def retrieve(self, sender_id: str) -> DialogueStateTracker | None:
        """The conversation's state, None if there is none. Raises SQLAlchemyError."""
        self._prepare()
        with self.engine.connect() as connection:
            row = connection.execute(select(DIALOGUE.c.events).where(DIALOGUE.c.conversation_id == sender_id)).first()
        if row is None or self.domain is None:
            return None
        return DialogueStateTracker.from_dict(sender_id, json.loads(_opened(bytes(row[0]))), self.domain.slots)

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Keep the conversation's state. Raises SQLAlchemyError."""
        self._prepare()
        await self.stream_events(tracker)
        slots = {slot.name: slot.value for slot in tracker.slots.values()}
        events = [event.as_dict() for event in shortened(list(tracker.events), slots)]
        values = {"events": _sealed(json.dumps(redacted(events))), "changed_at": now().replace(tzinfo=None)}
        dialect = sqlite if self.engine.dialect.name == "sqlite" else postgresql
        insert = dialect.insert(DIALOGUE).values(conversation_id=tracker.sender_id, **values)
        upsert = insert.on_conflict_do_update(index_elements=[DIALOGUE.c.conversation_id], set_=values)
        with self.engine.execution_options(careline_writes=True).begin() as connection:
            connection.execute(upsert)

    async def keys(self) -> Iterable[str]:
        """Ids of all conversations."""
        self._prepare()
        with self.engine.connect() as connection:
            return list(connection.scalars(select(DIALOGUE.c.conversation_id)))

    def _prepare(self) -> None:
        # Not when it is opened: the database may come up after Rasa, and processes are forked from one that holds no connection.
        if municipalities.current() not in self._ready:
            create_table(self.engine)
            self._ready.add(municipalities.current())


def create_table(engine: Engine) -> None:
    """Make the table where there is none. Raises SQLAlchemyError."""
    try:
        DIALOGUE.create(engine.execution_options(careline_writes=True), checkfirst=True)
    except SQLAlchemyError:
        # Of several processes that start at once one makes it; the others find it made.
        with engine.connect() as connection:
            connection.execute(select(DIALOGUE.c.conversation_id).limit(1))


def _sealed(text: str) -> bytes:
    return vault().seal_bytes(zlib.compress(text.encode("utf-8", "surrogatepass"), 1))


def _opened(token: bytes) -> str:
    return zlib.decompress(vault().open_bytes(token)).decode("utf-8", "surrogatepass")
