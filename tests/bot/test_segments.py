"""Segments, against the provider's own calculator."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.render.segments import measure, plain

VECTORS = json.loads((Path(__file__).parent.parent / "data" / "segments.json").read_text("utf-8"))["vectors"]


def test_same_as_the_providers_calculator() -> None:
    """tests/data/segments.json: sms-segments-calculator 1.3.0 (MIT), 1,228 texts."""
    for vector in VECTORS:
        size = measure(vector["text"])
        assert (size.encoding, size.segments) == (vector["encoding"], vector["segments"]), vector["text"][:80]


@pytest.mark.parametrize(
    ("text", "encoding", "units", "segments"),
    [
        ("a" * 160, "GSM-7", 160, 1),
        ("a" * 161, "GSM-7", 161, 2),
        ("€" * 80, "GSM-7", 160, 1),  # the extension table costs two septets
        ("a" * 152 + "€" + "a" * 10, "GSM-7", 164, 2),  # the escape pair moves to the second segment whole
        ("á" * 70, "UCS-2", 70, 1),  # á is not in GSM-7, à is
        ("à" * 160, "GSM-7", 160, 1),
        ("😀" * 35, "UCS-2", 70, 1),  # a surrogate pair is two units
        ("", "GSM-7", 0, 0),
    ],
)
def test_borders(text: str, encoding: str, units: int, segments: int) -> None:
    size = measure(text)
    assert (size.encoding, size.units, size.segments) == (encoding, units, segments)


@given(st.text(max_size=2000))
def test_any_text_is_measured_within_what_its_units_allow(text: str) -> None:
    size = measure(text)
    part = 153 if size.encoding == "GSM-7" else 67
    assert size.segments >= size.units / (part if size.segments > 1 else part + 7)
    assert (size.segments == 0) == (text == "")


@given(st.text())
def test_plain_never_loses_a_letter(text: str) -> None:
    letters = [character for character in text if character.isalnum()]
    assert [character for character in plain(text) if character.isalnum()] == letters


def test_curly_quotes_do_not_double_the_price() -> None:
    assert plain("Don’t worry – it’s free…") == "Don't worry - it's free..."


def test_a_text_that_needs_ucs2_anyway_keeps_its_typography() -> None:
    assert plain("«مرحبا»") == "«مرحبا»"
