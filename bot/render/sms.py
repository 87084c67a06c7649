"""A reply as one SMS, within the budget of segments."""

from bot.render.facts import Facts
from bot.render.segments import measure, plain
from bot.render.text import lines
from bot.reply import Reply

#: Segments a first answer may take.
BUDGET = {"GSM-7": 2, "UCS-2": 3}


def render(reply: Reply, facts: Facts) -> str:
    """The text to send; empty for a reply that says nothing.

    What matters least is left out until the text fits its budget; what never may be left out is sent even if it does not.
    """
    pieces = lines(reply, facts)
    while True:
        text = plain("\n".join(piece.text for piece in pieces))
        size = measure(text)
        heaviest = max((piece.weight for piece in pieces), default=0)
        if size.segments <= BUDGET[size.encoding] or heaviest == 0:
            return text
        pieces.remove(next(piece for piece in reversed(pieces) if piece.weight == heaviest))
