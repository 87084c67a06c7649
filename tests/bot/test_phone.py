"""Telephone numbers as they come and as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.phone import normalised, written


@pytest.mark.parametrize(
    ("raw", "expected", "reason"),
    [
        ("+447700900123", "+447700900123", "as the provider sends it"),
        ("07700 900123", "+447700900123", "as people write it here"),
        ("+44 (0)7700 900123", "+447700900123", "as printed on letters"),
        ("85432", "85432", "a short code is a sender too"),
        ("anonymous", None, "withheld"),
        ("266696687", None, "ANONYMOUS on a keypad, Twilio's number for withheld callers"),
        ("+266696687", None, "the same with a plus"),
        ("", None, "no sender"),
        (None, None, "no field"),
        ("+", None, "nothing in it"),
        ("whatsapp:+447700900123", None, "another channel's address"),
    ],
)
def test_normalised(raw: str | None, expected: str | None, reason: str) -> None:
    assert normalised(raw, "GB") == expected, reason


@given(st.text())
def test_never_raises_and_is_stable(raw: str) -> None:
    number = normalised(raw, "GB")
    assert number is None or normalised(number, "GB") == number


@given(st.text())
def test_written_never_raises(raw: str) -> None:
    assert isinstance(written(raw, "GB"), str)


def test_written_as_people_here_do() -> None:
    assert written("+441632960123", "GB") == "01632 960123"
    assert written("+441632960123", "FR") == "+44 1632 960123"
    assert written("112", "GB") == "112"
