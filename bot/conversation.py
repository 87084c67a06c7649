"""Conversations and their messages: what has been said, and to whom.

A conversation belongs to one number on one channel, or to one kiosk session. Its id is what Rasa knows it by: no number
reaches Rasa. Texts and numbers are encrypted (`bot.encryption`).
"""

import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, Index, String, delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from bot import logs
from bot import reply as replies
from bot.clock import now
from bot.db import Base, Database, Moment
from bot.encryption import Sealed, vault
from bot.reply import Channel, Choice, Reply

#: An unanswered message this old was left behind by a process that died: longer than any turn may take.
LEFT_BEHIND = timedelta(seconds=45)
#: A conversation about violence that has been quiet this long is over: who writes next may be somebody else.
QUIET = timedelta(minutes=30)
#: The same where the person has said that the phone is safe.
QUIET_WHEN_SAFE = timedelta(days=1)


class Conversation(Base):
    """One person's thread on one channel.

    `number_hash` is unique to the conversation that the number's next message belongs to; `person_hash` is the same in every
    conversation of a number, so that all can be erased together. `sensitive_at` says since when it is about violence,
    `safe_to_contact` what the person said about being texted or called (`bot.safety`).
    """

    __tablename__ = "conversation"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=lambda: str(uuid.uuid4()))
    channel: Mapped[str] = mapped_column(String(8))
    number_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    person_hash: Mapped[str | None] = mapped_column(String(64), index=True)
    number: Mapped[str | None] = mapped_column(Sealed)
    sensitive_at: Mapped[datetime | None] = mapped_column(Moment)
    safe_to_contact: Mapped[bool | None]
    language: Mapped[str | None] = mapped_column(String(8))
    language_chosen: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
    last_message_at: Mapped[datetime] = mapped_column(Moment, default=now)


class Message(Base):
    """One inbound message and the reply it got.

    `state`: received → answered; or received → late → answered, where the answer goes through the outbox. `trace` is kept
    while an answer is owed, so that the log lines of whoever gives it can be found; then nothing leads from them to a person.
    """

    __tablename__ = "message"
    __table_args__ = (Index("message_waiting", "state", "received_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversation.id", ondelete="CASCADE"), index=True)
    provider_id: Mapped[str | None] = mapped_column(String(64), unique=True)
    text: Mapped[str] = mapped_column(Sealed)
    place: Mapped[str | None] = mapped_column(Sealed)
    language: Mapped[str | None] = mapped_column(String(8))
    topic: Mapped[str | None] = mapped_column(String(40))
    state: Mapped[str] = mapped_column(String(10), default="received")
    received_at: Mapped[datetime] = mapped_column(Moment, default=now)
    leased_until: Mapped[datetime | None] = mapped_column(Moment)
    reply: Mapped[str | None] = mapped_column(Sealed)
    trace: Mapped[str | None] = mapped_column(String(32))

    def store(self, reply: Reply, language: str, state: str) -> None:
        """Keep the reply with the message it answers."""
        self.reply = json.dumps(replies.dump(reply))
        self.language = language
        self.topic = reply.topic
        self.state = state
        self.leased_until = None
        self.trace = None


@dataclass(frozen=True)
class Recorded:
    """What recording an inbound message gave: its ids, and what is known of the person.

    `follows` is the id of an earlier message of theirs that is being answered at this moment.
    """

    conversation_id: str
    message_id: int
    language: str | None
    language_chosen: bool
    choices: tuple[Choice, ...]
    last_reply: Reply | None
    sensitive: bool = False
    safe_to_contact: bool | None = None
    #: An earlier message of the conversation that has no answer yet.
    follows: int | None = None


def person_hash(number: str) -> str:
    """What all conversations of a number have in common, on every channel."""
    return vault().hash(f"person:{number}")


def open_conversation(session: Session, channel: Channel, conversation_id: str | None, number: str | None) -> Conversation:
    """The conversation of this number, or of this id; a new one where there is none. Unknown ids start afresh."""
    found: Conversation | None = None
    language, chosen = None, False
    if number is not None:
        digest = vault().hash(f"{channel}:{number}")
        found = session.scalar(select(Conversation).where(Conversation.number_hash == digest))
        if found is not None and _over(found):
            # Whoever writes now is told nothing of it; only the language goes on.
            language, chosen = found.language, found.language_chosen
            found.number_hash = None
            session.flush()
            found = None
        if found is not None and found.person_hash is None:
            found.person_hash = person_hash(number)
    elif conversation_id is not None:
        found = session.get(Conversation, conversation_id)
        if found is not None and (found.channel != channel or found.number is not None):
            found = None  # an id that leaked must not open somebody's text thread
    if found is None:
        found = Conversation(channel=channel, number=number, language=language, language_chosen=chosen)
        if number is not None:
            found.number_hash = digest
            found.person_hash = person_hash(number)
        session.add(found)
        session.flush()
    return found


