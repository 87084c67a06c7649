"""Whether each part works at this moment: each is really asked, side by side, and none is waited for longer than the others."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextvars import copy_context

_log = logging.getLogger(__name__)

#: Seconds after which a part that has not answered counts as one that does not.
PATIENCE = 4.0


class _Asked:
    """One question to one part, in a thread of its own."""

    def __init__(self, name: str, check: Callable[[], bool]) -> None:
        self.done = threading.Event()
        self.works = False
        context = copy_context()
        threading.Thread(target=lambda: context.run(self._ask, name, check), name=f"probe {name}", daemon=True).start()

    def _ask(self, name: str, check: Callable[[], bool]) -> None:
        try:
            self.works = check()
        except Exception as error:  # whatever a driver raises: the part does not work
            _log.warning("%s does not work: %s", name, type(error).__name__)
        finally:
            self.done.set()


class Probes:
    """Asks parts. A part that hangs is asked once, however often somebody wants to know: its thread is waited for again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked: dict[str, _Asked] = {}

    def ask(self, checks: Mapping[str, Callable[[], bool]]) -> dict[str, bool]:
        """Which of the parts work, within PATIENCE seconds."""
        deadline = time.monotonic() + PATIENCE
        with self._lock:
            for name, check in checks.items():
                before = self._asked.get(name)
                if before is None or before.done.is_set():
                    self._asked[name] = _Asked(name, check)
            asked = {name: self._asked[name] for name in checks}
        return {name: one.done.wait(max(0.0, deadline - time.monotonic())) and one.works for name, one in asked.items()}
