"""GET /speech/<token>.wav: the last answer of one conversation, spoken, for browsers without a voice or without scripts.

The token is sealed: it names the conversation to us alone, so that no address and no log holds an id, and it works for
some minutes only.
"""

import json
import time
from typing import Final

from flask import Blueprint, Response, abort
from sqlalchemy import select

from bot import aloud, render
from bot import reply as replies
from bot.conversation import Conversation, Message
from bot.encryption import vault
from bot.errors import DataError
from webhooks.current import careline

blueprint = Blueprint("speech", __name__)

#: Seconds for which an address works.
LASTS: Final = 15 * 60


def token(conversation_id: str, language: str) -> str:
    """What stands in the address."""
    return vault().seal(f"speech {conversation_id} {language} {int(time.time()) + LASTS}").decode()


@blueprint.get("/speech/<token>.wav")
def last(token: str) -> Response:
    """The newest answer of that conversation as a WAV file; 404 when the token is old, wrong, or the conversation erased."""
    try:
        purpose, conversation_id, language, until = vault().open(token.encode()).split(" ")
    except (DataError, ValueError):
        abort(404)
    if purpose != "speech" or int(until) < time.time():
        abort(404)
    newest = (
        select(Message.reply)
        .join(Conversation)
        .where(Message.conversation_id == conversation_id, Message.reply.is_not(None), Conversation.channel == "kiosk")
        .order_by(Message.id.desc())
        .limit(1)
    )
    with careline().database.read() as session:
        stored = session.scalar(newest)
    if stored is None:
        abort(404)
    facts = render.facts(careline(), language, "kiosk")
    sound = aloud.wav(aloud.spoken(replies.load(json.loads(stored)), facts), language)
    if sound is None:
        abort(503, "Nothing can be read aloud just now.")
    return Response(sound, mimetype="audio/wav", headers={"Cache-Control": "no-store"})
