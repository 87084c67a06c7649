"""After an answer: another place, the next ones, nearer ones, or one more fact about the one just given."""

from dataclasses import replace

from bot import keywords
from bot.answers import Answer, Asked
from bot.answers.before import before, merged
from bot.answers.search import find, remembered_place, shown, unknown_place
from bot.careline import Careline
from bot.directory.search import Query, card
from bot.filters import Filters
from bot.reply import DayHours, Detail, Phrase, Reply


def answer(careline: Careline, asked: Asked) -> Answer:
    """What follows from the message and what was shown before."""
    memory = asked.memory
    service = asked.service or memory.current
    if asked.service is not None:
        return _about(careline, asked, asked.service, _of_picked(asked))
    if asked.place is not None and memory.topic is not None:
        return _again(careline, asked, memory.topic)
    if asked.place is not None:
        reply = Reply(opening=(Phrase("more.where", {"place": asked.place.name}),), closing=(Phrase("person.offer"),))
        return Answer(reply, replace(memory, place=asked.place.name))
    if asked.unknown_place is not None:
        reply = Reply(opening=unknown_place(asked), closing=(Phrase("ask.place"), Phrase("person.offer")), topic=memory.topic)
        return Answer(reply, memory)
    if asked.filters.near and memory.topic is not None and asked.detail in (None, "address"):
        return _nearer(careline, asked, memory.topic)
    if service is not None and (asked.detail is not None or asked.filters.day is not None or asked.filters.day_unknown):
        return _about(careline, asked, service, asked.detail or "hours")
    if memory.topic is None:
        return Answer(Reply(opening=(Phrase("more.what"),), closing=(Phrase("person.offer"),), topic="more"), memory)
    if asked.filters != Filters():
        return _again(careline, asked, memory.topic)
    return _next(careline, asked, memory.topic)


def _of_picked(asked: Asked) -> Detail:
    """What is told of a service that was picked: all of it, or the fact asked for with it ("the second one, phone?")."""
    if keywords.match(asked.text) is not None:
        return "all"  # "number 2" asks for no number
    return asked.detail or ("hours" if asked.filters.day is not None or asked.filters.day_unknown is not None else "all")


def _about(careline: Careline, asked: Asked, service_id: str, detail: Detail) -> Answer:
    near = asked.place or remembered_place(careline, asked)
    with careline.database.read() as session:
        found = card(session, service_id, asked.moment, careline.settings, near=near, day=asked.filters.day)
    if found is None:  # withdrawn from the directory since it was shown
        gone = Reply(opening=(Phrase("more.what"),), closing=(Phrase("person.offer"),))
        return Answer(gone, replace(asked.memory, current=None))
    if asked.filters.day_unknown is not None:  # never today's hours for a day that we could not tell
        found = replace(found, hours_on=DayHours(asked.moment.date(), known=False))
    reply = Reply(
        topic=asked.memory.topic,
        services=(found,),
        detail=detail,
        closing=(Phrase("more.or_person"),),
    )
    return Answer(reply, replace(asked.memory, current=service_id, unsure=0))


def _again(careline: Careline, asked: Asked, topic: str) -> Answer:
    near = asked.place or remembered_place(careline, asked)
    text, filters = before(careline, asked)
    result = find(careline, asked, Query(topic=topic, near=near, filters=merged(filters, asked.filters), text=text))
    return shown(careline, asked, topic, result, near) if result.cards else _end(asked)


def _nearer(careline: Careline, asked: Asked, topic: str) -> Answer:
    """The nearest of all; where it has been given already, that it is the nearest."""
    near = remembered_place(careline, asked)
    if near is None:
        reply = Reply(opening=(Phrase("ask.place"),), closing=(Phrase("person.offer"),), topic=topic)
        return Answer(reply, asked.memory)
    text, filters = before(careline, asked)
    result = find(careline, asked, Query(topic=topic, near=near, filters=replace(filters, near=True), text=text))
    if not result.cards:
        return _end(asked)
    known = result.cards[0].id == asked.memory.current
    return shown(careline, asked, topic, result, near, opening=(Phrase("near.nearest"),) if known else ())


def _next(careline: Careline, asked: Asked, topic: str) -> Answer:
    near = remembered_place(careline, asked)
    seen = asked.memory.shown
    text, filters = before(careline, asked)
    result = find(careline, asked, Query(topic=topic, near=near, filters=filters, exclude=seen, text=text))
    return shown(careline, asked, topic, result, near, seen) if result.cards else _end(asked)


def _end(asked: Asked) -> Answer:
    reply = Reply(opening=(Phrase("more.end"),), closing=(Phrase("person.offer"),), topic=asked.memory.topic)
    return Answer(reply, asked.memory)
