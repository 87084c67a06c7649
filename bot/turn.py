"""One turn: a message comes in, a reply goes out. The whole product in one function, `take_turn`.

What needs no model (keywords, crisis, a person at work on the case) is decided here, before the dialogue is asked, so
that it works when the dialogue is down. No transaction is open while the dialogue is waited for.
"""

import logging
import re
import time
import unicodedata
from dataclasses import dataclass, replace
from datetime import timedelta

from bot import anger, crisis, filters, foreign, fraud, gate, keywords, language, opt_out, redaction, safety
from bot import escalation as cases
from bot.answers import crisis as emergency
from bot.answers import erasure, escalation, my_data, person
from bot.answers import safety as safe_contact
from bot.careline import Careline, Dialogue, Question
from bot.clock import now
from bot.conversation import Conversation, NotTheirs, Recorded, answered, record_inbound, record_reply, remember_language
from bot.errors import DatabaseUnavailable, DialogueUnavailable
from bot.foreign import Foreign
from bot.keywords import Keyword, KeywordKind
from bot.render import seen
from bot.reply import Channel, Phrase, Reply
from bot.topics import PERSON, PRESSABLE

_log = logging.getLogger(__name__)

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
#: Marks that one letter may carry. Devanagari and pointed Arabic need three or four; more is there to break something.
_MARKS = 6
#: Payload of the choice that stops all texts.
OPT_OUT = "/opt_out"


@dataclass(frozen=True)
class Inbound:
    """A message as it came, in our own terms.

    `number` is E.164 where the channel has one, `provider_id` the provider's id of this message, `language` and `place` what
    the person chose by other means than the text, `media` how many pictures or sounds came with it. `payload` is the topic of
    the button that was pressed (one of `topics.PRESSABLE`; anything else is ignored): then the text is only what the button
    says, in `language`, and need not be understood. `address` is the network address of a page or program,
    `provider_stopped` whether the provider itself acts on this message as a STOP.
    """

    channel: Channel
    text: str
    number: str | None = None
    provider_id: str | None = None
    conversation_id: str | None = None
    language: str | None = None
    place: str | None = None
    media: int = 0
    payload: str | None = None
    address: str | None = None
    provider_stopped: bool = False

    @property
    def pressed(self) -> str | None:
        """The topic of a button, if it is one that may be asked for by name."""
        return self.payload if self.payload in PRESSABLE else None


@dataclass(frozen=True)
class Turn:
    """What came of a message: the reply, in which conversation and language it stands, and whether the worker owes more.

    `refused`: it was too much, and was not taken in.
    """

    conversation_id: str
    language: str
    reply: Reply
    late: bool = False
    refused: bool = False


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
    fraud.match(text)
    redaction.redact(text)
    language.requested(text, careline.settings.languages)
    language.detect(text, careline.settings.languages, ())
    foreign.written("wo finde ich hilfe für meine mutter")
    foreign.asked(text)
    filters.parse(text, now(), country=careline.settings.country)
    anger.angry(text)
    careline.places()


def take_turn(careline: Careline, dialogue: Dialogue, inbound: Inbound) -> Turn:
    """Answer one message, once, however often it arrives.

    Raises DatabaseUnavailable when it cannot even be stored: the provider must send it again.
    """
    inbound = replace(inbound, text=clean(inbound.text))
    refusal = gate.refuse(careline, inbound.text, inbound.number, inbound.address, inbound.provider_id)
    if refusal is not None:
        return Turn(inbound.conversation_id or "", _spoken_by_a_stranger(careline, inbound), refusal.reply, refused=True)
    country = careline.settings.country
    recorded = record_inbound(
        careline.database,
        inbound.channel,
        redaction.redact(inbound.text, country),
        inbound.provider_id,
        inbound.number,
        inbound.conversation_id,
        redaction.redact(inbound.place, country) if inbound.place else inbound.place,
    )
    if recorded is None:
        return _again(careline, inbound)
    decision = decide(careline, dialogue, inbound, recorded)
    if decision.keep:
        record_reply(careline.database, recorded.message_id, decision.reply, decision.language, decision.late)
    return Turn(recorded.conversation_id, decision.language, decision.reply, decision.late)


