"""Texts to the numbers of the encoder's pieces, just as the engine does it (`tok_content` in e5.c)."""

from collections.abc import Sequence
from typing import Final

from bot.nlu.weights import Layout

#: What the model was told a question begins with.
PREFIX: Final = "query: "
_SPACE: Final = "\N{LOWER ONE EIGHTH BLOCK}"


class Tokens:
    """Turns texts into piece numbers; the likeliest way to cut a text into the pieces of `layout`."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._replaced = {point: "".join(map(chr, points)) for point, points in layout.replacements.items()}
        self._pieces: dict[str, int] = {}
        for number, piece in enumerate(layout.pieces):
            if piece and number != layout.unknown:
                self._pieces.setdefault(piece.decode("utf-8", "replace"), number)
        self._longest = max(map(len, self._pieces))
        self._unknown = float(layout.scores.min()) - 10
        self._scores: list[float] = layout.scores.tolist()

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """The piece numbers of each text, between those for its beginning and end, and cut to the longest the network takes."""
        most = self._layout.longest - 2
        return [[self._layout.first, *self.cut(PREFIX + text)[:most], self._layout.last] for text in texts]

    def cut(self, text: str) -> list[int]:
        """The pieces of one text: Viterbi's way through all of them."""
        text = text.translate(self._replaced)
        while "  " in text:
            text = text.replace("  ", " ")
        if not text.startswith(" "):
            text = " " + text
        text = text.replace(" ", _SPACE)
        best = [0.0, *[-1e30] * len(text)]
        way: list[tuple[int, int]] = [(0, 0)] * (len(text) + 1)
        for start in range(len(text)):
            here = best[start]
            for end in range(start + 1, min(start + self._longest, len(text)) + 1):
                piece = self._pieces.get(text[start:end])
                if piece is not None and here + self._scores[piece] > best[end]:
                    best[end], way[end] = here + self._scores[piece], (start, piece)
            if here + self._unknown > best[start + 1]:
                best[start + 1], way[start + 1] = here + self._unknown, (start, self._layout.unknown)
        found = []
        at = len(text)
        while at:
            at, piece = way[at]
            found.append(piece)
        return found[::-1]
