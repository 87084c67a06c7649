"""The worker: sends what is in the outbox and answers what is still owed.

The database is the truth. The queue only says when to look; whatever it loses, the next sweep finds.
"""

import argparse
import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

import requests
from huey import Huey

from bot import (
    alerts,
    erasure,
    heartbeat,
    late,
    logs,
    metrics,
    municipalities,
    outbox,
    problems,
    reminders,
    render,
    retention,
    spans,
    spending,
)
from bot import bridge as bridges
from bot.bridge import Bridge
from bot.careline import Careline, Dialogue
from bot.erasure import Provider
from bot.errors import CarelineError, DatabaseUnavailable, SendError, SettingsError
from bot.outbox import Sender
from bot.settings import Settings, ours
from webhooks.bridges import of
from webhooks.queue import AGAIN, open_queue, register
from webhooks.rasa import RasaDialogue
from webhooks.twilio import TwilioSender

_log = logging.getLogger(__name__)

#: Seconds between signs of life.
BEAT = 10
#: Seconds after which a spell of work ends, and another begins.
SPELL = 50
#: Texts handed to the provider at once.
SENDING = 8


class ProviderSide(Sender, Provider, Protocol):
    """The provider's adapter: it sends, and it erases its copies."""


def look(
    careline: Careline, dialogue: Dialogue, sender: ProviderSide, bridge: Bridge | None = None, logs: Path | None = None
) -> bool:
    """Do all that is due; whether something is left for soon. `logs`: their folder, if it is not in the home folder."""
    until = time.monotonic() + SPELL
    try:
        while True:
            answered = late.answer_waiting(careline, dialogue)
            metrics.answered_late(len(answered))
            reminders.sweep(careline)
            alerts.deliver(careline.database, sender)
            if bridge is not None:
                bridges.deliver(careline.database, bridge)
            with careline.database.read() as session:
                due = outbox.due_by_conversation(session)
            with ThreadPoolExecutor(SENDING) as pool:  # a provider takes its time for each text
                list(pool.map(lambda ids: _deliver(careline, sender, ids), due))
            if not (answered or due) or time.monotonic() > until:
                break
        _erase(careline, dialogue, sender)
        _warn(careline, sender)
        retention.daily(careline, dialogue, logs)
        with careline.database.read() as session:
            return late.waiting(session) or outbox.waiting(session)
    except DatabaseUnavailable as error:
        _log.warning("%s", error)
        return True


def _deliver(careline: Careline, sender: Sender, message_ids: list[str]) -> None:
    """Send what is due to one person, in order."""
    for message_id in message_ids:
        outbox.deliver(careline.database, sender, message_id, careline.settings)
        metrics.sent()


def _erase(careline: Careline, dialogue: Dialogue, provider: Provider) -> None:
    """Erase elsewhere what is still to be erased."""
    with careline.database.read() as session:
        tasks = erasure.due(session)
    for task in tasks:
        erasure.carry_out(careline.database, dialogue, provider, task)


def _warn(careline: Careline, sender: Sender) -> None:
    """Tell the administrator about the day's spending."""
    settings = careline.settings
    due = spending.warning(careline.database, settings)
    if due is None:
        return
    key = "spending.reached" if due.reached else "spending.warning"
    words = render.facts(careline, settings.default_language, "sms").words
    _administrator(settings, sender)(words(key, spent=f"{due.spent:.2f}", cap=f"{due.cap:.2f}", currency=settings.currency))


def main() -> None:
    """Work for one municipality until told to stop."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--municipality", default="", help="whose work it does, where there are several")
    try:
        name = municipalities.one(os.environ, parser.parse_args().municipality)
        settings, home = municipalities.settings(os.environ)[name], Settings.from_env(ours(os.environ)).home
        spans.check(settings)
    except SettingsError as error:
        sys.exit(str(error))
    municipalities.be(name)
    logs.start("worker", settings)
    spans.start("worker", settings)
    try:
        careline = Careline.open(settings)
    except CarelineError as error:
        sys.exit(str(error))
    dialogue = RasaDialogue(settings.rasa_url, settings.rasa_timeout, settings.tracker)
    sender = TwilioSender(settings)
    other_desk = of(settings)
    queue = open_queue(settings)

    def work() -> bool:
        return look(careline, dialogue, sender, other_desk, home / "logs")

    wake = register(queue, work)
    threading.Thread(target=_beat, args=(careline, dialogue, sender), daemon=True).start()
    threading.Thread(target=_without_queue, args=(queue, work), daemon=True).start()
    try:
        wake()
    except Exception as error:  # whatever the queue's file or driver throws
        _log.warning("The queue does not answer yet (%s).", type(error).__name__)
    queue.create_consumer(workers=2, periodic=True, initial_delay=0.1, max_delay=1.0, scheduler_interval=1).run()


def _without_queue(queue: Huey, work: Callable[[], bool]) -> None:
    """Look again and again while the queue is away: it only wakes us, and what is owed is owed."""
    pause = threading.Event()
    while True:
        pause.wait(AGAIN)
        try:
            queue.pending_count()
            continue
        except Exception as error:  # whatever the queue's file or driver throws
            _log.warning("The queue does not answer (%s): looking without it.", type(error).__name__)
        try:
            work()
        except Exception:  # the next look may do better
            _log.exception("Looking without the queue failed")


def _beat(careline: Careline, dialogue: RasaDialogue, sender: Sender) -> None:
    """Say that the worker lives, and look after the rest."""
    pause = threading.Event()
    told = _administrator(careline.settings, sender)
    while True:
        try:
            with careline.database.begin() as session:
                heartbeat.beat(session, "worker")
            problems.tell(careline, problems.found(careline, dialogue.silent), told)
        except DatabaseUnavailable as error:
            _log.error("%s", error)
        except Exception:  # this thread says whether the worker lives: nothing may end it
            _log.exception("The look around failed")
        pause.wait(BEAT)


def _administrator(settings: Settings, sender: Sender) -> Callable[[str], None]:
    """What tells the administrator: the log always, and what the settings name."""

    posting = requests.Session()
    posting.trust_env = False  # no proxy of the environment

    def tell(text: str) -> None:
        _log.error("%s", text)
        if settings.alert_url:
            try:
                posting.post(settings.alert_url, json={"text": text}, timeout=5, allow_redirects=False)
            except requests.RequestException as error:
                _log.error("The alert could not be posted (%s)", type(error).__name__)
        if settings.administrator_number:
            try:
                sender.send(settings.administrator_number, text, reference="")
            except SendError as error:
                _log.error("The alert could not be texted: %s", error)

    return tell


if __name__ == "__main__":
    main()
