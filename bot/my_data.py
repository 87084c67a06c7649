"""What is kept of a person: for themselves as a short text, for a person they trust with it as a file.

The text says what kinds of things are kept and how long, and nothing of what was said: whoever holds the phone may ask.
The file has everything, and is made by staff for somebody they have before them (`careline data`), or for a conversation on
the page that is still open there.
"""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from bot.conversation import Conversation, Message, person_hash
from bot.escalation import Case, said
from bot.opt_out import purposes_stopped


def conversations(session: Session, number: str | None = None, conversation_id: str | None = None) -> list[Conversation]:
    """All conversations of a number, on every channel, or the one of this id; the oldest first."""
    mine = or_(
        Conversation.person_hash == person_hash(number) if number is not None else Conversation.id.is_(None),
        Conversation.id == conversation_id,
    )
    return list(session.scalars(select(Conversation).where(mine).order_by(Conversation.created_at)))


def everything(session: Session, number: str | None = None, conversation_id: str | None = None) -> dict[str, Any]:
    """All that is kept of a number, or of one conversation, as JSON-ready data."""
    found = conversations(session, number, conversation_id)
    return {
        "number": number,
        "stopped": sorted(purposes_stopped(session, number)) if number is not None else [],
        "conversations": [_conversation(session, one) for one in found],
    }


def as_file(data: dict[str, Any]) -> bytes:
    """The data as a file people can open anywhere: JSON, readable, UTF-8."""
    return json.dumps(data, ensure_ascii=False, indent=2).encode()


def _conversation(session: Session, conversation: Conversation) -> dict[str, Any]:
    cases = session.scalars(select(Case).where(Case.conversation_id == conversation.id).order_by(Case.opened_at))
    topics = session.scalars(select(Message.topic).where(Message.conversation_id == conversation.id).order_by(Message.id))
    return {
        "channel": conversation.channel,
        "language": conversation.language,
        "began": _moment(conversation.created_at),
        "last_message": _moment(conversation.last_message_at),
        "safe_to_contact": conversation.safe_to_contact,
        "topics": list(dict.fromkeys(topic for topic in topics if topic)),
        "said": [
            {
                "at": _moment(one.at),
                "who": one.who,
                "text": one.text or None,
                "reply": [phrase.key for phrase in one.reply.opening] + [card.name for card in one.reply.services]
                if one.reply is not None
                else None,
            }
            for one in said(session, conversation.id)
        ],
        "cases": [
            {"reason": case.reason, "status": case.status, "opened": _moment(case.opened_at), "closed": _moment(case.closed_at)}
            for case in cases
        ],
    }


def _moment(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at is not None else None
