"""Safe contact: who may be texted or called first, after a question about violence, and how long that is remembered.

A phone may be read by the one who hits. So a conversation about violence is marked on its own row (`sensitive_at`,
`safe_to_contact`), and on nothing else: when it has been quiet for `QUIET`, it is taken off the number, and the next
message on that number begins a conversation that knows nothing of it (`bot.conversation.open_conversation`). The old one
stays for staff, and goes when its time is over (`bot.retention`).

Without a yes, texts go out only while the person is writing; with a no, none but the answer to each message.
"""

from datetime import datetime
from typing import Final

from bot.clock import now
from bot.conversation import QUIET, Conversation
from bot.opt_out import Purpose

#: Topics after which we ask whether this phone is safe.
VIOLENCE: Final = frozenset({"violence_refuge", "rights_violence", "crisis_violence"})
#: The phrase that asks.
QUESTION: Final = "safe.ask"


def may_text(conversation: Conversation, purpose: Purpose, moment: datetime | None = None) -> bool:
    """Whether a text may be sent that is not the answer to a message just received.

    In a conversation about violence only with the person's yes, or to somebody who has written within `QUIET` and said
    neither yes nor no; follow-ups and alerts only with a yes.
    """
    if conversation.sensitive_at is None or conversation.safe_to_contact:
        return True
    if conversation.safe_to_contact is False or purpose != "answers":
        return False
    return (moment or now()) - conversation.last_message_at < QUIET


def may_call(conversation: Conversation) -> bool:
    """Whether the person may be called back, or a voicemail left: in a conversation about violence only with a yes."""
    return conversation.sensitive_at is None or conversation.safe_to_contact is True


def mark(conversation: Conversation) -> None:
    """Remember that this conversation is about violence, from now on."""
    conversation.sensitive_at = conversation.sensitive_at or now()


def elsewhere(conversation: Conversation) -> None:
    """Texts go to another phone than the one that is not safe; its owner has just named it. A no was not about this one."""
    if conversation.safe_to_contact is False:
        conversation.safe_to_contact = None


def told(conversation: Conversation, safe: bool) -> None:
    """The person has said whether this phone is safe."""
    conversation.sensitive_at = conversation.sensitive_at or now()
    conversation.safe_to_contact = safe
