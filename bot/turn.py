"""One turn: a message comes in, a reply goes out. The whole product in one function, `take_turn`.

What needs no model (keywords, crisis, a person at work on the case) is decided here, before the dialogue is asked, so
that it works when the dialogue is down. No transaction is open while the dialogue is waited for.
"""

import re
import time
from dataclasses import dataclass, replace
from datetime import timedelta

from bot import crisis, filters, keywords, language, metrics, opt_out
from bot import escalation as cases
from bot.answers import crisis as emergency
from bot.answers import erasure, escalation
from bot.careline import Careline, Dialogue, Question
from bot.clock import now
from bot.conversation import Recorded, answered, record_inbound, record_reply, remember_language, unanswered
from bot.errors import DialogueBusy, DialogueUnavailable
from bot.keywords import Keyword, KeywordKind
from bot.reply import Channel, Phrase, Reply

#: How long a repeated message waits for the answer that another process is making, in seconds.
PATIENCE = 9.0
#: How long after an emergency answer an unclear message still belongs to it.
EMERGENCY_LASTS = timedelta(minutes=30)
#: What a text may have at most; more is not read. Providers send at most 1,600 characters.
LONGEST = 1600

#: Topics of answers that are not given in an emergency: the message was not understood, or means "help me".
UNCLEAR = (None, "out_of_scope", "more", "greet", "help", "human", "bot_identity", "repeat", "feedback_bad")

SILENCE = Reply()
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
#: Payload of the choice that stops all texts.
OPT_OUT = "/opt_out"


@dataclass(frozen=True)
class Inbound:
    """A message as it came, in our own terms.

    `number` is E.164 where the channel has one, `provider_id` the provider's id of this message, `language` and `place` what
    the person chose by other means than the text, `media` how many pictures or sounds came with it.
    """

    channel: Channel
    text: str
    number: str | None = None
    provider_id: str | None = None
    conversation_id: str | None = None
    language: str | None = None
    place: str | None = None
    media: int = 0


@dataclass(frozen=True)
class Turn:
    """What came of a message: the reply, in which conversation and language it stands, and whether the worker owes more."""

    conversation_id: str
    language: str
    reply: Reply
    late: bool = False


@dataclass(frozen=True)
class Decision:
    """What to say. `late`: the reply is a promise, and the worker owes the answer. `keep`: there is still a conversation
    to keep it in."""

    reply: Reply
    language: str
    late: bool = False
    keep: bool = True


def prepare(careline: Careline) -> None:
    """Load what the first message would otherwise wait for. Raises DataError for a broken list, DatabaseUnavailable."""
    text = "where is the library open on Sunday"
    keywords.match(text)
    crisis.match(text)
    language.requested(text, careline.settings.languages)
    language.detect(text, careline.settings.languages, ())
    filters.parse(text, now())
    careline.places()


def take_turn(careline: Careline, dialogue: Dialogue, inbound: Inbound) -> Turn:
    """Answer one message, once, however often it arrives.

    Raises DatabaseUnavailable when it cannot even be stored: the provider must send it again.
    """
    inbound = replace(inbound, text=clean(inbound.text))
    recorded = record_inbound(
        careline.database,
        inbound.channel,
        inbound.text,
        inbound.provider_id,
        inbound.number,
        inbound.conversation_id,
        inbound.place,
    )
    if recorded is None:
        return _again(careline, inbound)
    decision = decide(careline, dialogue, inbound, recorded)
    if decision.keep and not record_reply(
        careline.database, recorded.message_id, decision.reply, decision.language, decision.late
    ):
        return Turn(recorded.conversation_id, decision.language, SILENCE)
    return Turn(recorded.conversation_id, decision.language, decision.reply, decision.late)


def clean(text: str) -> str:
    """The text without control characters, writing-direction overrides and lone surrogates, which databases refuse or
    which say nothing, and not longer than a message can be."""
    return _UNSEEN.sub("", text).encode("utf-8", "ignore").decode("utf-8").strip()[:LONGEST]


def _again(careline: Careline, inbound: Inbound) -> Turn:
    """The answer this message already got; if it is still being made, wait for it a little."""
    assert inbound.provider_id is not None
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        seen = answered(careline.database, inbound.provider_id)
        if seen is not None:
            return Turn(*seen)
        time.sleep(0.1)
    # Whoever had it first is gone: the worker will find the message and answer it.
    return Turn("", inbound.language or careline.settings.default_language, _later())


