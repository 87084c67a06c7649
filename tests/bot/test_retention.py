"""Retention: what the page promises is what the job does, with the clock moved."""

import os
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from sqlalchemy import create_engine, func, select, text
from sqlalchemy.orm import Session

from bot import callback, calls, privacy, retention
from bot.callback import Callback
from bot.careline import Careline
from bot.clock import now
from bot.conversation import Conversation, Message, open_conversation
from bot.erasure import Erasure, ErasureTask
from bot.escalation import Case
from bot.settings import Settings
from tests.conftest import environment
from tests.fakes import FakeDialogue, FakeSender
from webhooks.rasa import RasaDialogue
from webhooks.worker import look

NUMBER = "+447700900123"
DAY = timedelta(days=1)


def talk(session: Session, channel: str = "sms", ago: timedelta = timedelta(), number: str | None = NUMBER) -> str:
    """A conversation of one answered message, so long ago."""
    conversation = open_conversation(session, channel, None, number)  # type: ignore[arg-type]
    at = now() - ago
    session.add(Message(conversation_id=conversation.id, text="hello", state="answered", received_at=at))
    conversation.last_message_at = conversation.created_at = at
    session.flush()
    return conversation.id


def left(careline: Careline, table: type) -> int:
    with careline.database.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


@pytest.mark.parametrize(
    ("channel", "number", "days", "kept"),
    [
        ("sms", NUMBER, 29, True),
        ("sms", NUMBER, 31, False),
        ("voice", NUMBER, 29, True),
        ("voice", NUMBER, 31, False),
        ("kiosk", None, 0, True),
        ("kiosk", None, 2, False),
    ],
)
def test_a_conversation_goes_when_its_time_is_over(
    careline: Careline, dialogue: FakeDialogue, channel: str, number: str | None, days: int, kept: bool
) -> None:
    with careline.database.begin() as session:
        talk(session, channel, days * DAY, number)
    gone = retention.purge(careline, dialogue)
    assert gone.conversations == (0 if kept else 1)
    assert left(careline, Message) == (1 if kept else 0)
    assert left(careline, ErasureTask) == (0 if kept else 1 + (number is not None)), "the copies elsewhere go too"


@pytest.mark.parametrize(("days", "kept"), [(89, True), (91, False)])
@pytest.mark.parametrize("closed", [True, False])
def test_what_a_person_helped_with_is_kept_longer_and_not_for_ever(
    careline: Careline, dialogue: FakeDialogue, days: int, kept: bool, closed: bool
) -> None:
    with careline.database.begin() as session:
        conversation = talk(session, ago=(days + 2) * DAY)
        at = now() - days * DAY
        case = Case(
            conversation_id=conversation, reason="asked", language="en", due_at=at, opened_at=at - (DAY if closed else DAY * 0)
        )
        case.closed_at = at if closed else None
        case.status = "closed" if closed else "open"
        session.add(case)
    retention.purge(careline, dialogue)
    assert left(careline, Conversation) == left(careline, Message) == int(kept)


def test_old_messages_of_a_conversation_that_goes_on_go(careline: Careline, dialogue: FakeDialogue) -> None:
    with careline.database.begin() as session:
        conversation = talk(session, ago=40 * DAY)
        talk(session)
        for word, state in (("late", "late"), ("new", "answered")):
            at = now() - (40 * DAY if state == "late" else DAY * 0)
            session.add(Message(conversation_id=conversation, text=word, state=state, received_at=at))
    assert retention.purge(careline, dialogue).messages == 1
    assert left(careline, Message) == 3, "what is owed an answer stays"
    with careline.database.read() as session:
        (task,) = session.scalars(select(ErasureTask)).all()
    assert task.place == "provider"
    assert task.before is not None, "only the old ones go at the provider"


def test_the_settings_decide(careline: Careline, dialogue: FakeDialogue, tmp_path: Path) -> None:
    careline.settings = Settings.from_env(environment(tmp_path) | {"CARELINE_KEEP_MESSAGES_DAYS": "3"})
    with careline.database.begin() as session:
        talk(session, ago=4 * DAY)
    assert retention.purge(careline, dialogue).conversations == 1


