"""A registered kiosk in a library: its start screen, its place, its staff, and a network that goes away."""

from typing import Any

import pytest
from sqlalchemy import select

from bot.conversation import Conversation, Message
from bot.escalation import Case
from bot.kiosk import Secrets
from tests.browser.conftest import LANGUAGES, Site, Visitor

pytestmark = pytest.mark.browser


def begin(kiosk: Visitor, language: str = "en") -> Visitor:
    kiosk.page.locator(f".start-languages button[value={language}]").click()
    kiosk.page.wait_for_function(
        "code => document.documentElement.lang === code && document.querySelector('form.ask')", arg=language
    )
    return kiosk


def sign_in(kiosk: Visitor, pin: str) -> None:
    kiosk.page.locator("#staff summary").click()
    kiosk.page.locator("#pin").fill(pin)
    kiosk.page.locator("#staff button").click()


def test_the_start_screen_greets_in_every_language(kiosk: Visitor, site: Site) -> None:
    page = kiosk.page
    assert page.locator(".start-languages button").count() == len(LANGUAGES)
    seen = page.evaluate(
        """() => new Promise(done => {
          const seen = new Set();
          const look = () => {
            seen.add(document.querySelector('#greetings .current').lang);
            if (seen.size >= 3) done([...seen]);
          };
          look();
          new MutationObserver(look).observe(document.getElementById('greetings'), {subtree: true, attributes: true});
        })"""
    )
    assert list(seen)[:3] == list(LANGUAGES)[:3]
    for language in LANGUAGES:
        words = site.careline.wording.words(language, "kiosk")
        assert page.locator(f"#greetings p[lang={language}]").text_content() == words("page.hello")
    page.locator("#still").click()
    assert page.locator("#still").inner_text() == "Move again"


def test_near_begins_at_the_branch(kiosk: Visitor, site: Site) -> None:
    begin(kiosk)
    assert "Eastgate Library" in kiosk.page.locator("#where").inner_text()
    kiosk.press("food")
    assert site.dialogue.asked[0].place == "Eastgate Library"
    kiosk.page.locator("details.map summary").first.click()
    assert "from Eastgate Library" in kiosk.page.locator("details.map").first.inner_text()


def test_no_link_leads_away_from_a_kiosk(kiosk: Visitor) -> None:
    begin(kiosk)
    kiosk.press("rights_health")
    away = kiosk.page.evaluate("[...document.querySelectorAll('a')].map(one => one.href).filter(one => !one.startsWith(origin))")
    assert away == []
    assert "https://" in kiosk.page.locator(".sources").inner_text()  # to be read, or printed


def test_the_end_leads_to_the_start_screen_and_keeps_the_kiosk(kiosk: Visitor, site: Site) -> None:
    begin(kiosk, "ar")
    kiosk.ask("my husband hits me and I am hungry")
    kiosk.page.locator("button.end").click()
    kiosk.page.locator("#greetings").wait_for()
    stored = kiosk.stored()
    assert stored["cookies"] == ["__Host-kiosk"]
    assert (stored["local"], stored["session"], stored["databases"]) == ({}, {}, [])
    kept = kiosk.page.evaluate(
        """async () => {
          const cache = await caches.open('careline-offline');
          return Promise.all((await cache.keys()).map(async one => (await cache.match(one)).text()));
        }"""
    )
    assert not any("husband" in text for text in kept)
    with site.careline.database.read() as session:
        assert session.scalars(select(Conversation)).all() == []


def test_the_network_goes_and_comes_back(kiosk: Visitor, site: Site) -> None:
    page = kiosk.page
    page.evaluate(
        """async () => {
          await navigator.serviceWorker.ready;
          const cache = await caches.open('careline-offline');
          while (!navigator.serviceWorker.controller || (await cache.keys()).length < 5) {
            await new Promise(done => setTimeout(done, 50));
          }
        }"""
    )
    site.stop()
    page.goto(site.address + "/")
    text = page.locator("main").inner_text()
    assert "112" in text
    assert "Eastgate Library" in text
    assert page.locator("main .number").count() >= len(LANGUAGES)  # the branch's own services, in each language
    for language in LANGUAGES:
        words = site.careline.wording.words(language, "kiosk", emergency="112")
        assert words("page.danger") in text
    site.start()
    page.locator("#greetings").wait_for()  # by itself


