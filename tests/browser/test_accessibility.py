"""axe-core on every page and state, in both themes and every language, and what a screen reader is told.

axe.min.js is axe-core 4.14.1 (MPL 2.0, Deque), unchanged.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import html5lib
import pytest
import time_machine

from bot import outbox
from bot.kiosk import Secrets
from tests.browser.conftest import HERE, LANGUAGES, Site, Visitor

pytestmark = pytest.mark.browser

AXE = (HERE / "axe.min.js").read_text("utf-8")
#: Every rule for WCAG 2.0 to 2.2 A, AA and AAA, and the best practices.
RUN = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag2aaa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"],
    "rules": {"color-contrast-enhanced": {"enabled": True}, "identical-links-same-purpose": {"enabled": True}},
}


def clean(visitor: Visitor) -> None:
    """axe finds nothing, and an HTML parser that forgives nothing neither."""
    page = visitor.page
    cdp = page.context.new_cdp_session(page)
    # A greeting that is still fading in has less contrast than it will have.
    page.evaluate(
        "Promise.all(document.getAnimations().filter(one => one.effect.getComputedTiming().endTime < 5000)"
        ".map(one => one.finished))"
    )
    # Through the debugger, because the page's own policy forbids scripts that are not ours.
    cdp.send("Runtime.evaluate", {"expression": AXE})
    result = page.evaluate("run => axe.run(document, run)", RUN)
    assert len(result["passes"]) > 3  # it really looked
    found = [
        f"{one['id']}: {node['html'][:200]} {node['failureSummary']}" for one in result["violations"] for node in one["nodes"]
    ]
    assert found == []


def valid(html: str) -> None:
    """The HTML is one that the standard's parser has no complaint about, and ids are unique."""
    parser = html5lib.HTMLParser(strict=True)
    parser.parse(html)
    ids = re.findall(r'\sid="([^"]+)"', html)
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_main_pages(visit: Any, language: str, scheme: str) -> None:
    visitor: Visitor = visit(f"/?language={language}", color_scheme=scheme)
    clean(visitor)
    visitor.page.locator("#place").fill("Riverside")
    visitor.press("food")
    clean(visitor)


def folded_out(visitor: Visitor, site: Site) -> None:
    visitor.page.locator("#place").fill("Riverside")
    visitor.press("violence_refuge")
    visitor.page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")


def an_article(visitor: Visitor, site: Site) -> None:
    visitor.press("rights_health")


def an_emergency(visitor: Visitor, site: Site) -> None:
    visitor.ask("I want to die")


def choices(visitor: Visitor, site: Site) -> None:
    visitor.ask("please delete everything you know about me")


def nothing_written(visitor: Visitor, site: Site) -> None:
    visitor.page.locator("form.ask button.main").click()
    visitor.page.locator("#notice.wrong").wait_for()


def staff_answered(visitor: Visitor, site: Site) -> None:
    visitor.press("human")
    conversation = visitor.page.locator("input[name=conversation]").first.get_attribute("value")
    with site.careline.database.begin() as session:
        outbox.put(session, conversation or "", "Come to desk 2", origin="case axe", author="staff")
    visitor.page.get_by_text("Come to desk 2").wait_for()


def a_code(visitor: Visitor, site: Site) -> None:
    visitor.press("food")
    visitor.page.locator("button[value=take_code]").click()
    visitor.page.locator("#code").wait_for()


def a_number_refused(visitor: Visitor, site: Site) -> None:
    visitor.press("food")
    visitor.page.locator(".to-phone summary").click()
    visitor.page.locator("#number").fill("12")
    visitor.page.locator(".to-phone button").click()
    visitor.page.locator("#notice.wrong").wait_for()


def asked_whether_somebody_is_there(visitor: Visitor, site: Site) -> None:
    visitor.press("food")
    visitor.page.evaluate("document.body.dataset.idle = '0'")
    visitor.page.locator("#idle").wait_for()


def all_is_erased(visitor: Visitor, site: Site) -> None:
    visitor.press("food")
    visitor.page.locator("button.end").click()
    visitor.page.wait_for_url("**/?ended=1*")


def left_quickly(visitor: Visitor, site: Site) -> None:
    visitor.go("/hours")


def strong_contrast(visitor: Visitor, site: Site) -> None:
    visitor.page.locator("#reading summary").click()
    visitor.page.locator("input[name=contrast][value=more]").check()
    visitor.press("food")


def very_large(visitor: Visitor, site: Site) -> None:
    visitor.page.locator("#reading summary").click()
    visitor.page.locator("input[name=size][value='400']").check()
    visitor.press("food")


STATES = [
    folded_out,
    an_article,
    an_emergency,
    choices,
    nothing_written,
    staff_answered,
    a_code,
    a_number_refused,
    asked_whether_somebody_is_there,
    all_is_erased,
    left_quickly,
    strong_contrast,
    very_large,
]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "ur"])
@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_every_state(visit: Any, site: Site, state: Callable[[Visitor, Site], None], language: str, scheme: str) -> None:
    visitor: Visitor = visit(f"/?language={language}", color_scheme=scheme)
    state(visitor, site)
    clean(visitor)


def test_every_page_of_a_kiosk(kiosk: Visitor, secrets: Secrets) -> None:
    clean(kiosk)
    kiosk.page.locator(".start-languages button[value=es]").click()
    kiosk.page.wait_for_function("document.documentElement.lang === 'es'")
    clean(kiosk)
    kiosk.page.locator("#staff summary").click()
    kiosk.page.locator("#pin").fill(secrets.pin)
    kiosk.page.locator("#staff button").click()
    kiosk.page.locator(".assist").wait_for()
    kiosk.press("food")
    kiosk.page.locator(".assist button[name=both]").click()
    kiosk.page.locator(".beside").wait_for()
    clean(kiosk)
    for path in ("/offline", "/device", "/hours"):
        kiosk.go(path)
        clean(kiosk)


@pytest.mark.parametrize("language", LANGUAGES)
def test_html_as_it_is_sent(visit: Any, language: str) -> None:
    visitor: Visitor = visit(f"/?language={language}")
    address = visitor.site.address + "/"
    valid(visitor.context.request.get(f"{address}?language={language}").text())
    visitor.page.locator("#place").fill("Riverside")
    with visitor.page.expect_response(address) as answer:
        visitor.press("food")
    valid(answer.value.text())
    with visitor.page.expect_response(address) as code:
        visitor.page.locator("button[value=take_code]").click()
    assert 'id="code"' in code.value.text()
    valid(code.value.text())
    for path in ("/hours", "/offline", "/device"):
        valid(visitor.context.request.get(visitor.site.address + path).text())


def test_what_a_screen_reader_is_told(visit: Any, golden: Callable[[Path, str], None]) -> None:
    """Chromium's accessibility tree of the main journey: roles, names and states, in reading order."""
    # Which places come first depends on what is open: a Monday morning, for the server and for all it says.
    with time_machine.travel(datetime(2026, 11, 23, 10, 0, tzinfo=UTC)):
        visitor: Visitor = visit("/?language=en")
        start = visitor.page.locator("body").aria_snapshot()
        visitor.page.locator("#place").fill("Riverside")
        visitor.press("library")
        answer = visitor.page.locator("body").aria_snapshot()
    golden(HERE / "screen_reader.txt", f"# The start page\n{start}\n\n# An answer\n{answer}\n")
