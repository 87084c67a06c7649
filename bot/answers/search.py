"""Where, who, how: the best services for a need, the nearest first once a place is known."""

from dataclasses import replace

from bot.answers import Answer, Asked
from bot.careline import Careline
from bot.directory.search import Query, Result, search
from bot.places import Place
from bot.reply import Choice, Phrase, Reply, ServiceCard

#: Topics after which we say how to remove the text, for somebody whose telephone is read by another.
_DISCREET = frozenset({"violence_refuge", "rights_violence"})


def answer(careline: Careline, asked: Asked, topic: str) -> Answer:
    """The first services for a topic; questions come after them."""
    near = asked.place or remembered_place(careline, asked)
    result = find(careline, asked, Query(topic=topic, near=near, filters=asked.filters))
    if not result.cards:
        none = Phrase("search.none", {"topic": f"@topic.{topic}"})
        reply = Reply(opening=(none,), closing=(Phrase("person.offer"),), topic=topic)
        return Answer(reply, replace(asked.memory, topic=topic, shown=(), current=None, unsure=0))
    return shown(asked, topic, result, near)


def find(careline: Careline, asked: Asked, query: Query) -> Result:
    """Search at the moment of asking."""
    with careline.database.read() as session:
        return search(session, query, asked.moment, careline.settings)


def shown(asked: Asked, topic: str, result: Result, near: Place | None, before: tuple[str, ...] = ()) -> Answer:
    """The reply that shows a search's result. `before` are services shown already."""
    closing = [] if near is not None else [Phrase("ask.place")]
    if topic in _DISCREET:
        closing.append(Phrase("violence.safe"))
    closing.append(Phrase("more.or_person") if result.more else Phrase("person.offer"))
    reply = Reply(
        opening=() if result.fits else (Phrase("search.none_fit"),),
        closing=tuple(closing),
        topic=topic,
        services=result.cards,
        choices=choices(result.cards, topic),
    )
    memory = replace(
        asked.memory,
        topic=topic,
        place=near.name if near else None,
        current=result.cards[0].id,
        shown=before + tuple(card.id for card in result.cards),
        unsure=0,
    )
    return Answer(reply, memory)


def choices(cards: tuple[ServiceCard, ...], topic: str) -> tuple[Choice, ...]:
    """The services by number, to hear more of one."""
    return tuple(Choice(payload=f'/more{{"service": "{card.id}"}}', name=card.name, topic=topic) for card in cards)


def remembered_place(careline: Careline, asked: Asked) -> Place | None:
    """The place this person named before."""
    return careline.places().find(asked.memory.place) if asked.memory.place else None
