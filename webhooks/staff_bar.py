"""The bar for staff beside the person, opened with the PIN of the kiosk.

It helps with this page and shows nothing of anybody else. Its token stands in the page's forms, so that it ends with the page.
"""

import time
from dataclasses import replace
from typing import Final, cast

from flask import current_app, request

from bot import kiosk as kiosks
from bot.encryption import vault
from bot.errors import DataError
from bot.kiosk import Kiosk
from webhooks.attempts import Attempts
from webhooks.page import Page
from webhooks.reading import CHOICES, STAFF_ONLY

#: Seconds after which the PIN is asked for again.
LASTS: Final = 30 * 60


def sign_in(page: Page) -> Page:
    """The page with the bar, if the PIN is right. Five wrong ones close it for a minute."""
    if page.kiosk is None:
        return page
    attempts = cast(Attempts, current_app.extensions.setdefault("staff_bar.attempts", Attempts()))
    if not attempts.begin(page.kiosk.id):
        return replace(page, notice="assist.wait", error=True)
    if not kiosks.opens(page.kiosk, request.form.get("pin", "").strip()[:20]):
        return replace(page, notice="assist.wrong", error=True)
    attempts.succeeded(page.kiosk.id)
    token = vault().seal(f"assist {page.kiosk.id} {int(time.time()) + LASTS}").decode()
    return replace(page, assist=token, chosen=True)


def closed(page: Page) -> Page:
    """The page without the bar, and without what only the bar can choose."""
    return replace(page, assist=None, reading=page.reading.changed({name: CHOICES[name][0] for name in STAFF_ONLY}))


def valid(token: str, kiosk: Kiosk | None) -> str | None:
    """The token, if it is one of this kiosk and still good."""
    if not token or kiosk is None:
        return None
    try:
        purpose, number, until = vault().open(token.encode()).split(" ")
        return token if purpose == "assist" and int(number) == kiosk.id and int(until) > time.time() else None
    except (DataError, ValueError):
        return None