def decide(careline: Careline, dialogue: Dialogue, inbound: Inbound, recorded: Recorded) -> Decision:
    """What to say to a message that has been recorded. Raises DatabaseUnavailable."""
    keyword = keywords.match(inbound.text)
    asked_for = language.requested(inbound.text, careline.settings.languages)
    spoken = _language(careline, inbound, recorded, keyword, asked_for)

    decided = (
        _opting(careline, inbound, spoken, keyword)
        or _danger(careline, inbound, recorded, spoken)
        or _silence(careline, inbound, recorded, spoken)
    )
    if decided is not None:
        return decided
    if asked_for:
        return Decision(Reply(opening=(Phrase("language.changed"),), topic="change_language"), spoken)
    payload = _payload(careline, keyword, recorded, inbound.text)
    if payload == erasure.CONFIRMED:
        done = erasure.erase(careline, dialogue, recorded.conversation_id)
        return Decision(done, spoken, keep=False)
    with careline.database.read() as session:
        danger = cases.emergency(session, recorded.conversation_id, EMERGENCY_LASTS)
    if danger is not None and (not inbound.text or (keyword is not None and keyword.kind in STAYING)):
        return Decision(emergency.stay(careline, danger), spoken)
    fixed = _fixed(careline, inbound, recorded, spoken, keyword, payload)
    return Decision(fixed, spoken) if fixed is not None else _ask(careline, dialogue, inbound, recorded, spoken, payload, danger)


def _language(careline: Careline, inbound: Inbound, recorded: Recorded, keyword: Keyword | None, asked_for: str | None) -> str:
    """The language to answer in: asked for > chosen on the page > used before > detected > the line's; and remember it."""
    settings = careline.settings
    selected = inbound.language if inbound.language in settings.languages else None
    spoken = asked_for or selected
    if spoken is None and keyword is not None:
        # One word says little: it only decides for somebody we have never heard.
        own = [code for code in settings.languages if code in keyword.languages]
        default = settings.default_language
        spoken = recorded.language or (default if default in own or not own else own[0])
    if spoken is None:
        spoken = language.choose(
            inbound.text,
            remembered=recorded.language,
            chosen=recorded.language_chosen,
            served=settings.languages,
            default=settings.default_language,
        )
    if asked_for or (spoken != recorded.language and inbound.text):
        remember_language(careline.database, recorded.conversation_id, spoken, chosen=bool(asked_for or selected))
    return spoken


def _opting(careline: Careline, inbound: Inbound, spoken: str, keyword: Keyword | None) -> Decision | None:
    """STOP and START."""
    if keyword is None or keyword.kind not in (KeywordKind.STOP, KeywordKind.START, KeywordKind.YES):
        return None
    if keyword.kind is KeywordKind.STOP:
        return Decision(_stop(careline, inbound), spoken)
    with careline.database.begin() as session:
        stopped = inbound.number is not None and opt_out.stopped(session, inbound.number)
        if keyword.kind is KeywordKind.YES and not stopped:
            return None  # a plain yes; from somebody who stopped us it is the provider's word for START
        if inbound.number is not None:
            opt_out.start(session, inbound.number)
    return Decision(Reply(opening=(Phrase("start.done"),), topic="start"), spoken)


def _stop(careline: Careline, inbound: Inbound) -> Reply:
    if inbound.number is not None:
        with careline.database.begin() as session:
            opt_out.stop(session, inbound.number)
    return Reply(opening=(Phrase("stop.done"),), topic="stop")


def _danger(careline: Careline, inbound: Inbound, recorded: Recorded, spoken: str) -> Decision | None:
    """Somebody may be hurt now."""
    danger = crisis.match(inbound.text)
    if danger is None:
        return None
    return Decision(emergency.reply(careline, recorded.conversation_id, danger.topic, spoken, inbound.text), spoken)


def _silence(careline: Careline, inbound: Inbound, recorded: Recorded, spoken: str) -> Decision | None:
    """Nothing is said to somebody who told us to stop, nor while a person is at work on the conversation."""
    with careline.database.read() as session:
        if inbound.number is not None and opt_out.stopped(session, inbound.number):
            return Decision(SILENCE, spoken)
        if cases.claimed(session, recorded.conversation_id):
            return Decision(SILENCE, spoken)
    return None