def test_what_was_written_survives_a_lost_network(visit: Any, site: Site) -> None:
    visitor: Visitor = visit()
    visitor.page.locator("#text").fill("I am hungry")
    visitor.context.set_offline(True)
    visitor.page.locator("form.ask button.main").click()
    visitor.page.locator("#lost:not([hidden])").wait_for()
    assert visitor.page.locator("#text").input_value() == "I am hungry"
    assert visitor.page.get_by_text("In danger? Call 112.").is_visible()
    visitor.context.set_offline(False)
    visitor.page.locator("form.ask button.main").click()
    visitor.page.locator("#result").wait_for()
    assert len(site.dialogue.asked) == 1


def test_on_a_slow_line(visit: Any, site: Site) -> None:
    """The answer comes, the person is told to wait, and pressing again asks once."""
    visitor: Visitor = visit()
    cdp = visitor.context.new_cdp_session(visitor.page)
    slow = {"offline": False, "latency": 1500, "downloadThroughput": 20_000, "uploadThroughput": 20_000}
    cdp.send("Network.emulateNetworkConditions", slow)
    visitor.page.locator("#text").fill("I am hungry")
    button = visitor.page.locator("form.ask button.main")
    button.click()
    button.click()
    assert visitor.page.locator("#busy").inner_text() == "One moment …"
    visitor.page.locator("#result").wait_for()
    with site.careline.database.read() as session:
        assert len(session.scalars(select(Message)).all()) == 1


def test_staff_beside_the_person(kiosk: Visitor, site: Site, secrets: Secrets) -> None:
    begin(kiosk, "ne")
    page = kiosk.page
    sign_in(kiosk, "000000" if secrets.pin != "000000" else "111111")
    page.locator("#notice.wrong").wait_for()
    assert page.locator(".assist").count() == 0
    page.locator("#pin").fill(secrets.pin)
    page.locator("#staff button").click()
    page.locator(".assist").wait_for()
    page.locator("#typed").fill("She needs food and has no money")
    page.locator(".assist form").first.locator("button").click()
    page.locator("#result").wait_for()
    assert page.locator("html").get_attribute("lang") == "ne"  # staff type in English, the answer is in Nepali
    assert site.dialogue.asked[0].language == "ne"
    page.locator(".assist button[name=both]").click()
    page.locator(".beside").wait_for()
    left, right = (page.locator(".beside > div").nth(number) for number in (0, 1))
    assert right.get_attribute("lang") == "en"
    assert "No papers needed" in right.inner_text()
    assert site.careline.wording.words("ne", "kiosk")("documents.none") in left.inner_text()
    assert left.bounding_box()["y"] == right.bounding_box()["y"]  # type: ignore[index]
    page.locator(".assist button[name=print]").click()
    page.locator("html[data-print=large]").wait_for()
    page.locator("#note").fill("Knows no English, three children")
    page.locator(".assist form").nth(2).locator("button").click()
    page.locator("#result[data-awaited]").wait_for()
    with site.careline.database.read() as session:
        (case,) = session.scalars(select(Case))
        assert (case.reason, case.language) == ("asked", "ne")
        newest = session.scalars(select(Message).order_by(Message.id.desc())).first()
        assert newest is not None
        assert newest.text == "Library staff at Eastgate Library ask for help: Knows no English, three children"
    page.locator("button[value=assist_close]").click()
    page.locator(".assist").wait_for(state="detached")
    assert page.locator(".beside").count() == 0


def test_the_bar_ends_with_the_page(kiosk: Visitor, secrets: Secrets) -> None:
    begin(kiosk)
    sign_in(kiosk, secrets.pin)
    kiosk.page.locator(".assist").wait_for()
    kiosk.page.locator("button.end").click()
    kiosk.page.locator("#greetings").wait_for()
    assert begin(kiosk).page.locator(".assist").count() == 0


def test_a_registration_code_works_once(visit: Any, secrets: Secrets, kiosk: Visitor) -> None:
    other: Visitor = visit("/device")
    other.page.locator("#code").fill(secrets.code)
    other.page.locator("form button").click()
    other.page.locator("#notice").wait_for()
    assert other.context.cookies() == []
    other.go()
    assert other.page.locator("#greetings").count() == 0  # an ordinary page


def test_an_ordinary_browser_gets_no_service_worker(visit: Any) -> None:
    visitor: Visitor = visit()
    visitor.press("food")
    assert visitor.stored()["workers"] == 0
