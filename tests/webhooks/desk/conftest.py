"""Staff with browsers, for the tests of the desk."""

from collections.abc import Callable

import pytest
from argon2 import PasswordHasher
from flask import Flask
from sqlalchemy import select

from bot import staff
from bot.careline import Careline
from bot.escalation import Case
from tests.conftest import Texter
from tests.desk import PASSWORD, Desk


@pytest.fixture(autouse=True)
def people(careline: Careline, monkeypatch: pytest.MonkeyPatch) -> None:
    # The real cost of a password is 64 MB and a good part of a second.
    monkeypatch.setattr(staff, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    with careline.database.begin() as session:
        staff.add(session, "ada", PASSWORD)
        staff.add(session, "ben", PASSWORD)
        staff.add(session, "chief", PASSWORD, staff.Role.ADMINISTRATOR)


@pytest.fixture
def ada(app: Flask) -> Desk:
    desk = Desk(app)
    desk.sign_in("ada")
    return desk


@pytest.fixture
def ben(app: Flask) -> Desk:
    desk = Desk(app)
    desk.sign_in("ben")
    return desk


@pytest.fixture
def chief(app: Flask) -> Desk:
    desk = Desk(app)
    desk.sign_in("chief")
    return desk


@pytest.fixture
def number_of(careline: Careline) -> Callable[[str], int]:
    """The id of an account, by name."""

    def find(name: str) -> int:
        with careline.database.read() as session:
            return session.scalars(select(staff.Staff.id).where(staff.Staff.name == name)).one()

    return find


@pytest.fixture
def case(texter: Texter, careline: Careline) -> str:
    """Somebody has texted and asked for a person."""
    texter("I need food for my children please")
    texter("0")
    with careline.database.read() as session:
        return session.scalars(select(Case.id)).one()
