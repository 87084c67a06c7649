"""The worker: sends what is in the outbox and answers what is still owed.

The database is the truth. The queue only says when to look; whatever it loses, the next sweep finds.
"""

import logging
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import requests

from bot import alerts, heartbeat, late, logs, metrics, outbox
from bot.careline import Careline, Dialogue
from bot.errors import DatabaseUnavailable, SendError
from bot.outbox import Sender
from bot.settings import Settings
from webhooks.queue import open_queue, register
from webhooks.rasa import RasaDialogue
from webhooks.twilio import TwilioSender

_log = logging.getLogger(__name__)

#: Seconds between signs of life.
BEAT = 10
#: Seconds after which a spell of work ends, and another begins.
SPELL = 50
#: Texts handed to the provider at once.
SENDING = 8


def look(careline: Careline, dialogue: Dialogue, sender: Sender) -> bool:
    """Do all that is due; whether something is left for soon."""
    until = time.monotonic() + SPELL
    try:
        while True:
            answered = late.answer_waiting(careline, dialogue)
            metrics.LATE_ANSWERS.inc(len(answered))
            with careline.database.read() as session:
                due = outbox.due_by_conversation(session)
            with ThreadPoolExecutor(SENDING) as pool:  # a provider takes its time for each text
                list(pool.map(lambda ids: _deliver(careline, sender, ids), due))
            if not (answered or due) or time.monotonic() > until:
                break
        with careline.database.read() as session:
            return late.waiting(session) or outbox.waiting(session)
    except DatabaseUnavailable as error:
        _log.warning("%s", error)
        return True


def _deliver(careline: Careline, sender: Sender, message_ids: list[str]) -> None:
    """Send what is due to one person, in order."""
    for message_id in message_ids:
        outbox.deliver(careline.database, sender, message_id)
        metrics.SENT.inc()


def main() -> None:
    """Work until told to stop."""
    settings = Settings.from_env(os.environ)
    logs.start("worker", settings)
    careline = Careline.open(settings)
    dialogue = RasaDialogue(settings.rasa_url, settings.rasa_timeout, settings.tracker)
    sender = TwilioSender(settings)
    queue = open_queue(settings)
    wake = register(queue, lambda: look(careline, dialogue, sender))
    threading.Thread(target=_beat, args=(careline, dialogue, sender), daemon=True).start()
    wake()
    queue.create_consumer(workers=2, periodic=True, initial_delay=0.1, max_delay=1.0, scheduler_interval=1).run()


def _beat(careline: Careline, dialogue: RasaDialogue, sender: Sender) -> None:
    """Say that the worker lives, and look after the rest."""
    pause = threading.Event()
    told = _administrator(careline.settings, sender)
    while True:
        try:
            with careline.database.begin() as session:
                heartbeat.beat(session, "worker")
            alerts.tell(careline, alerts.problems(careline, dialogue.alive), told)
        except DatabaseUnavailable as error:
            _log.error("%s", error)
        except Exception:  # this thread says whether the worker lives: nothing may end it
            _log.exception("The look around failed")
        pause.wait(BEAT)


def _administrator(settings: Settings, sender: Sender) -> Callable[[str], None]:
    """What tells the administrator: the log always, and what the settings name."""

    def tell(text: str) -> None:
        _log.error("%s", text)
        if settings.alert_url:
            try:
                requests.post(settings.alert_url, json={"text": text}, timeout=5)
            except requests.RequestException as error:
                _log.error("The alert could not be posted (%s)", type(error).__name__)
        if settings.alert_number:
            try:
                sender.send(settings.alert_number, text, reference="alert")
            except SendError as error:
                _log.error("The alert could not be texted: %s", error)

    return tell


if __name__ == "__main__":
    main()
