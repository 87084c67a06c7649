"""One turn: a message comes in, a reply goes out. The whole product in one function, `take_turn`.

What needs no model (keywords, crisis, a person at work on the case) is decided here, before the dialogue is asked, so
that it works when the dialogue is down. No transaction is open while the dialogue is waited for.
"""

import logging
import time
from dataclasses import dataclass, replace
from datetime import timedelta

from bot import corrections, crisis, gate, keywords, logs, metrics, opt_out, redaction, safety, spans, spoken
from bot import escalation as cases
from bot.answers import crisis as emergency
from bot.answers import erasure, escalation, known, opting, person
from bot.answers import language as other_language
from bot.answers import safety as safe_contact
from bot.careline import Careline, Dialogue, Question
from bot.conversation import (
    Conversation,
    NotTheirs,
    Recorded,
    answered,
    record_inbound,
    record_reply,
    remember_language,
    unanswered,
)
from bot.errors import DatabaseUnavailable, DialogueBusy, DialogueUnavailable
from bot.inbound import Inbound, clean
from bot.keywords import Keyword, KeywordKind
from bot.languages import LANGUAGES
from bot.render import seen
from bot.reply import Phrase, Reply
from bot.spoken import Spoken
from bot.topics import PERSON

_log = logging.getLogger(__name__)

#: How long a repeated message waits for the answer that another process is making, in seconds.
PATIENCE = 9.0
#: How long after an emergency answer an unclear message still belongs to it.
EMERGENCY_LASTS = timedelta(minutes=30)

#: Topics of answers that are not given in an emergency: the message was not understood, or means "help me".
UNCLEAR = (None, "out_of_scope", "more", "greet", "help", "human", "bot_identity", "repeat", "feedback_bad")

SILENCE = Reply()


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


def take_turn(careline: Careline, dialogue: Dialogue, inbound: Inbound) -> Turn:
    """Answer one message, once, however often it arrives.

    Raises DatabaseUnavailable when it cannot even be stored: the provider must send it again. Who is in danger is told what
    to do all the same.
    """
    inbound = replace(inbound, text=clean(inbound.text))
    with logs.traced(logs.trace() or logs.new_trace()), spans.span("turn", first=True, channel=inbound.channel) as part:
        turn = _take_or_warn(careline, dialogue, inbound)
        part.say(outcome="late" if turn.late else "urgent" if turn.reply.urgent else "answered", language=turn.language)
        return turn


def _take_or_warn(careline: Careline, dialogue: Dialogue, inbound: Inbound) -> Turn:
    try:
        return _take(careline, dialogue, inbound)
    except DatabaseUnavailable as error:
        danger = crisis.match(inbound.text)
        if danger is None:
            raise
        _log.error("Somebody in danger was answered and nobody could be alerted: %s", error)
        return Turn(
            inbound.conversation_id or "", spoken.of_stranger(careline, inbound), emergency.unstored(careline, danger.topic)
        )


def unavailable(careline: Careline, inbound: Inbound) -> Turn:
    """What is said to a message that cannot be stored and will not come again."""
    return Turn("", spoken.of_stranger(careline, inbound), Reply(opening=(Phrase("down.try_again"),)))


def _take(careline: Careline, dialogue: Dialogue, inbound: Inbound) -> Turn:
    refusal = gate.refuse(careline, inbound.text, inbound.number, inbound.address, inbound.provider_id)
    if refusal is not None:
        return Turn(inbound.conversation_id or "", spoken.of_stranger(careline, inbound), refusal.reply, refused=True)
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
        return again(careline, inbound)
    decision = decide(careline, dialogue, inbound, recorded)
    if decision.keep and not record_reply(
        careline.database, recorded.message_id, decision.reply, decision.language, decision.late
    ):
        return Turn(recorded.conversation_id, decision.language, SILENCE)
    return Turn(recorded.conversation_id, decision.language, decision.reply, decision.late)


def again(careline: Careline, inbound: Inbound) -> Turn:
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
    if (inbound.number is not None or inbound.channel == "voice") and reply.topic in safety.VIOLENCE:
        with careline.database.begin() as session:
            conversation = session.get(Conversation, recorded.conversation_id)
            if conversation is not None:
                safety.mark(conversation)
        if inbound.channel == "sms":
            reply = safe_contact.ask(reply, recorded, decision.language)
    return replace(decision, reply=reply)


