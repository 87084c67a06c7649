"""However somebody comes: by keyboard, by touch, on a small or tall screen, with large letters, without scripts."""

from typing import Any

import pytest

from tests.browser.conftest import LANGUAGES, Visitor

pytestmark = pytest.mark.browser

#: Something wider than the screen makes people scroll sideways (WCAG 1.4.10).
TOO_WIDE = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
#: What can be pressed and is smaller than 44 by 44 CSS pixels (WCAG 2.5.5), unless it stands in a sentence.
SMALL = """() => [...document.querySelectorAll('button, summary, input:not([type=hidden]), textarea, a.button, .choice, .tick')]
  .filter(one => one.checkVisibility() && !one.closest('.skip'))
  .filter(one => !one.matches('input[type=radio], input[type=checkbox]'))
  .map(one => [one.textContent.trim().slice(0, 30), one.getBoundingClientRect()])
  .filter(([, box]) => box.width < 44 || box.height < 44).map(([text, box]) => `${text}: ${box.width} x ${box.height}`)"""


def test_by_keyboard_alone(visit: Any) -> None:
    visitor: Visitor = visit(reduced_motion="reduce")
    page = visitor.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    reach(visitor, "#text")
    page.keyboard.type("I am hungry")
    reach(visitor, "form.ask button.main")
    page.keyboard.press("Enter")
    page.locator("#result").wait_for()
    assert page.evaluate("document.activeElement.id") == "answer"
    reach(visitor, ".next button[value=human]")
    page.keyboard.press("Space")
    page.locator("#result[data-awaited]").wait_for()
    page.keyboard.press("Shift+Tab")
    reach(visitor, "#reading summary", key="Shift+Tab")
    page.keyboard.press("Enter")
    reach(visitor, "input[name=size]:checked")
    page.keyboard.press("ArrowDown")
    assert page.locator("html").get_attribute("data-size") == "125"
    reach(visitor, "button.end", key="Shift+Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/?ended=1*")


def reach(visitor: Visitor, selector: str, key: str = "Tab") -> None:
    """Press a key until something has the focus; it must be seen to have it (WCAG 2.4.7) and not be covered (2.4.12)."""
    page = visitor.page
    for _ in range(80):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            break
        page.keyboard.press(key)
    else:
        raise AssertionError(f"{selector} cannot be reached with {key}")
    seen = page.evaluate(
        """() => {
          const one = document.activeElement, box = one.getBoundingClientRect();
          const there = document.elementFromPoint(box.x + box.width / 2, box.y + Math.min(box.height / 2, 20));
          return {outline: getComputedStyle(one).outlineStyle, seen: one.contains(there) || there?.contains(one)};
        }"""
    )
    assert seen == {"outline": "solid", "seen": True}, (selector, seen)


def test_everything_that_has_the_focus_shows_it(visit: Any) -> None:
    visitor: Visitor = visit()
    visitor.press("food")
    page = visitor.page
    page.evaluate("document.activeElement.blur()")
    for _ in range(60):
        page.keyboard.press("Tab")
        outline = page.evaluate("() => [document.activeElement.tagName, getComputedStyle(document.activeElement).outlineStyle]")
        assert outline[0] in ("BODY", "AUDIO") or outline[1] != "none", outline


def test_by_touch(visit: Any) -> None:
    visitor: Visitor = visit(has_touch=True, is_mobile=True, viewport={"width": 390, "height": 800})
    page = visitor.page
    page.locator(".languages button[value=ur]").tap()
    page.wait_for_function("document.documentElement.lang === 'ur'")
    page.locator("button[value=health_clinic]").tap()
    page.locator("#result").wait_for()
    page.locator("details.map summary").first.scroll_into_view_if_needed()
    page.locator("button.end").tap()
    page.wait_for_url("**/?ended=1*")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("width", "height"), [(320, 568), (1080, 1920)])
def test_narrow_and_tall(visit: Any, language: str, width: int, height: int) -> None:
    visitor: Visitor = visit(f"/?language={language}", viewport={"width": width, "height": height})
    assert visitor.page.evaluate(TOO_WIDE) == 0
    assert visitor.page.evaluate(SMALL) == []
    visitor.page.locator("#place").fill("Riverside")
    visitor.press("food")
    visitor.page.locator("#reading summary").click()
    visitor.page.locator(".to-phone summary").click()
    visitor.page.locator("details.map summary").first.click()
    assert visitor.page.evaluate(TOO_WIDE) == 0
    assert visitor.page.evaluate(SMALL) == []


