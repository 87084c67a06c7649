"""What a message means, and what to answer, where that is known without the model."""

from bot import filters, fraud
from bot.answers import escalation, my_data, opting
from bot.careline import Careline
from bot.clock import now
from bot.conversation import Recorded, text_before
from bot.inbound import Inbound
from bot.keywords import Keyword, KeywordKind
from bot.reply import Phrase, Reply

#: Keywords that mean the same as a sentence the dialogue understands.
_PAYLOADS = {
    KeywordKind.MORE: "/more",
    KeywordKind.WRONG: "/wrong_information",
    KeywordKind.DELETE: "/delete_my_data",
}


#: A message that asks about one more than were offered: nothing that the dialogue knows.
NOT_OFFERED = "/not_offered"


def payload(careline: Careline, inbound: Inbound, recorded: Recorded, keyword: Keyword | None) -> str | None:
    """What the message means: a button's topic, a choice that was offered, a word for more. Raises DatabaseUnavailable."""
    if inbound.pressed:
        return f"/{inbound.pressed}"
    if keyword is not None:
        if keyword.kind is KeywordKind.NUMBER and keyword.number is not None and keyword.number <= len(recorded.choices):
            return recorded.choices[keyword.number - 1].payload
        if keyword.kind is KeywordKind.YES and _offers(recorded.last_reply):
            return recorded.choices[0].payload
        return _PAYLOADS.get(keyword.kind)
    return _following(careline, inbound.text, recorded) if recorded.last_reply is not None else None


def _following(careline: Careline, text: str, recorded: Recorded) -> str | None:
    """What a message means that only narrows what was asked before ("on Sunday?"), or asks about one of what was offered
    ("the second one, phone?"); None where it says something of its own."""
    place = careline.places().find(text) or careline.places().unknown(text)
    moment = now().astimezone(careline.settings.time_zone)
    found = filters.parse(text, moment, place.span if place else None, careline.settings.country)
    if not found.follow_up:
        return None
    if found.which is None:
        return "/more"
    # A fact of the first one is no answer to who asks about the third of two.
    return recorded.choices[found.which - 1].payload if found.which <= len(recorded.choices) else NOT_OFFERED


def _offers(last: Reply | None) -> bool:
    """Whether "yes" may mean what was offered: nothing else has been said since. "ok" after an emergency's numbers, after
    thanks, or to a person who will come, picks nothing from the list before."""
    return last is not None and bool(last.choices)


def chosen_for(careline: Careline, recorded: Recorded, meaning: str | None) -> str | None:
    """What was written when we asked back, if the message only chooses one of what it may have meant: its words, its place and
    its day are still what is asked about. Raises DatabaseUnavailable."""
    if not _asked_back(recorded) or meaning not in {choice.payload for choice in recorded.choices}:
        return None
    with careline.database.read() as session:
        return text_before(session, recorded.conversation_id, recorded.message_id)


def _asked_back(recorded: Recorded) -> bool:
    """Whether the last thing we said was which of several they meant."""
    last = recorded.last_reply
    return last is not None and bool(last.choices) and last.topic is None and not last.services


def reply(
    careline: Careline, inbound: Inbound, recorded: Recorded, spoken: str, keyword: Keyword | None, meaning: str | None
) -> Reply | None:
    """The answer that needs no dialogue, None where it does; `meaning` is the payload. Raises DatabaseUnavailable."""
    offer = (Phrase("person.offer"),)
    if not inbound.text:
        return Reply(opening=(Phrase("empty.picture" if inbound.media else "empty.text"),), closing=offer)
    if meaning == opting.PAYLOAD:
        return opting.stop(careline, inbound)
    if meaning == NOT_OFFERED:
        return Reply(opening=(Phrase("unsure.again"),), closing=offer)
    match keyword.kind if keyword else None:
        case KeywordKind.NUMBER if meaning is None:
            return Reply(opening=(Phrase("unsure.again"),), closing=offer)
        case KeywordKind.HELP:
            return Reply(opening=(Phrase("help.how"),), topic="help")
        case KeywordKind.KNOW:
            return my_data.answer(careline, recorded.conversation_id, spoken)
        case KeywordKind.HUMAN:
            return escalation.reply(careline, recorded.conversation_id, spoken)
        case KeywordKind.REPEAT if recorded.last_reply is not None:
            return recorded.last_reply
        case KeywordKind.YES if meaning is None and recorded.last_reply is not None:
            return Reply(opening=(Phrase("thanks.welcome"),), topic="thanks")
        case KeywordKind.NO if recorded.choices:
            return Reply(opening=(Phrase("no.fine"),), closing=offer)
    if keyword is None and meaning == "/more" and _asked_back(recorded) and careline.places().find(inbound.text) is None:
        return recorded.last_reply  # "how much is it?" before it is known what
    if keyword is None and meaning is None and fraud.match(inbound.text):
        return Reply(opening=(Phrase("fraud.warn"),), closing=(Phrase("office.call"), *offer))
    return None
