"""Pick-up codes: they show one answer for a day, and cannot be guessed."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from bot import pickup
from bot.careline import Careline
from bot.clock import now
from bot.reply import Choice, Escalation, Phrase, Reply

ANSWER = Reply(opening=(Phrase("thanks.welcome"),), topic="thanks")


def test_a_code_shows_the_answer_again_and_again(careline: Careline) -> None:
    code = pickup.issue(careline.database, ANSWER, "ne")
    assert len(code) == 6
    assert code.isdigit()
    for _ in range(2):
        assert pickup.redeem(careline.database, code) == (ANSWER, "ne")
    assert pickup.redeem(careline.database, f" {code[:3]} - {code[3:]} ") == (ANSWER, "ne")
    nepali = "".join(chr(ord("०") + int(digit)) for digit in code)
    assert pickup.redeem(careline.database, nepali) == (ANSWER, "ne")


def test_it_leads_to_the_answer_alone(careline: Careline) -> None:
    full = Reply(topic="food", choices=(Choice("/food"),), escalation=Escalation("open"))
    code = pickup.issue(careline.database, full, "en")
    assert pickup.redeem(careline.database, code) == (Reply(topic="food"), "en")
    with careline.database.read() as session:
        kept = session.scalars(select(pickup.Pickup)).one()
    assert code not in kept.code_hash
    assert {column.name for column in pickup.Pickup.__table__.columns} == {"code_hash", "reply", "language", "expires_at"}


def test_after_a_day_it_is_gone(careline: Careline, monkeypatch: pytest.MonkeyPatch) -> None:
    code = pickup.issue(careline.database, ANSWER, "en")
    moment = now() + timedelta(days=1, seconds=1)
    monkeypatch.setattr(pickup, "now", lambda: moment)
    assert pickup.redeem(careline.database, code) is None
    pickup.issue(careline.database, ANSWER, "en")
    with careline.database.read() as session:
        assert len(session.scalars(select(pickup.Pickup)).all()) == 1


def test_guessing_is_limited_for_each_source(careline: Careline, monkeypatch: pytest.MonkeyPatch) -> None:
    code = pickup.issue(careline.database, ANSWER, "en")
    wrong = f"{(int(code) + 1) % 10**6:06d}"
    for _ in range(pickup.PER_SOURCE):
        assert pickup.redeem(careline.database, wrong, "kiosk 1") is None
    assert pickup.limited(careline.database, "kiosk 1")
    assert pickup.redeem(careline.database, code, "kiosk 1") is None
    assert pickup.redeem(careline.database, code, "kiosk 2") == (ANSWER, "en")
    moment = now() + pickup.WINDOW
    monkeypatch.setattr(pickup, "now", lambda: moment)
    assert pickup.redeem(careline.database, code, "kiosk 1") == (ANSWER, "en")


def test_guessing_is_limited_for_all_together(careline: Careline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickup, "IN_ALL", 12)
    code = pickup.issue(careline.database, ANSWER, "en")
    for number in range(12):
        assert pickup.redeem(careline.database, "12345", f"address {number}") is None
    assert pickup.redeem(careline.database, code, "somebody else") is None


@given(st.text(max_size=40))
def test_whatever_is_keyed_in_is_read(text: str) -> None:
    digits = pickup.digits_of(text)
    assert digits.isascii()
    assert digits.isdigit() or not digits
    assert len(digits) == sum(character.isdecimal() for character in text)
