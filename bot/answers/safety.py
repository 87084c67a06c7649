"""Whether this phone is safe: asked once an answer is about violence, in words that give nothing away."""

import unicodedata
from dataclasses import replace

from bot.conversation import Recorded
from bot.keywords import KeywordKind, word
from bot.reply import Phrase, Reply
from bot.safety import QUESTION

#: What the question says itself, so that all of it fits into a text.
_SAID = frozenset({"violence.safe", "person.offer", "more.or_person"})


def ask(reply: Reply, recorded: Recorded, language: str) -> Reply:
    """The reply with the question at its end, unless it has been answered, or was asked just now. The first answer in an
    emergency stays as it is: one thing to do, and the numbers to call."""
    if recorded.safe_to_contact is not None or asked(recorded) or (reply.urgent and not recorded.sensitive):
        return reply
    kept = tuple(phrase for phrase in reply.closing if phrase.key not in _SAID)
    question = Phrase(QUESTION, {"yes": _typed(KeywordKind.YES, language), "no": _typed(KeywordKind.NO, language)})
    return replace(reply, closing=(*kept, question))


def asked(recorded: Recorded) -> bool:
    """Whether the last thing we said was the question."""
    last = recorded.last_reply
    return recorded.sensitive and last is not None and any(phrase.key == QUESTION for phrase in last.closing)


def told(safe: bool, language: str, stay: Reply | None) -> Reply:
    """The answer to yes or no. `stay` is what is said again in an emergency."""
    said = Phrase("safe.yes", {"no": _typed(KeywordKind.NO, language)}) if safe else Phrase("safe.no")
    if stay is not None:
        return replace(stay, opening=(*stay.opening, said))
    return Reply(opening=(said,), closing=(Phrase("person.offer"),))


def _typed(kind: KeywordKind, language: str) -> str:
    """The word as people type it: an accent on one letter would halve what a text has room for, and nobody needs it."""
    told = word(kind, language)
    bare = "".join(one for one in unicodedata.normalize("NFD", told) if unicodedata.category(one) != "Mn")
    return bare if bare.isascii() else told
