"""Looking for a case: by telephone number, by what was written, or by the beginning of its id.

Texts are sealed, so that no index can hold their words: those of the newest cases are opened and looked through.
"""

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.case_history import CaseEvent
from bot.conversation import Conversation, Message
from bot.encryption import vault
from bot.escalation import Case
from bot.folding import fold
from bot.outbox import OutboxMessage

#: How many of the newest cases are looked through for words.
NEWEST = 300


def find(session: Session, text: str, number: str | None, limit: int = 50) -> list[tuple[Case, str]]:
    """Cases with their channel, the newest first. `number` is the text as E.164, where it is a telephone number."""
    newest = select(Case, Conversation.channel).join(Conversation).order_by(Case.opened_at.desc())
    if number is not None:
        hashes = [vault().hash(f"{channel}:{number}") for channel in ("sms", "voice")]
        return [
            (case, channel) for case, channel in session.execute(newest.where(Conversation.number_hash.in_(hashes)).limit(limit))
        ]
    words = fold(text)
    if len(words) < 2:
        return []
    found = []
    for case, channel in session.execute(newest.limit(NEWEST)):
        if case.id.startswith(text.strip().lower()) or _says(session, case, words):
            found.append((case, channel))
            if len(found) == limit:
                break
    return found


def _says(session: Session, case: Case, words: str) -> bool:
    texts = [
        *session.scalars(select(Message.text).where(Message.conversation_id == case.conversation_id)),
        *session.scalars(select(OutboxMessage.text).where(OutboxMessage.conversation_id == case.conversation_id)),
        *session.scalars(select(CaseEvent.text).where(CaseEvent.case_id == case.id, CaseEvent.text.is_not(None))),
    ]
    return any(words in fold(text) for text in texts if text)
