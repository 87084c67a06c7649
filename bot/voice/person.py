"""A person: put through, waited for with an honest word on how long, called back, or left a message."""

from datetime import timedelta
from math import ceil
from typing import Final

from bot import callback, calls, erasure, escalation
from bot.calls import Line
from bot.careline import Careline
from bot.clock import now
from bot.office import Office
from bot.render.voice import Piece
from bot.reply import Escalation
from bot.voice.document import Connect, Document, Heard, Listen, Record
from bot.voice.talk import Talk

#: How often the telephones are rung before we say that nobody can come.
ROUNDS: Final = 4


def staffed(careline: Careline) -> bool:
    """Whether somebody can pick up now."""
    return bool(careline.settings.staff_phones) and Office.of(careline.settings).staffed(now())


def wait(careline: Careline, line: Line) -> tuple[int, int]:
    """How many callers are before this one, and in how many minutes it is likely to be their turn."""
    with careline.database.read() as session:
        before = calls.ahead(session, line.id)
    phones = max(1, len(careline.settings.staff_phones))
    return before, max(1, ceil((before + 1) * careline.settings.call_minutes / phones)) if before else 0


def show_person(talk: Talk) -> Document:
    """Ring the people who answer, at once if nobody waits before."""
    _open_case(talk)
    if not staffed(talk.careline):
        talk.instead("away")
        return show_away(talk)
    before, minutes = wait(talk.careline, talk.line)
    if before == 0 and talk.state.tries == 0:
        return _ring(talk, [*talk.notices(), talk.say("voice.person.connecting")])
    pieces = talk.notices()
    if talk.state.tries:
        pieces.append(talk.say("voice.person.busy"))
    if before:
        pieces.append(talk.say("voice.person.before", count=before, minutes=minutes))
    pieces.append(talk.say("voice.person.wait"))
    pieces += talk.options([(talk.words("voice.call_me_back"), 1), (talk.words("voice.leave_message"), 2)])
    return talk.document(pieces, Listen(speech=False, timeout=3), waiting=True)


def hear_person(talk: Talk, heard: Heard) -> bool:
    """Somebody answered, nobody did, or the caller would rather not wait. Silence here is waiting."""
    match heard.digits:
        case "1":
            talk.instead("safe", purpose="callback")
            return True
        case "2":
            talk.instead("voicemail")
            return True
    if heard.connected:
        talk.state.tries = 0
        with talk.careline.database.begin() as session:
            escalation.spoken(session, talk.line.conversation_id)
        talk.home()
        talk.note("voice.person.after")
        return True
    if heard.connected is False:
        talk.state.tries += 1
        if talk.state.tries >= ROUNDS:
            talk.state.tries = 0
            talk.instead("away", busy=True)
        return True
    if heard.silent:
        talk.state.stack[-1].args["ring"] = True
        return True
    return False


def show_ringing(talk: Talk) -> Document:
    """Ring again."""
    talk.state.stack[-1].args.pop("ring", None)
    return _ring(talk, talk.notices())


def _ring(talk: Talk, pieces: list[Piece]) -> Document:
    phones = talk.careline.settings.staff_phones
    return talk.document(pieces, Connect(phones, announce=True), waiting=True)


def show_away(talk: Talk) -> Document:
    """Nobody is there, or nobody is free: when somebody will be, the number, and what can be done now."""
    pieces = talk.notices()
    if talk.screen.args.get("busy"):
        pieces.append(talk.say("voice.person.none_free"))
    else:
        pieces += [talk.say("voice.person.closed"), talk.say("voice.person.opens", when=_opens(talk))]
    pieces.append(talk.say("voice.office"))
    pieces += talk.options([(talk.words("voice.leave_message"), 1), (talk.words("voice.call_me_back"), 2)])
    pieces += talk.options([(talk.words("voice.something_else"), 3)])
    return talk.listen(pieces)


def hear_away(talk: Talk, heard: Heard) -> bool:
    """A message, a call back, or something else; silence leads to the message."""
    match talk.chosen(heard):
        case "1":
            talk.instead("voicemail")
        case "2":
            talk.instead("safe", purpose="callback")
        case "3":
            talk.home()
        case _:
            return False
    return True


def _opens(talk: Talk) -> str:
    """When somebody is there next, in words."""
    settings = talk.careline.settings
    opens = Office.of(settings).after(now(), timedelta(0)).astimezone(settings.time_zone)
    facts = talk.say.facts
    days = (opens.date() - facts.today).days
    clock = facts.clock(opens.timetz().replace(tzinfo=None))
    if days <= 0:
        return facts.words("voice.when_today", time=clock)
    if days == 1:
        return facts.words("voice.when_tomorrow", time=clock)
    return facts.words("voice.when_day", day=f"{facts.weekday(opens.date())}, {facts.day(opens.date())}", time=clock)


def _open_case(talk: Talk) -> Escalation:
    with talk.careline.database.begin() as session:
        return escalation.open_case(session, talk.careline.settings, talk.line.conversation_id, "asked", talk.language)


def show_voicemail(talk: Talk) -> Document:
    """Ask for a spoken message."""
    return talk.document([*talk.notices(), talk.say("voice.speak_now")], Record())


def hear_voicemail(talk: Talk, heard: Heard) -> bool:
    """Keep the message as a task; then ask whether they may be called about it."""
    if heard.recording is None:
        return False
    if heard.seconds < 1:  # nothing was said: nobody will listen to it, so nobody keeps it
        with talk.careline.database.begin() as session:
            erasure.later(session, "recording", heard.recording)
        return False
    _open_case(talk)
    with talk.careline.database.begin() as session:
        callback.leave(session, talk.line.conversation_id, talk.language, heard.recording, heard.seconds)
    talk.instead("safe", purpose="voicemail")
    talk.note("voice.message_kept")
    return True
