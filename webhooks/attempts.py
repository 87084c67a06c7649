"""How often something may fail before one has to wait: kept in memory, for this process."""

import threading
import time
from collections.abc import Callable, Hashable


class Attempts:
    """After `limit` failures within `wait` seconds, a key waits until the first of them is `wait` seconds old."""

    def __init__(self, limit: int = 5, wait: float = 60, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit, self._wait, self._clock = limit, wait, clock
        self._failures: dict[Hashable, list[float]] = {}
        self._lock = threading.Lock()

    def begin(self, key: Hashable) -> bool:
        """Whether one more is allowed. It counts as failed until `succeeded` is called: many at once do not slip by."""
        moment = self._clock()
        with self._lock:
            recent = {one: [at for at in times if moment - at < self._wait] for one, times in self._failures.items()}
            self._failures = {one: times for one, times in recent.items() if times}
            times = self._failures.setdefault(key, [])
            if len(times) >= self._limit:
                return False
            times.append(moment)
            return True

    def succeeded(self, key: Hashable) -> None:
        """Forget the failures of a key."""
        with self._lock:
            self._failures.pop(key, None)
