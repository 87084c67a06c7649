"""What am I entitled to: a rights article with its source, and where to get help with it."""

from dataclasses import replace

from bot.answers import Answer, Asked
from bot.answers.search import choices, find, remembered_place
from bot.careline import Careline
from bot.directory.search import Query
from bot.render import seen
from bot.reply import Phrase, Reply, ServiceCard
from bot.topics import DISCREET


def answer(careline: Careline, asked: Asked, topic: str) -> Answer:
    """The article on a topic; without one, the services that help with it and a person."""
    article = careline.rights.find(topic, asked.language)
    services = _help(careline, asked, (topic, *(article.help if article else ())))
    if topic in DISCREET and asked.channel == "sms":
        services = services[:1]
    reply = Reply(
        opening=() if article else (Phrase("search.none", {"topic": f"@topic.{topic}"}),),
        closing=_closing(topic, asked, written=article is not None),
        topic=topic,
        article=careline.rights.shown(article) if article else None,
        services=services,
        sources=careline.rights.sources(article, asked.language) if article else (),
        choices=choices(services, topic),
    )
    reply = seen(careline, reply, asked.language, asked.channel)
    services = reply.services
    memory = replace(
        asked.memory,
        topic=topic,
        current=services[0].id if services else None,
        shown=tuple(card.id for card in services),
        unsure=0,
    )
    return Answer(reply, memory)


def _closing(topic: str, asked: Asked, written: bool) -> tuple[Phrase, ...]:
    """Articles end with the way to a person themselves, and the short one after violence says to delete the text."""
    said = written and asked.channel == "sms"
    safe = (Phrase("violence.safe"),) if topic == "rights_violence" and not said else ()
    return safe if written else (*safe, Phrase("person.offer"))


def _help(careline: Careline, asked: Asked, topics: tuple[str, ...]) -> tuple[ServiceCard, ...]:
    """Services of the first of `topics` that has any."""
    near = asked.place or remembered_place(careline, asked)
    if services := asked.services(topics[0]):
        cards = find(careline, asked, Query(topic=topics[0], near=near, limit=2, text=asked.text, services=services)).cards
        if cards:
            return cards
    for topic in dict.fromkeys(topics):
        cards = find(careline, asked, Query(topic=topic, near=near, limit=2, text=asked.text)).cards
        if cards:
            return cards
    return ()
