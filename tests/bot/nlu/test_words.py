import itertools
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.nlu.words import split


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Où manger ? C'est urgent", ["Où", "manger", "C'est", "urgent"]),
        ("खाना चाहियो", ["खाना", "चाहियो"]),  # vowel signs are marks, not letters
        ("क्षत्रिय", ["क्षत्रिय"]),
        ("أين بنك الطعام؟", ["أين", "بنك", "الطعام"]),
        ("می‌خواهم", ["می‌خواهم"]),  # held together by a zero-width non-joiner
        ("食物银行在哪", ["食", "物", "银", "行", "在", "哪"]),  # Rasa's own tokenizer deletes these
        ("がぎ ラーメン", ["が", "ぎ", "ラ", "ー", "メ", "ン"]),
        ("我要 food bank", ["我", "要", "food", "bank"]),
        ("help 😭😭", ["help", "😭", "😭"]),
        ("?!", ["?!"]),
        ("  ", []),
        ("", []),
    ],
)
def test_words_of_every_script(text: str, words: list[str]) -> None:
    assert [word.text for word in split(text)] == words


@given(st.text())
def test_nothing_is_lost_and_offsets_are_right(text: str) -> None:
    words = split(text)
    assert all(text[word.start : word.end] == word.text and word.text for word in words)
    assert all(before.end <= after.start for before, after in itertools.pairwise(words))
    covered = {at for word in words for at in range(word.start, word.end)}
    # Characters that only the newest Unicode knows may be told differently by the two libraries.
    telling = {at for at, letter in enumerate(text) if unicodedata.category(letter) in {"Lu", "Ll", "Lo", "Mn", "Mc", "Nd", "So"}}
    assert telling <= covered
