"""The JSON API: POST /api/chat, described at /openapi.json."""

from typing import Any

from flask import Blueprint, Response, abort, jsonify, request

from bot import outbox, render
from bot.inbound import LONGEST, Inbound
from bot.outbox import OutboxMessage
from bot.render import kiosk as rendering
from bot.reply import Reply
from webhooks.current import answer, careline
from webhooks.errors import problem
from webhooks.openapi import description

blueprint = Blueprint("api", __name__)


@blueprint.post("/api/chat")
def chat() -> Response:
    """Answer one message of a kiosk, a simulator or a program."""
    try:
        body = request.get_json(silent=False)
    except RecursionError:
        abort(400, "The body is nested too deeply.")
    inbound = _inbound(body)
    turn = answer(inbound)
    if turn.refused and turn.reply != Reply():
        words = render.facts(careline(), turn.language, "kiosk").words
        response = problem(429, "Too Many Requests", " ".join(words.say(phrase) for phrase in turn.reply.opening))
        response.headers["Retry-After"] = "60"
        return response
    messages = rendering.render(turn.reply, render.facts(careline(), turn.language, "kiosk"))
    with careline().database.read() as session:
        since = outbox.for_kiosk(session, turn.conversation_id)
    outbox.fetched(careline().database, since)
    messages += [later(sent) for sent in since]
    return jsonify(conversation=turn.conversation_id, language=turn.language, messages=messages)


def later(sent: OutboxMessage) -> dict[str, Any]:
    """What was sent after its question, as one more message; from a person where the escalation says answered."""
    answered = {"status": "answered", "expected_at": None} if sent.author == "staff" else None
    return {
        "text": sent.text,
        "topic": None,
        "urgent": False,
        "services": [],
        "sources": [],
        "choices": [],
        "escalation": answered,
    }


@blueprint.get("/openapi.json")
def openapi() -> Response:
    """The description of this API (OpenAPI 3.1)."""
    return jsonify(description(careline().settings.languages))


def _is_id(conversation: str) -> bool:
    return conversation.isascii() and conversation.isprintable() and len(conversation) <= 36


def _inbound(body: Any) -> Inbound:
    """The message in a request's body; aborts with 400 or 422 if it is not one."""
    if not isinstance(body, dict):
        abort(400, "The body must be a JSON object.")
    text, place = body.get("text"), body.get("place")
    language, conversation = body.get("language"), body.get("conversation")
    if not isinstance(text, str):
        abort(422, "text must be a string.")
    if len(text) > LONGEST:
        abort(422, f"text may have {LONGEST} characters.")
    if not (conversation is None or (isinstance(conversation, str) and _is_id(conversation))):
        abort(422, "conversation must be the id of an earlier answer, or null.")
    if not (language is None or (isinstance(language, str) and language in careline().settings.languages)):
        abort(422, f"language must be null or one of {', '.join(careline().settings.languages)}.")
    if not (place is None or (isinstance(place, str) and len(place) <= 200)):
        abort(422, "place must be a string of at most 200 characters, or null.")
    return Inbound(channel="kiosk", text=text, conversation_id=conversation, language=language, place=place)
