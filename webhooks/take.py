"""Taking an answer along from the kiosk: as a text to a telephone, or behind a pick-up code."""

from dataclasses import replace
from typing import Final, cast

import phonenumbers
import segno
from flask import current_app, request

from bot import pickup
from bot import to_phone as phone
from bot.encryption import vault
from bot.phone import normalised, written
from webhooks import device
from webhooks.attempts import Attempts
from webhooks.current import careline, wake
from webhooks.page import Code, Page

#: Texts that one conversation, one telephone, and all at this process may ask for within so many seconds.
PER_CONVERSATION: Final = 3
PER_NUMBER: Final = 3
IN_ALL: Final = 200
WINDOW: Final = 3600


def to_phone(page: Page) -> Page:
    """Send the answer on the page to the number in the form, if its owner ticked that it may be."""
    settings = careline().settings
    raw = request.form.get("number", "")[:40]
    number = _textable(raw, settings.country)
    wrong = "take.no_number" if number is None else "take.no_consent" if request.form.get("consent") != "yes" else None
    if page.reply is None or page.conversation_id is None or number is None or wrong is not None:
        return replace(page, notice=wrong or "page.gone", error=True, draft=raw)
    if not _allowed(page.conversation_id, number):
        return replace(page, notice="take.too_many", error=True)
    outcome = phone.send(careline(), page.reply, page.language, number, f"{page.conversation_id[:8]}{once() or ''}")
    if outcome == "stopped":
        line = written(settings.sms_number, settings.country)
        return replace(page, notice="take.stopped", params={"number": line}, error=True)
    wake()
    return replace(page, notice="take.sent", params={"ending": number[-2:]})


def code(page: Page) -> Page:
    """A pick-up code for the answer on the page."""
    if page.reply is None:
        return replace(page, notice="page.gone", error=True)
    digits = pickup.issue(careline().database, page.reply, page.language)
    return replace(page, code=Code(f"{digits[:3]} {digits[3:]}", _picture(digits)))


def redeem(page: Page, digits: str) -> Page:
    """The answer behind a code, without the conversation it came from."""
    kiosk = device.here()
    source = f"kiosk {kiosk.id}" if kiosk else f"address {request.remote_addr}"
    found = pickup.redeem(careline().database, digits[:40], source=source)
    if found is None:
        wait = pickup.limited(careline().database, source)
        return replace(page, notice="pickup.wait" if wait else "pickup.wrong", error=True)
    reply, language = found
    return replace(page, reply=reply, language=page.language if page.chosen else language, conversation_id=None, kept=True)


def once() -> str | None:
    """The mark of the form that was sent, the same when it is sent again."""
    mark = request.form.get("once", "")
    return mark if 16 <= len(mark) <= 32 else None


def _textable(raw: str, country: str) -> str | None:
    """The number in E.164 if it is one that could be texted: no short code, no landline where the two can be told apart."""
    number = normalised(raw, country)
    if number is None or not number.startswith("+"):
        return None
    kind = phonenumbers.number_type(phonenumbers.parse(number))
    # Numbers reserved for stories and tests count as no type at all, and are let through.
    return None if kind in (phonenumbers.PhoneNumberType.FIXED_LINE, phonenumbers.PhoneNumberType.PREMIUM_RATE) else number


def _allowed(conversation_id: str, number: str) -> bool:
    hashed = vault().hash(f"texted {number}")
    limits = (("conversation", conversation_id, PER_CONVERSATION), ("number", hashed, PER_NUMBER), ("all", "", IN_ALL))
    return all(_attempts(kind, limit).begin(key) for kind, key, limit in limits)


def _attempts(kind: str, limit: int) -> Attempts:
    kept = current_app.extensions.setdefault(f"take.{kind}", Attempts(limit, WINDOW))
    return cast(Attempts, kept)


def _picture(digits: str) -> str | None:
    """A QR code (ISO/IEC 18004) that opens the answer on a telephone, as SVG; None while there is no public address."""
    public = careline().settings.public_url.rstrip("/")
    if not public.startswith("https://"):
        return None
    square = segno.make(f"{public}/?code={digits}", error="m", micro=False)
    return str(square.svg_inline(border=4, omitsize=True))
