"""Texts coming in, and what became of those sent: POST /sms and POST /sms/status."""

import logging
import threading

from flask import Blueprint, Response, abort, request

from bot import crowd, metrics, outbox, render, spending
from bot.errors import DatabaseUnavailable
from bot.inbound import Inbound
from bot.render import sms as rendering
from bot.turn import Turn, unavailable
from webhooks import twilio
from webhooks.current import answer, careline
from webhooks.lanes import CROWDED

blueprint = Blueprint("sms", __name__)
_log = logging.getLogger(__name__)
#: So many texts are kept at once when there are too many, so that those in danger need not share the processor with more.
_KEEPING = threading.BoundedSemaphore(4)


@blueprint.before_request
def _check_signature() -> None:
    path = request.full_path if request.query_string else request.path
    if not twilio.signed(careline().settings, path, request.form, request.headers.get("X-Twilio-Signature", "")):
        metrics.refused()
        abort(403)


@blueprint.post("/sms")
def receive() -> Response:
    """Answer one text in the same response."""
    inbound = twilio.inbound(request.form, careline().settings.country)
    if inbound is None:
        abort(400, "A message needs a sender and an id.")
    try:
        turn = _turn(inbound)
    except DatabaseUnavailable:
        if not twilio.last_try(request.form):
            raise  # the provider comes again, to the fallback
        turn = unavailable(careline(), inbound)
    text = rendering.render(turn.reply, render.facts(careline(), turn.language, "sms"))
    try:
        spending.count(careline().database, careline().settings, text)
    except DatabaseUnavailable as error:
        _log.error("A text is not counted: %s", error)
    return Response(twilio.twiml(text), mimetype="text/xml")


def _turn(inbound: Inbound) -> Turn:
    if CROWDED not in request.environ or crowd.first(inbound.text):
        return answer(inbound)
    with _KEEPING:
        return answer(inbound, crowded=True)


@blueprint.post("/sms/status")
def status() -> Response:
    """Take in a delivery status."""
    provider_id = request.form.get("MessageSid") or request.form.get("SmsSid", "")
    reported = twilio.STATUSES.get(request.form.get("MessageStatus") or request.form.get("SmsStatus", ""))
    if not provider_id or len(provider_id) > 64:
        abort(400, "A status needs the id of its message.")
    if reported is not None:
        code = request.form.get("ErrorCode")
        outbox.advance(careline().database, provider_id, reported, error=code, reference=request.args.get("message"))
    return Response(status=204)
