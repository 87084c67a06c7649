"""An answer of the kiosk as a text to a telephone, because the person asked for it.

It becomes the newest answer of that number's own thread, so that "2" and MORE go on from it; what was written at the kiosk
is not told to that thread.
"""

import json
from typing import Literal

from sqlalchemy import select

from bot import opt_out, outbox, render
from bot import reply as replies
from bot.careline import Careline
from bot.conversation import Message, open_conversation
from bot.render import sms
from bot.reply import Reply

Outcome = Literal["sent", "stopped"]


def send(careline: Careline, reply: Reply, language: str, number: str, once: str) -> Outcome:
    """Queue the answer for a number (E.164); once for each `once`. "stopped" if that number asked us not to text.

    Raises DatabaseUnavailable.
    """
    text = sms.render(reply, render.facts(careline, language, "sms"))
    provider_id = f"to phone {once}"[:64]
    with careline.database.begin() as session:
        if opt_out.stopped(session, number):
            return "stopped"
        if session.scalar(select(Message.id).where(Message.provider_id == provider_id)) is not None:
            return "sent"
        conversation = open_conversation(session, "sms", None, number)
        conversation.language = conversation.language or language
        message = Message(conversation_id=conversation.id, provider_id=provider_id, text="", language=language)
        message.reply, message.topic, message.state = json.dumps(replies.dump(reply)), reply.topic, "answered"
        session.add(message)
        session.flush()
        outbox.put(session, conversation.id, text, origin=f"message {message.id}")
    return "sent"
