"""What a message costs the service as conversations pile up: CPU time of one turn with 10 to 1,000,000 of them stored.

    python -m benchmarks.stored --counts 10,1000,100000,1000000

Each conversation has one answered message, an entry in the outbox for every tenth, and a state of Rasa's. The dialogue
is a stand-in that
reads and writes its state in the real store and answers at once, so that what is measured is what may grow: the databases.
"""

import argparse
import asyncio
import os
import statistics
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import text

from bot import encryption
from bot.careline import Careline, Question
from bot.clock import now
from bot.inbound import Inbound
from bot.nlu.lean import without_tensorflow
from bot.reply import Phrase, Reply
from bot.settings import Settings
from bot.turn import take_turn

TURNS = 300


def fill(careline: Careline, count: int) -> None:
    """Add conversations up to `count`."""
    moment = now().replace(tzinfo=None)
    sealed = encryption.vault().seal("where can i eat tonight, near the market hall, for little money")
    with careline.database.engine.execution_options(careline_writes=True).begin() as connection:
        there = connection.scalar(text("SELECT count(*) FROM conversation")) or 0

        def batches(size: int = 5000) -> Iterator[list[dict[str, object]]]:
            for start in range(there, count, size):
                yield [
                    {"id": str(uuid.uuid4()), "n": number, "h": f"{number:064d}", "at": moment, "t": sealed}
                    for number in range(start, min(count, start + size))
                ]

        for rows in batches():
            for statement in (
                "INSERT INTO conversation "
                "(id, channel, number_hash, number, language, language_chosen, created_at, last_message_at) "
                "VALUES (:id, 'sms', :h, :t, 'en', :no, :at, :at)",
                "INSERT INTO message (conversation_id, provider_id, text, language, topic, state, received_at, reply) "
                "VALUES (:id, :h, :t, 'en', 'food', 'answered', :at, :t)",
            ):
                connection.execute(text(statement), [row | {"no": False} for row in rows])
            sent = "INSERT INTO outbox (id, conversation_id, origin, author, text, status, attempts, due_at, created_at) "
            tenth = [row for row in rows if row["n"] % 10 == 0]  # type: ignore[operator]
            connection.execute(text(sent + "VALUES (:id, :id, :h, 'bot', :t, 'delivered', 1, :at, :at)"), tenth)
    if careline.database.engine.dialect.name == "sqlite":
        with careline.database.engine.connect() as connection:
            connection.exec_driver_sql("ANALYZE")


class _Stored:
    """A dialogue that keeps its state in the real store."""

    def __init__(self, store: object, domain: object) -> None:
        self._store, self._domain = store, domain

    def respond(self, question: Question) -> Reply:
        async def turn() -> None:
            tracker = await self._store.get_or_create_tracker(question.conversation_id)  # type: ignore[attr-defined]
            await self._store.save(tracker)  # type: ignore[attr-defined]

        asyncio.run(turn())
        return Reply(opening=(Phrase("thanks.welcome"),), topic="thanks")

    def forget(self, conversation_id: str) -> None:
        raise NotImplementedError


def measure(careline: Careline, dialogue: _Stored) -> list[float]:
    """CPU ms of each of TURNS turns, by forty new people."""
    run = uuid.uuid4().hex[:12]
    times = []
    for number in range(TURNS):
        inbound = Inbound("sms", "where can i learn to read", f"+4477009{number % 40:05d}", f"SM{run}{number:018d}")
        started = time.process_time()
        take_turn(careline, dialogue, inbound)
        times.append((time.process_time() - started) * 1000)
    return times[20:]


def main() -> None:
    """Fill, measure, fill."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", default="10,1000,100000,1000000")
    parser.add_argument("--database", default="", help="SQLAlchemy URL of an empty database (default: a new SQLite)")
    options = parser.parse_args()
    without_tensorflow()
    from rasa.shared.core.domain import Domain
    from sqlalchemy import insert

    from bot.directory.importer import import_package
    from bot.nlu.tracker import DIALOGUE, SealedTrackerStore, create_table
    from bot.up import DEMO

    with tempfile.TemporaryDirectory() as folder:
        env = {
            "CARELINE_HOME": folder,
            "CARELINE_SECRET_KEY": "a key for the benchmark",
            "CARELINE_DATABASE_URL": options.database,
        }
        os.environ.update(env)
        settings = Settings.from_env(env)
        careline = Careline.open(settings)
        careline.database.migrate()
        import_package(careline.database, DEMO)
        domain = Domain.load(str(Path(__file__).resolve().parent.parent / "domain.yml"))
        store = SealedTrackerStore(domain, url=settings.tracker)
        create_table(store.engine)
        state = encryption.vault().seal_bytes(b"x" * 1500)
        print(f"{'conversations':>14}{'median ms':>11}{'p95 ms':>8}")
        there = 0
        for count in (int(count) for count in options.counts.split(",")):
            fill(careline, count)
            rows = [
                {"conversation_id": f"x{number}", "events": state, "changed_at": now().replace(tzinfo=None)}
                for number in range(there, count)
            ]
            with store.engine.execution_options(careline_writes=True).begin() as connection:
                for start in range(0, len(rows), 5000):
                    connection.execute(insert(DIALOGUE), rows[start : start + 5000])
            there = count
            times = measure(careline, _Stored(store, domain))
            print(f"{count:>14,}{statistics.median(times):>11.1f}{statistics.quantiles(times, n=20)[18]:>8.1f}", flush=True)
        careline.database.engine.dispose()
        store.engine.dispose()


if __name__ == "__main__":
    main()
