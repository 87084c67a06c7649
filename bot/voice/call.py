"""The way through a call: `begin` answers it, `proceed` goes on from what was heard. Every turn ends in a document.

The keys that mean the same everywhere: 0 a person, * again, 9 slower, # back. What is not heard or understood twice leads to
the keypad's list, and from there to a person or a message.
"""

from collections.abc import Callable

from bot import calls
from bot import crisis as crisis_words
from bot.careline import Careline, Dialogue
from bot.voice import answer, code, contact, crisis, greeting, need, person, slower
from bot.voice.ask import ask
from bot.voice.document import Document, Hangup, Heard
from bot.voice.talk import Hear, LineTypes, Show, State, Talk, Unknown

#: What each screen says, and what it does with what it hears.
SCREENS: dict[str, tuple[Show, Hear]] = {
    "greeting": (greeting.show_greeting, greeting.hear_greeting),
    "languages": (greeting.show_languages, greeting.hear_languages),
    "need": (need.show_need, need.hear_need),
    "groups": (need.show_groups, need.hear_groups),
    "topics": (need.show_topics, need.hear_topics),
    "confirm": (need.show_confirm, need.hear_confirm),
    "choices": (need.show_choices, need.hear_choices),
    "areas": (need.show_areas, need.hear_areas),
    "result": (answer.show_result, answer.hear_result),
    "answer": (answer.show_answer, answer.hear_answer),
    "here": (answer.show_here, answer.hear_here),
    "through": (answer.show_through, answer.hear_through),
    "text": (contact.show_text, contact.hear_text),
    "safe": (contact.show_safe, contact.hear_safe),
    "number": (contact.show_number, contact.hear_number),
    "number_confirm": (contact.show_number_confirm, contact.hear_number_confirm),
    "code": (code.show_code, code.hear_code),
    "person": (person.show_person, person.hear_person),
    "away": (person.show_away, person.hear_away),
    "voicemail": (person.show_voicemail, person.hear_voicemail),
    "crisis": (crisis.show_crisis, crisis.hear_crisis),
    "slower": (slower.show_slower, slower.hear_slower),
    "forget": (slower.show_forget, slower.hear_forget),
}
#: How often the same may be said in vain before something easier is tried.
TWICE = 2

#: Turns a document into what the provider is sent.
Write = Callable[[Document, int], str]


def begin(
    careline: Careline,
    dialogue: Dialogue,
    provider_id: str,
    number: str | None,
    write: Write,
    line_types: LineTypes | None = None,
) -> tuple[str, bool]:
    """Answer a call; the document, and whether the worker should look. A call that was answered already gets its last document.

    Raises DatabaseUnavailable.
    """
    line = calls.answer(careline.database, provider_id, number)
    if line.document is not None:
        return line.document, False
    talk = Talk(careline, dialogue, line, State(), line_types or Unknown())
    greeting.begin(talk)
    return _finish(talk, write)


def proceed(
    careline: Careline,
    dialogue: Dialogue,
    provider_id: str,
    serial: int,
    heard: Heard,
    number: str | None,
    write: Write,
    line_types: LineTypes | None = None,
) -> tuple[str, bool]:
    """Go on with a call from what was heard after its document number `serial`.

    The same request again gets the same document again. Raises DatabaseUnavailable.
    """
    line = calls.find(careline.database, provider_id)
    if line is None or line.document is None:
        return begin(careline, dialogue, provider_id, number, write, line_types)
    if serial != line.serial:
        return line.document, False
    talk = Talk(careline, dialogue, line, State.load(line.state), line_types or Unknown())
    _hear(talk, heard)
    return _finish(talk, write)


def _finish(talk: Talk, write: Write) -> tuple[str, bool]:
    document = _show(talk)
    written = write(document, talk.line.serial + 1)
    kept = calls.keep(talk.careline.database, talk.line, talk.state.dump(), written, document.waiting)
    if not kept:  # the same request was faster in another process: say what that one says
        now_said = calls.find(talk.careline.database, talk.line.provider_id)
        if now_said is not None and now_said.document is not None:
            return now_said.document, False
    return written, talk.wake


def _show(talk: Talk) -> Document:
    if talk.screen.name == "goodbye":
        return talk.document([*talk.notices(), talk.say("voice.goodbye"), talk.say("voice.office")], Hangup())
    if talk.screen.name == "person" and talk.screen.args.get("ring"):
        return person.show_ringing(talk)
    return SCREENS[talk.screen.name][0](talk)


def _hear(talk: Talk, heard: Heard) -> None:
    name = talk.screen.name
    if heard.speech and crisis_words.match(heard.speech) is not None:
        ask(talk, heard.speech)  # whatever was asked just now, danger comes first
        return
    if heard.digits == "0":
        if name not in ("person", "away"):
            talk.go("person")
        return
    if heard.digits == "*":
        talk.state.failures = 0
        return
    if heard.digits == "#":
        talk.back()
        return
    if heard.digits == "9":
        _slower(talk)
        return
    if SCREENS[name][1](talk, heard):
        talk.state.failures = 0
        return
    _failed(talk, name, heard)


def _slower(talk: Talk) -> None:
    """The first 9 speaks slower and asks whether to remember that; a later one only says it again."""
    first = not talk.state.slow
    talk.state.slow = True
    talk.state.failures = 0
    if talk.line.number is not None and talk.screen.name not in ("greeting", "languages", "slower", "forget"):
        if first:
            talk.go("slower")
        elif talk.state.kept:
            talk.go("forget")


def _failed(talk: Talk, name: str, heard: Heard) -> None:
    """Nothing, or nothing of use: once more, then something easier, then a person or a message, then the number to call."""
    state = talk.state
    failures = state.failures + 1
    if failures < TWICE:
        state.failures = failures
        talk.note("voice.not_heard" if heard.silent or name == "voicemail" else "voice.not_understood")
        return
    if name == "here":
        talk.back()  # no answer is no yes
    elif name == "voicemail":
        state.stack = []
        talk.go("goodbye")
    elif name == "away":
        talk.instead("voicemail")
    elif name == "safe" and talk.screen.args["purpose"] == "voicemail":
        state.stack = []
        talk.go("goodbye")
    elif name in ("greeting", "need", "result", "answer", "choices", "confirm", "code", "text", "languages"):
        state.language = talk.language
        state.stack = []
        talk.go("groups")
    else:
        talk.go("person")
