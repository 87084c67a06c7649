"""Phrases in lists, as patterns for folded text (`bot.folding.fold`).

no|without papers     either of two words, then this one
visa ... expire*      up to four words between, and any ending
"""

import re

from bot.folding import fold, is_cjk


def source(phrase: str) -> str:
    """The regular expression of a phrase: whole words only; Chinese and Japanese have no borders."""
    parts: list[str] = []
    gap = False
    for word in phrase.split():
        if word == "...":
            gap = True
            continue
        forms = "|".join(_form(form) for form in word.split("|"))
        between = "" if not parts else r" (?:[^ ]+ ){0,4}?" if gap else " "
        if gap and is_cjk(word):
            between = ".{0,8}?"
        parts.append(f"{between}(?:{forms})")
        gap = False
    return bordered("".join(parts), phrase)


def _form(form: str) -> str:
    return re.escape(fold(form.removesuffix("*"))) + (r"\w*" if form.endswith("*") else "")


def bordered(pattern: str, sample: str) -> str:
    """`pattern`, but not inside a longer word, unless `sample` is written without spaces."""
    return f"(?:{pattern})" if is_cjk(sample) else rf"(?<!\w)(?:{pattern})(?!\w)"
