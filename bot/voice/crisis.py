"""Somebody may be hurt now: the numbers, and a line that helps, in the same breath."""

from bot.safety import VIOLENCE
from bot.voice import contact
from bot.voice.ask import understand
from bot.voice.document import Connect, Document, Heard
from bot.voice.person import staffed
from bot.voice.talk import Talk


def numbers(talk: Talk) -> tuple[str, ...]:
    """Whom to put the caller through to: the line for this danger, else the emergency number where it can be reached through
    the provider, else the people who answer, if they are there."""
    settings = talk.careline.settings
    lines = {
        "crisis_suicide": settings.crisis_number,
        "crisis_violence": settings.refuge_number,
        "crisis_child": settings.child_number,
    }
    line = lines.get(talk.screen.args["topic"], settings.emergency_transfer)
    if line:
        return (line,)
    return settings.staff_phones if staffed(talk.careline) else ()


def show_crisis(talk: Talk) -> Document:
    """The message of the emergency, then the transfer, without a question between."""
    reply = talk.reply
    assert reply is not None
    pieces = [*talk.notices(), *talk.say.opening(reply)]
    for card in reply.services:
        pieces += talk.say.card(card)
    called = numbers(talk)
    if called and not talk.screen.args.get("called"):
        talk.screen.args["called"] = True
        pieces.append(talk.say("voice.crisis.connecting"))
        return talk.document(pieces, Connect(called, announce=called == talk.careline.settings.staff_phones, timeout=40))
    labels: list[tuple[str, int | str]] = [(talk.words("voice.crisis.line"), 1)] if called else []
    pieces += talk.options([*labels, (talk.words("voice.person"), 0)])
    return talk.listen(pieces)


def hear_crisis(talk: Talk, heard: Heard) -> bool:
    """After the transfer: the numbers once more, then a person."""
    if heard.connected is not None:
        talk.note("voice.welcome_back" if heard.connected else "voice.no_reply")
        if heard.connected and talk.screen.args["topic"] in VIOLENCE:  # with nobody reached, the numbers come first
            contact.ask_here(talk)
        return True
    if talk.chosen(heard) == "1" and numbers(talk):
        talk.screen.args.pop("called", None)
        return True
    return understand(talk, heard)