def clean(text: str) -> str:
    """The text without control characters, writing-direction overrides and lone surrogates, which databases refuse or
    which say nothing, composed (NFC), and not longer than a message can be; nor does a letter carry more marks than any
    language gives one, for each would cost time."""
    seen = _UNSEEN.sub("", text).encode("utf-8", "ignore").decode("utf-8").strip()[:LONGEST]
    kept: list[str] = []
    marks = 0
    for character in unicodedata.normalize("NFC", seen):
        marks = marks + 1 if unicodedata.category(character)[0] == "M" else 0
        if marks <= _MARKS:
            kept.append(character)
    return "".join(kept)[:LONGEST]


def _spoken_by_a_stranger(careline: Careline, inbound: Inbound) -> str:
    """The language of a message that is not taken in, as far as it can be told from itself."""
    settings = careline.settings
    if inbound.language in settings.languages:
        return str(inbound.language)
    return language.choose(
        inbound.text, remembered=None, chosen=False, served=settings.languages, default=settings.default_language
    )


def _again(careline: Careline, inbound: Inbound) -> Turn:
    """The answer this message already got; if it is still being made, wait for it a little."""
    assert inbound.provider_id is not None
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            seen = answered(careline.database, inbound.provider_id, inbound.number, inbound.conversation_id)
        except NotTheirs:
            _log.warning("A message's id came again from somebody else: not answered.")
            return Turn("", inbound.language or careline.settings.default_language, SILENCE)
        if seen is not None:
            return Turn(*seen)
        time.sleep(0.1)
    # Whoever had it first is gone: the worker will find the message and answer it.
    return Turn("", inbound.language or careline.settings.default_language, _later())


def decide(careline: Careline, dialogue: Dialogue, inbound: Inbound, recorded: Recorded) -> Decision:
    """What to say to a message that has been recorded. Raises DatabaseUnavailable."""
    decision = _decide(careline, dialogue, inbound, recorded)
    if not decision.keep:
        return decision
    reply = decision.reply
    if reply != SILENCE and redaction.names_number(inbound.text, careline.settings.country):
        reply = replace(reply, closing=(Phrase("fraud.never_send"), *reply.closing))
    if inbound.number is not None and reply.topic in safety.VIOLENCE:
        with careline.database.begin() as session:
            conversation = session.get(Conversation, recorded.conversation_id)
            if conversation is not None:
                safety.mark(conversation)
        if inbound.channel == "sms":
            reply = safe_contact.ask(reply, recorded, decision.language)
    return replace(decision, reply=reply)


def _decide(careline: Careline, dialogue: Dialogue, inbound: Inbound, recorded: Recorded) -> Decision:
    pressed = inbound.pressed
    keyword = None if pressed else keywords.match(inbound.text, inbound.language or recorded.language)
    asked_for = None if pressed else language.requested(inbound.text, careline.settings.languages)
    unserved = None if pressed else _unserved(careline, inbound, recorded, keyword)
    spoken = _language(careline, inbound, recorded, keyword, asked_for, unserved)

    decided = (
        _opting(careline, inbound, spoken, keyword)
        or _danger(careline, inbound, recorded, spoken)
        or _silence(careline, dialogue, inbound, recorded, spoken)
    )
    if decided is not None:
        return decided
    if asked_for:
        return Decision(Reply(opening=(Phrase("language.changed"),), topic="change_language"), spoken)
    apology = _apology(unserved, recorded, spoken)
    if unserved is not None and foreign.asked(inbound.text):
        return Decision(Reply(opening=apology, closing=(Phrase("person.offer"),), topic="change_language"), spoken)
    if pressed == PERSON:
        return Decision(escalation.reply(careline, recorded.conversation_id, spoken), spoken)
    payload = f"/{pressed}" if pressed else _payload(careline, keyword, recorded, inbound.text)
    if payload == erasure.CONFIRMED:
        done = erasure.erase(careline, dialogue, recorded.conversation_id)
        return Decision(done, spoken, keep=False)
    with careline.database.read() as session:
        danger = cases.emergency(session, recorded.conversation_id, EMERGENCY_LASTS)
    safe = _safe_contact(careline, recorded, keyword, spoken, danger)
    if safe is not None:
        return Decision(safe, spoken)
    unpicked = keyword is not None and keyword.kind in PICKING and payload is None
    if danger is not None and (not inbound.text or unpicked or (keyword is not None and keyword.kind in STAYING)):
        return Decision(emergency.stay(careline, danger), spoken)
    fixed = person.feedback(careline, recorded, keyword, spoken) if danger is None else None
    fixed = fixed or _fixed(careline, inbound, recorded, spoken, keyword, payload)
    if fixed is not None:
        decision = Decision(fixed, spoken)
    else:
        decision = _ask(careline, dialogue, inbound, recorded, spoken, payload, danger)
        decision = replace(decision, reply=replace(decision.reply, opening=(*apology, *decision.reply.opening)))
    return replace(decision, reply=person.accompany(careline, recorded.conversation_id, decision.reply))


