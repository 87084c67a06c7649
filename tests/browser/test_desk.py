"""The desk in a real Chromium: the whole life of a case in each channel, without a mouse, without scripts, and axe clean."""

import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import select, update
from werkzeug.serving import make_server

from bot import outbox, staff
from bot.callback import Callback
from bot.careline import Careline
from bot.conversation import Conversation
from bot.directory.tables import TABLES
from bot.escalation import Case, open_case
from bot.inbound import Inbound
from bot.settings import Settings
from bot.turn import take_turn
from tests.conftest import Texter, environment
from tests.fakes import FakeDialogue, FakeSender
from webhooks.app import create_app

pytestmark = pytest.mark.browser
PASSWORD = "a long enough password"
AXE = (Path(__file__).parent / "axe.min.js").read_text("utf-8")
#: WCAG 2.2 up to AAA, and what axe's makers hold for good practice.
RULES = ["wcag2a", "wcag2aa", "wcag2aaa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture
def desk_app(careline: Careline, monkeypatch: pytest.MonkeyPatch) -> Flask:
    monkeypatch.setattr(staff, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    env = environment(careline.settings.home)
    careline.settings = Settings.from_env(env)
    with careline.database.begin() as session:
        staff.add(session, "ada", PASSWORD)
        staff.add(session, "ben", PASSWORD)
        staff.add(session, "chief", PASSWORD, staff.Role.ADMINISTRATOR)
    app = create_app(careline, FakeDialogue())
    app.config.update(SESSION_COOKIE_SECURE=False, SESSION_COOKIE_NAME="session")  # loopback has no certificate
    return app


@pytest.fixture
def address(desk_app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, desk_app, threaded=True)
    server.daemon_threads = True  # a stream may still be open
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def sign_in(chromium: Browser, address: str) -> Iterator[Callable[..., Page]]:
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def begin(name: str, **options: object) -> Page:
        context = chromium.new_context(**{"locale": "en-GB", "viewport": {"width": 1280, "height": 900}, **options})  # type: ignore[arg-type]
        context.set_default_timeout(20_000)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(f"Error: {error}"))
        page.on(
            "request",
            lambda request: None if request.url.startswith((address, "data:")) else complaints.append(f"Error: {request.url}"),
        )
        page.goto(f"{address}/desk")
        page.get_by_label("Name").fill(name)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("heading", name="Cases").wait_for()
        return page

    yield begin
    assert not [said for said in complaints if "Content Security Policy" in said or "Error:" in said]
    for context in contexts:
        context.close()


@pytest.fixture
def texter(desk_app: Flask) -> Texter:
    return Texter(desk_app.test_client())


def axe(page: Page) -> list[str]:
    """What axe finds wrong with the page as it is."""
    page.evaluate(AXE)
    found = page.evaluate("rules => axe.run(document, { runOnly: rules })", RULES)
    return [f"{one['id']}: {[node['html'][:120] for node in one['nodes']]}" for one in found["violations"]]


def live(page: Page) -> None:
    page.locator("#live[data-state=live]").wait_for(state="attached")


class Provider(FakeSender):
    """One that gives every text an id of its own."""

    def send(self, number: str, text: str, reference: str) -> str:
        super().send(number, text, reference)
        return f"SM{uuid.uuid4().hex}"


def deliver(careline: Careline) -> list[tuple[str, str]]:
    sender = Provider()
    with careline.database.read() as session:
        due = outbox.due(session)
    for message_id in due:
        outbox.deliver(careline.database, sender, message_id)
    return sender.sent


def test_a_case_by_text_from_its_first_message_to_its_end(
    sign_in: Callable[..., Page], texter: Texter, careline: Careline
) -> None:
    ada, ben = sign_in("ada"), sign_in("ben")
    live(ada)
    live(ben)
    texter("I need food for my children please")
    texter("0")
    row = ada.get_by_role("row", name="Asked for a person")
    row.wait_for()  # without loading the page again
    row.get_by_role("link").click()
    expect(ada.locator("#thread")).to_contain_text("I need food for my children")
    ada.get_by_role("button", name="Take this case").click()
    expect(ben.get_by_role("region", name="With colleagues")).to_contain_text("ada")

    live(ada)
    assert texter("there are four of us") == []  # the bot is silent
    expect(ada.locator("#thread")).to_contain_text("there are four of us")
    ada.get_by_text("Ready replies").click()
    ada.get_by_role("link", name="In which part of town are you?").click()
    expect(ada.get_by_label("Your answer")).to_have_value("In which part of town are you?")
    ada.get_by_role("button", name="Send and stay").click()
    expect(ada.locator("#thread")).to_contain_text("on its way")
    live(ada)
    assert deliver(careline) == [("+447700900123", "In which part of town are you?")]
    expect(ada.locator("#thread li.from-staff")).to_contain_text(", sent")  # the state of delivery follows by itself
    ada.get_by_label("Your answer").fill("The pantry in Riverside is open until six.")
    ada.get_by_role("button", name="Send, done for now").click()
    assert [text for _, text in deliver(careline)] == ["The pantry in Riverside is open until six."]
    ada.get_by_role("button", name="Close").click()
    expect(ada.get_by_role("region", name="Waiting")).to_contain_text("Nobody is waiting.")
    assert "again" in texter("thank you so much for your help")[0]  # and the bot is back, and says so
    with careline.database.read() as session:
        assert session.scalars(select(Case.status)).all() == ["closed"]


def test_a_case_at_the_kiosk(sign_in: Callable[..., Page], careline: Careline, desk_app: Flask) -> None:
    turn = take_turn(careline, FakeDialogue(), Inbound("kiosk", "0"))
    ada = sign_in("ada")
    ada.get_by_role("link", name="Asked for a person").click()
    expect(ada.locator("#work ~ dl")).to_contain_text("kiosk page")
    ada.get_by_role("button", name="Take this case").click()
    ada.get_by_label("Your answer").fill("Please come to desk two.")
    ada.get_by_role("button", name="Send, done for now").click()
    with careline.database.read() as session:
        assert [one.text for one in outbox.for_kiosk(session, turn.conversation_id)] == ["Please come to desk two."]


def test_a_case_by_telephone(sign_in: Callable[..., Page], careline: Careline) -> None:
    with careline.database.begin() as session:
        talk = Conversation(channel="voice", language="ur")
        session.add(talk)
        session.flush()
        open_case(session, careline.settings, talk.id, "voicemail", "ur")
        session.add(
            Callback(
                conversation_id=talk.id,
                kind="voicemail",
                language="ur",
                recording_id="RE1",
                seconds=12,
                safe=True,
                number="+447700900555",
            )
        )
    ada = sign_in("ada")
    ada.get_by_role("link", name="Left a voice message").click()
    expect(ada.locator("audio")).to_have_attribute(
        "src", "/desk/calls/" + ada.locator("audio").get_attribute("src").split("/")[3] + "/recording"
    )  # type: ignore[union-attr]
    ada.get_by_role("link", name="Call back").click()
    ada.get_by_role("button", name="Show the number").click()
    expect(ada.get_by_text("07700 900555")).to_be_visible()
    ada.get_by_role("button", name="Reached").click()
    expect(ada.get_by_text("Nobody is waiting for a call.")).to_be_visible()


def test_a_crisis_is_announced(sign_in: Callable[..., Page], texter: Texter) -> None:
    ada = sign_in("ada")
    live(ada)
    texter("I want to kill myself")
    expect(ada.locator("#alarm")).to_contain_text("A crisis is waiting.")
    expect(ada).to_have_title("(!) Cases – Careline desk")


def test_with_the_keyboard_alone(sign_in: Callable[..., Page], texter: Texter, careline: Careline) -> None:
    texter("0")
    ada = sign_in("ada")
    ada.keyboard.press("j")
    ada.keyboard.press("Enter")
    ada.get_by_role("button", name="Take this case").wait_for()
    ada.keyboard.press("c")
    ada.get_by_label("Your answer").wait_for()
    ada.keyboard.press("r")
    ada.keyboard.type("Hello, c and q are letters here")
    expect(ada.get_by_label("Your answer")).to_have_value("Hello, c and q are letters here")
    ada.keyboard.press("Tab")
    ada.keyboard.press("Enter")
    ada.get_by_text("The answer is on its way.").wait_for()
    ada.keyboard.press("q")
    ada.get_by_role("heading", name="Cases").wait_for()
    live(ada)  # the script has run
    expect(ada.locator("#keys")).to_be_hidden()
    ada.keyboard.press("?")
    expect(ada.locator("#keys")).to_be_visible()
    ada.keyboard.press("/")
    ada.keyboard.type("letters")
    ada.keyboard.press("Enter")
    expect(ada.get_by_role("status").filter(has_text="found")).to_have_text("1 found.")


def test_without_scripts(sign_in: Callable[..., Page], texter: Texter) -> None:
    texter("0")
    ada = sign_in("ada", java_script_enabled=False)
    ada.get_by_role("link", name="Asked for a person").click()
    ada.get_by_role("button", name="Take this case").click()
    ada.locator("summary", has_text="Ready replies").click()
    ada.get_by_role("link", name="It costs you nothing.").click()
    expect(ada.get_by_label("Your answer")).to_have_value("It costs you nothing.")
    ada.get_by_role("button", name="Send, done for now").click()
    ada.get_by_text("The answer is on its way.").wait_for()


def test_without_a_stream_the_page_asks(sign_in: Callable[..., Page], texter: Texter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webhooks.desk.live.STREAMS", 0)
    ada = sign_in("ada")
    ada.locator("#live[data-state=polling]").wait_for(state="attached")
    texter("0")
    ada.get_by_role("row", name="Asked for a person").wait_for()


def test_a_steward_adds_a_word_and_takes_it_back(sign_in: Callable[..., Page], careline: Careline) -> None:
    chief = sign_in("chief")
    chief.get_by_role("link", name="Directory").click()
    chief.get_by_role("link", name="Words").click()
    chief.get_by_label("What residents say").first.fill("La Placita")
    chief.get_by_label("The place they mean").fill("Atlantis")
    chief.get_by_role("button", name="Add the word").first.click()
    chief.get_by_text("has no such place").wait_for()
    expect(chief.get_by_label("What residents say").first).to_have_value("La Placita")
    chief.get_by_label("The place they mean").fill("Eastgate")
    chief.get_by_role("button", name="Add the word").first.click()
    chief.get_by_text("Added, from the next message on.").wait_for()
    with_it = careline.places().find("un medico en la placita")
    assert with_it is not None
    assert with_it.name == "Eastgate"
    chief.get_by_role("button", name="Undo").click()
    chief.get_by_text("Undone.").first.wait_for()
    assert careline.places().find("un medico en la placita") is None


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 320])
def test_every_page_is_axe_clean(
    sign_in: Callable[..., Page], texter: Texter, careline: Careline, address: str, scheme: str, width: int
) -> None:
    texter("necesito comida para mis hijos por favor")
    texter("0")
    chief = sign_in("chief", color_scheme=scheme, viewport={"width": width, "height": 800})
    found: dict[str, list[str]] = {"queue": axe(chief)}
    chief.get_by_role("link", name="Asked for a person").click()
    chief.get_by_role("button", name="Take this case").click()
    for summary in chief.locator("summary").all():
        summary.click()
    found["case"] = axe(chief)
    for path in (
        "me",
        "me/second-factor",
        "people",
        "people/audit",
        "figures",
        "calls",
        "search",
        "directory",
        "directory/new",
        "words",
    ):
        chief.goto(f"{address}/desk/{path}")
        for summary in chief.locator("summary").all():
            summary.click()
        found[path] = axe(chief)
        assert chief.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), path
    chief.get_by_role("button", name="Sign out").click()
    found["sign in"] = axe(chief)
    with careline.database.begin() as session:
        session.execute(update(staff.Staff).where(staff.Staff.name == "chief").values(second_factor="JBSWY3DPEHPK3PXP"))
    chief.get_by_label("Name").fill("chief")
    chief.get_by_label("Password").fill(PASSWORD)
    chief.get_by_role("button", name="Sign in").click()
    found["code"] = axe(chief)
    assert {page: problems for page, problems in found.items() if problems} == {}


