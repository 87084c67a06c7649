"""A reply as one SMS, within the budget of segments."""

from bot.render.facts import Facts
from bot.render.segments import measure, plain
from bot.render.text import Line, lines
from bot.reply import Reply

#: Segments a first answer may take.
BUDGET = {"GSM-7": 2, "UCS-2": 3}


def render(reply: Reply, facts: Facts) -> str:
    """The text to send; empty for a reply that says nothing.

    What matters least is left out until the text fits its budget; what never may be left out is sent even if it does not.
    """
    text, fits = _fitted(lines(reply, facts))
    return text if fits else _fitted(lines(reply, facts, brief=True))[0]


def _fitted(pieces: list[Line]) -> tuple[str, bool]:
    """The text of as many pieces as the budget allows, and whether what may not be left out fits it."""
    while True:
        text = plain("\n".join(piece.text for piece in pieces))
        size = measure(text)
        heaviest = max((piece.weight for piece in pieces), default=0)
        if size.segments <= BUDGET[size.encoding] or heaviest == 0:
            return text, size.segments <= BUDGET[size.encoding]
        pieces.remove(next(piece for piece in reversed(pieces) if piece.weight == heaviest))