def _unserved(careline: Careline, inbound: Inbound, recorded: Recorded, keyword: Keyword | None) -> Foreign | None:
    """The language written or asked for, if we don't write it."""
    if keyword is not None and recorded.language in keyword.languages:
        return None  # "hindi" is a Tagalog no
    if inbound.language in careline.settings.languages:
        return None
    return foreign.asked(inbound.text) or foreign.written(inbound.text)


def _apology(unserved: Foreign | None, recorded: Recorded, spoken: str) -> tuple[Phrase, ...]:
    """That we don't write their language, unless we have just said so."""
    if unserved is None:
        return ()
    apology = Phrase("language.unserved", {"language": foreign.name(unserved.code, spoken)})
    said = recorded.last_reply.opening if recorded.last_reply is not None else ()
    return () if apology in said else (apology,)


def _language(
    careline: Careline,
    inbound: Inbound,
    recorded: Recorded,
    keyword: Keyword | None,
    asked_for: str | None,
    unserved: Foreign | None,
) -> str:
    """The language to answer in: asked for > chosen on the page > used before > detected > the line's; and remember it."""
    settings = careline.settings
    selected = inbound.language if inbound.language in settings.languages else None
    spoken = asked_for or selected
    if spoken is None and unserved is not None:
        nearest = foreign.nearest(unserved, settings.languages, settings.default_language)
        spoken = recorded.language if recorded.language_chosen and recorded.language else nearest
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
        # Whoever presses a button in a page's language may still write in another one.
        chosen = bool(asked_for or (selected and not inbound.pressed))
        remember_language(careline.database, recorded.conversation_id, spoken, chosen=chosen)
    return spoken


def _safe_contact(
    careline: Careline, recorded: Recorded, keyword: Keyword | None, spoken: str, danger: str | None
) -> Reply | None:
    """The answer to yes or no, where we have just asked whether this phone is safe."""
    if keyword is None or keyword.kind not in (KeywordKind.YES, KeywordKind.NO) or not safe_contact.asked(recorded):
        return None
    safe = keyword.kind is KeywordKind.YES
    with careline.database.begin() as session:
        conversation = session.get(Conversation, recorded.conversation_id)
        if conversation is not None:
            safety.told(conversation, safe)
    return safe_contact.told(safe, spoken, emergency.stay(careline, danger) if danger is not None else None)


def _opting(careline: Careline, inbound: Inbound, spoken: str, keyword: Keyword | None) -> Decision | None:
    """STOP and START."""
    if inbound.provider_stopped and (keyword is None or keyword.kind is not KeywordKind.STOP):
        return Decision(_stop(careline, inbound), spoken)
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
            opt_out.stop(session, inbound.number, source="provider" if inbound.provider_stopped else "word")
    return Reply(opening=(Phrase("stop.done"),), topic="stop")


def _danger(careline: Careline, inbound: Inbound, recorded: Recorded, spoken: str) -> Decision | None:
    """Somebody may be hurt now."""
    danger = crisis.match(inbound.text)
    if danger is None:
        return None
    _consent(careline, inbound)
    return Decision(emergency.reply(careline, recorded.conversation_id, danger.topic, spoken, inbound.text), spoken)


