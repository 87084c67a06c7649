"""Conversations are locked through Redis over processes and machines, and without Redis on this machine."""

import asyncio
import multiprocessing
import time
from pathlib import Path

import pytest
from rasa.core.lock_store import LockError
from redis import Redis

from bot.nlu import locks
from bot.nlu.locks import ConversationLocks
from bot.settings import Settings
from tests import servers
from webhooks.queue import open_queue, register, waker

pytestmark = pytest.mark.services


def _count(folder: Path, redis_url: str, file: Path, times: int) -> None:
    """Read, wait, write: what goes wrong unless one process has the lock."""
    store = ConversationLocks(folder, redis_url)

    async def run() -> None:
        for _ in range(times):
            async with store.lock("c1"):
                number = int(file.read_text())
                await asyncio.sleep(0.002)
                file.write_text(str(number + 1))

    asyncio.run(run())


@pytest.mark.parametrize("shared", ["redis", "files", "redis that is down"])
def test_one_at_a_time_over_processes(tmp_path: Path, redis: servers.RedisServer, shared: str) -> None:
    url = {"redis": redis.url, "files": "", "redis that is down": "redis://127.0.0.1:1/0"}[shared]
    file = tmp_path / "number"
    file.write_text("0")
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_count, args=(tmp_path / "locks", url, file, 25)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
        assert process.exitcode == 0
    assert file.read_text() == "75"


def test_redis_emptied_while_a_lock_is_held_is_no_error(tmp_path: Path, redis: servers.RedisServer) -> None:
    store = ConversationLocks(tmp_path, redis.url)

    async def run() -> None:
        async with store.lock("c1"):
            Redis.from_url(redis.url).flushall()
        async with store.lock("c1"):
            pass

    asyncio.run(run())


def test_a_lock_of_a_dead_process_ends_by_itself(
    tmp_path: Path, redis: servers.RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "LIFETIME", 0.5)
    store = ConversationLocks(tmp_path, redis.url)
    assert store._take("c2") is not None

    async def again() -> None:
        async with store.lock("c2"):
            pass

    asyncio.run(again()) if _expired(redis, "c2") else pytest.fail("the lock stays for ever")


def _expired(redis: servers.RedisServer, conversation: str) -> bool:
    with Redis.from_url(redis.url) as connection:
        servers.wait_until(lambda: not connection.exists(f"careline:lock:{conversation}"), 10)
    return True


def test_who_never_gets_the_lock_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = ConversationLocks(tmp_path)
    held = store._take("c3")
    monkeypatch.setattr(locks, "LIFETIME", 0.1)

    async def wait() -> None:
        async with store.lock("c3"):
            pass

    with pytest.raises(LockError):
        asyncio.run(wait())
    assert held is not None
    held.release()
    again = store._take("c3")
    assert again is not None
    again.release()


def test_the_queue_wakes_through_redis(tmp_path: Path, redis: servers.RedisServer) -> None:
    settings = Settings.from_env({"CARELINE_HOME": str(tmp_path), "CARELINE_REDIS_URL": redis.url})
    queue = open_queue(settings)
    looked: list[float] = []
    register(queue, lambda: looked.append(time.monotonic()) is not None)
    waker(settings)()
    task = queue.dequeue()
    assert task is not None
    queue.execute(task)
    assert len(looked) == 1
    with Redis.from_url(redis.url) as connection:
        connection.flushall()
    assert queue.dequeue() is None
