"""The phone of /simulator makes calls: the provider's part of a call, for development only."""

import itertools
import threading
from typing import Any, cast

from flask import Blueprint, Response, abort, current_app, jsonify, request

from bot import synthesis
from bot.errors import CarelineError
from bot.phone import normalised
from bot.speech import speech
from bot.synthesis import Sound
from webhooks.caller import Caller, Heard, Turn, over_http
from webhooks.current import careline
from webhooks.errors import problem

blueprint = Blueprint("simulator_call", __name__, url_prefix="/simulator/call")

#: How many calls are remembered; the oldest is hung up.
KEPT = 20


class Calls:
    """The calls being made, in this process."""

    def __init__(self) -> None:
        self._calls: dict[str, Caller] = {}
        self._lock = threading.Lock()

    def add(self, caller: Caller) -> None:
        """Remember a call."""
        with self._lock:
            for old in list(itertools.islice(self._calls, max(0, len(self._calls) - KEPT + 1))):
                del self._calls[old]
            self._calls[caller.id] = caller

    def get(self, call_id: str) -> Caller | None:
        """The call with this id."""
        with self._lock:
            return self._calls.get(call_id)


@blueprint.record_once
def _open(state: Any) -> None:
    state.app.extensions["simulator_calls"] = Calls()


@blueprint.post("")
def begin() -> Response:
    """Call the service: `number` is the phone's, or empty to withhold it."""
    settings = careline().settings
    body = request.get_json()
    given = str(body.get("number", "")) if isinstance(body, dict) else ""
    number = normalised(given, settings.country) or "anonymous"
    caller = Caller(
        over_http(settings, settings.public_url.rstrip("/")), number, settings.voice_number, settings.twilio_account_sid
    )
    _calls().add(caller)
    try:
        return _shown(caller, caller.call())
    except CarelineError as error:
        return problem(502, "Bad Gateway", str(error))


@blueprint.post("/<call_id>")
def go_on(call_id: str) -> Response:
    """Do something in a call: press `keys`, `say` words, or one of the actions wait, answered, unanswered, message, hang_up."""
    caller = _calls().get(call_id)
    body = request.get_json()
    if caller is None or not isinstance(body, dict):
        abort(404, "There is no such call.")
    try:
        return _shown(caller, _done(caller, body))
    except CarelineError as error:
        return problem(502, "Bad Gateway", str(error))


def _done(caller: Caller, body: dict[str, Any]) -> Turn:
    if body.get("keys"):
        return caller.press(str(body["keys"])[:30])
    if body.get("say"):
        return caller.say(str(body["say"])[:400], float(body.get("confidence") or 0.92))
    match body.get("action"):
        case "answered" | "unanswered":
            return caller.connect(body["action"] == "answered")
        case "message":
            return caller.record(20)
        case "hang_up":
            caller.hang_up()
            return caller.turn
    return caller.wait()


def _shown(caller: Caller, turn: Turn) -> Response:
    heard = [{"text": one.text, "language": one.language, "sound": _sound(one), "played": bool(one.sound)} for one in turn.heard]
    return jsonify(call=caller.id, heard=heard, waits=turn.waits, numbers=list(turn.numbers))


def _sound(heard: Heard) -> str | None:
    """Where a thing can be heard: what the service plays, else espeak-ng in place of the provider's voice."""
    if heard.sound:
        return heard.sound
    code = next((code for code, voice in speech().voices.items() if voice.locale == heard.language), None)
    if code is None or speech().voices[code].espeak is None or not synthesis.installed():
        return None
    return f"/voice/sound/{synthesis.address(Sound(heard.text, code, private=True))}.wav"


def _calls() -> Calls:
    return cast(Calls, current_app.extensions["simulator_calls"])
