"""Anger at the service brings a person; anger at the world is what people write to us about."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import anger
from bot.folding import fold
from bot.settings import LANGUAGES


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("You are USELESS!!!", "capitals and marks"),
        ("this is useless, I need food", "inside a sentence"),
        ("Vous n’écoutez pas", "an apostrophe and accents"),
        ("estoy harta de esto", "Spanish"),
        ("浪费时间", "Chinese, without spaces"),
        ("もういい加減にしろ", "Japanese, inside a sentence"),
        ("وبلا فائدة", "an Arabic and, written onto the word"),
        ("bakwas band karo", "romanised Urdu"),
        ("walang kwenta kayo", "Tagalog"),
    ],
)
def test_angry(text: str, reason: str) -> None:
    assert anger.angry(text), reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("my husband says I am useless", "what somebody else says of them"),
        ("I am angry with my landlord", "anger at somebody else"),
        ("my wheelchair is useless without a ramp", "a thing"),
        ("I waste too much food", "only some of the words"),
        ("", "nothing"),
        ("stop the pain", "pain is no anger"),
        ("necesito ayuda con mi madre", "a plain question"),
    ],
)
def test_not_angry(text: str, reason: str) -> None:
    assert not anger.angry(text), reason


def test_every_language_has_its_words() -> None:
    found = anger.load(anger.DATA)
    assert all(len(found[code]) >= 12 for code in LANGUAGES)
    for phrases in found.values():
        assert all(anger.angry(f"x {phrase} x") for phrase in phrases)
        assert len({fold(phrase) for phrase in phrases}) == len(phrases)


@given(st.text())
def test_never_raises(text: str) -> None:
    anger.angry(text)
