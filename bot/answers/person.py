"""A person beside the answer: brought in where one is needed, and spoken of where one has been asked already."""

from dataclasses import replace

from bot import anger, escalation, helped
from bot.answers.escalation import call
from bot.careline import Careline
from bot.conversation import Recorded
from bot.escalation import Reason
from bot.keywords import Keyword, KeywordKind
from bot.reply import Phrase, Reply

#: Closing phrases that say how to reach a person, by themselves and beside something else.
OFFERS = frozenset({"person.offer", "more.or_person"})
#: Those not needed where one is coming.
_OFFERS = frozenset({"person.offer"})
#: Answers that say nothing about what was asked.
_EMPTY = (None, "out_of_scope", "greet", "help", "bot_identity", "feedback_bad", "more", "repeat")


def bring(careline: Careline, conversation_id: str, text: str, language: str, reply: Reply) -> Reply:
    """The dialogue's answer, with a person asked to help where it did not, where somebody is angry, or where the topic is
    one that always brings a person. Raises DatabaseUnavailable."""
    if reply.urgent or reply.escalation is not None:
        return reply
    if anger.angry(text):
        alone = reply.topic in _EMPTY
        return _with(
            careline, conversation_id, language, "anger", replace(reply, opening=_said("anger.person", reply, alone)), alone
        )
    if reply.topic == "feedback_bad":
        said = Reply(opening=(Phrase("feedback.person"),), topic="feedback_bad")
        return _with(careline, conversation_id, language, "not_helpful", said, alone=True)
    if reply.topic in careline.settings.person_topics:
        return _with(careline, conversation_id, language, "topic", reply, alone=False)
    return reply


def accompany(careline: Careline, conversation_id: str, reply: Reply) -> Reply:
    """The answer, saying first that the bot is back after a person, and last that a person who was asked still comes.

    Raises DatabaseUnavailable.
    """
    if reply == Reply() or reply.urgent:
        return reply
    with careline.database.read() as session:
        waiting = escalation.waiting_for(session, careline.settings, conversation_id)
        returned = escalation.is_back(session, conversation_id)
    if returned:
        with careline.database.begin() as session:
            if escalation.back(session, conversation_id):
                reply = replace(reply, opening=(Phrase("person.back"), *reply.opening))
    if waiting is None or reply.escalation is not None or reply.topic in ("stop", "delete_my_data"):
        return reply
    standing, overdue = waiting
    closing = without_offers(reply)
    if overdue:
        return replace(reply, closing=(*closing, Phrase("person.overdue")))
    # When the office opens was said with the promise; the promise alone is enough now.
    return replace(reply, closing=closing, escalation=replace(standing, staffed=True, opens_at=None))


def feedback(careline: Careline, recorded: Recorded, keyword: Keyword | None, language: str) -> Reply | None:
    """The answer to "did this help?", and to whether we may ask again; None where the message is neither."""
    said = _yes_or_no(keyword)
    if said is None:
        return None
    last = recorded.last_reply
    if last is not None and any(phrase.key == "helped.follow_up" for phrase in last.closing):
        if not said:
            return None
        with careline.database.begin() as session:
            agreed = helped.agree(session, recorded.conversation_id)
        return Reply(opening=(Phrase("helped.follow_up_yes"),), topic="feedback_good") if agreed else None
    with careline.database.begin() as session:
        case = helped.pending(session, recorded.conversation_id, recorded.message_id)
        if case is None:
            return None
        helped.record(session, case, said)
        if said:
            ask = (Phrase("helped.follow_up"),) if helped.safe(case) else ()
            return Reply(opening=(Phrase("helped.yes"),), closing=ask, topic="feedback_good")
        again = escalation.open_case(
            session, careline.settings, recorded.conversation_id, "not_helpful", language, topic=case.topic
        )
    return Reply(opening=(Phrase("helped.no"),), escalation=again, closing=(call(careline),), topic="feedback_bad")


def _yes_or_no(keyword: Keyword | None) -> bool | None:
    match keyword.kind if keyword else None:
        case KeywordKind.YES:
            return True
        case KeywordKind.NO:
            return False
        case KeywordKind.NUMBER if keyword is not None and keyword.number in (1, 2):
            return keyword.number == 1
    return None


def _with(careline: Careline, conversation_id: str, language: str, reason: Reason, reply: Reply, alone: bool) -> Reply:
    topic = reply.topic if reason == "topic" else None
    with careline.database.begin() as session:
        case = escalation.open_case(session, careline.settings, conversation_id, reason, language, topic=topic)
    closing = (call(careline),) if alone else without_offers(reply)
    return replace(reply, escalation=case, closing=closing)


def _said(key: str, reply: Reply, alone: bool) -> tuple[Phrase, ...]:
    return (Phrase(key),) if alone else (Phrase(key), *reply.opening)


def without_offers(reply: Reply) -> tuple[Phrase, ...]:
    """The closing without what only says how to reach a person."""
    return tuple(phrase for phrase in reply.closing if phrase.key not in _OFFERS)
