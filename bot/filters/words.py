"""What a word is: how texts and patterns are cut up and compared."""

import re
from functools import lru_cache
from typing import Final

from bot.folding import loosen

CJK: Final = "\u3005\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
TOKEN: Final = re.compile(f"[{CJK}]|[0-9]+|[^ 0-9{CJK}]+")


@lru_cache(maxsize=4096)
def loosened(token: str) -> str:
    """A word in the rougher form of bot.folding, never empty."""
    return loosen(token) or token
