"""Who gets into the desk, and how long they stay."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
import time_machine
from flask import Flask
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DBAPIError

from bot import audit, lockout, staff
from bot.audit import AuditEntry
from bot.careline import Careline
from bot.escalation import Case
from bot.settings import Settings
from bot.staff import Role, Staff, may
from tests.conftest import environment
from tests.desk import ADDRESS, PASSWORD, Desk
from webhooks.app import create_app


def state(careline: Careline, case_id: str) -> tuple[str, int | None]:
    with careline.database.read() as session:
        case = session.get_one(Case, case_id)
        return case.status, case.claimed_by


@pytest.mark.parametrize("path", ["/desk", "/desk/cases/any"])
def test_nobody_gets_in_without_signing_in(app: Flask, case: str, path: str) -> None:
    response = app.test_client().get(path, base_url=ADDRESS)
    assert response.status_code == 302
    assert response.headers["Location"] == "/desk/sign-in"


@pytest.mark.parametrize("action", ["claim", "release", "close", "answer", "take-over"])
def test_nothing_is_done_for_somebody_signed_out(app: Flask, careline: Careline, case: str, action: str) -> None:
    stranger = Desk(app)
    stranger.get("/desk/sign-in")
    stranger.post(f"/desk/cases/{case}/{action}", text="hello", once="x")
    assert "Sign in" in stranger.page
    assert state(careline, case) == ("open", None)


def test_every_form_carries_our_token(ada: Desk, careline: Careline, case: str) -> None:
    for token in ("", "somebody else's", "é"):
        ada.post(f"/desk/cases/{case}/claim", status=400, token=token)
    ada.post("/desk/sign-in", status=400, token="", name="ada", password=PASSWORD)
    assert state(careline, case) == ("open", None)


def test_a_wrong_password_and_an_unknown_name_look_the_same(app: Flask) -> None:
    pages = []
    for name, password in (("ada", "wrong"), ("nobody", PASSWORD)):
        desk = Desk(app)
        pages.append(re.sub('value="[^"]*"', "", desk.sign_in(name, password, status=403)))
    assert pages[0] == pages[1]


def test_five_failures_and_one_has_to_wait(app: Flask) -> None:
    desk = Desk(app)
    for _ in range(5):
        desk.sign_in("ada", "wrong", status=403)
    assert "Please wait" in desk.sign_in("ada", PASSWORD, status=429)
    assert "<h1>Cases</h1>" in desk.sign_in("ben")  # another name is free


def test_a_new_password_and_a_closed_account_end_the_session(ada: Desk, ben: Desk, careline: Careline) -> None:
    with careline.database.begin() as session:
        staff.add(session, "ada", "another long password")
        session.scalars(select(staff.Staff).where(staff.Staff.name == "ben")).one().active = False
    assert "<h1>Sign in</h1>" in ada.get()
    assert "<h1>Sign in</h1>" in ben.get()


def test_signing_out(ada: Desk) -> None:
    ada.post("/desk/sign-out")
    assert "<h1>Sign in</h1>" in ada.get()


def test_the_session_cookie_is_out_of_reach(app: Flask) -> None:
    client = app.test_client()
    cookie = client.get("/desk/sign-in", base_url=ADDRESS).headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "Secure" in cookie
    assert "SameSite=Lax" in cookie


def test_the_lock_holds_for_every_process_and_ends(app: Flask, careline: Careline) -> None:
    with time_machine.travel(datetime(2026, 11, 24, 10, tzinfo=UTC), tick=False) as clock:
        for _ in range(5):
            Desk(app).sign_in("ada", "wrong", status=403)
        second = create_app(careline)  # another process on the same database
        assert "Please wait" in Desk(second).sign_in("ada", PASSWORD, status=429)
        clock.shift(lockout.WAIT + timedelta(seconds=1))
        assert "<h1>Cases</h1>" in Desk(second).sign_in("ada")


def test_an_address_waits_after_many_names(app: Flask) -> None:
    for number in range(lockout.PER_ADDRESS):
        Desk(app).sign_in(f"guess {number}", "wrong", status=403)
    assert "Please wait" in Desk(app).sign_in("ada", status=429)


def test_a_session_ends_when_nobody_is_there_and_after_a_day_at_work(app: Flask) -> None:
    with time_machine.travel(datetime(2026, 11, 24, 6, tzinfo=UTC), tick=False) as clock:
        desk = Desk(app)
        desk.sign_in("ada")
        clock.shift(timedelta(minutes=59))
        assert "<h1>Cases</h1>" in desk.get()
        clock.shift(timedelta(minutes=59))
        assert "<h1>Cases</h1>" in desk.get()
        clock.shift(timedelta(minutes=61))
        assert "<h1>Sign in</h1>" in desk.get()
        desk.sign_in("ada")
        for _ in range(12 * 2 + 1):
            clock.shift(timedelta(minutes=30))
            desk.get()
        assert "<h1>Sign in</h1>" in desk.page


def test_a_page_that_looks_by_itself_keeps_nobody_signed_in(app: Flask) -> None:
    with time_machine.travel(datetime(2026, 11, 24, 6, tzinfo=UTC), tick=False) as clock:
        desk = Desk(app)
        desk.sign_in("ada")
        for _ in range(5):
            clock.shift(timedelta(minutes=15))
            answer = desk.client.get("/desk/rows", base_url=ADDRESS, headers={"X-Careline-Poll": "1"})
        assert answer.status_code == 302


def test_a_cookie_kept_after_signing_out_opens_nothing(ada: Desk) -> None:
    cookie = ada.client.get_cookie("__Host-session", domain="care.example.org")
    assert cookie is not None
    ada.post("/desk/sign-out")
    ada.client.set_cookie("__Host-session", cookie.value, domain="care.example.org", secure=True)
    assert "<h1>Sign in</h1>" in ada.get()


def _secret(page: str) -> str:
    found = re.search(r"<code>([A-Z2-7 ]+)</code>", page)
    assert found is not None
    return found[1].replace(" ", "")


def test_a_second_factor(app: Flask, careline: Careline) -> None:
    with time_machine.travel(datetime(2026, 11, 24, 10, tzinfo=UTC), tick=False) as clock:
        desk = Desk(app)
        desk.sign_in("ada")
        secret = _secret(desk.get("/desk/me/second-factor"))
        assert "code is not right" in desk.post("/desk/me/second-factor", status=403, code="000000")
        desk.post("/desk/me/second-factor", code=pyotp.TOTP(secret).now())
        assert "second factor is set" in desk.page
        with careline.database.read() as session:
            stored = session.execute(text("SELECT second_factor FROM staff WHERE name = 'ada'")).scalar_one()
        assert secret.encode() not in stored  # sealed

        again = Desk(app)
        assert "Your code" in again.sign_in("ada")
        assert "<h1>Sign in</h1>" in Desk(app).get()
        assert "<h1>Cases</h1>" not in again.get("/desk")  # the password alone opens nothing
        again.sign_in("ada")
        used = pyotp.TOTP(secret).now()
        assert "used already" in again.post("/desk/sign-in/code", status=403, code=used)  # it set the factor up
        clock.shift(timedelta(seconds=30))
        assert "<h1>Cases</h1>" in again.post("/desk/sign-in/code", code=pyotp.TOTP(secret).now())
        third = Desk(app)
        third.sign_in("ada")
        assert "used already" in third.post("/desk/sign-in/code", status=403, code=pyotp.TOTP(secret).now())


def test_codes_cannot_be_guessed(app: Flask, careline: Careline) -> None:
    with careline.database.begin() as session:
        session.execute(update(Staff).where(Staff.name == "ada").values(second_factor=pyotp.random_base32()))
    desk = Desk(app)
    desk.sign_in("ada")
    for _ in range(lockout.PER_NAME):
        desk.post("/desk/sign-in/code", status=403, code="12345")
    assert "Please wait" in desk.post("/desk/sign-in/code", status=429, code="12345")


def test_where_it_is_required_nothing_opens_before_there_is_one(app: Flask, careline: Careline) -> None:
    live = Settings.from_env(environment(careline.settings.home) | {"CARELINE_SIMULATOR": "false"})
    assert live.needs_second_factor
    careline.settings = live
    desk = Desk(app)
    assert "A second factor" in desk.sign_in("ada")
    assert "A second factor" in desk.get("/desk")
    desk.post("/desk/me/second-factor", code=pyotp.TOTP(_secret(desk.page)).now())
    assert "<h1>Cases</h1>" in desk.get("/desk")


@pytest.mark.parametrize(
    ("held", "asked", "allowed"),
    [
        (Role.STAFF, Role.STAFF, True),
        (Role.STAFF, Role.STEWARD, False),
        (Role.STEWARD, Role.STAFF, True),
        (Role.STEWARD, Role.ADMINISTRATOR, False),
        (Role.ADMINISTRATOR, Role.STEWARD, True),
    ],
)
def test_what_each_role_may(held: Role, asked: Role, allowed: bool) -> None:
    assert may(Staff(name="x", role=held, active=True), asked) is allowed
    assert not may(Staff(name="x", role=held, active=False), asked)
    assert not may(None, asked)


@pytest.mark.parametrize("path", ["/desk/people", "/desk/people/audit"])
def test_accounts_are_for_administrators(ada: Desk, chief: Desk, path: str) -> None:
    assert "another role" in ada.get(path)
    assert "another role" not in chief.get(path)


@pytest.mark.parametrize(
    "path", ["/desk/people/add", "/desk/people/teams", "/desk/people/1", "/desk/people/1/reset", "/desk/people/1/password"]
)
def test_nobody_else_changes_accounts(ada: Desk, careline: Careline, path: str) -> None:
    ada.get("/desk")
    ada.post(path, status=403, name="mallory", password=PASSWORD, role="administrator", active="1")
    with careline.database.read() as session:
        assert {one.name: one.role for one in session.scalars(select(Staff))} == {
            "ada": "staff", "ben": "staff", "chief": "administrator",
        }  # fmt: skip


def test_an_administrator_makes_changes_and_closes_accounts(
    chief: Desk, ada: Desk, app: Flask, careline: Careline, number_of: Callable[[str], int]
) -> None:
    chief.get("/desk/people")
    chief.post("/desk/people/teams", name="Housing", topics="social_housing, shelter", hours="mon-fri 10:00-12:00", active="1")
    assert "cannot be read" in chief.post("/desk/people/teams", name="Night", hours="mon-fri late", active="1")
    chief.post("/desk/people/add", name="dora", password="short", role="staff")
    assert "at least 12" in chief.page
    chief.post("/desk/people/add", name="dora", password=PASSWORD, role="steward", languages="ne", teams="1")
    assert "<h1>Cases</h1>" in Desk(app).sign_in("dora")
    dora = Desk(app)
    dora.sign_in("dora")
    assert "Housing" in dora.get("/desk/me")
    assert "Nepali" in dora.page
    chief.post(f"/desk/people/{number_of('ada')}", role="staff")  # not ticked: may not sign in
    assert "<h1>Sign in</h1>" in ada.get()
    chief.post(f"/desk/people/{number_of('chief')}", role="staff", active="1")
    assert "another administrator" in chief.page
    chief.post(f"/desk/people/{number_of('dora')}/password", password="quite another password")
    assert "<h1>Sign in</h1>" in dora.get()
    page = chief.get("/desk/people/audit")
    for action in ("account made", "account closed", "team changed", "password set", "signed in"):
        assert action in page


def test_one_changes_ones_own_password_and_stays(ada: Desk, app: Flask) -> None:
    elsewhere = Desk(app)
    elsewhere.sign_in("ada")
    ada.get("/desk/me")
    assert "old password is not right" in ada.post("/desk/me/password", old="wrong", new="a brand new password")
    assert "is changed" in ada.post("/desk/me/password", old=PASSWORD, new="a brand new password")
    assert "<h1>Sign in</h1>" in elsewhere.get()
    assert "<h1>Cases</h1>" in Desk(app).sign_in("ada", "a brand new password")


def test_the_audit_log_is_neither_changed_nor_emptied(ada: Desk, careline: Careline) -> None:
    ada.get("/desk")
    for statement in (update(AuditEntry).values(action="nothing"), delete(AuditEntry)):
        with pytest.raises(DBAPIError), careline.database.begin() as session:
            session.execute(statement)
    with careline.database.begin() as session:
        assert session.scalars(select(AuditEntry.action)).all() == ["signed in"]
        old = datetime.now(UTC) - timedelta(days=audit.KEPT_DAYS + 1)
        session.add(AuditEntry(at=old, action="long ago"))
    with careline.database.begin() as session:
        audit.sweep(session)
        assert session.scalars(select(AuditEntry.action)).all() == ["signed in"]


def test_staff_see_what_is_recorded_about_them(ada: Desk, ben: Desk, case: str) -> None:
    ada.get(f"/desk/cases/{case}")
    ada.post(f"/desk/cases/{case}/claim")
    page = ada.get("/desk/me")
    assert "claimed" in page
    record = ada.client.get("/desk/me/record.json", base_url=ADDRESS).json
    assert record["account"]["name"] == "ada"
    assert {"signed in", "read", "claimed"} <= {one["action"] for one in record["audit"]}
    assert [one["what"] for one in record["cases"]] == ["claimed"]
    assert "claimed" not in ben.get("/desk/me")
