"""A person's answer appears by itself, over server-sent events, or by asking every few seconds where there is no place."""

import threading
from typing import Any

import pytest

from bot import outbox
from tests.browser.conftest import Site, Visitor

pytestmark = pytest.mark.browser


def staff_writes(site: Site, visitor: Visitor, text: str) -> None:
    conversation = visitor.page.locator("input[name=conversation]").first.get_attribute("value")
    with site.careline.database.begin() as session:
        outbox.put(session, conversation or "", text, origin=f"case {text}", author="staff")


def test_an_answer_appears_while_somebody_writes(visit: Any, site: Site) -> None:
    visitor: Visitor = visit()
    with visitor.page.expect_request(lambda request: request.url.endswith("/live")) as live:
        visitor.press("human")
    assert live.value.headers["accept"] == "text/event-stream"
    visitor.page.locator("#text").fill("it is about my mo")
    staff_writes(site, visitor, "Come to desk 2")
    visitor.page.locator(".staff").get_by_text("Come to desk 2").wait_for()
    assert visitor.page.locator("#text").input_value() == "it is about my mo"
    assert visitor.page.evaluate("document.activeElement.id") == "text"
    assert visitor.page.locator("#busy").inner_text() == "There is a new answer for you."
    staff_writes(site, visitor, "Third door")
    visitor.page.locator(".staff").get_by_text("Third door").wait_for()  # and the next one


def test_without_a_place_the_page_asks(visit: Any, site: Site) -> None:
    visitor: Visitor = visit()
    places = site.app.extensions.setdefault("live.places", None)
    none_left = threading.BoundedSemaphore(1)
    assert none_left.acquire()
    site.app.extensions["live.places"] = none_left
    assert places is None
    visitor.press("human")
    staff_writes(site, visitor, "Come to desk 2")
    visitor.page.locator(".staff").get_by_text("Come to desk 2").wait_for()
