"""The day of the flood: a town texts ten times what can be answered, for a minute; then everything is accounted for.

    python -m benchmarks.burst --home .cache --rate 15 --times 10 --seconds 60

First the usual rate alone, then the burst, then the wait until nothing is owed. Prints the times of each, how many were
answered at once and how many were told "later", and that every text taken has just one answer.
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

from sqlalchemy import func, select

from benchmarks.service import Service, service
from bot import training
from bot.conversation import Message
from bot.outbox import OutboxMessage

#: Minutes the service may take to answer those it told "later".
PATIENCE = 30


def main() -> None:
    """Run it and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, default=Path(".cache"), help="folder with a trained model")
    parser.add_argument("--rate", type=float, default=15, help="messages a second that can be answered")
    parser.add_argument("--times", type=float, default=10)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--web", default="2")
    parser.add_argument("--rasa", default="2")
    options = parser.parse_args()
    model = training.ensure_model(options.home)
    more = {"CARELINE_RASA_WORKERS": options.rasa, "CARELINE_WEB_WORKERS": options.web}
    with tempfile.TemporaryDirectory() as folder, service(Path(folder) / "home", model, more) as running:
        people = ["--people", "20000", "--warm", "5"]
        print(f"{os.cpu_count()} cores, {options.web} web and {options.rasa} dialogue processes")
        _say("usual", running.load("--rate", str(options.rate), "--seconds", str(options.seconds), *people))
        ids = Path(folder) / "burst.json"
        burst = ["--rate", str(options.rate * options.times), "--seconds", str(options.seconds), "--seed", "2", "--out", str(ids)]
        found = running.load(*burst, "--people", "20000")
        _say("burst", found)
        started = time.monotonic()
        _settle(running)
        print(f"nothing owed any more after {time.monotonic() - started:.0f} s; memory {running.memory():.0f} MB")
        _account(running, json.loads(ids.read_text())["ids"])


def _say(name: str, found: dict[str, object]) -> None:
    kinds = found.pop("kinds")
    print(f"{name}: {json.dumps(found)}")
    print(f"       {json.dumps(kinds)}", flush=True)


def _settle(running: Service) -> None:
    deadline = time.monotonic() + PATIENCE * 60
    while time.monotonic() < deadline:
        with running.opened.database.read() as session:
            owed = session.scalar(select(func.count()).select_from(Message).where(Message.state != "answered"))
            queued = session.scalar(
                select(func.count()).select_from(OutboxMessage).where(OutboxMessage.status.in_(("queued", "sending")))
            )
        if not owed and not queued:
            return
        time.sleep(1)
    print(f"still owed after {PATIENCE} minutes: {owed} answers, {queued} texts")


def _account(running: Service, ids: list[str]) -> None:
    """Compare what was taken with what was answered, at once or by a text later."""
    with running.opened.database.read() as session:
        stored = {row.provider_id: row for row in session.execute(select(Message.provider_id, Message.id, Message.state))}
        origins = session.scalars(select(OutboxMessage.origin).where(OutboxMessage.origin.like("message %"))).all()
        failed = session.scalar(select(func.count()).select_from(OutboxMessage).where(OutboxMessage.status == "failed"))
    later = {f"message {row.id}" for row in stored.values()}
    lost = [sid for sid in ids if sid not in stored]
    answered = sum(stored[sid].state == "answered" for sid in ids if sid in stored)
    print(f"{len(ids)} texts were taken: {len(lost)} of them not stored, {answered} answered")
    print(f"{len(origins)} answers texted later, {len(origins) - len(set(origins) & later)} of them nobody's, {failed} failed")


if __name__ == "__main__":
    main()
