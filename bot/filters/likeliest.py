"""All languages together: whose words a message is, and what then was found."""

from bot.filters.message import PLACE, Message
from bot.filters.reading import NEUTRAL, Hit, Reading


def follow_up(message: Message, reading: Reading, english: Reading) -> tuple[tuple[int, bool, int], list[Hit]] | None:
    """The hits of a language, with English mixed in, if they and filler are all there is.

    With them comes how well it fits: how many words are of this language, and how many say something for sure.
    """
    places = {index for index, token in enumerate(message.tokens) if token == PLACE}
    if len(reading.known | english.known | places) < len(message.tokens):
        return None
    if len(reading.covered | english.covered | places) < len(message.tokens):
        return None
    hits = _with_english(reading, english)
    if reading is not english and len(reading.covered | places) < len(message.tokens):
        hits = [hit for hit in hits if not hit.weak]
    if any(hit.key == "not" for hit in hits):
        return None
    if not message.place and _says_nothing(message, hits):
        return None
    said = sum(-1 if hit.weak else hit.end - hit.start for hit in hits)
    return (len(reading.covered), reading is english, said), hits


def _says_nothing(message: Message, hits: list[Hit]) -> bool:
    """Whether a message asks for nothing about an answer, or something else.

    "Now" and the greeting "morning" ask for nothing, "it's closed" complains, "no papers" is a fear to be answered first,
    "wheelchair" may be one that is needed.
    """
    keys = {hit.key for hit in hits} - NEUTRAL
    if not keys or keys == {"no_papers"}:
        return True
    if len(keys) > 1 or message.question:
        return False
    return "closed" in keys or (len(message.tokens) <= 3 and bool(keys & {"parts", "accessibility"}))


def _with_english(reading: Reading, english: Reading) -> list[Hit]:
    """A language's hits, and the English ones on words that are not its own ("mon" is no Monday in French)."""
    if reading is english:
        return reading.hits
    own = reading.own
    others = [hit for hit in english.hits if hit.key == "not" or own.isdisjoint(range(hit.start, hit.end))]
    return reading.hits + others


def hits_of_likeliest(readings: list[Reading], english: Reading) -> list[Hit]:
    """The hits in the languages that know most of the words, without those that count in a follow-up only."""
    most, likeliest = (0, 0), list[Reading]()
    for reading in sorted(readings, key=lambda reading: -len(reading.known)):
        if len(reading.known) < most[0]:
            break
        likeness = len(reading.own), len(reading.known)
        if likeness > most:
            most, likeliest = likeness, []
        if likeness == most:
            likeliest.append(reading)
    found: dict[Hit, None] = {}
    for reading in likeliest:
        hits = _with_english(reading, english)
        blocked = [hit for hit in hits if hit.key == "not"]
        found |= {hit: None for hit in hits if not hit.weak and not any(_overlap(hit, other) for other in blocked)}
    return sorted(found, key=lambda hit: hit.start)


def _overlap(hit: Hit, other: Hit) -> bool:
    return hit.start < other.end and other.start < hit.end