def _decide(careline: Careline, dialogue: Dialogue, inbound: Inbound, recorded: Recorded) -> Decision:
    keyword = None if inbound.pressed else keywords.match(inbound.text, inbound.language or recorded.language)
    said = spoken.of(careline, inbound, recorded, keyword)
    in_language = said.language

    stopped_or_started = opting.reply(careline, inbound, keyword)
    if stopped_or_started is not None:
        return Decision(stopped_or_started, in_language)
    decided = _danger(careline, inbound, recorded, said) or _silence(careline, dialogue, inbound, recorded, in_language)
    if decided is not None:
        return decided
    if said.asked_for:
        return Decision(other_language.reply(careline, recorded, in_language, inbound.channel), in_language)
    if said.only_named:
        offer = () if len(said.apology) > 1 else (Phrase("person.offer"),)
        return Decision(Reply(opening=said.apology, closing=offer, topic="change_language"), in_language)
    if inbound.pressed == PERSON:
        return Decision(escalation.reply(careline, recorded.conversation_id, said.writes), in_language)
    written = inbound.text
    if keyword is None and not inbound.pressed and recorded.last_reply is not None and not recorded.last_reply.urgent:
        meant = corrections.meant(inbound.text)
        inbound = inbound if meant is None else replace(inbound, text=meant)
    payload = known.payload(careline, inbound, recorded, keyword)
    if payload == erasure.CONFIRMED:
        done = erasure.erase(careline, dialogue, recorded.conversation_id)
        return Decision(done, in_language, keep=False)
    with careline.database.read() as session:
        danger = cases.emergency(session, recorded.conversation_id, EMERGENCY_LASTS)
    fixed = _safe_contact(careline, recorded, keyword, in_language, danger)
    if fixed is not None:
        return Decision(fixed, in_language)
    if danger is not None and (not inbound.text or _stays(keyword, payload, recorded)):
        return Decision(emergency.stay(careline, danger), in_language)
    fixed = person.feedback(careline, recorded, keyword, in_language) if danger is None else None
    fixed = fixed or known.reply(careline, inbound, recorded, in_language, keyword, payload)
    if fixed is not None:
        decision = Decision(fixed, in_language)
    else:
        decision = _ask(careline, dialogue, inbound, recorded, said, payload, danger, written)
        decision = replace(decision, reply=_apologetic(decision.reply, said))
    return replace(decision, reply=person.accompany(careline, recorded.conversation_id, decision.reply))


def _apologetic(reply: Reply, said: Spoken) -> Reply:
    """The reply, saying first that the person's language is not served, and last the way to somebody."""
    if not said.apology or reply.opening[: len(said.apology)] == said.apology or reply.topic == "change_language":
        return reply
    if len(said.apology) > 1:  # how to reach somebody who speaks it is said already
        return replace(reply, opening=(*said.apology, *reply.opening), closing=person.without_offers(reply))
    reachable = reply.escalation is not None or any(phrase.key in person.OFFERS for phrase in reply.closing)
    closing = reply.closing if reachable else (*reply.closing, Phrase("person.offer"))
    return replace(reply, opening=(*said.apology, *reply.opening), closing=closing)


def _safe_contact(
    careline: Careline, recorded: Recorded, keyword: Keyword | None, in_language: str, danger: str | None
) -> Reply | None:
    """The answer to yes or no, where we have just asked whether this phone is safe."""
    if keyword is None or keyword.kind not in (KeywordKind.YES, KeywordKind.NO) or not safe_contact.asked(recorded):
        return None
    safe = keyword.kind is KeywordKind.YES
    with careline.database.begin() as session:
        conversation = session.get(Conversation, recorded.conversation_id)
        if conversation is not None:
            safety.told(conversation, safe)
    return safe_contact.told(safe, in_language, emergency.stay(careline, danger) if danger is not None else None)


def _danger(careline: Careline, inbound: Inbound, recorded: Recorded, said: Spoken) -> Decision | None:
    """Somebody may be hurt now: answered in their own language where we write it, even if it is not served here."""
    danger = crisis.match(inbound.text)
    if danger is None:
        return None
    opting.hear(careline, inbound)
    reply = emergency.reply(careline, recorded.conversation_id, danger.topic, said.writes, inbound.text)
    return Decision(reply, said.writes if said.writes in LANGUAGES else said.language)


