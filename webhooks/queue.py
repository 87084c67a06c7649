"""The task queue: it only says when the worker should look. Whatever it loses, the next sweep finds."""

import logging
from collections.abc import Callable

from huey import Huey, RedisHuey, SqliteHuey, crontab
from redis import ConnectionPool

from bot import municipalities
from bot.settings import Settings

_log = logging.getLogger(__name__)

#: Seconds until the worker looks again while something is waiting.
AGAIN = 10


def open_queue(settings: Settings) -> Huey:
    """The task queue: in Redis where there is one, else embedded in a file under the home folder."""
    if settings.redis_url:
        pool = ConnectionPool.from_url(settings.redis_url, socket_connect_timeout=1, socket_timeout=5)
        name = "-".join(filter(None, ("careline", municipalities.current())))
        return RedisHuey(name, connection_pool=pool, results=False, read_timeout=1)
    settings.home.mkdir(parents=True, exist_ok=True)
    return SqliteHuey("careline", filename=str(settings.home / "queue.db"), results=False)


def register(queue: Huey, look: Callable[[], bool]) -> Callable[[], object]:
    """Define the queue's tasks; returns what wakes the worker. `look` says whether something is still waiting."""

    @queue.task(name="look")  # type: ignore[untyped-decorator]
    def look_task() -> None:
        if look():
            look_task.schedule(delay=AGAIN)

    @queue.periodic_task(crontab(minute="*"), name="sweep")  # type: ignore[untyped-decorator]
    def sweep() -> None:
        look()

    wake: Callable[[], object] = look_task
    return wake


def waker(settings: Settings) -> Callable[[], None]:
    """What a web process calls when it has left work in the database. A queue that fails is no reason to fail an answer."""
    opened: list[Callable[[], object]] = []

    def wake() -> None:
        try:
            if not opened:
                opened.append(register(open_queue(settings), lambda: False))
            opened[0]()
        except Exception as error:  # whatever the queue's file or driver throws
            _log.warning("The worker could not be woken (%s): it will look by itself.", type(error).__name__)

    return wake
