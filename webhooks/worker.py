"""The worker: sends what is in the outbox and answers what is still owed.

The database is the truth. The queue only says when to look; whatever it loses, the next sweep finds.
"""

import logging
import os
import threading

from bot import heartbeat, late, logs, outbox
from bot.careline import Careline, Dialogue
from bot.errors import DatabaseUnavailable
from bot.outbox import Sender
from bot.settings import Settings
from webhooks.queue import open_queue, register
from webhooks.rasa import RasaDialogue
from webhooks.twilio import TwilioSender

_log = logging.getLogger(__name__)

#: Seconds between signs of life.
BEAT = 10


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
    settings = Settings.from_env(os.environ)
    logs.start("worker", settings)
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
