"""LibreTranslate's side, in our words: a machine translator that a city runs itself. The one place that knows its API.

GET /languages and POST /translate, as described at https://docs.libretranslate.com/guides/api_usage/.
"""

import threading
import time
from typing import Any

import requests

from bot.settings import LANGUAGES
from bot.translator import TranslatorUnavailable

#: Codes that differ from ours; the first one that a server knows is used.
CODES = {"zh": ("zh-Hans", "zh"), "tl": ("tl", "fil")}
#: Seconds for an answer, and seconds after which the list of languages is asked for again.
PATIENCE, PAIRS_LAST = 8.0, 600


class LibreTranslate:
    """A LibreTranslate server at `url`. Nothing goes to anybody else's unless that is what the city set."""

    def __init__(self, url: str, key: str = "", timeout: float = PATIENCE) -> None:
        self._url, self._key, self._timeout = url.rstrip("/"), key, timeout
        self._targets: dict[str, frozenset[str]] = {}
        self._until = 0.0
        self._lock = threading.Lock()

    def pairs(self) -> frozenset[tuple[str, str]]:
        """Which of our languages it translates from and into. Raises TranslatorUnavailable."""
        known = self._known()
        return frozenset(
            (source, target)
            for source in LANGUAGES
            for target in LANGUAGES
            if source != target
            and _code(target, known.get(_code(source, known), frozenset())) in known.get(_code(source, known), ())
        )

    def translate(self, text: str, source: str, target: str) -> str:
        """The text in another language. Raises TranslatorUnavailable."""
        if (source, target) not in self.pairs():
            raise TranslatorUnavailable(f"The translator does not know {source} to {target}.")
        known = self._known()
        code = _code(source, known)
        body = {"q": text, "source": code, "target": _code(target, known[code]), "format": "text"}
        answer = self._call("POST", "/translate", body | ({"api_key": self._key} if self._key else {}))
        translated = answer.get("translatedText") if isinstance(answer, dict) else None
        if not isinstance(translated, str) or not translated.strip():
            raise TranslatorUnavailable("The translator answered with nothing.")
        return translated

    def _known(self) -> dict[str, frozenset[str]]:
        with self._lock:
            if time.monotonic() > self._until:
                answer = self._call("GET", "/languages")
                if not isinstance(answer, list):
                    raise TranslatorUnavailable("The translator does not say which languages it knows.")
                self._targets = {
                    str(one["code"]): frozenset(map(str, one.get("targets") or ()))
                    for one in answer
                    if isinstance(one, dict) and "code" in one
                }
                self._until = time.monotonic() + PAIRS_LAST
            return self._targets

    def _call(self, method: str, path: str, body: dict[str, str] | None = None) -> Any:
        try:
            with requests.Session() as session:
                session.trust_env = False
                response = session.request(method, self._url + path, json=body, timeout=self._timeout, allow_redirects=False)
                response.raise_for_status()
                return response.json()
        except (requests.RequestException, ValueError) as error:
            raise TranslatorUnavailable(f"The translator does not answer ({type(error).__name__}).") from error


def _code(language: str, known: object) -> str:
    """Their code for one of our languages."""
    for code in CODES.get(language, (language,)):
        if code in known:  # type: ignore[operator]  # a dict or a set of codes
            return code
    return language