@pytest.mark.parametrize("language", ["es", "ar", "ur", "ne", "ja"])
@pytest.mark.parametrize("width", [1280, 320])
def test_a_stewards_pages_are_axe_clean_in_their_language(
    sign_in: Callable[..., Page], texter: Texter, careline: Careline, address: str, language: str, width: int
) -> None:
    texter("where is food to eat in Riverside")
    texter("WRONG")
    with careline.database.begin() as session:
        service = session.scalar(select(TABLES["service"].c.id).limit(1))
        place = session.scalar(select(TABLES["location"].c.id).limit(1))
    chief = sign_in("chief", locale=language, viewport={"width": width, "height": 800})
    found: dict[str, list[str]] = {}
    for path in (
        "directory?text=food",
        "directory/stale",
        "directory/reports",
        "directory/changes",
        "directory/new",
        f"directory/service/{service}",
        f"directory/location/{place}",
        "words",
        "articles",
    ):
        chief.goto(f"{address}/desk/{path}")
        expect(chief.locator("html")).to_have_attribute("lang", language)
        for summary in chief.locator("summary").all():
            summary.click()
        found[path] = axe(chief)
        assert chief.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), path
    assert {page: problems for page, problems in found.items() if problems} == {}


def test_a_steward_adds_a_word_in_spanish(sign_in: Callable[..., Page], careline: Careline) -> None:
    chief = sign_in("chief", locale="es-MX")
    chief.get_by_role("link", name="Directory").click()
    chief.get_by_role("link", name="Palabras").click()
    chief.get_by_label("Lo que dice la gente").first.fill("La Placita")
    chief.get_by_label("El lugar que quieren decir").fill("Atlantis")
    chief.get_by_role("button", name="Añadir la palabra").first.click()
    chief.get_by_text("El directorio no tiene ese lugar.").wait_for()
    chief.get_by_label("El lugar que quieren decir").fill("Eastgate")
    chief.get_by_role("button", name="Añadir la palabra").first.click()
    chief.get_by_text("Añadida, desde el próximo mensaje.").wait_for()
    found = careline.places().find("un medico en la placita")
    assert found is not None
    assert found.name == "Eastgate"
