"""What is kept, and for how long: one setting for each kind of data. The public page, the answers and this job read the
same (`bot.privacy`).

What a person helped with is kept longer than what nobody did. Whatever goes here goes at the provider and in the dialogue
too, through `bot.erasure`.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from bot import callback, erasure, heartbeat
from bot.careline import Careline, Dialogue
from bot.clock import now
from bot.conversation import Conversation, Message
from bot.erasure import Erasure
from bot.errors import DialogueUnavailable
from bot.escalation import Case
from bot.heartbeat import Heartbeat
from bot.outbox import OutboxMessage
from bot.settings import Settings
from bot.spending import SpentDay

_log = logging.getLogger(__name__)

#: How often the job runs: every day, and an hour to spare, or it would come later each day.
EVERY = timedelta(hours=23)
#: Conversations that go in one transaction.
BATCH = 200


@dataclass(frozen=True)
class Purged:
    """How much went: conversations as a whole, messages and recordings of those that go on, receipts, files of logs and
    backups."""

    conversations: int = 0
    messages: int = 0
    recordings: int = 0
    receipts: int = 0
    files: int = 0


def daily(careline: Careline, dialogue: Dialogue, logs: Path | None = None) -> Purged | None:
    """Run the job if it has not run for a day; None if it has. `logs`: as for `purge`. Raises DatabaseUnavailable."""
    with careline.database.begin() as session:
        last = session.get(Heartbeat, "purge")
        if last is not None and now() - last.at < EVERY:
            return None
        heartbeat.beat(session, "purge")
    return purge(careline, dialogue, logs)


def purge(careline: Careline, dialogue: Dialogue, logs: Path | None = None) -> Purged:
    """Erase everything whose time is over. Doing it twice does no harm. Raises DatabaseUnavailable.

    `logs` is their folder, where that is not in the home folder.
    """
    settings, moment = careline.settings, now()
    gone = 0
    while True:
        with careline.database.begin() as session:
            batch = _conversations(session, settings, moment)
            gone += batch
        if batch < BATCH:
            break
    with careline.database.begin() as session:
        messages = _messages(session, settings, moment)
        recordings = _recordings(session, settings, moment)
        receipts = _count(session, delete(Erasure).where(Erasure.requested_at < moment - _days(settings.keep_receipts_days)))
        _count(session, delete(SpentDay).where(SpentDay.day < (moment - _days(settings.keep_logs_days)).date()))
    try:
        dialogue.forget_before(moment - _days(settings.keep_messages_days))
    except DialogueUnavailable as error:
        _log.warning("%s It is tried again tomorrow.", error)
    files = _old_files(logs or settings.home / "logs", moment - _days(settings.keep_logs_days))
    files += _old_files(settings.home / "backups", moment - _days(settings.keep_backups_days))
    return Purged(gone, messages, recordings, receipts, files)


def _days(days: int) -> timedelta:
    return timedelta(days=days)


def _held(settings: Settings, moment: datetime):  # type: ignore[no-untyped-def]  # a clause of SQLAlchemy, of no short name
    """Conversations that a person helped with and that are kept for it."""
    since = func.coalesce(Case.closed_at, Case.opened_at)
    return select(Case.conversation_id).where(since >= moment - _days(settings.keep_cases_days))


def _conversations(session: Session, settings: Settings, moment: datetime) -> int:
    """Conversations that nobody has written in for their time."""
    by_page = (Conversation.channel == "kiosk") & (Conversation.last_message_at < moment - _days(settings.keep_kiosk_days))
    others = (Conversation.channel != "kiosk") & (Conversation.last_message_at < moment - _days(settings.keep_messages_days))
    query = select(Conversation).where(by_page | others, Conversation.id.not_in(_held(settings, moment))).limit(BATCH)
    found = session.scalars(query).all()
    for conversation in found:
        erasure.later(session, "dialogue", conversation.id)
    for number in {one.number for one in found if one.number is not None}:
        erasure.later(session, "provider", number, before=moment - _days(settings.keep_messages_days))
    erasure.calls_later(session, [one.id for one in found])
    session.execute(delete(Conversation).where(Conversation.id.in_([one.id for one in found])))
    return len(found)


def _recordings(session: Session, settings: Settings, moment: datetime) -> int:
    """Messages people have spoken: the provider's recording goes at its own time, the task and the conversation stay."""
    recordings = callback.forget_recordings(session, moment - _days(settings.keep_recordings_days))
    for recording_id in recordings:
        erasure.later(session, "recording", recording_id)
    return len(recordings)


def _messages(session: Session, settings: Settings, moment: datetime) -> int:
    """Old messages of conversations that go on."""
    before = moment - _days(settings.keep_messages_days)
    held = _held(settings, moment)
    old = (Message.received_at < before) & (Message.state == "answered") & Message.conversation_id.not_in(held)
    about = select(Conversation.number).where(
        Conversation.id.in_(select(Message.conversation_id).where(old)), Conversation.number.is_not(None)
    )
    for number in set(session.scalars(about)):
        erasure.later(session, "provider", str(number), before=before)
    gone = _count(session, delete(Message).where(old))
    sent = (OutboxMessage.created_at < before) & OutboxMessage.status.not_in(("queued", "sending"))
    return gone + _count(session, delete(OutboxMessage).where(sent, OutboxMessage.conversation_id.not_in(held)))


def _count(session: Session, statement) -> int:  # type: ignore[no-untyped-def]  # any DELETE
    result = session.execute(statement.execution_options(synchronize_session=False))
    return int(result.rowcount)  # type: ignore[attr-defined]  # a CursorResult, as for every DELETE


def _old_files(folder: Path, before: datetime) -> int:
    """Erase files that nothing has written to since `before`."""
    old = [path for path in folder.glob("*") if path.is_file() and path.stat().st_mtime < before.timestamp()]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)
