"""What narrows a search down besides its topic and place: a day, the price, an age, a language, access.

`parse` finds it in plain words, in every language served, together with which fact of a service is asked for and
whether the message is nothing but that, so that it only makes sense after an answer ("is it open on Sunday", "y el
domingo?").

The words are data/filters/<language>.yml, all languages tried on every message. A pattern there is words with a space
between, found at word borders in folded text (see `bot.folding`; ar, ur, ne, zh and ja also loosened):

    is it open            these words, side by side
    they|it close|shut    any of these in this place
    right-now|now         a hyphen is a space inside one alternative
    the? phone            a word that may be missing
    for {n} years         {n} a number, {language} the name of a language, {day} a weekday
    ~ sun                 a word that is too common elsewhere: counts only if the message is a follow-up

Chinese and Japanese are read character by character, so a space in their patterns only separates the parts. What the
keys mean stands at the top of data/filters/en.yml.
"""

from datetime import datetime

from bot.filters.asked import ACCESSIBILITY, LANGUAGES, WEEKDAYS, Asked, Filters
from bot.filters.dates import find
from bot.filters.lexicon import FilterDataError, known_words, lexicons, load
from bot.filters.likeliest import follow_up, hits_of_likeliest
from bot.filters.meaning import detail_of, filters_of, which_of
from bot.filters.message import LONGEST, message_of
from bot.filters.reading import Reading

__all__ = ["ACCESSIBILITY", "LANGUAGES", "WEEKDAYS", "Asked", "FilterDataError", "Filters", "known_words", "load", "parse"]


def parse(text: str, now: datetime, place_span: tuple[int, int] | None = None, country: str = "") -> Asked:
    """What a message asks for besides its topic.

    `now` is aware and local: days and times are counted from it. `place_span` are the characters of the text that name
    a place. `country` (ISO 3166) tells how dates are written and which holidays there are. Never raises for any text and
    span; FilterDataError if a file of ours is broken.
    """
    message = message_of(text, place_span, find(text, now.date(), country))
    if not message.tokens or len(message.tokens) > LONGEST:
        return Asked()
    readings = [Reading(message, lexicon) for lexicon in lexicons()]
    english = readings[0]
    follow_ups = [found for reading in readings if (found := follow_up(message, reading, english)) is not None]
    if follow_ups:
        hits = max(follow_ups, key=lambda found: found[0])[1]
        return Asked(filters_of(hits, now, message, True), detail_of(hits), True, which_of(hits))
    hits = hits_of_likeliest(readings, english)
    return Asked(filters_of(hits, now, message, False), detail_of(hits), False)