def _consent(careline: Careline, inbound: Inbound) -> None:
    """Whoever writes of danger after STOP wants an answer: to this, from us and from a person; nothing else begins again."""
    if inbound.number is None:
        return
    try:
        with careline.database.begin() as session:
            opt_out.start(session, inbound.number, ("answers",))
    except DatabaseUnavailable as error:  # the numbers to call are said all the same
        _log.error("%s", error)


def _silence(careline: Careline, dialogue: Dialogue, inbound: Inbound, recorded: Recorded, spoken: str) -> Decision | None:
    """Nothing is said to somebody who told us to stop, nor while a person is at work on the conversation."""
    with careline.database.read() as session:
        stopped = inbound.number is not None and opt_out.stopped(session, inbound.number)
        held = not stopped and cases.claimed(session, recorded.conversation_id)
        left = cases.gone_quiet(session, careline.settings, recorded.conversation_id) if held else None
    if left:
        with careline.database.begin() as session:
            if cases.quiet(session, left[0]):  # a conversation has one case under way
                return None
    if held:
        return Decision(SILENCE, spoken)
    if not stopped:
        return None
    # Danger in words that no list has is heard by the model alone.
    try:
        question = Question(recorded.conversation_id, inbound.text, spoken, inbound.channel, None, inbound.place)
        answer = dialogue.respond(question) if inbound.text else SILENCE
    except DialogueUnavailable:
        return Decision(SILENCE, spoken)
    if not answer.urgent:
        return Decision(SILENCE, spoken)
    _consent(careline, inbound)
    return Decision(answer, spoken)


#: Keywords that, in an emergency, get the emergency's numbers again.
STAYING = (KeywordKind.HELP, KeywordKind.HUMAN, KeywordKind.NO, KeywordKind.REPEAT, KeywordKind.MORE)

#: Keywords that pick something that was offered; where nothing was, they get the numbers again too.
PICKING = (KeywordKind.NUMBER, KeywordKind.YES)

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
    place = careline.places().find(text) or careline.places().unknown(text)
    moment = now().astimezone(careline.settings.time_zone)
    asked = filters.parse(text, moment, place.span if place else None, careline.settings.country)
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
        case KeywordKind.KNOW:
            return my_data.answer(careline, recorded.conversation_id, spoken)
        case KeywordKind.HUMAN:
            return escalation.reply(careline, recorded.conversation_id, spoken)
        case KeywordKind.REPEAT if recorded.last_reply is not None:
            return recorded.last_reply
        case KeywordKind.NO if recorded.choices:
            return Reply(opening=(Phrase("no.fine"),), closing=offer)
    if keyword is None and payload is None and fraud.match(inbound.text):
        return Reply(opening=(Phrase("fraud.warn"),), closing=(Phrase("office.call"), *offer))
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
    # What a button says is no question: "A bed tonight" names no time that was asked for.
    text = "" if inbound.pressed else inbound.text
    meant = careline.words().meant(text) if text and payload is None else None
    topic = meant.topic if meant is not None else None
    question = Question(recorded.conversation_id, text, spoken, inbound.channel, payload, inbound.place, topic)
    try:
        answer = dialogue.respond(question)
    except DialogueUnavailable:
        if inbound.channel == "voice":  # nobody stays on the telephone for a later answer
            return Decision(Reply(opening=(Phrase("voice.unavailable"),)), spoken)
        return Decision(_later(), spoken, late=True)
    if answer.language is not None and answer.language != spoken:
        remember_language(careline.database, recorded.conversation_id, answer.language, chosen=True)
        spoken = answer.language
    if danger is not None and answer.topic in UNCLEAR:
        answer = emergency.stay(careline, danger)
    answer = person.bring(careline, recorded.conversation_id, inbound.text, spoken, answer)
    # Only what the person sees can be picked by number.
    return Decision(seen(careline, answer, spoken, inbound.channel), spoken)


def _later() -> Reply:
    return Reply(opening=(Phrase("later.promise"),), closing=(Phrase("person.offer"),))
