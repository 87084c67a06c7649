"""A message as it came in, in our own terms."""

import re
import unicodedata
from dataclasses import dataclass

from bot.reply import Channel
from bot.topics import PRESSABLE

#: What a text may have at most; more is not read. Providers send at most 1,600 characters.
LONGEST = 1600

_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
#: Marks that one letter may carry. Devanagari and pointed Arabic need three or four; more is there to break something.
_MARKS = 6
#: Characters of a text once ligatures are taken apart, as it is compared with lists: one Arabic ligature has 18.
_APART = 2 * LONGEST


@dataclass(frozen=True)
class Inbound:
    """A message as it came, in our own terms.

    `number` is E.164 where the channel has one, `provider_id` the provider's id of this message, `language` and `place` what
    the person chose by other means than the text, `media` how many pictures or sounds came with it. `payload` is the topic of
    the button that was pressed (one of `topics.PRESSABLE`; anything else is ignored): then the text is only what the button
    says, in `language`, and need not be understood. `address` is the network address of a page or program,
    `provider_stopped` whether the provider itself acts on this message as a STOP.
    """

    channel: Channel
    text: str
    number: str | None = None
    provider_id: str | None = None
    conversation_id: str | None = None
    language: str | None = None
    place: str | None = None
    media: int = 0
    payload: str | None = None
    address: str | None = None
    provider_stopped: bool = False

    @property
    def pressed(self) -> str | None:
        """The topic of a button, if it is one that may be asked for by name."""
        return self.payload if self.payload in PRESSABLE else None


def clean(text: str) -> str:
    """The text without control characters, writing-direction overrides and lone surrogates, which databases refuse or
    which say nothing, composed (NFC), and not longer than a message can be; nor does a letter carry more marks than any
    language gives one, or the text have more letters than twice that once ligatures are taken apart: each would cost time."""
    seen = _UNSEEN.sub("", text).encode("utf-8", "ignore").decode("utf-8").strip()[:LONGEST]
    kept: list[str] = []
    marks = apart = 0
    for character in unicodedata.normalize("NFC", seen):
        marks = marks + 1 if unicodedata.category(character)[0] == "M" else 0
        apart += len(unicodedata.normalize("NFKC", character))
        if apart > _APART:
            break
        if marks <= _MARKS:
            kept.append(character)
    return "".join(kept)[:LONGEST]
