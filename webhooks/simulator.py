"""A phone on the screen, and the provider behind it: for development only, there is no account.

The phone's texts go through the service's own signed webhook; the provider's part speaks enough of Twilio's API for its
client to send with (https://www.twilio.com/docs/messaging/api/message-resource), and reports back like it.
"""

import hmac
import itertools
import secrets
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, cast

import requests
from flask import Blueprint, Response, abort, current_app, jsonify, make_response, render_template, request
from twilio.request_validator import RequestValidator

from bot.errors import CarelineError
from bot.phone import normalised
from bot.render.segments import measure
from bot.settings import Settings
from webhooks.current import careline
from webhooks.errors import problem
from webhooks.phone import send_text

blueprint = Blueprint("simulator", __name__, url_prefix="/simulator")

#: How many texts the provider remembers, and the longest it takes.
KEPT = 200
LONGEST = 1600
#: Seconds until a text is "sent" and again until it is "delivered".
PAUSE = 0.3


@dataclass
class Sent:
    """A text the service handed over. `number` counts up, so that a page can ask for what is new."""

    to: str
    sender: str
    body: str
    number: int
    callback: str = ""
    status: str = "queued"
    sid: str = field(default_factory=lambda: f"SM{secrets.token_hex(16)}")
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


class Provider:
    """What the provider remembers, in this process."""

    def __init__(self) -> None:
        self._sent: deque[Sent] = deque(maxlen=KEPT)
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def take(self, to: str, sender: str, body: str, callback: str) -> Sent:
        """Keep a text."""
        with self._lock:
            sent = Sent(to, sender, body, next(self._numbers), callback)
            self._sent.append(sent)
            return sent

    def sent_to(self, to: str, after: int = 0) -> list[Sent]:
        """The texts for a number that came after the one numbered `after`, the oldest first."""
        with self._lock:
            return [sent for sent in self._sent if sent.to == to and sent.number > after]

    def all(self) -> list[Sent]:
        """All texts kept, the oldest first."""
        with self._lock:
            return list(self._sent)

    def forget(self, sid: str) -> None:
        """Erase a text."""
        with self._lock:
            self._sent = deque((one for one in self._sent if one.sid != sid), maxlen=KEPT)


@blueprint.record_once
def _open(state: Any) -> None:
    state.app.extensions["simulator"] = Provider()


def kept() -> Provider:
    """What the provider of this application remembers."""
    return cast(Provider, current_app.extensions["simulator"])


def account_of(sid: str) -> tuple[str, Response | None]:
    """The account that is served, and a refusal for whoever does not show its token."""
    settings = careline().settings
    account = settings.twilio_account_sid or "AC" + "0" * 32
    given = request.authorization
    expected = f"{account}:{settings.twilio_auth_token or 'none'}".encode()
    shown = f"{given.username}:{given.password}".encode() if given else b""
    if sid != account or not hmac.compare_digest(shown, expected):
        return account, _refused(401, 20003, "Authenticate")
    return account, None


@blueprint.get("")
def phone() -> Response:
    """The phone."""
    return make_response(render_template("simulator.html", settings=careline().settings))


@blueprint.post("/send")
def send() -> Response:
    """Text the service and give back what it answers."""
    settings = careline().settings
    body = request.get_json()
    number = normalised(str(body.get("number", "")), settings.country) if isinstance(body, dict) else None
    if number is None:
        abort(422, "The number must be a telephone number, such as +447700900123.")
    try:
        answers = send_text(settings, settings.public_url.rstrip("/"), number, str(body.get("text", ""))[:LONGEST])
    except CarelineError as error:
        return problem(502, "Bad Gateway", str(error))
    return jsonify(number=number, answers=[_measured(text) for text in answers])


@blueprint.get("/messages")
def messages() -> Response:
    """What the service texted later to a number, after the one numbered `after`."""
    number = normalised(request.args.get("number"), careline().settings.country)
    found = kept().sent_to(number, request.args.get("after", 0, type=int)) if number else []
    return jsonify(messages=[_measured(sent.body) | {"number": sent.number, "status": sent.status} for sent in found])


