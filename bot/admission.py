"""How many messages may wait for the dialogue at once in this process.

A thread that waits for Rasa cannot take another message. Some are kept free, so that on the day of the flood STOP, an
emergency and a
question for a person are still answered at once; whoever finds no place gets an honest short answer now and the rest later.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from bot import metrics
from bot.errors import DialogueBusy


class Admission:
    """At most `places` at once."""

    def __init__(self, places: int) -> None:
        self._places = threading.BoundedSemaphore(places)

    @contextmanager
    def enter(self) -> Iterator[None]:
        """Hold one place. Raises DialogueBusy at once when there is none: waiting is what threads must not do."""
        if not self._places.acquire(blocking=False):
            raise DialogueBusy("More messages wait for Rasa than may: they are answered later.")
        metrics.ASKING.inc()
        try:
            yield
        finally:
            metrics.ASKING.dec()
            self._places.release()
