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
    return plain("\n".join(piece.text for piece in pieces(reply, facts)))


def pieces(reply: Reply, facts: Facts) -> list[Line]:
    """The pieces of the reply that the text has room for.

    Where only the name of a day or month ("août") would make the text UCS-2, the date is written in numbers instead.
    """
    kept, fits = _fitted(lines(reply, facts))
    if _encoding(kept) == "UCS-2" and _encoding(lines(reply, facts)) == "UCS-2":
        numbers = facts.in_numbers()
        if _encoding(lines(reply, numbers)) == "GSM-7":
            facts = numbers
            kept, fits = _fitted(lines(reply, facts))
    return kept if fits else _fitted(lines(reply, facts, brief=True))[0]


def _encoding(pieces: list[Line]) -> str:
    return measure(plain("\n".join(piece.text for piece in pieces))).encoding


def _fitted(pieces: list[Line]) -> tuple[list[Line], bool]:
    """As many pieces as the budget allows, and whether what may not be left out fits it."""
    pieces = list(pieces)
    while True:
        size = measure(plain("\n".join(piece.text for piece in pieces)))
        heaviest = max((piece.weight for piece in pieces), default=0)
        if size.segments <= BUDGET[size.encoding] or heaviest == 0:
            return pieces, size.segments <= BUDGET[size.encoding]
        pieces.remove(next(piece for piece in reversed(pieces) if piece.weight == heaviest))
