"""The other side of a bridge: a plain signed webhook, or Chatwoot's API; and POST /bridge, where their answers come in.

Signatures are the same both ways: `sha256=` and the HMAC-SHA256 of "{timestamp}.{body}" with the secret both sides know, in
hexadecimal. The timestamp (Unix seconds) stands in a header of its own and may be five minutes off. Our headers are
X-Careline-Signature and X-Careline-Timestamp; Chatwoot signs in the same way with its own names. See docs/bridges.md.
"""

import hashlib
import hmac
import json
import time
from typing import Any

import requests
from flask import Blueprint, Response, abort, jsonify, request

from bot import bridge
from bot.bridge import Bridge, BridgeError, Parcel
from bot.inbound import clean
from bot.settings import Settings
from webhooks.current import careline, wake

blueprint = Blueprint("bridges", __name__)

#: Seconds a signature is good for, and for the other desk to answer.
FRESH, PATIENCE = 300, 10.0


def of(settings: Settings) -> Bridge | None:
    """The bridge the settings describe, None where there is none."""
    if settings.bridge == "webhook" and settings.bridge_url:
        return Webhook(settings.bridge_url, settings.bridge_secret)
    if settings.bridge == "chatwoot" and settings.bridge_url:
        return Chatwoot(settings)
    return None


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """What stands in the signature header."""
    return "sha256=" + hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


class Webhook:
    """A desk that takes signed JSON: POST, application/json, 2xx means taken."""

    def __init__(self, url: str, secret: str) -> None:
        self._url, self._secret = url, secret

    def pass_on(self, parcel: Parcel) -> str | None:
        """Hand a parcel over; the case keeps our own name. Raises BridgeError."""
        event = {"event": parcel.kind, "id": parcel.once, "case": parcel.case_id, **parcel.data}
        body = json.dumps(event, ensure_ascii=False).encode()
        stamp = str(int(time.time()))
        headers = {"X-Careline-Timestamp": stamp, "X-Careline-Signature": signature(self._secret, stamp, body)}
        _send("POST", self._url, data=body, headers={**headers, "Content-Type": "application/json"})
        return parcel.case_id


class Chatwoot:
    """Chatwoot's application API: a contact and a conversation in an API inbox for each case, and incoming messages.

    The contact has a random name, never a number: the telephone stays with us. Custom attributes say why there is a case.
    Source: https://developers.chatwoot.com/api-reference (contacts, conversations, messages)
    """

    def __init__(self, settings: Settings) -> None:
        self._base = f"{settings.bridge_url.rstrip('/')}/api/v1/accounts/{settings.chatwoot_account}"
        self._inbox, self._headers = int(settings.chatwoot_inbox or 0), {"api_access_token": settings.chatwoot_token}

    def pass_on(self, parcel: Parcel) -> str | None:
        """Hand a parcel over; returns Chatwoot's number of the conversation. Raises BridgeError."""
        if parcel.kind == "message":
            if parcel.reference is None:
                raise BridgeError("The conversation is not there yet.")
            self._say(parcel.reference, parcel.data["text"])
            return parcel.reference
        if parcel.reference is not None:  # a case that was answered and is opened again
            self._call(f"conversations/{parcel.reference}/toggle_status", {"status": "open"})
            return parcel.reference
        facts = {name: parcel.data[name] for name in ("reason", "topic", "language", "channel", "due_at", "urgent")}
        return self._begin(parcel, {name: str(value) for name, value in facts.items() if value is not None})

    def _begin(self, parcel: Parcel, facts: dict[str, str]) -> str:
        contact = self._call("contacts", {"inbox_id": self._inbox, "name": f"Careline {parcel.case_id[:8]}"})
        try:
            made = contact["payload"]
            source, number = made["contact_inbox"]["source_id"], made["contact"]["id"]
            opened = self._call(
                "conversations",
                {
                    "source_id": source,
                    "inbox_id": self._inbox,
                    "contact_id": number,
                    "status": "open",
                    "custom_attributes": facts,
                },
            )
            return str(int(opened["id"]))
        except (KeyError, TypeError, ValueError) as error:
            raise BridgeError("Chatwoot answered with something else than its API says.") from error

    def _say(self, reference: str, text: str) -> None:
        body = {"content": text or "–", "message_type": "incoming", "private": False, "content_type": "text"}
        self._call(f"conversations/{reference}/messages", body)

    def _call(self, path: str, body: dict[str, Any]) -> Any:
        response = _send("POST", f"{self._base}/{path}", json=body, headers=self._headers)
        try:
            return response.json() if response.content else {}
        except ValueError as error:
            raise BridgeError("Chatwoot answered with no JSON.") from error