def _over(conversation: Conversation) -> bool:
    """Whether a conversation about violence has been quiet for so long that the next message is not its own."""
    if conversation.sensitive_at is None:
        return False
    quiet = QUIET_WHEN_SAFE if conversation.safe_to_contact else QUIET
    return now() - conversation.last_message_at >= quiet


def record_inbound(
    database: Database,
    channel: Channel,
    text: str,
    provider_id: str | None,
    number: str | None,
    conversation_id: str | None,
    place: str | None = None,
) -> Recorded | None:
    """Store an inbound message. None when its provider id was stored before.

    The unique constraint decides, not a look-up: two processes may get the same message at the same instant.
    Raises DatabaseUnavailable.
    """
    try:
        with database.begin() as session:
            conversation = open_conversation(session, channel, conversation_id, number)
            message = Message(
                conversation_id=conversation.id, provider_id=provider_id, text=text, place=place, trace=logs.trace() or None
            )
            session.add(message)
            conversation.last_message_at = now()
            session.flush()
            return recorded_message(session, message)
    except IntegrityError:
        if provider_id is None:
            raise
        with database.read() as session:
            if session.scalar(select(Message.id).where(Message.provider_id == provider_id)) is not None:
                return None
        # Two first messages of one number met: the conversation exists now.
        return record_inbound(database, channel, text, provider_id, number, conversation_id, place)


def recorded_message(session: Session, message: Message) -> Recorded:
    """What is known of a message's conversation."""
    conversation = session.get_one(Conversation, message.conversation_id)
    before = session.execute(
        select(Message.id, Message.state, Message.received_at, Message.reply)
        .where(Message.conversation_id == conversation.id, Message.id < message.id)
        .order_by(Message.id.desc())
        .limit(REMEMBERED + 2)
    ).all()
    fresh = now() - LEFT_BEHIND
    stored = [row.reply for row in before if row.state == "answered" and row.reply is not None]
    replies_so_far = _said_something(stored[:REMEMBERED])
    last = replies_so_far[0] if replies_so_far else None
    return Recorded(
        conversation_id=conversation.id,
        message_id=message.id,
        language=conversation.language,
        language_chosen=conversation.language_chosen,
        choices=next((reply.choices for reply in replies_so_far if reply.choices), ()),
        last_reply=last,
        sensitive=conversation.sensitive_at is not None,
        safe_to_contact=conversation.safe_to_contact,
        follows=next((row.id for row in before if row.state == "received" and row.received_at > fresh), None),
    )


def unanswered(database: Database, message_id: int) -> bool:
    """Whether a message is still being answered. Raises DatabaseUnavailable."""
    with database.read() as session:
        return session.scalar(select(Message.state).where(Message.id == message_id)) == "received"


#: Choices offered longer ago than this many replies are forgotten.
REMEMBERED = 6


def last_replies(session: Session, conversation_id: str) -> list[Reply]:
    """The newest replies of the conversation that said something, newest first."""
    stored = session.scalars(
        select(Message.reply)
        .where(Message.conversation_id == conversation_id, Message.reply.is_not(None), Message.state == "answered")
        .order_by(Message.id.desc())
        .limit(REMEMBERED)
    )
    return _said_something(stored)


def _said_something(stored: Iterable[str | None]) -> list[Reply]:
    found = (replies.load(json.loads(reply)) for reply in stored if reply)
    return [reply for reply in found if reply != Reply()]


#: Answers that do not end a topic: "thanks", and then "more".
_PASSING = frozenset({None, "more", "repeat", "wrong_information", "thanks", "greet", "help", "feedback_good", "feedback_bad"})
#: How many messages back what was asked is looked for.
_BACK = 12


