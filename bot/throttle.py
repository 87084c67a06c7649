"""How much is answered: per number, per address on the network, and on the whole line (the library `limits`).

Somebody in danger, and STOP, always come through, up to a bound that no person reaches. The counters are in memory, or in
Redis where several processes answer (CARELINE_REDIS_URL). They hold keyed hashes, never numbers.
"""

import logging
from typing import Final, Literal

from limits import RateLimitItem, parse_many
from limits.errors import StorageError
from limits.storage import storage_from_string
from limits.strategies import FixedWindowRateLimiter

from bot.encryption import vault
from bot.folding import fold
from bot.settings import Settings

_log = logging.getLogger(__name__)

#: What to do with a message: answer it, say once that it was too much, or say nothing.
Verdict = Literal["answer", "say", "silent"]

#: The same words this often are an answering machine's, not a person's.
SAME_WORDS: Final = parse_many("6 per 10 minute")
#: Messages of danger from one number; the case is open by then.
DANGER: Final = parse_many("60 per hour")
#: How long a message that comes again is known to be the same; providers give up sooner.
ONCE: Final = parse_many("1 per day")
#: How often somebody is told that it was too much.
TOLD: Final = parse_many("1 per 10 minute")


class Throttle:
    """Counts messages, and says which are too many."""

    def __init__(self, settings: Settings) -> None:
        self._here = FixedWindowRateLimiter(storage_from_string("memory://"))
        self._limiter = self._here
        if settings.redis_url:
            self._limiter = FixedWindowRateLimiter(
                storage_from_string(settings.redis_url, wrap_exceptions=True, socket_timeout=1, socket_connect_timeout=1)
            )
        self._number = parse_many(settings.limit_number)
        self._address = parse_many(settings.limit_address)
        self._line = parse_many(settings.limit_line)

    def seen(self, provider_id: str) -> bool:
        """Whether a message has been counted already."""
        return not self._hit(ONCE, "message", provider_id)

    def danger(self, who: str) -> Verdict:
        """For a message of danger from `who` (a number or an address)."""
        return "answer" if self._hit(DANGER, "danger", who) else "silent"

    def number(self, number: str) -> Verdict:
        """For a message from a number."""
        if not self._hit(self._number, "number", number):
            return self.told(number)
        return "answer" if self._hit(self._line, "line", "") else self.told(number)

    def address(self, address: str) -> Verdict:
        """For a message from an address on the network, of a page or a program."""
        return "answer" if self._hit(self._address, "address", address) else "say"

    def repeated(self, number: str, text: str) -> bool:
        """Whether a number has sent these very words so often that a machine must be answering us."""
        return not self._hit(SAME_WORDS, "words", f"{number} {fold(text)}")

    def told(self, who: str) -> Verdict:
        """For somebody who is not answered: say so now and then."""
        return "say" if self._hit(TOLD, "told", who) else "silent"

    def _hit(self, limits: list[RateLimitItem], kind: str, who: str) -> bool:
        key = vault().hash(f"{kind}:{who}")
        try:
            hits = [self._limiter.hit(limit, kind, key) for limit in limits]  # every one counts, so that the longest is right too
        except StorageError:
            _log.warning("Redis does not answer: limits are counted in this process.")
            hits = [self._here.hit(limit, kind, key) for limit in limits]
        return all(hits)
