"""A call's document in Twilio's words: TwiML, written with Twilio's own library.

Source: https://www.twilio.com/docs/voice/twiml. Only what may be interrupted stands inside <Gather>; nothing follows a verb
that does not come back.
"""

from typing import Any, TypeAlias
from urllib.parse import quote

from twilio.twiml.voice_response import Dial, Gather, Say, VoiceResponse

from bot import synthesis
from bot.careline import Careline
from bot.render.voice import Piece
from bot.speech import speech
from bot.synthesis import Sound
from bot.voice.document import Connect, Document, Hangup, Listen, Record

#: How slow the provider's voices speak after 9, as SSML's <prosody rate>.
SLOW = "75%"
#: <Response> or <Gather>: the library has no types.
_Parent: TypeAlias = Any


def write(careline: Careline, document: Document, serial: int) -> str:
    """The TwiML of a document; what is heard after it comes back to /voice/turn/`serial`."""
    response = VoiceResponse()
    action = f"/voice/turn/{serial}"
    match document.then:
        case Listen() as listen:
            gather = _gather(listen, document, action)
            _say(careline, gather, document)
            response.append(gather)
        case Connect() as connect:
            _say(careline, response, document)
            response.append(_dial(careline, connect, action))
        case Record() as record:
            _say(careline, response, document)
            response.record(
                action=action, method="POST", max_length=record.longest, timeout=record.silence, finish_on_key="#", play_beep=True
            )
            response.redirect(action, method="POST")  # reached only when nothing was said
        case Hangup():
            _say(careline, response, document)
            response.hangup()
    return str(response)


def _gather(listen: Listen, document: Document, action: str) -> Gather:
    tag = speech().understood(document.language)
    spoken = listen.speech and tag is not None
    options: dict[str, object] = {
        "input": "dtmf speech" if spoken else "dtmf",
        "action": action,
        "method": "POST",
        "timeout": listen.timeout,
        "action_on_empty_result": True,
        "language": tag or "en-US",
        "barge_in": True,
    }
    if listen.digits is not None:
        options |= {"num_digits": listen.digits, "finish_on_key": ""}  # so that * and # are keys like the others
    else:
        options |= {"finish_on_key": "#"}
    if spoken:
        # The default would put stars for words that somebody in distress may use.
        options |= {"speech_timeout": "auto", "profanity_filter": False}
    hints = ",".join(hint.replace(",", " ")[:100] for hint in listen.hints)
    if hints:
        options |= {"hints": hints}
    return Gather(**options)


def _dial(careline: Careline, connect: Connect, action: str) -> Dial:
    """Ring; those who answer see our number, never the caller's."""
    dial = Dial(
        action=action, method="POST", timeout=connect.timeout, caller_id=careline.settings.voice_number, answer_on_bridge=True
    )
    for number in connect.numbers:
        if connect.announce:
            dial.number(number, url="/voice/staff", method="POST")
        else:
            dial.number(number)
    return dial


def _say(careline: Careline, parent: _Parent, document: Document) -> None:
    for piece in document.pieces:
        _piece(careline, parent, piece, document.slow)


def _piece(careline: Careline, parent: _Parent, piece: Piece, slow: bool) -> None:
    """A recording by a person, else the provider's voice, else espeak-ng's."""
    voice = speech().voice(piece.language)
    if piece.key and synthesis.recording(careline.settings.recordings, piece.language, piece.key):
        parent.play(f"/voice/recording/{piece.language}/{quote(piece.key)}")
    elif voice.provider is not None:
        say = Say(voice=voice.provider, language=voice.locale)
        if slow:
            say.prosody(piece.text, rate=SLOW)
        else:
            say.s(piece.text)
        say.break_(time=f"{int(piece.pause * (1500 if slow else 1000))}ms")
        parent.append(say)
        return
    else:
        sound = Sound(piece.text, piece.language, slow, piece.private)
        parent.play(f"/voice/sound/{synthesis.address(sound)}.wav")
    if piece.pause >= 0.6:
        parent.pause(length=1)
