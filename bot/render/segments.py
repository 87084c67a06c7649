"""SMS segments: which alphabet a text needs, and how many segments it takes.

Source: 3GPP TS 23.038 (GSM 7 bit default alphabet and its extension table) and TS 23.040 (concatenation: six octets of
header leave 153 septets or 67 UTF-16 units in each part).
"""

from dataclasses import dataclass
from typing import Literal

import regex

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = frozenset("\f^{}\\[~]|€")
_SINGLE = {"GSM-7": 160, "UCS-2": 70}
_PART = {"GSM-7": 153, "UCS-2": 67}

#: Typographic characters that GSM-7 has another sign for. Letters are never exchanged.
_TYPOGRAPHY = str.maketrans(
    {
        "‘": "'", "’": "'", "‚": "'", "‛": "'", "′": "'", "ʼ": "'",
        "“": '"', "”": '"', "„": '"', "″": '"', "«": '"', "»": '"',
        "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-", "−": "-",
        "…": "...", "•": "-", "·": "-",
        "\u00a0": " ", "\u2009": " ", "\u202f": " ", "\u2007": " ", "\u2002": " ", "\u2003": " ",
        "\u00ad": "", "\u200b": "", "\ufeff": "",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Size:
    """How a text is sent: its encoding, its length in septets (GSM-7) or UTF-16 units (UCS-2), and its segments."""

    encoding: Literal["GSM-7", "UCS-2"]
    units: int
    segments: int


def measure(text: str) -> Size:
    """The encoding and number of segments of `text`; an empty text has none."""
    if all(character in _BASIC or character in _EXTENSION for character in text):
        widths = [2 if character in _EXTENSION else 1 for character in text]
        return _size("GSM-7", widths)
    # What a reader sees as one character (a vowel sign with its letter, a family emoji) stays in one segment, as the
    # provider keeps it: Unicode Standard Annex 29, extended grapheme clusters.
    return _size("UCS-2", _cluster_widths(text))


def _cluster_widths(text: str) -> list[int]:
    widths = []
    for cluster in regex.findall(r"\X", text):
        width = len(cluster.encode("utf-16-le", "surrogatepass")) // 2
        widths += [width] if width <= _PART["UCS-2"] else [1] * width  # stacked without end: cut anywhere
    return widths


def _size(encoding: Literal["GSM-7", "UCS-2"], widths: list[int]) -> Size:
    units = sum(widths)
    if units <= _SINGLE[encoding]:
        return Size(encoding, units, min(units, 1))
    segments, room = 1, _PART[encoding]
    for width in widths:  # an escape pair is never split either
        if width > room:
            segments, room = segments + 1, _PART[encoding]
        room -= width
    return Size(encoding, units, segments)


def plain(text: str) -> str:
    """`text` with typographic characters exchanged for GSM-7 ones, if that makes all of it GSM-7; else unchanged."""
    swapped = text.translate(_TYPOGRAPHY)
    return swapped if measure(swapped).encoding == "GSM-7" else text
