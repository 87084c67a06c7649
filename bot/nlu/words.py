"""Words with their places in a text, for scripts with spaces between words and for those without."""

from typing import Final, NamedTuple

import regex

# Written without spaces: each character is a word, with whatever marks follow it (voicing marks of kana).
_CJK: Final = r"[\p{Han}\p{Hiragana}\p{Katakana}\u3005-\u3007\u30fc\uff70]"
# A vowel sign of Devanagari is a mark, and a joiner inside a word shapes letters (Persian, Urdu, Nepali): both belong
# to the word. That is why this is not \w+, which ends a word at either.
_LETTER: Final = r"[\p{L}\p{M}\p{N}_\u200c\u200d]"
_INSIDE: Final = r"['\u2019\u02bc]"
_WORD: Final = regex.compile(
    rf"(?P<cjk>{_CJK}\p{{M}}*)"
    rf"|(?:(?!{_CJK}){_LETTER})+(?:{_INSIDE}(?:(?!{_CJK}){_LETTER})+)*"
    r"|\p{So}"  # a symbol, an emoji for the most part
)


class Word(NamedTuple):
    """A word as it stands in the text; `text[start:end]` is it."""

    text: str
    start: int
    end: int


def split(text: str) -> list[Word]:
    """The words of the text, in order. Every letter, mark, digit and symbol is in exactly one of them.

    Chinese and Japanese come by character. A text of nothing but punctuation is one word, so that only an empty or
    blank text has none.
    """
    words = [Word(found.group(), found.start(), found.end()) for found in _WORD.finditer(text)]
    if not words and text.strip():
        start = len(text) - len(text.lstrip())
        stripped = text.strip()
        words = [Word(stripped, start, start + len(stripped))]
    return words
