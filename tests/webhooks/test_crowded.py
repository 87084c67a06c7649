"""All places of the web server are taken: texts are kept at once, danger and STOP are answered, pages wait."""

from collections.abc import Iterator

import pytest
from flask import Flask

from tests.conftest import Texter
from webhooks.lanes import Lanes


@pytest.fixture(autouse=True)
def full(app: Flask) -> Iterator[None]:
    lanes = app.wsgi_app
    assert isinstance(lanes, Lanes)
    taken = 0
    while lanes._places.acquire(blocking=False):
        taken += 1
    assert taken
    yield
    for _ in range(taken):
        lanes._places.release()


def test_a_question_is_promised_an_answer(texter: Texter) -> None:
    assert "Many people are writing" in texter("food in Riverside")[0]


def test_danger_is_answered_at_once(texter: Texter) -> None:
    (said,) = texter("i want to kill myself")
    assert "112" in said


def test_stop_is_heard_at_once(texter: Texter) -> None:
    (said,) = texter("STOP")
    assert "Many people" not in said


def test_an_unsigned_text_is_refused(texter: Texter) -> None:
    assert texter.post({"Body": "food", "MessageSid": "SM1"}, signature="forged").status_code == 403
