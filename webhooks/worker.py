"""The worker: sends what is in the outbox and answers what is still owed.

The database is the truth. Huey only says when to look; whatever it loses, the next sweep finds.
"""

import logging
import os
import threading
from collections.abc import Callable

from huey import Huey, SqliteHuey, crontab

from bot import heartbeat, late, outbox
from bot.careline import Careline, Dialogue
from bot.errors import DatabaseUnavailable
from bot.outbox import Sender
from bot.settings import Settings
from webhooks.rasa import RasaDialogue
from webhooks.twilio import TwilioSender

_log = logging.getLogger(__name__)

#: Seconds between signs of life, and until the worker looks again while something is waiting.
BEAT = 10
AGAIN = 10


def open_queue(settings: Settings) -> Huey:
    """The task queue, embedded in a file under the home folder."""
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


def look(careline: Careline, dialogue: Dialogue, sender: Sender) -> bool:
    """Do all that is due; whether something is left for soon."""
    try:
        late.answer_waiting(careline, dialogue)
        with careline.database.read() as session:
            due = outbox.due(session)
        for message_id in due:
            outbox.deliver(careline.database, sender, message_id)
        with careline.database.read() as session:
            return late.waiting(session) or outbox.waiting(session)
    except DatabaseUnavailable as error:
        _log.warning("%s", error)
        return True


def main() -> None:
    """Work until told to stop."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    logging.getLogger("huey").setLevel(logging.WARNING)
    settings = Settings.from_env(os.environ)
    careline = Careline.open(settings)
    dialogue = RasaDialogue(settings.rasa_url, settings.rasa_timeout, settings.tracker)
    sender = TwilioSender(settings)
    queue = open_queue(settings)
    wake = register(queue, lambda: look(careline, dialogue, sender))
    threading.Thread(target=_beat, args=(careline,), daemon=True).start()
    wake()
    queue.create_consumer(workers=2, periodic=True, initial_delay=0.1, max_delay=1.0, scheduler_interval=1).run()


def _beat(careline: Careline) -> None:
    pause = threading.Event()
    while True:
        try:
            with careline.database.begin() as session:
                heartbeat.beat(session, "worker")
        except DatabaseUnavailable as error:
            _log.warning("%s", error)
        pause.wait(BEAT)


if __name__ == "__main__":
    main()