def texts_on(session: Session, conversation_id: str, topic: str) -> list[str]:
    """What the person wrote on a topic since it came up last, oldest first."""
    rows = session.execute(
        select(Message.text, Message.topic)
        .where(Message.conversation_id == conversation_id, Message.state == "answered")
        .order_by(Message.id.desc())
        .limit(_BACK)
    )
    texts: list[str] = []
    for text, answered_topic in rows:
        if answered_topic == topic:
            texts.append(text)
        elif answered_topic not in _PASSING:
            break
    return texts[::-1]


def text_before(session: Session, conversation_id: str, message_id: int) -> str:
    """What the person wrote last before a message; empty if nothing."""
    earlier = (Message.conversation_id == conversation_id) & (Message.id < message_id)
    return session.scalar(select(Message.text).where(earlier).order_by(Message.id.desc()).limit(1)) or ""


def record_reply(database: Database, message_id: int, reply: Reply, language: str, late: bool = False) -> bool:
    """Keep the reply with the message it answers. `late` marks a promise: the worker will answer again.

    False if there is nothing left to answer: the worker took this process for dead and has answered, or the conversation
    was erased. Raises DatabaseUnavailable.
    """
    values = {
        "reply": json.dumps(replies.dump(reply)),
        "language": language,
        "topic": reply.topic,
        "state": "late" if late else "answered",
        "leased_until": None,
    }
    if not late:
        values["trace"] = None
    with database.begin() as session:
        waiting = (Message.id == message_id) & (Message.state == "received")
        done = session.execute(update(Message).where(waiting).values(values))
        return bool(done.rowcount)  # type: ignore[attr-defined]  # a CursorResult, as for every UPDATE


def remember_language(database: Database, conversation_id: str, language: str, chosen: bool) -> None:
    """Keep the language for the person's next messages; `chosen` when they asked for it. Raises DatabaseUnavailable."""
    with database.begin() as session:
        values: dict[str, object] = {"language": language} | ({"language_chosen": True} if chosen else {})
        session.execute(update(Conversation).where(Conversation.id == conversation_id).values(values))


def text_to(session: Session, conversation_id: str, number: str) -> None:
    """From now on this conversation may be answered by text at `number`: the caller has asked for it."""
    session.get_one(Conversation, conversation_id).number = number


class NotTheirs(Exception):
    """A message was sent again by somebody else than the first time: the answer is not for them."""


def answered(
    database: Database, provider_id: str, number: str | None, conversation_id: str | None
) -> tuple[str, str, Reply] | None:
    """Conversation id, language and reply of a message seen before, None while it has no reply yet.

    Raises NotTheirs when it came from another number, or out of another conversation, the first time.
    """
    with database.read() as session:
        message = session.scalar(select(Message).where(Message.provider_id == provider_id))
        if message is None:
            return None
        owner = session.get_one(Conversation, message.conversation_id)
        if number is not None or owner.person_hash is not None:
            if number is None or owner.person_hash != person_hash(number):
                raise NotTheirs
        elif conversation_id is not None and conversation_id != owner.id:
            raise NotTheirs
        if message.reply is None:
            return None
        return message.conversation_id, message.language or "", replies.load(json.loads(message.reply))


def lease_unanswered(database: Database, lease: timedelta, limit: int = 20) -> list[int]:
    """Ids of messages still owed an answer, each leased to the caller for `lease` so that one worker has it.

    These are the late ones, and those received by a process that died. Raises DatabaseUnavailable.
    """
    moment = now()
    # A time that lies too far ahead was written before the clock was set back; waiting for it could take hours.
    old = (Message.received_at < moment - LEFT_BEHIND) | (Message.received_at > moment + LEFT_BEHIND)
    waiting = (Message.state == "late") | ((Message.state == "received") & old)
    lapsed = (Message.leased_until < moment) | (Message.leased_until > moment + 2 * lease)
    free = Message.leased_until.is_(None) | lapsed
    leased = []
    with database.begin() as session:
        for message_id in session.scalars(select(Message.id).where(waiting, free).order_by(Message.id).limit(limit)):
            claim = update(Message).where(Message.id == message_id, waiting, free).values(leased_until=moment + lease)
            if session.execute(claim).rowcount:  # type: ignore[attr-defined]  # a CursorResult, as for every UPDATE
                leased.append(message_id)
    return leased


def forget(database: Database, conversation_id: str) -> None:
    """Erase a conversation and all that belongs to it. Raises DatabaseUnavailable."""
    with database.begin() as session:
        session.execute(delete(Conversation).where(Conversation.id == conversation_id))
