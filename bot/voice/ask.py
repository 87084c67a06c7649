"""A question of the caller's goes the way of every message; what comes back decides the next screen."""

from collections.abc import Sequence
from dataclasses import replace

from bot import foreign, keywords, language, spoken
from bot import reply as replies
from bot.escalation import UNSERVED
from bot.inbound import Inbound
from bot.keywords import KeywordKind
from bot.reply import Phrase, Reply
from bot.safety import VIOLENCE
from bot.turn import take_turn
from bot.voice import contact
from bot.voice.document import Heard
from bot.voice.talk import Talk


def understand(talk: Talk, heard: Heard) -> bool:
    """Act on what was said; words heard badly are asked about first. False if nothing can be made of it."""
    text = heard.speech.strip()
    if not text:
        return False
    word = keywords.match(text)
    sure = heard.confidence is None or heard.confidence >= talk.careline.settings.confidence
    if word is not None and word.kind is KeywordKind.HUMAN:
        talk.go("person")
        return True
    if word is not None and word.kind is KeywordKind.STOP:
        talk.home()
        talk.note("voice.stop")  # hanging up is the caller's own way to stop; STOP is for texts
        return True
    asked_for = language.requested(text, talk.careline.settings.languages)
    if asked_for is not None:
        return speak(talk, asked_for)
    unserved = foreign.asked(text, talk.careline.settings.languages) if word is None else None
    if unserved is not None:
        return _stay(talk, spoken.sorry(talk.careline, unserved, talk.language))
    if not sure:
        talk.go("confirm", text=text)
        return True
    return ask(talk, text)


def speak(talk: Talk, code: str) -> bool:
    """Go on in another language, from the beginning."""
    talk.state.language = code
    talk.home()
    return True


def _stay(talk: Talk, said: Sequence[Phrase]) -> bool:
    """Begin again in the same language, saying first why it is not the one that was asked for."""
    speak(talk, talk.state.language)
    for phrase in said:
        talk.note(phrase.key, **phrase.params)
    return True


def ask(talk: Talk, text: str, payload: str | None = None) -> bool:
    """Ask, and go where the answer is told. False if the question was not understood."""
    inbound = Inbound(
        channel="voice",
        text=text,
        provider_id=f"{talk.line.id} {talk.line.serial}",
        conversation_id=talk.line.conversation_id,
        language=talk.language,
        payload=payload,
    )
    turn = take_turn(talk.careline, talk.dialogue, inbound)
    if turn.language and turn.language != talk.language:
        talk.state.language = turn.language
    return tell(talk, turn.reply)


def tell(talk: Talk, reply: Reply) -> bool:
    """Open the screen that tells a reply. False for one that only says that nothing was understood."""
    if reply == Reply():  # a person has taken the conversation over
        talk.note("voice.claimed")
        talk.go("person")
        return True
    if reply.urgent:
        talk.go("crisis", topic=reply.topic or "", reply=replies.dump(reply))
        return True
    if reply.topic == "human" or (reply.escalation is not None and reply.topic is None):
        talk.go("person")
        return True
    if reply.topic == "change_language":
        return _stay(talk, [phrase for phrase in reply.opening if phrase.key in (UNSERVED, "language.speaker")])
    if reply.topic is None and reply.choices and not reply.services:
        talk.go("choices", reply=replies.dump(reply))
        return True
    if reply.topic is None and not reply.services and reply.article is None:
        if reply.opening and reply.opening[0].key == "voice.unavailable":
            talk.note("voice.unavailable")
            talk.go("person")
            return True
        if reply.opening and reply.opening[0].key == "more.where":
            talk.go("answer", reply=replies.dump(reply))
            return True
        return False
    plain = reply.article is not None or not reply.services or _one_fact(reply)
    kept = replies.dump(replace(reply, escalation=None))  # who answers by when is told by the screens about people
    talk.go("answer" if plain else "result", reply=kept, position=0)
    if reply.topic in VIOLENCE:
        contact.ask_here(talk)
    return True


def _one_fact(reply: Reply) -> bool:
    return reply.detail not in (None, "all")
