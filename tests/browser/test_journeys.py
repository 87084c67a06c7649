"""What people come for, from the first touch to the end, in every language."""

from typing import Any

import pytest
from sqlalchemy import select

from bot import outbox
from bot.conversation import Conversation
from bot.escalation import Case
from bot.reply import Phrase, Reply
from bot.rights.articles import Rights
from tests.browser.conftest import LANGUAGES, Site, Visitor

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("language", LANGUAGES)
def test_from_the_first_touch_to_the_end(visit: Any, site: Site, language: str) -> None:
    """Choose a language, press a picture, read the answer, see more places, ask for a person, erase."""
    visitor: Visitor = visit()
    page = visitor.page
    page.locator(f".languages button[value={language}]").click()
    html = page.locator("html")
    page.wait_for_function("code => document.documentElement.lang === code", arg=language)
    assert html.get_attribute("dir") == ("rtl" if language in ("ar", "ur") else "ltr")
    words = site.careline.wording.words(language, "kiosk")
    assert page.locator("h1").inner_text() == words("page.hello")
    visitor.press("food")
    assert words("topic.food") in page.locator(".asked").inner_text()
    card = page.locator(".card").first
    assert card.locator("h2").inner_text()
    assert card.locator('a[href^="tel:+44"]').count() == 1
    assert words("documents.none") in page.locator(".cards").inner_text()
    page.locator("button[name=send][value=MORE]").click()
    page.locator(".asked").get_by_text(words("page.more_places")).wait_for()
    assert site.dialogue.asked[-1].payload == "/more"
    page.locator(".next button[name=topic][value=human]").click()
    page.locator("#result[data-awaited]").wait_for()
    with site.careline.database.read() as session:
        assert [case.language for case in session.scalars(select(Case))] == [language]
        assert len(session.scalars(select(Conversation)).all()) == 1
    page.locator("button.end").click()
    page.wait_for_url("**/?ended=1*")
    assert page.locator("#notice").inner_text() == words("page.ended")
    assert html.get_attribute("lang") == language
    with site.careline.database.read() as session:
        assert session.scalars(select(Conversation)).all() == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_right_in_full_and_in_easy_words(visit: Any, language: str) -> None:
    visitor: Visitor = visit(f"/?language={language}")
    visitor.press("rights_health")
    article = Rights.load().find("rights_health", language)
    assert article is not None
    page = visitor.page
    assert article.easy
    assert page.locator(".easy").inner_text() == article.easy
    page.locator("#reading summary").click()
    page.locator("input[name=words][value=easy]").check()
    page.locator("details.whole").wait_for()
    assert page.locator("details.whole p").first.is_hidden()
    page.locator("details.whole summary").click()
    assert page.locator("details.whole p").first.is_visible()


def test_a_question_in_own_words(visit: Any, site: Site) -> None:
    visitor: Visitor = visit()
    visitor.ask("tengo hambre y no tengo dinero, donde puedo comer en Riverside?")
    assert visitor.page.locator("html").get_attribute("lang") == "es"
    assert visitor.page.locator("#place").input_value() == "Riverside"  # said once, seen from then on
    assert site.dialogue.asked[0].text.startswith("tengo hambre")


def test_an_emergency_comes_first(visit: Any, site: Site) -> None:
    visitor: Visitor = visit()
    visitor.ask("I want to die")
    assert visitor.page.locator(".urgent .first").is_visible()
    assert visitor.page.locator('.urgent a[href="tel:112"]').is_visible()
    assert site.dialogue.asked == []


def test_the_way_is_sketched_from_the_place_asked_about(visit: Any) -> None:
    visitor: Visitor = visit()
    visitor.page.locator("#place").fill("Riverside")
    visitor.press("food")
    visitor.page.locator("details.map summary").first.click()
    drawing = visitor.page.locator("svg.sketch").first
    assert drawing.is_visible()
    assert "from Riverside" in (drawing.get_attribute("aria-label") or "")
    assert visitor.page.locator('details.map a[href^="geo:50."]').first.is_visible()


