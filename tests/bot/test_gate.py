"""Too much of it: limits, machines that answer us, blocked numbers, the day's cap. Danger and STOP always come through."""

from collections.abc import Callable
from pathlib import Path

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import func, select

from bot import blocked, opt_out, spending
from bot.careline import Careline
from bot.clock import now
from bot.conversation import Message
from bot.escalation import Case
from bot.settings import Settings
from tests.conftest import Texter, environment
from tests.fakes import FakeDialogue, FakeSender
from webhooks.app import create_app
from webhooks.worker import look

Configured = Callable[..., Careline]


@pytest.fixture
def configured(careline: Careline, tmp_path: Path) -> Configured:
    """The same with other settings."""

    def configure(**settings: str) -> Careline:
        careline.settings = Settings.from_env(
            environment(tmp_path) | {f"CARELINE_{name}": value for name, value in settings.items()}
        )
        careline._throttle = None
        return careline

    return configure


def stored(careline: Careline) -> int:
    with careline.database.read() as session:
        return session.scalar(select(func.count()).select_from(Message)) or 0


def sentences() -> list[str]:
    return [f"thank you for telling me about the {word}" for word in ("bus", "park", "soup", "bed", "card", "nurse", "bath")]


def test_far_more_than_a_person_writes_is_said_once_and_then_silent(configured: Configured, texter: Texter) -> None:
    careline = configured(LIMIT_NUMBER="3 per 10 minute")
    answers = [texter(sentence) for sentence in sentences()]
    assert [len(answer) for answer in answers] == [1, 1, 1, 1, 0, 0, 0]
    assert "112" in answers[3][0]
    assert stored(careline) == 3, "what is not answered is not kept"


def test_danger_and_stop_come_through_all_the_same(configured: Configured, texter: Texter) -> None:
    careline = configured(LIMIT_NUMBER="1 per day", LIMIT_LINE="1 per day", DAILY_CAP="0.01")
    for sentence in sentences():
        texter(sentence)
    assert "01632 960001" in texter("i want to kill myself")[0]
    assert "01632 960001" in texter("0")[0]
    texter("STOP")
    with careline.database.read() as session:
        assert opt_out.stopped(session, texter.number)
        assert session.scalars(select(Case)).one().urgent


def test_another_number_is_not_concerned(configured: Configured, texter: Texter, other: Texter) -> None:
    configured(LIMIT_NUMBER="2 per day")
    for sentence in sentences():
        texter(sentence)
    assert other("thank you so much for the help") == ["You are welcome. Write any time."]


def test_the_limits_are_over_when_their_time_is(configured: Configured, texter: Texter) -> None:
    configured(LIMIT_NUMBER="1 per 10 minute")
    first, second, third, *_ = sentences()
    assert texter(first)
    texter(second)
    with time_machine.travel(now().timestamp() + 1300):
        assert texter(third) == ["You are welcome. Write any time."]


def test_two_machines_do_not_talk_for_ever(careline: Careline, texter: Texter) -> None:
    answers = [texter("I am driving. I will answer later.") for _ in range(12)]
    assert [len(answer) for answer in answers] == [1] * 6 + [0] * 6
    assert stored(careline) == 6


def test_more_and_digits_may_be_pressed_often(texter: Texter) -> None:
    assert all(texter("MORE") for _ in range(10))


def test_the_same_webhook_again_counts_once(configured: Configured, texter: Texter) -> None:
    configured(LIMIT_NUMBER="2 per day")
    first = [texter("thank you for telling me about the bus", sid="SMagain") for _ in range(5)]
    assert first == [first[0]] * 5
    assert texter("thank you for telling me about the park")


def test_a_blocked_number_gets_nothing_but_help_in_danger(careline: Careline, texter: Texter) -> None:
    with careline.database.begin() as session:
        blocked.block(session, texter.number)
    assert texter("where can i eat tonight") == []
    assert stored(careline) == 0
    assert "112" in texter("he is hitting me")[0]
    with careline.database.begin() as session:
        assert blocked.unblock(session, texter.number)
        assert not blocked.unblock(session, texter.number)
    assert texter("thank you so much for the help")


