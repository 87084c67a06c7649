"""What was asked before on the same topic, so that "more" and "nearer?" go on from the dentist who was asked for.

It is read from the conversation's own messages: nothing besides is remembered.
"""

from dataclasses import fields, replace

from bot import corrections, filters, keywords
from bot.answers import Asked
from bot.careline import Careline
from bot.conversation import texts_on
from bot.filters import Filters


def before(careline: Careline, asked: Asked) -> tuple[str, Filters]:
    """The last message that named the need, and the filters of it and of what only narrowed it down since.

    A day or a fact asked of one service narrows nothing down. Raises DatabaseUnavailable.
    """
    if asked.memory.topic is None:
        return "", Filters()
    with careline.database.read() as session:
        texts = texts_on(session, asked.conversation_id, asked.memory.topic)
    need, narrowed = "", Filters()
    for text in texts:
        if keywords.match(text) is not None:
            continue
        text = corrections.meant(text) or text
        place = careline.places().find(text)
        found = filters.parse(text, asked.moment, place.span if place else None, careline.settings.country)
        if not found.follow_up:
            need, narrowed = text, found.filters
        elif found.detail is None and found.filters.day is None and found.filters.day_unknown is None:
            narrowed = merged(narrowed, found.filters)
    return need, replace(narrowed, near=False)


def merged(old: Filters, new: Filters) -> Filters:
    """The old filters with all that the new ones say."""
    said = {field.name: getattr(new, field.name) for field in fields(Filters) if getattr(new, field.name) != field.default}
    if "day" in said or "at" in said or "before" in said:  # another day or time takes the place of the old one
        old = replace(old, day=None, at=None, before=None, later=False, open_now=False, day_unknown=None)
    return replace(old, **said)
