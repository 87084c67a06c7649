"""Nothing stays on a shared machine, and nobody can go back to it."""

from contextlib import suppress
from typing import Any

import pytest
from playwright.sync_api import Error, expect
from sqlalchemy import select

from bot.conversation import Conversation, Message
from tests.browser.conftest import Site, Visitor

pytestmark = pytest.mark.browser

SECRET = "my husband hits me and I am hungry"


def nothing_kept(visitor: Visitor, site: Site) -> None:
    """Neither in the browser's stores nor in our database."""
    stored = visitor.stored()
    assert stored.pop("entries") >= 1
    assert stored == {
        "local": {},
        "session": {},
        "caches": [],
        "databases": [],
        "workers": 0,
        "state": None,
        "name": "",
        "cookies": [],
    }
    with site.careline.database.read() as session:
        assert session.scalars(select(Conversation)).all() == []
        assert session.scalars(select(Message)).all() == []


def test_nothing_is_stored_at_any_time(visit: Any) -> None:
    visitor: Visitor = visit()
    visitor.page.locator("#reading summary").click()
    visitor.page.locator("input[name=size][value='200']").check()
    visitor.ask(SECRET)
    stored = visitor.stored()
    assert (stored["local"], stored["session"], stored["caches"], stored["databases"]) == ({}, {}, [], [])
    assert (stored["cookies"], stored["workers"], stored["state"]) == ([], 0, None)
    assert stored["entries"] == 2  # about:blank, where this browser began, and the page: what was sent is no entry
    assert SECRET not in visitor.page.url


def test_after_the_end_there_is_nothing(visit: Any, site: Site) -> None:
    visitor: Visitor = visit()
    visitor.page.locator("#reading summary").click()
    visitor.page.locator("input[name=size][value='200']").check()
    visitor.ask(SECRET)
    visitor.page.locator("button.end").click()
    visitor.page.wait_for_url("**/?ended=1*")
    nothing_kept(visitor, site)
    assert visitor.page.locator("html").get_attribute("data-size") == "100"
    visitor.page.go_back()
    assert "husband" not in visitor.page.content()
    assert visitor.page.url == "about:blank"


@pytest.mark.parametrize("how", ["button", "escape"])
def test_the_quick_exit_cannot_be_undone_by_back(visit: Any, site: Site, how: str) -> None:
    visitor: Visitor = visit()
    visitor.ask(SECRET)
    visitor.ask("and where can I sleep tonight")
    page = visitor.page
    with page.expect_navigation(url="**/hours"):
        if how == "button":
            page.locator("button.leave").click(no_wait_after=True)
        else:
            for _ in range(3):
                page.keyboard.press("Escape")
    assert page.locator("h1").inner_text() == "Library opening hours"
    assert page.locator(".card").count() >= 4
    page.wait_for_load_state("networkidle")
    nothing_kept(visitor, site)
    page.go_back()
    assert page.url == "about:blank"
    page.go_forward()
    assert page.url.endswith("/hours")
    assert "husband" not in page.content()


def test_without_scripts_the_exits_work_too(visit: Any, site: Site) -> None:
    visitor: Visitor = visit(java_script_enabled=False)
    for action, path in (("leave", "/hours"), ("end", "/?ended=1")):
        visitor.go().page.locator("#text").fill(SECRET)
        visitor.page.locator("form.ask button.main").click()
        assert "husband" in visitor.page.content()
        visitor.page.locator(f"button[value={action}]").click()
        assert path in visitor.page.url
        with site.careline.database.read() as session:
            assert session.scalars(select(Conversation)).all() == []
        assert visitor.context.cookies() == []
        # Chromium does not keep the answer to a form: going back is refused, or asks anew and is told that all is erased.
        with suppress(Error):
            visitor.page.go_back()
        expect(visitor.page.locator("html")).not_to_contain_text("husband")


def test_when_nobody_is_there_all_is_erased(visit: Any, site: Site) -> None:
    visitor: Visitor = visit(None)
    page = visitor.page
    page.clock.install()
    visitor.go().ask(SECRET)
    page.clock.run_for((site.careline.settings.page_idle + 2) * 1000)
    dialog = page.locator("#idle")
    assert dialog.is_visible()
    assert page.evaluate("document.activeElement.dataset.stay") == ""  # Enter is enough to stay
    page.clock.run_for(30_000)
    counted = page.locator("#idle-text").inner_text().replace("\u2069", "")
    assert any(f"{second} seconds" in counted for second in range(25, 31))
    page.clock.run_for(31_000)
    page.wait_for_url("**/?idle=1")
    nothing_kept(visitor, site)
    assert "husband" not in page.content()


def test_more_time_as_often_as_somebody_likes(visit: Any, site: Site) -> None:
    visitor: Visitor = visit(None)
    page = visitor.page
    page.clock.install()
    visitor.go().ask(SECRET)
    for _ in range(11):
        page.clock.run_for((site.careline.settings.page_idle + 2) * 1000)
        page.locator("[data-stay]").click()
        assert page.locator("#idle").is_hidden()
    assert page.locator("#result").is_visible()


def test_the_time_can_be_ten_times_as_long(visit: Any, site: Site) -> None:
    visitor: Visitor = visit(None)
    page = visitor.page
    page.clock.install()
    visitor.go().ask(SECRET)
    page.locator("#reading summary").click()
    page.locator("input[name=time][value=longest]").check()
    page.wait_for_function("idle => document.body.dataset.idle === idle", arg=str(round(site.careline.settings.page_idle * 10)))
    page.clock.run_for(site.careline.settings.page_idle * 9 * 1000)
    assert page.locator("#idle").is_hidden()


def test_nobody_is_interrupted_in_mid_sentence(visit: Any, site: Site) -> None:
    """While somebody types, with pauses shorter than the time, nothing is asked; nor while something plays."""
    visitor: Visitor = visit(None)
    page = visitor.page
    page.clock.install()
    visitor.go()
    page.locator("#text").focus()
    for letter in "hungry":
        page.keyboard.type(letter)
        page.clock.run_for(site.careline.settings.page_idle * 900)
        assert page.locator("#idle").is_hidden()
    assert page.locator("#text").input_value() == "hungry"


def test_an_untouched_page_asks_nothing(visit: Any, site: Site) -> None:
    visitor: Visitor = visit(None)
    visitor.page.clock.install()
    visitor.go().page.clock.run_for((site.careline.settings.page_idle + 100) * 1000)
    assert visitor.page.locator("#idle").is_hidden()


def test_the_page_of_an_erased_conversation_is_worth_nothing(visit: Any, site: Site) -> None:
    first: Visitor = visit()
    first.ask(SECRET)
    conversation = first.page.locator("input[name=conversation]").first.get_attribute("value")
    first.page.locator("button.end").click()
    first.page.wait_for_url("**/?ended=1*")
    answer = first.context.request.post(site.address + "/", form={"conversation": conversation or "", "action": "look"})
    assert "That conversation has been erased" in answer.text()
