"""Telephone calls: POST /voice answers one, POST /voice/turn/… goes on with it, GET /voice/sound/… is heard in it.

Set the number's voice webhook to POST /voice, its fallback to POST /voice/sorry, its status callback to POST /voice/status.
"""

import logging
from collections.abc import Mapping

from flask import Blueprint, Response, abort, current_app, request, send_file
from twilio.twiml.voice_response import Dial, Gather, Say, VoiceResponse
from werkzeug.exceptions import HTTPException

from bot import calls, render, synthesis
from bot.escalation import urgent
from bot.phone import normalised, written
from bot.render.voice import digits
from bot.speech import speech
from bot.voice import call
from bot.voice.document import Document, Heard
from webhooks import twilio, voice_twiml
from webhooks.current import careline, dialogue, wake

blueprint = Blueprint("voice", __name__, url_prefix="/voice")
_log = logging.getLogger(__name__)

#: How Twilio says that two telephones were connected.
_CONNECTED = ("completed", "answered")


@blueprint.before_request
def _check_signature() -> None:
    if request.method == "GET":
        return  # sounds, whose addresses nobody can guess; the provider does not sign for them
    path = request.full_path if request.query_string else request.path
    if not twilio.signed(careline().settings, path, request.form, request.headers.get("X-Twilio-Signature", "")):
        abort(403)


@blueprint.post("")
def receive() -> Response:
    """Answer a call."""
    document, wakes = call.begin(careline(), dialogue(), _call_id(), _caller(), _write, _line_types())
    return _twiml(document, wakes)


@blueprint.post("/turn/<int:serial>")
def turn(serial: int) -> Response:
    """Go on with a call."""
    heard = heard_in(request.form)
    document, wakes = call.proceed(careline(), dialogue(), _call_id(), serial, heard, _caller(), _write, _line_types())
    return _twiml(document, wakes)


@blueprint.post("/status")
def status() -> Response:
    """The call has ended: forget what was only needed while it lasted."""
    if request.form.get("CallStatus") in ("completed", "busy", "failed", "no-answer", "canceled"):
        calls.ended(careline().database, _call_id())
    return Response(status=204)


@blueprint.post("/staff")
def staff() -> Response:
    """Tell whoever picked up who is calling, before they are connected."""
    line = calls.find(careline().database, request.form.get("ParentCallSid", "")[:64])
    settings = careline().settings
    speaker = render.speaker(careline(), settings.default_language)
    spoken = str(line.state.get("language") or settings.default_language) if line else settings.default_language
    with careline().database.read() as session:
        danger = line is not None and urgent(session, line.conversation_id)
    key = "voice.staff.urgent" if danger else "voice.staff.call"
    text = speaker(key, language=speaker.facts.language_name(spoken)).text
    response = VoiceResponse()
    gather = Gather(
        input="dtmf",
        num_digits=1,
        action="/voice/staff/take",
        method="POST",
        timeout=10,
        action_on_empty_result=True,
        language=speech().understood(settings.default_language) or "en-US",
    )
    gather.append(_house(text))
    response.append(gather)
    return _twiml(str(response))


@blueprint.post("/staff/take")
def take() -> Response:
    """1 takes the call; anything else, an answering machine's silence too, leaves it to the others."""
    response = VoiceResponse()
    if request.form.get("Digits") != "1":
        response.hangup()
    return _twiml(str(response))


@blueprint.post("/sorry")
def sorry() -> Response:
    """The provider could not reach us, or did not understand us."""
    return _sorry()


@blueprint.get("/sound/<token>.wav")
def sound(token: str) -> Response:
    """Synthesised speech."""
    found = synthesis.of_address(token)
    if found is None:
        abort(404)
    try:
        wav = synthesis.audio(found, careline().settings.sounds)
    except synthesis.NoVoice as error:
        _log.error("%s", error)
        abort(404)
    response = Response(wav, mimetype="audio/wav")
    response.headers["Cache-Control"] = "no-store" if found.private else "public, max-age=604800, immutable"
    return response


@blueprint.get("/recording/<language>/<name>")
def recording(language: str, name: str) -> Response:
    """A prompt that a person has spoken."""
    path = synthesis.recording(careline().settings.recordings, language, name)
    if path is None or language not in careline().settings.languages:
        abort(404)
    response = send_file(path.absolute(), mimetype="audio/wav" if path.suffix == ".wav" else "audio/mpeg", max_age=3600)
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


@blueprint.errorhandler(Exception)
def _broken(error: Exception) -> Response | HTTPException:
    """A caller hears numbers to call, whatever is wrong with us."""
    if isinstance(error, HTTPException):
        return error
    if current_app.testing:
        raise error
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "?"
    _log.error("%s at %s", type(error).__name__, where)  # its message may quote the caller
    if request.method == "GET" or request.path.endswith(("/status", "/take")):
        return Response(status=503)
    return _sorry()


def _sorry() -> Response:
    """Needs neither database nor dialogue: the numbers are said, then the office is called."""
    settings = careline().settings
    words = careline().wording.words(settings.default_language, "voice")
    office = digits(written(settings.office_number, settings.country))
    response = VoiceResponse()
    response.append(_house(words("voice.sorry", emergency=" ".join(settings.emergency_number), office=office)))
    dial = Dial(caller_id=settings.voice_number, timeout=40)
    dial.number(settings.office_number)
    response.append(dial)
    response.append(_house(words("voice.office", office=office)))
    return _twiml(str(response))


def heard_in(form: Mapping[str, str]) -> Heard:
    """What Twilio says was heard (https://www.twilio.com/docs/voice/twiml/gather, …/dial, …/record: action parameters)."""
    status = form.get("DialCallStatus")
    connected = None if status is None else status in _CONNECTED and form.get("DialBridged", "true") != "false"
    recorded = form.get("RecordingSid", "")[:64] or None
    keys = form.get("Digits", "")
    duration, confidence = form.get("RecordingDuration", "0"), form.get("Confidence", "")
    try:
        sure = float(confidence) if confidence else None
    except ValueError:
        sure = None
    return Heard(
        digits="".join(key for key in keys if key in "0123456789*#")[:30] if recorded is None else "",
        speech=form.get("SpeechResult", "")[:1600],
        confidence=sure,
        connected=connected,
        recording=recorded,
        seconds=int(duration) if duration.isascii() and duration.isdigit() and len(duration) < 6 else 0,
    )


def _call_id() -> str:
    provider_id = request.form.get("CallSid", "")
    if not provider_id or len(provider_id) > 64:
        abort(400, "A call needs an id.")
    return provider_id


def _caller() -> str | None:
    return normalised(request.form.get("From"), careline().settings.country)


def _write(document: Document, serial: int) -> str:
    return voice_twiml.write(careline(), document, serial)


def _line_types() -> twilio.Lookup | None:
    return twilio.Lookup(careline().settings) if careline().settings.lookup else None


def _house(text: str) -> Say:
    """Something said in the municipality's own language."""
    voice = speech().voice(careline().settings.default_language)
    said = Say(voice=voice.provider, language=voice.locale) if voice.provider else Say()
    said.s(text)
    return said


def _twiml(document: str, wakes: bool = False) -> Response:
    if wakes:
        wake()
    return Response(document, mimetype="text/xml")
