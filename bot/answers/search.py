"""Where, who, how: the best services for a need, the nearest first once a place is known."""

from dataclasses import replace

from bot.answers import Answer, Asked
from bot.careline import Careline
from bot.directory.ranking import NEAR
from bot.directory.search import Query, Result, search
from bot.places import Place
from bot.render import seen
from bot.reply import Choice, Opening, Phrase, Reply, ServiceCard
from bot.topics import DISCREET


def answer(careline: Careline, asked: Asked, topic: str) -> Answer:
    """The first services for a topic; questions come after them."""
    near = asked.place or (None if asked.unknown_place else remembered_place(careline, asked))
    query = Query(topic=topic, near=near, filters=asked.filters, text=asked.text)
    result = Result()
    if services := asked.services(topic):
        result = replace(find(careline, asked, replace(query, services=services)), more=True)
    if not result.cards:
        result = find(careline, asked, query)
    if not result.cards:
        none = Phrase("search.none", {"topic": f"@topic.{topic}"})
        reply = Reply(opening=(none,), closing=(Phrase("person.offer"),), topic=topic)
        return Answer(reply, replace(asked.memory, topic=topic, shown=(), current=None, unsure=0))
    return shown(careline, asked, topic, result, near)


def find(careline: Careline, asked: Asked, query: Query) -> Result:
    """Search at the moment of asking. Today's hours are not given for a day that we could not tell."""
    query = replace(query, language=asked.language)
    with careline.database.read() as session:
        result = search(session, query, asked.moment, careline.settings, careline.meanings())
    if query.filters.day_unknown is None:
        return result
    return replace(result, cards=tuple(replace(card, opening=Opening("unknown"), hours_on=None) for card in result.cards))


def shown(
    careline: Careline,
    asked: Asked,
    topic: str,
    result: Result,
    near: Place | None,
    before: tuple[str, ...] = (),
    opening: tuple[Phrase, ...] = (),
) -> Answer:
    """The reply that shows a search's result. `before` are services shown already.

    Only what there is room for on the channel is offered by number and counts as shown: the rest comes with MORE.
    """
    reply = _reply(asked, topic, result, near, opening)
    fitting = seen(careline, reply, asked.language, asked.channel)
    if len(fitting.services) < len(reply.services) and not result.more:
        reply = _reply(asked, topic, replace(result, more=True), near, opening)
        fitting = seen(careline, reply, asked.language, asked.channel)
    memory = replace(
        asked.memory,
        topic=topic,
        place=near.name if near else None,
        current=fitting.services[0].id,
        shown=before + tuple(card.id for card in fitting.services),
        unsure=0,
    )
    return Answer(fitting, memory)


def _reply(asked: Asked, topic: str, result: Result, near: Place | None, opening: tuple[Phrase, ...]) -> Reply:
    closing = [] if near is not None else [Phrase("ask.place")]
    if topic in DISCREET:  # say how to remove the text
        closing.append(Phrase("violence.safe"))
    closing.append(Phrase("more.or_person") if result.more else Phrase("person.offer"))
    return Reply(
        opening=(*unknown_place(asked), *opening, *_caveats(asked, result, near)),
        closing=tuple(closing),
        topic=topic,
        services=result.cards,
        choices=choices(result.cards, topic),
    )


def _caveats(asked: Asked, result: Result, near: Place | None) -> tuple[Phrase, ...]:
    if asked.filters.day_unknown is not None:
        return (Phrase("hours.which_day"),)
    if not result.fits:
        return (Phrase("search.none_fit"),)
    nearest = [card.distance_m for card in result.cards if card.distance_m is not None]
    if near is not None and near.kind in {"neighbourhood", "town"} and nearest and min(nearest) > NEAR:
        return (Phrase("search.none_there", {"place": near.name}),)
    return ()


def unknown_place(asked: Asked) -> tuple[Phrase, ...]:
    """That we do not know the place somebody named."""
    return (Phrase("place.unknown", {"place": asked.unknown_place}),) if asked.unknown_place else ()


def choices(cards: tuple[ServiceCard, ...], topic: str) -> tuple[Choice, ...]:
    """The services by number, to hear more of one."""
    return tuple(Choice(payload=f'/more{{"service": "{card.id}"}}', name=card.name, topic=topic) for card in cards)


def remembered_place(careline: Careline, asked: Asked) -> Place | None:
    """The place this person named before."""
    return careline.places().find(asked.memory.place) if asked.memory.place else None