#: Keywords that, in an emergency, get the emergency's numbers again.
STAYING = (KeywordKind.HELP, KeywordKind.HUMAN, KeywordKind.NO, KeywordKind.REPEAT, KeywordKind.MORE)

#: Keywords that mean the same as a sentence the dialogue understands.
_PAYLOADS = {
    KeywordKind.MORE: "/more",
    KeywordKind.WRONG: "/wrong_information",
    KeywordKind.DELETE: "/delete_my_data",
}


def _payload(careline: Careline, keyword: Keyword | None, recorded: Recorded, text: str) -> str | None:
    """What the message means where that is known without the model."""
    if keyword is not None:
        if keyword.kind is KeywordKind.NUMBER and keyword.number is not None and keyword.number <= len(recorded.choices):
            return recorded.choices[keyword.number - 1].payload
        if keyword.kind is KeywordKind.YES and recorded.choices:
            return recorded.choices[0].payload
        return _PAYLOADS.get(keyword.kind)
    if recorded.last_reply is None:
        return None
    place = careline.places().find(text)
    moment = now().astimezone(careline.settings.time_zone)
    asked = filters.parse(text, moment, place.span if place else None)
    return "/more" if asked.follow_up else None


def _fixed(
    careline: Careline, inbound: Inbound, recorded: Recorded, spoken: str, keyword: Keyword | None, payload: str | None
) -> Reply | None:
    """Replies that the dialogue is not needed for."""
    offer = (Phrase("person.offer"),)
    if not inbound.text:
        return Reply(opening=(Phrase("empty.picture" if inbound.media else "empty.text"),), closing=offer)
    if payload == OPT_OUT:
        return _stop(careline, inbound)
    match keyword.kind if keyword else None:
        case KeywordKind.NUMBER if payload is None:
            return Reply(opening=(Phrase("unsure.again"),), closing=offer)
        case KeywordKind.HELP:
            return Reply(opening=(Phrase("help.how"),), topic="help")
        case KeywordKind.HUMAN:
            return escalation.reply(careline, recorded.conversation_id, spoken)
        case KeywordKind.REPEAT if recorded.last_reply is not None:
            return recorded.last_reply
        case KeywordKind.NO if recorded.choices:
            return Reply(opening=(Phrase("no.fine"),), closing=offer)
    return None


def _ask(
    careline: Careline,
    dialogue: Dialogue,
    inbound: Inbound,
    recorded: Recorded,
    spoken: str,
    payload: str | None,
    danger: str | None,
) -> Decision:
    """Let the dialogue answer."""
    question = Question(recorded.conversation_id, inbound.text, spoken, inbound.channel, payload, inbound.place)
    try:
        with careline.admission.enter():
            _await_earlier(careline, recorded)
            answer = dialogue.respond(question)
    except DialogueBusy:
        metrics.DIALOGUE_FAILURES.labels("busy").inc()
        return Decision(_many(), spoken, late=True)
    except DialogueUnavailable:
        metrics.DIALOGUE_FAILURES.labels("unavailable").inc()
        return Decision(_later(), spoken, late=True)
    if answer.language is not None and answer.language != spoken:
        remember_language(careline.database, recorded.conversation_id, answer.language, chosen=True)
        spoken = answer.language
    if danger is not None and answer.topic in UNCLEAR:
        answer = emergency.stay(careline, danger)
    return Decision(answer, spoken)


def _await_earlier(careline: Careline, recorded: Recorded) -> None:
    """Let the person's earlier message be answered first: "food" and then "in Riverside" must not change places.

    Only as long as an answer may take: a message whose process died must not hold up the next.
    """
    deadline = time.monotonic() + careline.settings.rasa_timeout
    while recorded.follows is not None and time.monotonic() < deadline and unanswered(careline.database, recorded.follows):
        time.sleep(0.05)


def _many() -> Reply:
    return Reply(opening=(Phrase("busy.promise"),), closing=(Phrase("person.offer"),))


def _later() -> Reply:
    return Reply(opening=(Phrase("later.promise"),), closing=(Phrase("person.offer"),))