def test_receipts_logs_and_backups_go_too(careline: Careline, dialogue: FakeDialogue) -> None:
    home = careline.settings.home
    for folder, days in (("logs", 13), ("logs", 15), ("backups", 13), ("backups", 15)):
        (home / folder).mkdir(exist_ok=True)
        path = home / folder / f"file{days}"
        path.touch()
        at = (now() - days * DAY).timestamp()
        os.utime(path, (at, at))
    with careline.database.begin() as session:
        session.add_all(
            [Erasure(receipt="OLD", requested_at=now() - 366 * DAY), Erasure(receipt="NEW", requested_at=now() - 364 * DAY)]
        )
    gone = retention.purge(careline, dialogue)
    assert (gone.receipts, gone.files) == (1, 2)
    assert sorted(path.name for path in home.glob("*s/file*")) == ["file13", "file13"]


def test_the_worker_does_it_once_a_day(careline: Careline, dialogue: FakeDialogue) -> None:
    with careline.database.begin() as session:
        talk(session)
    start = now()
    for hours in range(0, 24 * 40, 8):
        with time_machine.travel(start + timedelta(hours=hours)):
            look(careline, dialogue, FakeSender())
        assert left(careline, Conversation) == (1 if hours < 30 * 24 else 0)
    assert 39 <= len(dialogue.forgotten_before) <= 40


def test_rasas_own_store_forgets(careline: Careline, tmp_path: Path) -> None:
    from bot.nlu.tracker import DIALOGUE, create_table  # imports Rasa

    url = f"sqlite:///{tmp_path / 'tracker.db'}"
    engine = create_engine(url)
    create_table(engine)
    with engine.begin() as connection:
        for days in (40, 1):
            changed_at = (now() - days * DAY).replace(tzinfo=None)
            connection.execute(DIALOGUE.insert().values(conversation_id=f"{days}", events=b"x", changed_at=changed_at))
    retention.purge(careline, RasaDialogue("http://127.0.0.1:9", 1, url))
    with engine.begin() as connection:
        assert connection.execute(text("SELECT conversation_id FROM dialogue")).scalars().all() == ["1"]
    engine.dispose()


@pytest.mark.parametrize("days", [1, 7, 30])
def test_page_answer_and_job_say_the_same(tmp_path: Path, careline: Careline, days: int) -> None:
    from bot.answers import my_data

    careline.settings = Settings.from_env(environment(tmp_path) | {"CARELINE_KEEP_MESSAGES_DAYS": str(days)})
    with careline.database.begin() as session:
        conversation = talk(session)
    said = my_data.answer(careline, conversation, "en").opening[0].params["days"]
    promised = {kind.key: kind.days for kind in privacy.kinds(careline.settings)}
    assert said == promised["messages"] == days
    with time_machine.travel(now() + days * DAY + timedelta(minutes=1)):
        assert retention.purge(careline, FakeDialogue()).conversations == 1


def test_every_retention_setting_stands_on_the_page(careline: Careline) -> None:
    from dataclasses import fields

    kept = {field.name for field in fields(Settings) if field.name.startswith("keep_")}
    for name, marker in zip(sorted(kept), range(501, 600), strict=False):
        changed = Settings.from_env(environment(careline.settings.home) | {f"CARELINE_{name.upper()}": str(marker)})
        assert marker in {kind.days for kind in privacy.kinds(changed)}, name


def test_a_recording_goes_at_its_own_time_and_the_conversation_stays(
    careline: Careline, dialogue: FakeDialogue, tmp_path: Path
) -> None:
    """The page, the job and what staff see read the same setting."""
    careline.settings = Settings.from_env(environment(tmp_path) | {"CARELINE_KEEP_RECORDINGS_DAYS": "7"})
    promised = {kind.key: kind.days for kind in privacy.kinds(careline.settings)}
    assert (promised["recordings"], promised["messages"]) == (7, 30)
    line = calls.answer(careline.database, "CA" + "1" * 32, NUMBER)
    with careline.database.begin() as session:
        callback.leave(session, line.conversation_id, "en", "RE" + "1" * 32, 20)
    start = now()
    erased = []
    for days in range(0, 32):
        sender = FakeSender()
        with time_machine.travel(start + days * DAY + timedelta(minutes=1)):
            look(careline, dialogue, sender)
            look(careline, dialogue, sender)  # the job runs after the erasing: what it found goes with the next look
        erased += [(days, what) for what in sender.erased_recordings + sender.erased_calls]
        assert left(careline, Conversation) == int(days < 30)
        if days < 30:
            with careline.database.read() as session:
                task = session.scalars(select(Callback)).one()
            assert (task.recording_id is None) == (days >= 7)
            assert task.seconds == 20
    assert erased == [(7, "RE" + "1" * 32), (30, "CA" + "1" * 32)]
    assert left(careline, ErasureTask) == 0
