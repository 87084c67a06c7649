"""Training texts once more in Latin letters: how people type Chinese, Japanese and Nepali on a phone without their script.

There are few romanised utterances and every person spells in their own way, so each text in its own script is also learned
romanised. The encoder knows nothing of such texts; their rows carry n-grams only (see `bot.nlu.model`).

Measured on a fifth of twelve languages' utterances: romanised Chinese 14 to 43 % first guesses right, Japanese 33 to 62 %,
Nepali 48 to 64 %, everything else as before. Arabic and Urdu don't write their short vowels, so no rule can: they rest on
`bot.nlu.skeleton` and on utterances.
"""

import random
from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import regex

_KANA: Final = regex.compile(r"[\p{Hiragana}\p{Katakana}]")
_HAN: Final = regex.compile(r"\p{Han}")
_DEVANAGARI: Final = regex.compile(r"\p{Devanagari}+")

_CONSONANTS: Final = dict(
    zip(
        "कखगघङचछजझञटठडढणतथदधनपफबभमयरलवशषसह",
        [
            "k", "kh", "g", "gh", "ng", "ch", "chh", "j", "jh", "n", "t", "th", "d", "dh", "n", "t", "th", "d", "dh", "n",
            "p", "ph", "b", "bh", "m", "y", "r", "l", "w", "sh", "sh", "s", "h",
        ],
        strict=True,
    )
)  # fmt: skip
_VOWELS: Final = dict(zip("अआइईउऊएऐओऔऋ", ["a", "aa", "i", "i", "u", "u", "e", "ai", "o", "au", "ri"], strict=True))
# As signs behind a consonant; ा is mostly typed with one letter there ("khana").
_SIGNS: Final = dict(zip("ािीुूेैोौृ", ["a", "i", "i", "u", "u", "e", "ai", "o", "au", "ri"], strict=True))
_NASAL: Final = "ंँ"
_SILENT: Final = "्"


def copies(texts: Sequence[str]) -> tuple[list[int], list[str]]:
    """The romanised texts of those that have one, each with the position of its original."""
    positions, found = [], []
    for at, text in enumerate(texts):
        if romanised := romanise(text):
            positions.append(at)
            found.append(romanised)
    return positions, found


def romanise(text: str) -> str | None:
    """The text in Latin letters as it might be typed, None if it has no Chinese, Japanese or Devanagari.

    The same text always gives the same letters.
    """
    if _KANA.search(text):
        return str(_japanese().romaji(text, capitalize=False))
    if _HAN.search(text):
        return _chinese(text)
    if _DEVANAGARI.search(text):
        return _DEVANAGARI.sub(lambda word: _devanagari(word.group()), text)
    return None


@cache
def _japanese() -> Any:
    import cutlet

    romaji = cutlet.Cutlet(ensure_ascii=False)
    romaji.use_foreign_spelling = False  # "takushii", as it is typed, not "taxi"
    return romaji


def _chinese(text: str) -> str:
    """Pinyin without tones. Where people put spaces is anybody's guess: after one to three syllables."""
    from pypinyin import lazy_pinyin

    syllables = lazy_pinyin(text)
    spaces = random.Random(text)
    words = []
    while syllables:
        length = spaces.choice((1, 1, 2, 2, 3))
        words.append("".join(syllables[:length]).strip())
        syllables = syllables[length:]
    return " ".join(words)


def _devanagari(word: str) -> str:
    """Consonants carry an "a" unless a vowel sign or a virama follows; at the end of a word it is not spoken."""
    letters = []
    for letter, following in zip(word, [*word[1:], ""], strict=True):
        if letter in _CONSONANTS:
            bare = not following or following in _SIGNS or following == _SILENT
            letters.append(_CONSONANTS[letter] + ("" if bare else "a"))
        elif letter in _NASAL:
            letters.append("n")
        else:
            letters.append(_VOWELS.get(letter) or _SIGNS.get(letter, ""))
    return "".join(letters)
