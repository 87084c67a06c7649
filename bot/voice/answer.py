"""Telling an answer: one place at a time, or an article, and what can be done with it."""

from dataclasses import replace
from typing import Final

from bot import reply as replies
from bot.phone import normalised
from bot.render.voice import Piece
from bot.reply import Reply
from bot.voice import contact
from bot.voice.ask import ask, understand
from bot.voice.document import Connect, Document, Heard
from bot.voice.need import hints
from bot.voice.talk import Talk

#: Closing phrases that the keys make superfluous.
KEYS_SAY_IT: Final = frozenset({"person.offer", "more.or_person", "ask.place", "office.call"})


def itself(talk: Talk) -> list[Piece]:
    """The answer we are at, without what can be done with it: one service, or an article."""
    screen, reply = talk.told, _reply(talk)
    assert screen is not None
    if screen.name == "result":
        pieces: list[Piece] = []
        if talk.position == 0:
            pieces += talk.say.opening(reply)
            if len(reply.services) > 1:
                pieces.append(talk.say("voice.found", count=len(reply.services)))
        pieces += talk.say.card(reply.services[talk.position], more=bool(screen.args.get("more")))
    elif screen.args.get("whole") and reply.article is not None:
        pieces = talk.say.body(reply.article.body)
    else:
        pieces = talk.say.opening(reply)
    return [*pieces, *talk.say.closing(reply, KEYS_SAY_IT)]


def show_here(talk: Talk) -> Document:
    """After an answer about violence, once: whether this phone is safe. It is told with the answer, in one breath."""
    pieces = talk.notices()
    if talk.told is not None and talk.told.name in ("result", "answer"):
        pieces += itself(talk)
    yes_no: list[tuple[str, int | str]] = [(talk.words("voice.yes"), 1), (talk.words("voice.no"), 2)]
    return talk.listen([*pieces, talk.say("voice.here"), *talk.options(yes_no)])


def hear_here(talk: Talk, heard: Heard) -> bool:
    """Yes, no, nothing, which is no yes, or another question; then what can be done with the answer."""
    safe = {"1": True, "2": False}.get(talk.chosen(heard))
    if safe is not None:
        contact.told_here(talk, safe)
    elif heard.digits:
        return False
    talk.back()
    return understand(talk, heard) if safe is None and heard.speech else True


def show_result(talk: Talk) -> Document:
    """One service, then the keys: be put through, get it as a text, the next, a code, more about it, another area."""
    card = _reply(talk).services[talk.position]
    pieces = talk.notices()
    if not talk.screen.args.pop("told", False):  # back from sending it, nobody needs to hear it all again
        pieces += itself(talk)
    labels: list[tuple[str, int | str]] = []
    if card.phones:
        labels.append((talk.words("voice.put_through"), 1))
    labels += [(talk.words("voice.text_this"), 2), (talk.words("voice.next"), 3), (talk.words("voice.code"), 4)]
    labels.append((talk.words("voice.more_about_it"), 5))
    if card.distance_m is None and talk.careline.places().neighbourhoods():
        labels.append((talk.words("voice.nearest"), 6))
    pieces += talk.options(labels)
    return talk.listen(pieces, words=hints(talk))


def hear_result(talk: Talk, heard: Heard) -> bool:
    """What to do with this service, or another question."""
    reply = _reply(talk)
    card = reply.services[talk.position]
    match talk.chosen(heard):
        case "1" if card.phones:
            talk.go("through", number=card.phones[0], name=card.name)
        case "2":
            talk.go("text")
        case "3":
            return _next(talk, reply)
        case "4":
            talk.go("code")
        case "5":
            talk.screen.args["more"] = True
        case "6" if card.distance_m is None:
            talk.go("areas", page=0)
        case _:
            return understand(talk, heard)
    return True


def _next(talk: Talk, reply: Reply) -> bool:
    if talk.position + 1 < len(reply.services):
        talk.screen.args |= {"position": talk.position + 1, "more": False}
        return True
    return ask(talk, "more")


def show_answer(talk: Talk) -> Document:
    """What is not a list of services: an article, one fact, a word in return."""
    reply = _reply(talk)
    pieces = talk.notices()
    if not talk.screen.args.pop("told", False):
        pieces += itself(talk)
    labels: list[tuple[str, int | str]] = []
    if reply.article is not None and not talk.screen.args.get("whole"):
        labels.append((talk.words("voice.whole_article"), 1))
    if _worth_keeping(reply):
        labels += [(talk.words("voice.text_this"), 2), (talk.words("voice.code"), 4)]
    if reply.services:
        labels.append((talk.words("voice.who_helps"), 3))
    labels.append((talk.words("voice.something_else"), 5))
    return talk.listen([*pieces, *talk.options(labels)], words=hints(talk))


def hear_answer(talk: Talk, heard: Heard) -> bool:
    """What to do with it, or another question."""
    reply = _reply(talk)
    match talk.chosen(heard):
        case "1" if reply.article is not None:
            talk.screen.args["whole"] = True
        case "2" if _worth_keeping(reply):
            talk.go("text")
        case "4" if _worth_keeping(reply):
            talk.go("code")
        case "3" if reply.services:
            places = replace(reply, article=None, opening=(), sources=(), detail=None)
            talk.go("result", reply=replies.dump(places), position=0)
        case "5":
            talk.home()
        case _:
            return understand(talk, heard)
    return True


def show_through(talk: Talk) -> Document:
    """Put the caller through to the service; it sees our number, not theirs."""
    number = normalised(talk.screen.args["number"], talk.careline.settings.country)
    say = talk.say("voice.connecting", name=talk.screen.args["name"])
    return talk.document([*talk.notices(), say], Connect((number or talk.screen.args["number"],), timeout=40))


def hear_through(talk: Talk, heard: Heard) -> bool:
    """Back again: after the talk, or because nobody answered."""
    talk.back()
    talk.note("voice.welcome_back" if heard.connected else "voice.no_reply")
    return True


def _worth_keeping(reply: Reply) -> bool:
    return reply.article is not None or bool(reply.services)


def _reply(talk: Talk) -> Reply:
    reply = talk.reply
    assert reply is not None
    return reply