def test_a_text_goes_to_a_phone_only_with_consent(visit: Any, site: Site) -> None:
    visitor: Visitor = visit()
    visitor.press("food")
    page = visitor.page
    page.locator(".to-phone summary").click()
    page.locator("#number").fill("07700 900321")
    page.locator(".to-phone button").click()
    page.locator("#notice.wrong").wait_for()
    assert page.locator("#number").input_value() == "07700 900321"
    page.locator("#consent").check()
    page.locator(".to-phone button").click()
    page.get_by_text("ending in 21").wait_for()
    assert "900321" not in page.content()
    with site.careline.database.read() as session:
        (queued,) = [session.get(outbox.OutboxMessage, one) for one in outbox.due(session)]
        assert queued is not None
        assert session.get_one(Conversation, queued.conversation_id).number == "+447700900321"
        assert page.locator(".card h2").first.inner_text() in queued.text


def test_an_answer_is_picked_up_at_another_kiosk(visit: Any) -> None:
    first: Visitor = visit("/?language=fr")
    first.press("food")
    first.page.locator("button[value=take_code]").click()
    digits = first.page.locator(".code .digits").inner_text()
    assert first.page.locator(".qr svg").is_visible()
    code = "".join(character for character in digits if character.isdigit())
    assert len(code) == 6
    names = first.page.locator(".card h2").all_inner_texts()
    second: Visitor = visit()
    second.page.locator("#pickup summary").click()
    second.page.locator("#digits").fill(f"{code[:3]} {code[3:]}")
    second.page.locator("#pickup button").click()
    second.page.locator("#result").wait_for()
    assert second.page.locator(".card h2").all_inner_texts() == names
    assert second.page.locator("html").get_attribute("lang") == "fr"
    assert second.page.locator("input[name=conversation]").count() == 0
    assert second.page.locator(".asked").count() == 0  # the answer only, not what was asked


def test_a_wrong_code_opens_nothing(visit: Any) -> None:
    visitor: Visitor = visit()
    visitor.page.locator("#pickup summary").click()
    visitor.page.locator("#digits").fill("000 000")
    visitor.page.locator("#pickup button").click()
    visitor.page.locator("#notice.wrong").wait_for()
    assert visitor.page.locator("#digits").is_visible()


def test_the_answer_can_be_heard(visit: Any) -> None:
    """The browser here has no voice: the player of our own server stays, and really plays."""
    visitor: Visitor = visit("/?language=ne")
    visitor.press("food")
    player = visitor.page.locator(".listen audio")
    assert player.is_visible()
    seconds = player.evaluate(
        """audio => new Promise((done, fail) => {
          audio.onloadedmetadata = () => done(audio.duration);
          audio.onerror = () => fail(new Error("it cannot be played"));
          audio.preload = "auto";
          audio.load();
        })"""
    )
    assert 5 < seconds < 300


def test_print_shows_the_answer_and_no_buttons(visit: Any) -> None:
    visitor: Visitor = visit()
    visitor.page.locator("#place").fill("Riverside")
    visitor.press("food")
    page = visitor.page
    page.emulate_media(media="print")
    assert page.locator(".card").first.is_visible()
    for hidden in (".bar", ".ask", "#reading", ".next", ".card button", ".listen", "footer"):
        assert page.locator(hidden).first.is_hidden(), hidden
    assert page.locator(".card").first.get_by_text("01632").is_visible()
    assert len(page.pdf(format="A4")) > 5_000


def test_a_greeting_is_nothing_to_take_along(visit: Any, site: Site) -> None:
    visitor: Visitor = visit()
    site.dialogue.respond = lambda question: Reply(opening=(Phrase("thanks.welcome"),), topic="thanks")  # type: ignore[method-assign]
    visitor.ask("thanks")
    assert visitor.page.locator(".take").count() == 0
