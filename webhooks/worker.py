"""The worker: sends what is in the outbox and answers what is still owed.

The database is the truth. The queue only says when to look; whatever it loses, the next sweep finds.
"""

import logging
import os
import threading
from typing import Protocol

from bot import alerts, erasure, heartbeat, late, outbox, reminders, render, retention, spending
from bot import bridge as bridges
from bot.bridge import Bridge
from bot.careline import Careline, Dialogue
from bot.erasure import Provider
from bot.errors import DatabaseUnavailable, SendError
from bot.outbox import Sender
from bot.settings import Settings
from webhooks.bridges import of
from webhooks.queue import open_queue, register
from webhooks.rasa import RasaDialogue
from webhooks.twilio import TwilioSender

_log = logging.getLogger(__name__)

#: Seconds between signs of life.
BEAT = 10


class ProviderSide(Sender, Provider, Protocol):
    """The provider's adapter: it sends, and it erases its copies."""


def look(careline: Careline, dialogue: Dialogue, sender: ProviderSide, bridge: Bridge | None = None) -> bool:
    """Do all that is due; whether something is left for soon."""
    try:
        late.answer_waiting(careline, dialogue)
        reminders.sweep(careline)
        alerts.deliver(careline.database, sender)
        if bridge is not None:
            bridges.deliver(careline.database, bridge)
        with careline.database.read() as session:
            due = outbox.due(session)
        for message_id in due:
            outbox.deliver(careline.database, sender, message_id, careline.settings)
        _erase(careline, dialogue, sender)
        _warn(careline, sender)
        retention.daily(careline, dialogue)
        with careline.database.read() as session:
            return late.waiting(session) or outbox.waiting(session)
    except DatabaseUnavailable as error:
        _log.warning("%s", error)
        return True


def _erase(careline: Careline, dialogue: Dialogue, provider: Provider) -> None:
    """Erase elsewhere what is still to be erased."""
    with careline.database.read() as session:
        tasks = erasure.due(session)
    for task in tasks:
        erasure.carry_out(careline.database, dialogue, provider, task)


def _warn(careline: Careline, sender: Sender) -> None:
    """Tell the administrator about the day's spending, in the log and by text."""
    settings = careline.settings
    due = spending.warning(careline.database, settings)
    if due is None:
        return
    key = "spending.reached" if due.reached else "spending.warning"
    words = render.facts(careline, settings.default_language, "sms").words
    text = words(key, spent=f"{due.spent:.2f}", cap=f"{due.cap:.2f}", currency=settings.currency)
    _log.warning("%s", text)
    if settings.administrator_number:
        try:
            sender.send(settings.administrator_number, text, reference="")
        except SendError as error:
            _log.warning("The administrator could not be texted: %s", error)


def main() -> None:
    """Work until told to stop."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    for chatty in ("huey", "twilio"):  # twilio writes every request with its text and numbers
        logging.getLogger(chatty).setLevel(logging.WARNING)
    settings = Settings.from_env(os.environ)
    careline = Careline.open(settings)
    dialogue = RasaDialogue(settings.rasa_url, settings.rasa_timeout, settings.tracker)
    sender = TwilioSender(settings)
    other_desk = of(settings)
    queue = open_queue(settings)
    wake = register(queue, lambda: look(careline, dialogue, sender, other_desk))
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
