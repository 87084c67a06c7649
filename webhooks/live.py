"""POST /live: tells an open page that there is a new answer, as server-sent events, or to a page that asks every few seconds.

The conversation's id is in the body, so that no address and no log holds it; what is new is not said here: the page then
asks for itself. Only so many pages are connected to one process (CARELINE_LIVE_CONNECTIONS); the others are told to poll.
"""

import threading
import time
from collections.abc import Iterator
from typing import Final, cast

from flask import Blueprint, Response, current_app, jsonify, request
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot import escalation
from bot.conversation import Conversation, Message
from bot.errors import DatabaseUnavailable
from bot.outbox import OutboxMessage
from webhooks.current import careline

blueprint = Blueprint("live", __name__)

#: Seconds between two looks, and after which a connection ends, so that a thread is not held by a page nobody sees.
LOOK: Final = 1.0
LASTS: Final = 50.0
#: Seconds between two questions of a page that polls.
POLL: Final = 5


def version(session: Session, conversation_id: str) -> str | None:
    """Changes whenever there is something new to show in this kiosk conversation; None if there is no such conversation."""
    found = session.get(Conversation, conversation_id)
    if found is None or found.channel != "kiosk":
        return None
    sent = session.scalar(select(func.count()).where(OutboxMessage.conversation_id == conversation_id))
    answered = session.scalar(select(func.count()).where(Message.conversation_id == conversation_id, Message.state == "answered"))
    return f"{sent}-{answered}-{int(escalation.awaited(session, conversation_id))}"


@blueprint.post("/live")
def live() -> Response:
    """Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html): `changed`, or `gone`.

    503 with Retry-After when this process has enough of them.
    """
    conversation_id = request.form.get("conversation", "")[:36]
    seen = request.form.get("seen", "")[:40]
    if request.accept_mimetypes.best_match(["text/event-stream", "application/json"]) != "text/event-stream":
        return jsonify(event=_look(conversation_id, seen), again=POLL)
    places = _places()
    if not places.acquire(blocking=False):
        return Response(status=503, headers={"Retry-After": str(POLL)})
    application = current_app._get_current_object()  # type: ignore[attr-defined]  # the context ends before the stream does
    given_back = threading.Event()

    def release() -> None:
        if not given_back.is_set():
            given_back.set()
            places.release()

    def events() -> Iterator[str]:
        yield f"retry: {POLL * 1000}\n\n"
        until = time.monotonic() + LASTS
        while time.monotonic() < until:
            with application.app_context():
                event = _look(conversation_id, seen)
            if event is not None:
                yield f"event: {event}\ndata: {event}\n\n"
                return
            yield ":\n\n"  # a comment: finds out whether anybody is still there
            time.sleep(LOOK)

    response = Response(events(), mimetype="text/event-stream", headers={"X-Accel-Buffering": "no"})
    response.call_on_close(release)
    return response


def _look(conversation_id: str, seen: str) -> str | None:
    try:
        with careline().database.read() as session:
            newest = version(session, conversation_id)
    except DatabaseUnavailable:
        return None
    return "gone" if newest is None else "changed" if newest != seen else None


def _places() -> threading.BoundedSemaphore:
    kept = current_app.extensions.setdefault(
        "live.places", threading.BoundedSemaphore(max(1, careline().settings.live_connections))
    )
    return cast(threading.BoundedSemaphore, kept)
