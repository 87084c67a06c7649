"""How easily words for people are read: a formula where one was made for the language, the length of sentences elsewhere."""

import re
import warnings
from typing import Final

from bot.folding import is_cjk
from bot.languages import LANGUAGES

#: Flesch reading ease that every text reaches: "standard", what most people of 13 to 15 years read without effort.
EASY_ENOUGH: Final = 60.0
#: Below this many words a formula says nothing.
FEWEST: Final = 20
#: Words a sentence may have in languages without a formula, and characters in Chinese and Japanese.
LONGEST_SENTENCE: Final = 30
LONGEST_SENTENCE_CJK: Final = 60

# Flesch's formula has coefficients of its own in these languages (textstat): Flesch 1948, Fernandez Huerta 1959, Kandel and
# Moles 1958, Douma 1960. For Portuguese, Martins et al. 1996 found the English ones right with a constant 42 higher.
_FORMULA: Final = {"en": 0.0, "es": 0.0, "fr": 0.0, "nl": 0.0, "pt": 42.0}
_SENTENCES: Final = re.compile(r"[.!?…:;\n。！？；：؟۔।]+")
_MARKUP: Final = re.compile(r"[*_#>`]|\]\([^)]*\)|\[|^- ", re.MULTILINE)


def ease(text: str, language: str) -> float | None:
    """Flesch reading ease, about 0 (hard) to 100 (easy); None where there is no formula or too little text."""
    text = _MARKUP.sub("", text)
    if language not in _FORMULA or len(text.split()) < FEWEST:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it asks for pkg_resources in a deprecated way
        import textstat

    textstat.set_lang(language if language != "pt" else "en")
    return float(textstat.flesch_reading_ease(text)) + _FORMULA[language]


def too_hard(text: str, language: str) -> str | None:
    """Why a text is hard to read, None if it is not."""
    score = ease(text, language)
    if score is not None:
        return f"reading ease {score:.0f}, below {EASY_ENOUGH:.0f}" if score < EASY_ENOUGH else None
    if language in _FORMULA or language not in LANGUAGES:
        return None
    for sentence in _SENTENCES.split(_MARKUP.sub("", text)):
        length, most, unit = len(sentence.split()), LONGEST_SENTENCE, "words"
        if is_cjk(sentence):
            length, most, unit = len(sentence.strip()), LONGEST_SENTENCE_CJK, "characters"
        if length > most:
            return f"a sentence of {length} {unit}, more than {most}: {sentence.strip()[:40]}…"
    return None
