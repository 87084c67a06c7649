"""The second factor at the desk: time-based one-time codes (TOTP, RFC 6238) from an authenticator on the person's phone."""

import pyotp
from sqlalchemy import update
from sqlalchemy.orm import Session

from bot.clock import now
from bot.staff import Staff

#: Seconds a code is good for, and how many steps a phone's clock may be off.
STEP, SLACK = 30, 1


def new_secret() -> str:
    """A fresh secret, in base32."""
    return pyotp.random_base32()


def address(secret: str, name: str, issuer: str) -> str:
    """The otpauth:// address that an authenticator reads, from a QR code or by hand."""
    return pyotp.TOTP(secret, interval=STEP).provisioning_uri(name=name, issuer_name=issuer)


def step_of(secret: str, code: str) -> int | None:
    """The time step in which `code` is right now, None if it is wrong. One step early or late is allowed."""
    digits = "".join(str(int(character)) for character in code if character.isdecimal())
    if len(digits) != 6:
        return None
    current = int(now().timestamp()) // STEP
    totp = pyotp.TOTP(secret, interval=STEP)
    for step in range(current - SLACK, current + SLACK + 1):
        if pyotp.utils.strings_equal(totp.generate_otp(step), digits):
            return step
    return None


def check(session: Session, staff: Staff, code: str) -> bool:
    """Whether the code opens the account; each works once (RFC 6238, 5.2), however many try it at the same instant."""
    step = step_of(staff.second_factor, code) if staff.second_factor else None
    if step is None:
        return False
    unused = (Staff.id == staff.id) & (Staff.second_factor_step < step)
    result = session.execute(update(Staff).where(unused).values(second_factor_step=step))
    return bool(result.rowcount)  # type: ignore[attr-defined]  # a CursorResult, as for every UPDATE


def enrol(session: Session, staff_id: int, secret: str, code: str) -> bool:
    """Keep a new secret once its owner has shown a code of it. False if the code is wrong."""
    step = step_of(secret, code)
    if step is None:
        return False
    staff = session.get_one(Staff, staff_id)
    staff.second_factor, staff.second_factor_step = secret, step
    return True


def reset(staff: Staff) -> None:
    """Forget the second factor: for somebody whose phone is lost."""
    staff.second_factor, staff.second_factor_step = None, 0
