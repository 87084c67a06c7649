"""The answer to somebody in danger: one thing to do, the numbers to call, and a person alerted at once."""

from bot import escalation
from bot.careline import Careline
from bot.clock import now
from bot.directory.needs import belongs, service_groups
from bot.directory.search import Query, search
from bot.errors import DatabaseUnavailable
from bot.phone import written
from bot.reply import Escalation, Phrase, Reply, ServiceCard

#: Needs whose places matter at once: where to go when the house cannot be stayed in.
_SHELTER = {"crisis_disaster": "disaster_help"}


def reply(careline: Careline, conversation_id: str, topic: str, language: str, text: str = "") -> Reply:
    """The fixed answer to a crisis topic; opens the most urgent case there is.

    `text` may name where the person is. A database that fails does not keep the numbers from the person.
    """
    alerted: Escalation | None
    services: tuple[ServiceCard, ...] = ()
    try:
        with careline.database.begin() as session:
            alerted = escalation.open_case(
                session, careline.settings, conversation_id, "crisis", language, topic=topic, urgent=True
            )
        if topic in _SHELTER:
            services = _places_to_go(careline, _SHELTER[topic], text, language)
    except DatabaseUnavailable:
        alerted = None
    return Reply(opening=(_phrase(careline, topic),), topic=topic, urgent=True, services=services, escalation=alerted)


def unstored(careline: Careline, topic: str) -> Reply:
    """What to do and the numbers alone, for when nothing can be stored and so nobody alerted."""
    return Reply(opening=(_phrase(careline, topic),), topic=topic, urgent=True)


def _places_to_go(careline: Careline, need: str, text: str, language: str) -> tuple[ServiceCard, ...]:
    """Where to go, and who is there for somebody like the one in danger: who fetches people who cannot walk.

    Nothing where the message names a danger that no place is there for, such as gas.
    """
    query = Query(topic=need, near=careline.places().find(text), limit=3, text=text, language=language)
    moment = now().astimezone(careline.settings.time_zone)
    with careline.database.read() as session:
        found = search(session, query, moment, careline.settings)
    if found.named is False:
        return ()
    people = belongs(text)
    kept_for = {card.id: service_groups().find(f"{card.name}. {card.eligibility or ''}") - {"everyone"} for card in found.cards}
    open_to_all = [card for card in found.cards if not kept_for[card.id]]
    for_them = [card for card in found.cards if kept_for[card.id] & people]
    return tuple([*open_to_all[:1], *for_them[:1]] or found.cards[:1])


def stay(careline: Careline, topic: str) -> Reply:
    """The answer to what follows an emergency and is no new need: the numbers again, never a menu."""
    numbers = _numbers(careline, topic)
    key = "crisis.stay_emergency" if numbers["line"] == numbers["emergency"] else "crisis.stay"
    return Reply(opening=(Phrase(key, numbers),), topic=topic, urgent=True, escalation=Escalation("open"))


def _phrase(careline: Careline, topic: str) -> Phrase:
    return Phrase(topic.replace("_", ".", 1), _numbers(careline, topic))


def _numbers(careline: Careline, topic: str) -> dict[str, str | int]:
    settings = careline.settings
    lines = {
        "crisis_suicide": settings.crisis_number,
        "crisis_violence": settings.refuge_number,
        "crisis_child": settings.child_number,
    }
    line = lines.get(topic, settings.emergency_number)
    return {"emergency": settings.emergency_number, "line": written(line, settings.country)}