@blueprint.post("/2010-04-01/Accounts/<sid>/Messages.json")
def create(sid: str) -> Response:
    """Take a text from Twilio's client, as Twilio does."""
    settings = careline().settings
    account, stranger = account_of(sid)
    if stranger is not None:
        return stranger
    refusal = _refusal(request.form, settings)
    if refusal is not None:
        return refusal
    form = request.form
    to = str(normalised(form["To"], settings.country))
    sent = kept().take(to, form["From"], form["Body"], form.get("StatusCallback", ""))
    if settings.public_url and sent.callback.startswith(settings.public_url.rstrip("/") + "/"):
        threading.Thread(target=_report, args=(settings, account, sent), daemon=True).start()
    response = jsonify(resource(account, sent))
    response.status_code = 201
    return response


def _refusal(form: Mapping[str, str], settings: Settings) -> Response | None:
    to, body = form.get("To", ""), form.get("Body", "")
    if not to:
        return _refused(400, 21604, "A 'To' phone number is required.")
    if not to.startswith("+") or normalised(to, settings.country) is None:
        return _refused(400, 21211, f"Invalid 'To' Phone Number: {to[:20]}")
    if not form.get("From"):
        return _refused(400, 21603, "A 'From' phone number is required.")
    if not body.strip():
        return _refused(400, 21602, "Message body is required.")
    if len(body) > LONGEST:
        return _refused(400, 21617, "The concatenated message body exceeds the 1600 character limit.")
    return None


def _refused(status: int, code: int, message: str) -> Response:
    """An error as Twilio's API words it (https://www.twilio.com/docs/usage/twilios-response)."""
    info = f"https://www.twilio.com/docs/errors/{code}"
    response = jsonify(code=code, message=message, more_info=info, status=status)
    response.status_code = status
    return response


def resource(account: str, sent: Sent) -> dict[str, Any]:
    """The text as Twilio's Message resource."""
    uri = f"/2010-04-01/Accounts/{account}/Messages/{sent.sid}"
    created = format_datetime(sent.at)
    return {
        "account_sid": account,
        "api_version": "2010-04-01",
        "body": sent.body,
        "date_created": created,
        "date_sent": None,
        "date_updated": created,
        "direction": "outbound-api",
        "error_code": None,
        "error_message": None,
        "from": sent.sender,
        "messaging_service_sid": None,
        "num_media": "0",
        "num_segments": str(measure(sent.body).segments),
        "price": None,
        "price_unit": None,
        "sid": sent.sid,
        "status": sent.status,
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": sent.to,
        "uri": f"{uri}.json",
    }


def _report(settings: Settings, account: str, sent: Sent) -> None:
    """Tell the service how far the text has come, signed."""
    with requests.Session() as session:
        session.trust_env = False
        for status in ("sent", "delivered"):
            time.sleep(PAUSE)
            sent.status = status
            form = {
                "AccountSid": account,
                "ApiVersion": "2010-04-01",
                "From": sent.sender,
                "MessageSid": sent.sid,
                "MessageStatus": status,
                "SmsSid": sent.sid,
                "SmsStatus": status,
                "To": sent.to,
            }
            signature = RequestValidator(settings.twilio_auth_token).compute_signature(sent.callback, form)
            try:
                session.post(sent.callback, data=form, headers={"X-Twilio-Signature": signature}, timeout=10)
            except requests.RequestException:
                return  # the service has gone: nobody is left to tell


def _measured(text: str) -> dict[str, Any]:
    """A text with what it costs to send."""
    settings = careline().settings
    size = measure(text)
    cost = f"{size.segments * settings.segment_price:.2f} {settings.currency}"
    return {"text": text, "encoding": size.encoding, "units": size.units, "segments": size.segments, "cost": cost}