def test_a_page_far_away_gets_429_and_one_on_this_machine_does_not(
    configured: Configured, client: FlaskClient, dialogue: FakeDialogue
) -> None:
    configured(LIMIT_ADDRESS="2 per minute")

    def ask(address: str) -> int:
        body = {"text": "thank you all so much"}
        response = client.post("/api/chat", json=body, environ_overrides={"REMOTE_ADDR": address})
        if response.status_code == 429:
            assert response.mimetype == "application/problem+json"
            assert response.headers["Retry-After"]
        return response.status_code

    assert [ask("198.51.100.7") for _ in range(4)] == [200, 200, 429, 429]
    assert [ask("2001:db8::1") for _ in range(3)] == [200, 200, 429]
    assert [ask("127.0.0.1") for _ in range(4)] == [200] * 4


def test_the_address_behind_our_proxy_counts_and_a_forged_one_does_not(configured: Configured, dialogue: FakeDialogue) -> None:
    """The last address is the one our proxy wrote; whatever stands before it may be invented."""

    def ask(client: FlaskClient, forwarded: str) -> int:
        headers = {"X-Forwarded-For": forwarded}
        body = {"text": "thank you all so much"}
        return client.post("/api/chat", json=body, headers=headers, environ_overrides={"REMOTE_ADDR": "127.0.0.1"}).status_code

    behind = create_app(configured(LIMIT_ADDRESS="2 per minute", PROXIES="1"), dialogue).test_client()
    assert [ask(behind, f"203.0.113.{number}, 198.51.100.7") for number in range(4)] == [200, 200, 429, 429]
    alone = create_app(configured(LIMIT_ADDRESS="2 per minute"), dialogue).test_client()
    assert [ask(alone, "198.51.100.9") for _ in range(4)] == [200] * 4


class TestSpending:
    def test_warns_the_administrator_once_before_and_once_at_the_cap(
        self, configured: Configured, texter: Texter, dialogue: FakeDialogue, caplog: pytest.LogCaptureFixture
    ) -> None:
        careline = configured(DAILY_CAP="0.20", ADMINISTRATOR_NUMBER="+441632960900")
        sender = FakeSender()
        told = []
        for sentence in sentences():
            texter(sentence)
            look(careline, dialogue, sender)
            told.append(len(sender.sent))
        assert told == [0, 0, 0, 1, 2, 2, 2]
        assert {number for number, _ in sender.sent} == {"+441632960900"}
        assert "0.16 of 0.20 GBP" in sender.sent[0][1]
        assert "cap is reached" in sender.sent[1][1]
        assert "cap is reached" in caplog.text

    def test_past_the_cap_everybody_is_told_once_how_to_reach_a_person(
        self, configured: Configured, texter: Texter, other: Texter
    ) -> None:
        configured(DAILY_CAP="0.04")
        texter("thank you so much for the help")
        answers = [other(sentence) for sentence in sentences()]
        assert [len(answer) for answer in answers] == [1, 0, 0, 0, 0, 0, 0]
        assert "01632 960000" in answers[0][0]
        assert "112" in other("he is hitting me")[0]

    def test_is_over_at_midnight(self, configured: Configured, texter: Texter) -> None:
        careline = configured(DAILY_CAP="0.04")
        texter("thank you so much for the help")
        with careline.database.read() as session:
            assert spending.exhausted(session, careline.settings)
            with time_machine.travel(now().timestamp() + 25 * 3600):
                assert not spending.exhausted(session, careline.settings)

    def test_without_a_cap_nothing_happens(self, configured: Configured, texter: Texter) -> None:
        careline = configured(DAILY_CAP="0")
        texter("thank you so much for the help")
        assert spending.warning(careline.database, careline.settings) is None