@blueprint.post("/bridge")
def receive() -> Response:
    """An answer, or the end of a case, from the city's own desk."""
    settings = careline().settings
    body = request.get_data()
    if not settings.bridge or not settings.bridge_secret or not _signed(settings.bridge_secret, body):
        abort(403)
    event = request.get_json(silent=True)
    if not isinstance(event, dict):
        abort(400, "The body must be a JSON object.")
    found = _of_chatwoot(event) if settings.bridge == "chatwoot" else _of_webhook(event)
    if found is None:
        return jsonify(status="ignored")
    reference, text, once = found
    with careline().database.begin() as database:
        done = bridge.answer(database, reference, text, once) if text else bridge.resolve(database, reference)
    if done and text:
        wake()
    return jsonify(status="ok" if done else "unknown")


def _signed(secret: str, body: bytes) -> bool:
    for name in ("X-Careline", "X-Chatwoot"):
        stamp, sent = request.headers.get(f"{name}-Timestamp", ""), request.headers.get(f"{name}-Signature", "")
        fresh = stamp.isascii() and stamp.isdigit() and len(stamp) < 12 and abs(time.time() - int(stamp)) <= FRESH
        if fresh and hmac.compare_digest(signature(secret, stamp, body).encode(), sent.encode()):
            return True
    return False


def _of_webhook(event: dict[str, Any]) -> tuple[str, str, str] | None:
    """Case, text and id of {"event": "answer", "case", "text", "id"}; {"event": "close", "case"} has no text."""
    case, kind, once = event.get("case"), event.get("event"), event.get("id")
    if not isinstance(case, str) or kind not in ("answer", "close"):
        return None
    if kind == "close":
        return case, "", ""
    text = clean(event["text"]) if isinstance(event.get("text"), str) else ""
    return (case, text, str(once)[:60]) if text and isinstance(once, str | int) else None


def _of_chatwoot(event: dict[str, Any]) -> tuple[str, str, str] | None:
    """The same of Chatwoot's events: what staff wrote (not notes, not what we put there), and a conversation resolved."""
    if event.get("event") == "conversation_status_changed" and event.get("status") == "resolved":
        return (str(event["id"]), "", "") if isinstance(event.get("id"), int) else None
    talk = event.get("conversation")
    if event.get("event") != "message_created" or event.get("private") or not isinstance(talk, dict):
        return None
    if event.get("message_type") not in ("outgoing", 1) or not isinstance(event.get("content"), str):
        return None
    text, reference = clean(event["content"]), talk.get("id", talk.get("display_id"))
    return (str(reference), text, f"chatwoot {event.get('id')}") if text and reference is not None else None


def _send(method: str, url: str, **options: Any) -> requests.Response:
    try:
        with requests.Session() as session:
            session.trust_env = False
            response = session.request(method, url, timeout=PATIENCE, allow_redirects=False, **options)
    except requests.RequestException as error:
        raise BridgeError(f"The other desk cannot be reached ({type(error).__name__}).") from error
    if response.status_code >= 300:
        again = response.status_code == 429 or response.status_code >= 500
        raise BridgeError(f"The other desk answered {response.status_code}.", retry=again)
    return response
