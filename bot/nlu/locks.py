"""Rasa's lock store: of one conversation, one message at a time, over all Rasa processes.

Rasa's own Redis store reads, changes and writes a list of tickets without holding anything: two processes can draw the
same ticket. Here a
lock is one atomic step: SET NX in Redis (https://redis.io/docs/latest/commands/set/), or flock(2) on a file where there is one
machine and no Redis. The order of a person's messages is kept before, in `bot.turn`; this is the second barrier.
"""

import asyncio
import fcntl
import hashlib
import logging
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Any

from rasa.core.lock import TicketLock
from rasa.core.lock_store import LockError, LockStore
from redis import Redis
from redis.exceptions import RedisError

_log = logging.getLogger(__name__)

#: Seconds a lock lasts when the process that took it in Redis died: longer than any message takes.
LIFETIME = 30.0
#: Seconds between two tries.
PAUSE = 0.02
#: So many files, each for its share of the conversations.
FILES = 256

_RELEASE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end"


class ConversationLocks(LockStore):
    """Locks in Redis where `redis_url` is given and answers, in files below `folder` otherwise."""

    def __init__(self, folder: Path, redis_url: str = "") -> None:
        self._folder = folder
        self._redis: Redis | None = None
        if redis_url:
            self._redis = Redis.from_url(redis_url, socket_timeout=1, socket_connect_timeout=1)
        super().__init__()

    @asynccontextmanager
    async def lock(
        self, conversation_id: str, lock_lifetime: float = LIFETIME, wait_time_in_seconds: float = PAUSE
    ) -> AsyncIterator[TicketLock]:
        """Hold the conversation's lock. Raises LockError if it is not free within `LIFETIME` seconds."""
        deadline = time.monotonic() + LIFETIME
        while (held := self._take(conversation_id)) is None:
            if time.monotonic() > deadline:
                raise LockError(f"Conversation {conversation_id} was locked for {LIFETIME} s.")
            await asyncio.sleep(PAUSE)
        try:
            yield TicketLock(conversation_id)
        finally:
            held.release()

    def _take(self, conversation_id: str) -> "_InRedis | _InFile | None":
        if self._redis is not None:
            try:
                return _InRedis.take(self._redis, conversation_id)
            except RedisError as error:
                _log.warning("Redis does not answer (%s): conversations are locked on this machine only.", type(error).__name__)
        return _InFile.take(self._folder, conversation_id)


class _InRedis:
    def __init__(self, redis: Any, key: str, token: str) -> None:
        self._redis, self._key, self._token = redis, key, token

    @classmethod
    def take(cls, redis: Any, conversation_id: str) -> "_InRedis | None":
        key, token = f"careline:lock:{conversation_id}", secrets.token_hex(8)
        taken = redis.set(key, token, nx=True, px=int(LIFETIME * 1000))
        return cls(redis, key, token) if taken else None

    def release(self) -> None:
        try:
            self._redis.eval(_RELEASE, 1, self._key, self._token)
        except RedisError as error:
            _log.warning("A lock stays in Redis until it ends by itself (%s).", type(error).__name__)


class _InFile:
    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    @classmethod
    def take(cls, folder: Path, conversation_id: str) -> "_InFile | None":
        folder.mkdir(parents=True, exist_ok=True)
        number = hashlib.blake2b(conversation_id.encode("utf-8", "surrogatepass"), digest_size=1).digest()[0] % FILES
        file = (folder / f"{number:02x}").open("ab")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return None
        return cls(file)

    def release(self) -> None:
        self._file.close()  # gives the lock back
