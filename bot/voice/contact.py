"""At which number: the caller's own, if that is safe and takes what we send, or another one, keyed in and read back.

`purpose` says what for: "text" an answer, "callback" a call by a person, "voicemail" a call about the message left.
"""

from dataclasses import replace

import phonenumbers
from phonenumbers import PhoneNumberType

from bot import callback, conversation, escalation, opt_out, outbox, render, safety
from bot.conversation import Conversation
from bot.phone import normalised
from bot.render import sms
from bot.voice.document import Document, Heard, Listen
from bot.voice.talk import Talk


def ask_here(talk: Talk) -> None:
    """Ask, once in a call, whether the phone they call from is safe. One that we do not see is never called or texted."""
    if talk.line.number is not None and not talk.state.asked_here:
        talk.state.asked_here = True
        talk.go("here")


def told_here(talk: Talk, safe: bool) -> None:
    """The caller has said whether the phone they call from is safe."""
    talk.state.safe_here = safe
    with talk.careline.database.begin() as session:
        safety.told(session.get_one(Conversation, talk.line.conversation_id), safe)
    talk.note("voice.here_yes" if safe else "voice.here_no")


def show_text(talk: Talk) -> Document:
    """Ask whether a text to the phone they call from is wanted and safe; for another phone at once if it takes none."""
    number = talk.line.number
    if talk.state.safe_here is False:
        talk.instead("number", purpose="text")
        talk.note("voice.safe_phone")
        return show_number(talk)
    if number is None or takes_texts(talk, number) is False:
        talk.instead("number", purpose="text")
        talk.note("voice.text_other")
        return show_number(talk)
    labels: list[tuple[str, int | str]] = [(talk.words("voice.this_phone"), 1), (talk.words("voice.other_phone"), 2)]
    question = talk.say("voice.text_safe" if takes_texts(talk, number) else "voice.text_safe_mobile")
    return talk.listen([*talk.notices(), question, *talk.options(labels)])


def hear_text(talk: Talk, heard: Heard) -> bool:
    """This phone or another one."""
    return _this_or_other(talk, heard, "text")


def show_safe(talk: Talk) -> Document:
    """Ask whether calling the phone they call from is safe."""
    purpose = talk.screen.args["purpose"]
    if talk.line.number is None:
        talk.instead("number", purpose=purpose)
        talk.note("voice.call_other")
        return show_number(talk)
    labels: list[tuple[str, int | str]] = [(talk.words("voice.other_phone"), 2), (talk.words("voice.do_not_call"), 3)]
    if talk.state.safe_here is False:
        question = talk.say("voice.safe_phone")
    else:
        question = talk.say("voice.call_safe")
        labels.insert(0, (talk.words("voice.this_phone"), 1))
    return talk.listen([*talk.notices(), question, *talk.options(labels)])


def hear_safe(talk: Talk, heard: Heard) -> bool:
    """This phone, another one, or none."""
    purpose = talk.screen.args["purpose"]
    if talk.chosen(heard) == "3":
        if purpose == "voicemail":
            with talk.careline.database.begin() as session:
                callback.agree(session, talk.line.conversation_id, safe=False, number=None)
        talk.home()
        talk.note("voice.not_called")
        return True
    return _this_or_other(talk, heard, purpose)


def _this_or_other(talk: Talk, heard: Heard, purpose: str) -> bool:
    match talk.chosen(heard):
        case "1" if talk.line.number is not None and talk.state.safe_here is not False:
            _agreed(talk, purpose, talk.line.number)
        case "2":
            talk.instead("number", purpose=purpose)
        case _:
            return False
    return True


def show_number(talk: Talk) -> Document:
    """Key in a number."""
    return talk.document([*talk.notices(), talk.say("voice.key_number")], Listen(digits=None, speech=False, timeout=10))


def hear_number(talk: Talk, heard: Heard) -> bool:
    """The digits, if they can be a number that is called from here."""
    number = normalised(heard.digits, talk.careline.settings.country) if len(heard.digits) > 6 else None
    if number is None:
        if heard.digits:
            talk.note("voice.not_a_number")
        return False
    if number == talk.line.number and talk.state.safe_here is False:
        talk.note("voice.safe_phone")
        return False
    talk.go("number_confirm", purpose=talk.screen.args["purpose"], number=number)
    return True


def show_number_confirm(talk: Talk) -> Document:
    """Read the number back."""
    number = talk.say.facts.phone(talk.screen.args["number"])
    labels: list[tuple[str, int | str]] = [(talk.words("voice.right"), 1), (talk.words("voice.again"), 2)]
    back = talk.say("voice.number_is", number=number, private=True)
    return talk.listen([*talk.notices(), back, *talk.options(labels)])


def hear_number_confirm(talk: Talk, heard: Heard) -> bool:
    """Right, or once more."""
    match talk.chosen(heard):
        case "1":
            purpose, number = talk.screen.args["purpose"], talk.screen.args["number"]
            talk.back()
            if purpose == "text" and takes_texts(talk, number) is False:
                talk.note("voice.text_other")
            else:
                _agreed(talk, purpose, number)
        case "2":
            talk.back()
        case _:
            return False
    return True


def _agreed(talk: Talk, purpose: str, number: str) -> None:
    """Carry out what the number is for; this screen is done."""
    talk.back()
    if purpose == "text":
        _send(talk, number)
        return
    database, settings = talk.careline.database, talk.careline.settings
    with database.begin() as session:
        case = escalation.open_case(session, settings, talk.line.conversation_id, "asked", talk.language)
        if purpose == "callback":
            callback.ask(session, talk.line.conversation_id, talk.language, number)
        else:
            callback.agree(session, talk.line.conversation_id, safe=True, number=number)
    talk.home()
    talk.note("voice.will_call", number=talk.say.facts.phone(number))
    talk.note("voice.called_by", when=talk.say.facts.by(case))


def _send(talk: Talk, number: str) -> None:
    """Text the answer that was told last, in the language of the call."""
    reply = talk.reply
    database = talk.careline.database
    with database.read() as session:
        stopped = opt_out.stopped(session, number)
    if stopped:
        talk.note("voice.text_stopped")
        return
    if reply is None:
        return
    if talk.position and reply.services:
        told = reply.services[talk.position]  # what was told last comes first in the text
        others = tuple(card for card in reply.services if card != told)
        reply = replace(reply, services=(told, *others), choices=())
    text = sms.render(reply, render.facts(talk.careline, talk.language, "sms"))
    with database.begin() as session:
        # From here on this conversation may be answered by text: they have just asked for it.
        conversation.text_to(session, talk.line.conversation_id, number)
        safety.elsewhere(session.get_one(Conversation, talk.line.conversation_id))
        outbox.put(session, talk.line.conversation_id, text, origin=f"call {talk.line.id} {talk.line.serial}")
    talk.wake = True
    talk.note("voice.text_sent")


def takes_texts(talk: Talk, number: str) -> bool | None:
    """Whether a text reaches a number: what the provider's look-up says, else what the numbering plan says; None unknown."""
    known = talk.line_types.texts(number)
    if known is not None:
        return known
    try:
        kind = phonenumbers.number_type(phonenumbers.parse(number, talk.careline.settings.country))
    except phonenumbers.NumberParseException:
        return None
    if kind == PhoneNumberType.MOBILE:
        return True
    return False if kind in (PhoneNumberType.FIXED_LINE, PhoneNumberType.TOLL_FREE, PhoneNumberType.PREMIUM_RATE) else None
