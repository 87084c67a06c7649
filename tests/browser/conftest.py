"""A real Chromium at the real application, on loopback, with answers from the invented municipality's own directory."""

import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from werkzeug.serving import make_server

from bot import kiosk as kiosks
from bot.answers import Asked, rights, search
from bot.careline import Careline, Question
from bot.clock import now
from bot.errors import DialogueUnavailable
from bot.kiosk import Secrets
from bot.reply import Phrase, Reply
from bot.topics import NEEDS, RIGHTS
from webhooks.app import create_app

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
LANGUAGES = ("en", "es", "fr", "pt", "nl", "ar", "ur", "ne", "sw", "tl", "zh", "ja")
HERE = Path(__file__).parent


@dataclass
class DirectoryDialogue:
    """Stands in for Rasa: what a button asks for is answered from the real directory and articles, any other text as food."""

    careline: Careline
    down: bool = False
    asked: list[Question] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)

    def respond(self, question: Question) -> Reply:
        self.asked.append(question)
        if self.down:
            raise DialogueUnavailable("switched off by the test")
        topic = (question.payload or "/food").lstrip("/").split("{")[0]
        place = self.careline.places().find(question.place or "")
        moment = now().astimezone(self.careline.settings.time_zone)
        asked = Asked(question.conversation_id, question.text, question.language, "kiosk", moment, place=place)
        if topic in NEEDS:
            return search.answer(self.careline, asked, topic).reply
        if topic in RIGHTS:
            return rights.answer(self.careline, asked, topic).reply
        return Reply(opening=(Phrase("thanks.welcome"),), topic="thanks")

    def forget(self, conversation_id: str) -> None:
        self.forgotten.append(conversation_id)


@pytest.fixture
def dialogue(careline: Careline) -> DirectoryDialogue:  # type: ignore[override]
    return DirectoryDialogue(careline)


class Site:
    """The application as it listens; `stop` and `start` take it off the network and bring it back."""

    def __init__(self, careline: Careline, dialogue: DirectoryDialogue) -> None:
        self.app: Flask = create_app(careline, dialogue)
        self.careline = careline
        self.dialogue = dialogue
        self.port = 0
        self.start()
        self.address = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._server = make_server("127.0.0.1", self.port, self.app, threaded=True)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def site(careline: Careline, dialogue: DirectoryDialogue) -> Iterator[Site]:
    site = Site(careline, dialogue)
    yield site
    site.stop()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    executable = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if executable is None:
        pytest.skip("There is no Chromium on this machine: install it (Debian: chromium) to run the browser tests.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield browser
        browser.close()


@dataclass
class Visitor:
    """Somebody at the page. Whatever the browser asks of other machines, and whatever it complains about, is kept."""

    page: Page
    site: Site
    elsewhere: list[str]
    complaints: list[str]

    @property
    def context(self) -> BrowserContext:
        return self.page.context

    def go(self, path: str = "/") -> "Visitor":
        self.page.goto(self.site.address + path)
        return self

    def ask(self, text: str) -> "Visitor":
        self.page.locator("#text").fill(text)
        self.page.locator("form.ask button.main").click()
        self.page.locator("#result").wait_for()
        return self

    def press(self, topic: str) -> "Visitor":
        tile = self.page.locator(f"form.ask button[name=topic][value={topic}]")
        for fold in ("details.topics", "details.rights"):
            if not tile.is_visible() and self.page.locator(fold).count():
                self.page.locator(fold).evaluate("fold => { fold.open = true }")
        tile.click()
        self.page.locator("#result").wait_for()
        return self

    def stored(self) -> dict[str, Any]:
        """Everything a browser can keep for this address."""
        inside = self.page.evaluate(
            """async () => ({
              local: {...localStorage}, session: {...sessionStorage},
              caches: await caches.keys(),
              databases: (await indexedDB.databases()).map(one => one.name),
              workers: (await navigator.serviceWorker.getRegistrations()).length,
              state: history.state, entries: history.length, name: window.name,
            })"""
        )
        return {**inside, "cookies": [cookie["name"] for cookie in self.context.cookies()]}


@pytest.fixture
def visit(chromium: Browser, site: Site) -> Iterator[Any]:
    """`visit()` opens a browser of its own at the start page; options are those of a Playwright context."""
    contexts: list[BrowserContext] = []
    visitors: list[Visitor] = []

    def begin(path: str | None = "/", **options: Any) -> Visitor:
        context = chromium.new_context(**{"locale": "en-GB", "viewport": {"width": 1000, "height": 900}, **options})
        contexts.append(context)
        context.set_default_timeout(20_000)
        page = context.new_page()
        visitor = Visitor(page, site, [], [])
        page.on("request", lambda request: visitor.elsewhere.append(request.url) if not _ours(request.url, site) else None)
        page.on("console", lambda said: visitor.complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: visitor.complaints.append(str(error)))
        visitors.append(visitor)
        return visitor.go(path) if path is not None else visitor

    yield begin
    for visitor in visitors:
        assert visitor.elsewhere == []
        assert not [said for said in visitor.complaints if "Content Security Policy" in said or "Error:" in said]
    for context in contexts:
        context.close()


def _ours(url: str, site: Site) -> bool:
    return url.startswith((site.address, "data:", "blob:"))


@pytest.fixture
def secrets(careline: Careline) -> Secrets:
    """A kiosk registered for the library in Eastgate."""
    with careline.database.begin() as session:
        return kiosks.register(session, "East 1", "Eastgate Library", printer=True)


@pytest.fixture
def kiosk(visit: Any, secrets: Secrets) -> Visitor:
    """A browser that has been made that kiosk."""
    visitor: Visitor = visit("/device")
    visitor.page.locator("#code").fill(secrets.code.lower())
    visitor.page.locator("form button").click()
    visitor.page.get_by_text("Eastgate Library").wait_for()
    return visitor.go()