@pytest.mark.parametrize("language", ["en", "ar", "ne", "zh"])
def test_four_times_as_large(visit: Any, language: str) -> None:
    visitor: Visitor = visit(f"/?language={language}", viewport={"width": 1280, "height": 1024})
    page = visitor.page
    before = page.locator("#text").evaluate("one => parseFloat(getComputedStyle(one).fontSize)")
    page.locator("#reading summary").click()
    page.locator("input[name=size][value='400']").check()
    after = page.locator("#text").evaluate("one => parseFloat(getComputedStyle(one).fontSize)")
    assert after == pytest.approx(before * 4)
    assert page.evaluate(TOO_WIDE) == 0
    visitor.press("food")  # the size goes along
    assert page.locator("html").get_attribute("data-size") == "400"
    assert page.evaluate(TOO_WIDE) == 0
    assert page.locator("button.end").is_visible()


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_scripts(visit: Any, language: str) -> None:
    """Asking, reading, more, another language, large letters, a person: all of it with forms alone."""
    visitor: Visitor = visit(java_script_enabled=False)
    page = visitor.page
    page.locator(f".languages button[value={language}]").click()
    assert page.locator("html").get_attribute("lang") == language
    page.locator("button[value=shelter]").click()
    assert page.locator(".card").count() >= 1
    page.locator("#reading summary").click()
    page.locator("input[name=size][value='200']").check()
    page.locator("input[name=theme][value=dark]").check()
    page.locator("form[data-reading] button").click()
    html = page.locator("html")
    assert (html.get_attribute("data-size"), html.get_attribute("data-theme")) == ("200", "dark")
    assert page.locator(".card").count() >= 1
    page.locator("button[value=human]").first.click()
    assert page.locator("button[value=look]").is_visible()
    assert html.get_attribute("data-size") == "200"
    for needs_script in ("[data-aloud]", "[data-microphone]", "[data-print-page]"):
        assert page.locator(needs_script).count() == 0 or page.locator(needs_script).is_hidden()


@pytest.mark.parametrize(
    "options",
    [
        {"forced_colors": "active"},
        {"color_scheme": "dark"},
        {"reduced_motion": "reduce"},
        {"color_scheme": "light", "contrast": "more"},
    ],
    ids=["forced colours", "dark", "reduced motion", "more contrast"],
)
def test_as_the_device_is_set(visit: Any, options: dict[str, str]) -> None:
    visitor: Visitor = visit(**options)
    visitor.press("food")
    page = visitor.page
    assert page.locator(".card h2").first.is_visible()
    edge = page.locator(".card").first.evaluate("one => getComputedStyle(one).borderTopStyle")
    assert edge == "solid"  # where colours are taken away, borders are what is left
    moving = page.evaluate("() => getComputedStyle(document.documentElement).scrollBehavior")
    assert moving == ("auto" if options.get("reduced_motion") else "smooth")


def test_no_layout_shift(visit: Any) -> None:
    visitor: Visitor = visit()
    shifted = visitor.page.evaluate(
        """() => new Promise(done => {
          let sum = 0;
          new PerformanceObserver(list => { for (const one of list.getEntries()) if (!one.hadRecentInput) sum += one.value; })
            .observe({type: 'layout-shift', buffered: true});
          requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => done(sum), 300)));
        })"""
    )
    assert shifted == 0


def test_no_speech_leaves_the_machine(visit: Any) -> None:
    """This Chromium understands no speech by itself, so the button is not offered."""
    visitor: Visitor = visit()
    assert visitor.page.locator("[data-microphone]").is_hidden()


def test_a_browser_that_understands_speech_itself_is_used(visit: Any) -> None:
    """No browser here does; this stands in for one with the interface of the Web Speech API."""
    visitor: Visitor = visit(None)
    visitor.page.add_init_script(
        """window.SpeechRecognition = class {
          static available({langs, processLocally}) {
            return Promise.resolve(processLocally && langs[0] === 'en-US' ? 'available' : 'unavailable');
          }
          start() { window.heard = this; }
          stop() {
            if (!this.processLocally) throw new Error('would have sent it away');
            this.onresult({results: [[{transcript: 'I need a doctor'}]]});
            this.onend();
          }
        };
        Object.defineProperty(window.SpeechRecognition.prototype, 'processLocally', {value: false, writable: true});"""
    )
    page = visitor.go().page
    button = page.locator("[data-microphone]")
    button.click()
    assert button.get_attribute("aria-pressed") == "true"
    button.click()
    assert page.locator("#text").input_value() == "I need a doctor"
    assert button.get_attribute("aria-pressed") == "false"


def test_voices_of_somebody_elses_server_are_not_used(visit: Any) -> None:
    visitor: Visitor = visit(None)
    visitor.page.add_init_script(
        """speechSynthesis.getVoices = () => [
             {lang: 'en-GB', name: 'far away', localService: false}, {lang: 'fr-FR', name: 'here', localService: true}];"""
    )
    visitor.go().press("food")
    assert visitor.page.locator("[data-aloud]").is_hidden()
    assert visitor.page.locator(".listen audio").is_visible()
    visitor.page.locator(".languages button[value=fr]").click()
    visitor.page.locator("[data-aloud]:not([hidden])").wait_for()
    assert visitor.page.locator(".listen audio").is_hidden()
