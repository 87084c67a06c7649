"""Staff: who may sign in at the desk, and what each may do there."""

import json
from datetime import datetime
from enum import StrEnum

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy import ForeignKey, Index, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column
from zxcvbn import zxcvbn

from bot.clock import now
from bot.db import Base, Moment
from bot.encryption import Sealed
from bot.errors import CarelineError

_hasher = PasswordHasher()
#: Checked when the name is unknown, so that the answer takes as long as for a known one.
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$Zm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm8"
#: Stands for the password of somebody who signs in through the city's own identity provider: no password opens it.
NO_PASSWORD = "none"
SHORTEST = 12
#: Of a password no more is weighed, which takes time; and how hard it must be: 10^10 guesses ("very unlikely to be guessed").
_WEIGHED, _HARD = 72, 4


class Role(StrEnum):
    """What somebody may do: each role includes those before it.

    Staff answer people; stewards also keep the directory, the articles and the kiosks; administrators also keep accounts
    and teams, and read the audit log.
    """

    STAFF = "staff"
    STEWARD = "steward"
    ADMINISTRATOR = "administrator"


_RANK = {role: rank for rank, role in enumerate(Role)}


class Team(Base):
    """People who answer the same kind of question. `topics` and `languages` are JSON lists; an empty one means any.

    `hours` is the team's timetable as `bot.office` reads it, empty for the municipality's. `duty_number` (E.164) is texted,
    without a word about anybody, when a crisis waits.
    """

    __tablename__ = "team"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    topics: Mapped[str] = mapped_column(default="[]")
    languages: Mapped[str] = mapped_column(default="[]")
    hours: Mapped[str] = mapped_column(default="")
    duty_number: Mapped[str | None] = mapped_column(Sealed)
    active: Mapped[bool] = mapped_column(default=True)


class Staff(Base):
    """One person who answers at the desk.

    `subject` is who they are to the identity provider ("issuer subject"), `languages` a JSON list of what they speak,
    `second_factor` the TOTP secret and `second_factor_step` the last 30-second step it was used in, so that a code seen over
    a shoulder opens nothing.
    """

    __tablename__ = "staff"
    __table_args__ = (Index("staff_subject", "subject", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    password_hash: Mapped[str] = mapped_column(String(200))
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
    role: Mapped[str] = mapped_column(String(20), default=Role.STAFF)
    subject: Mapped[str | None] = mapped_column(String(300))
    languages: Mapped[str] = mapped_column(default="[]")
    second_factor: Mapped[str | None] = mapped_column(Sealed)
    second_factor_step: Mapped[int] = mapped_column(default=0)

    @property
    def speaks(self) -> tuple[str, ...]:
        """Codes of the languages this person answers in."""
        return tuple(json.loads(self.languages))


class Membership(Base):
    """Who is in which team."""

    __tablename__ = "team_member"

    team_id: Mapped[int] = mapped_column(ForeignKey("team.id", ondelete="CASCADE"), primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id", ondelete="CASCADE"), primary_key=True)


def may(staff: Staff | None, role: Role) -> bool:
    """Whether somebody may do what `role` may. Nobody, and a closed account, may nothing."""
    return staff is not None and staff.active and _RANK[Role(staff.role)] >= _RANK[role]


def add(session: Session, name: str, password: str, role: Role | None = None) -> Staff:
    """A new account, or a new password for an old one; the role stays where none is given.

    Raises CarelineError for a password that `set_password` does not take.
    """
    staff = session.scalar(select(Staff).where(Staff.name == name)) or Staff(name=name)
    set_password(staff, password)
    if role is not None:
        staff.role = role
    session.add(staff)
    session.flush()
    return staff


def set_password(staff: Staff, password: str) -> None:
    """Give an account a new password. Raises CarelineError for one that is short, common, or made of the name and the like.

    Weighed by zxcvbn (Wheeler, USENIX Security 2016), which knows 30,000 common passwords, names, words, rows of keys and dates.
    """
    if len(password) < SHORTEST:
        raise CarelineError(f"The password needs at least {SHORTEST} characters.")
    if password.casefold() == staff.name.casefold():
        raise CarelineError("The password must not be the name.")
    own = [staff.name, *staff.name.split(), "careline"]
    if zxcvbn(password[:_WEIGHED], user_inputs=own)["score"] < _HARD:
        raise CarelineError("This password is easy to guess. Four words that have nothing to do with each other are a good one.")
    staff.password_hash = _hasher.hash(password)


def sign_in(session: Session, name: str, password: str) -> Staff | None:
    """The account that name and password open, None if they open none."""
    staff = session.scalar(select(Staff).where(Staff.name == name, Staff.active))
    return staff if right_password(staff, password) else None


def right_password(staff: Staff | None, password: str) -> bool:
    """Whether this is the account's password; as slow for nobody as for somebody."""
    known = staff is not None and staff.password_hash != NO_PASSWORD
    try:
        return _hasher.verify(staff.password_hash if staff and known else _NOBODY, password) and known
    except (VerifyMismatchError, InvalidHashError):
        return False


def teams(session: Session) -> list[Team]:
    """The teams there are, by name."""
    return list(session.scalars(select(Team).where(Team.active).order_by(Team.name)))


def teams_of(session: Session, staff_id: int) -> frozenset[int]:
    """Ids of the teams somebody is in."""
    return frozenset(session.scalars(select(Membership.team_id).where(Membership.staff_id == staff_id)))


def colleagues(session: Session) -> list[Staff]:
    """Everybody with an open account, by name."""
    return list(session.scalars(select(Staff).where(Staff.active).order_by(Staff.name)))


def speak(session: Session, language: str) -> bool:
    """Whether a team, or somebody with an open account, answers in a language (ISO 639 code)."""
    told = [
        *session.scalars(select(Team.languages).where(Team.active)),
        *session.scalars(select(Staff.languages).where(Staff.active)),
    ]
    return any(language in json.loads(codes) for codes in told)


def people(session: Session) -> dict[int, tuple[Staff, list[str]]]:
    """Every account with the names of its teams, closed ones too."""
    found: dict[int, tuple[Staff, list[str]]] = {one.id: (one, []) for one in session.scalars(select(Staff).order_by(Staff.name))}
    rows = session.execute(select(Membership.staff_id, Team.name).join(Team, Team.id == Membership.team_id).order_by(Team.name))
    for staff_id, team in rows:
        found[staff_id][1].append(team)
    return found
