"""The consonants of a word in Latin letters: where "ta3am" and "طعام", "khana" and "खाना" meet.

Arabic, Urdu and Nepali are often texted in Latin letters, each in its own spelling. What all the spellings share with the
word in its own script is, roughly, its consonants. Crude on purpose: it feeds a model, nobody reads it.
"""

import re
from typing import Final

# Folded letters (see `bot.folding`); those not here are vowels, or come and go in Latin letters.
_ARABIC: Final = dict(
    zip("بپتٹثجچحخدڈذرڑزژسشصضطظغفقكگلمن", "bpttsjjhkddjrrjjsssdtjgfkkglmn", strict=True)
) | {"ه": "h"}  # fmt: skip
_DEVANAGARI: Final = dict(
    zip("कखगघङचछजझञटठडढणतथदधनपफबभमरलवशषसहंँ", "kkggnjjjjnttddnttddnpfbbmrlbssshnn", strict=True)
)
_SCRIPTS: Final = str.maketrans(_ARABIC | _DEVANAGARI)

# Two letters for one sound, then the digits that stand for Arabic letters.
_PAIRS: Final = re.compile("sh|ch|kh|gh|th|dh|ph|bh|jh")
_SOUNDS: Final = {"sh": "s", "ch": "j", "kh": "k", "gh": "g", "th": "t", "dh": "d", "ph": "f", "bh": "b", "jh": "j"}
_LETTERS: Final = str.maketrans("7589zqxcv", "hkgkjkkjb")
_LATIN: Final = re.compile("[a-z0-9]*[a-z][a-z0-9]*")
_NOT_KEPT: Final = re.compile("[^bdfghjklmnprst]")
_TWICE: Final = re.compile(r"(.)\1+")


def skeleton(word: str) -> str:
    """The consonants of one folded word of Arabic, Devanagari or Latin script; empty for other scripts and for numbers."""
    if _LATIN.fullmatch(word):
        word = _PAIRS.sub(lambda pair: _SOUNDS[pair.group()], word).translate(_LETTERS)
    else:
        word = word.translate(_SCRIPTS)
    return _TWICE.sub(r"\1", _NOT_KEPT.sub("", word))