def _silence(careline: Careline, dialogue: Dialogue, inbound: Inbound, recorded: Recorded, in_language: str) -> Decision | None:
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
        return Decision(SILENCE, in_language)
    if not stopped:
        return None
    # Danger in words that no list has is heard by the model alone.
    try:
        question = Question(recorded.conversation_id, inbound.text, in_language, inbound.channel, None, inbound.place)
        answer = dialogue.respond(question) if inbound.text else SILENCE
    except DialogueUnavailable:
        return Decision(SILENCE, in_language)
    if not answer.urgent:
        return Decision(SILENCE, in_language)
    opting.hear(careline, inbound)
    return Decision(answer, in_language)


#: Keywords that, in an emergency, get the emergency's numbers again.
STAYING = (KeywordKind.HELP, KeywordKind.HUMAN, KeywordKind.NO, KeywordKind.REPEAT, KeywordKind.MORE)

#: Those of them that go on with what has been asked for and found since.
GOING_ON = (KeywordKind.REPEAT, KeywordKind.MORE)

#: Keywords that pick something that was offered; where nothing was, they get the numbers again too.
PICKING = (KeywordKind.NUMBER, KeywordKind.YES)


def _stays(keyword: Keyword | None, payload: str | None, recorded: Recorded) -> bool:
    """Whether a keyword after an emergency belongs to it."""
    if keyword is None:
        return False
    last = recorded.last_reply
    found_since = last is not None and not last.urgent and bool(last.services)
    if keyword.kind in GOING_ON and found_since:
        return False
    return keyword.kind in STAYING or (keyword.kind in PICKING and payload is None and not found_since)


def _ask(
    careline: Careline,
    dialogue: Dialogue,
    inbound: Inbound,
    recorded: Recorded,
    said: Spoken,
    payload: str | None,
    danger: str | None,
    written: str,
) -> Decision:
    """Let the dialogue answer. `written` is all that the person wrote, of which the dialogue may get what is meant alone."""
    in_language = said.language
    # What a button says is no question: "A bed tonight" names no time that was asked for.
    text = known.chosen_for(careline, recorded, payload) or ("" if inbound.pressed else inbound.text)
    meant = careline.words().meant(text) if text and payload is None else None
    topic = meant.topic if meant is not None else None
    question = Question(recorded.conversation_id, text, in_language, inbound.channel, payload, inbound.place, topic)
    try:
        with careline.admission.enter():
            _await_earlier(careline, recorded)
            answer = dialogue.respond(question)
    except DialogueBusy:
        metrics.DIALOGUE_FAILURES.labels("busy").inc()
        if inbound.channel == "voice":
            return Decision(Reply(opening=(Phrase("voice.unavailable"),)), in_language)
        return Decision(many(), in_language, late=True)
    except DialogueUnavailable:
        metrics.DIALOGUE_FAILURES.labels("unavailable").inc()
        if inbound.channel == "voice":  # nobody stays on the telephone for a later answer
            return Decision(Reply(opening=(Phrase("voice.unavailable"),)), in_language)
        return Decision(_later(), in_language, late=True)
    if answer.language is not None and answer.language != in_language:
        remember_language(careline.database, recorded.conversation_id, answer.language, chosen=True)
        in_language = answer.language
    repeated = recorded.last_reply is not None and answer.urgent and answer.opening == recorded.last_reply.opening
    if danger is not None and (answer.topic in UNCLEAR or repeated):
        answer = emergency.stay(careline, danger)
    writes = said.unserved or in_language
    answer = person.bring(careline, recorded.conversation_id, written, writes, answer)
    # Only what the person sees can be picked by number.
    return Decision(seen(careline, answer, in_language, inbound.channel), in_language)


def _await_earlier(careline: Careline, recorded: Recorded) -> None:
    """Let the person's earlier message be answered first: "food" and then "in Riverside" must not change places.

    Only as long as an answer may take: a message whose process died must not hold up the next.
    """
    deadline = time.monotonic() + careline.settings.rasa_timeout
    while recorded.follows is not None and time.monotonic() < deadline and unanswered(careline.database, recorded.follows):
        time.sleep(0.05)


def many() -> Reply:
    """What is said when more people write than can be answered in time."""
    return Reply(opening=(Phrase("busy.promise"),), closing=(Phrase("person.offer"),))


def _later() -> Reply:
    return Reply(opening=(Phrase("later.promise"),), closing=(Phrase("person.offer"),))
