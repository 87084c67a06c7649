"""Every word that somebody outside can write, and every column of the directory, full of code; a real browser opens every page.

Nothing may run: no flag, no dialog, no report of the Content-Security-Policy, which would have been the last thing in the way.
"""

import csv
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from flask import Flask
from playwright.sync_api import Browser, Page
from sqlalchemy import select, update
from twilio.request_validator import RequestValidator

from bot import callback, escalation, staff
from bot import kiosk as kiosks
from bot.careline import Careline
from bot.conversation import Message
from bot.directory.importer import import_package
from bot.directory.reports import RecordReport
from bot.directory.tables import RESOURCES, TABLES
from bot.escalation import Case
from bot.rights.articles import Rights
from bot.settings import Settings
from bot.training import ROOT
from tests.browser.conftest import DirectoryDialogue, Site
from tests.conftest import TOKEN, Texter, environment
from tests.desk import ADDRESS, PASSWORD, Desk
from webhooks.caller import Caller

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore")]

RUN = "window.pwned=1"
#: Out of text, an attribute in either quotes, a script, a style, a comment; and templates of several kinds.
CODE = (
    f"'\"></textarea></title></style></script>--><img src=x onerror={RUN}><script>{RUN}</script><svg onload={RUN}>"
    f"<details open ontoggle={RUN}><a href=javascript:{RUN}>x</a>{{{{7*7}}}}${{7*7}}<%= 7*7 %>{{spent}}%s[x](javascript:{RUN})"
)
LINK = f"javascript:{RUN}//example.org"
#: Columns that are no words: keys, numbers, days, and what the search needs to find anything at all.
NO_WORDS = {
    "status",
    "latitude",
    "longitude",
    "minimum_age",
    "maximum_age",
    "assured_date",
    "last_modified",
    "location_type",
    "address_type",
    "taxonomy",
    "code",
    "term",
    "freq",
    "byday",
    "byweekno",
    "bymonthday",
    "byyearday",
    "interval",
    "until",
    "count",
    "wkst",
    "opens_at",
    "closes_at",
    "valid_from",
    "valid_to",
    "dtstart",
    "timezone",
    "schedule_type",
    "extent_type",
    "link_entity",
    "link_type",
    "country",
    "number",
    "type",
    "code_language",
    "amount",
    "currency",
    "year_incorporated",
    "min_age",
    "max_age",
    "resource_type",
}
LINKS = {"url", "website", "uri", "logo"}


def package(folder: Path) -> Path:
    """The invented municipality's package with code in every column that holds words."""
    shutil.copytree(ROOT / "data" / "directory", folder)
    for resource in RESOURCES.values():
        path = folder / resource.file
        if not path.exists():
            continue
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            for row in rows:
                writer.writerow({name: _spoilt(name, value) for name, value in row.items()})
    return folder


def _spoilt(name: str, value: str) -> str:
    if name == "id" or name.endswith("_id") or name in NO_WORDS:
        return value
    return LINK if name in LINKS else f"{value} {CODE}".strip()


@pytest.fixture
def filled(careline: Careline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Careline:
    """The directory, local articles, kiosks and accounts, as hostile as they can be."""
    monkeypatch.setattr(staff, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    local = tmp_path / "local"
    (local / "rights" / "en").mkdir(parents=True)
    body = (
        f'---\ntitle: "Health {RUN}"\nreviewed: 2026-11-22\n---\n\n{CODE}\n\n<script>{RUN}</script>\n\n[x]({LINK}) ![x]({LINK})\n'
    )
    (local / "rights" / "en" / "rights_health.md").write_text(body, "utf-8")
    careline.settings = Settings.from_env(
        environment(careline.settings.home) | {"CARELINE_LOCAL": str(local), "CARELINE_MUNICIPALITY": "Port Amity"}
    )
    careline.rights = Rights.load(local=local)
    import_package(careline.database, package(tmp_path / "package"))
    with careline.database.begin() as session:
        for resource in RESOURCES.values():  # and what the import would not have let in
            for column in LINKS & set(TABLES[resource.name].columns.keys()):
                session.execute(update(TABLES[resource.name]).values({column: LINK}))
        location = TABLES["location"]
        branch = session.execute(select(location.c.id).order_by(location.c.name).limit(1)).scalar_one()
        kiosks.register(session, CODE[:60], branch)
        staff.add(session, "chief", PASSWORD, staff.Role.ADMINISTRATOR)
        staff.add(session, f"Eve {CODE}"[:80], PASSWORD)
        session.add(staff.Team(name=f"T {CODE}"[:80]))
    return careline


def posting(app: Flask) -> Callable[[str, Mapping[str, str]], str]:
    """Posts signed webhooks; what comes back is not held to the rules of good speech, for these words are none."""

    def post(path: str, form: Mapping[str, str]) -> str:
        signature = RequestValidator(TOKEN).compute_signature(f"{ADDRESS}{path}", dict(form))
        return app.test_client().post(path, data=dict(form), headers={"X-Twilio-Signature": signature}).text

    return post


@pytest.fixture
def written(filled: Careline, site: Site) -> list[str]:
    """Everybody writes code: by text, telephone, on the page, and staff themselves. Ids of the cases."""
    texter = Texter(site.app.test_client())
    texter(CODE)
    texter("0")
    phone = Caller(posting(site.app), "+447700900456", "+441632960000")
    phone.call()
    phone.press("1")
    phone.say(CODE, confidence=0.99)
    phone.press("0")
    page = site.app.test_client()
    chat = page.post("/api/chat", json={"text": CODE, "place": CODE[:200]}).get_json()
    page.post("/api/chat", json={"text": "0", "conversation": chat["conversation"]})
    with filled.database.begin() as session:
        cases = list(session.scalars(select(Case)))
        for number, case in enumerate(cases):
            callback.leave(session, case.conversation_id, "en", f"RE{number}", 9)
            person = session.scalars(select(staff.Staff.id).where(staff.Staff.name == "chief")).one()
            assert escalation.claim(session, case.id, person)
        service = session.execute(select(TABLES["service"].c.id).limit(1)).scalar_one()
        message = session.scalars(select(Message.id)).first()
        session.add(RecordReport(service_id=service, message_id=message, language="en"))
    chief = Desk(site.app)
    chief.sign_in("chief")
    for case in cases:
        for action, fields in (
            ("note", {"text": CODE}),
            ("answer", {"text": CODE, "once": f"1{case.id[:8]}", "stay": "1"}),
            ("pass-on", {"name": CODE[:100], "contact": CODE[:100], "agreed": "1"}),
        ):
            chief.get(f"/desk/cases/{case.id}")
            answer = chief.client.post(f"/desk/cases/{case.id}/{action}", data=chief.hidden() | fields, base_url=ADDRESS)
            assert answer.status_code == 302
    return [case.id for case in cases]


@pytest.fixture
def watched(chromium: Browser, site: Site) -> Iterator[tuple[Page, list[str]]]:
    """A browser that says whatever ran, asked, or was held back."""
    context = chromium.new_context(locale="en-GB")
    context.set_default_timeout(20_000)
    context.add_init_script(
        "addEventListener('securitypolicyviolation', e => { (window.held ||= []).push(e.violatedDirective) })"
    )
    page = context.new_page()
    said: list[str] = []
    page.on("dialog", lambda dialog: (said.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.on("console", lambda one: said.append(one.text) if "Content Security Policy" in one.text else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda one: None if one.url.startswith((site.address, "data:")) else said.append(one.url))
    yield page, said
    context.close()


def looked_at(page: Page, said: list[str], where: str) -> None:
    """Nothing ran here, and nothing was even tried; nor does any link or form run something."""
    found = page.evaluate(
        """() => ({
          ran: window.pwned ?? null, held: window.held ?? [],
          links: [...document.querySelectorAll('a[href], area[href], form[action], iframe[src], object[data]')]
            .flatMap(one => ['href', 'action', 'src', 'data'].map(name => one.getAttribute(name)).filter(url => url))
            .map(url => new URL(url, location.href).href)
            .filter(url => !/^(https?|tel|sms|mailto|geo):/.test(url)),
          handlers: [...document.querySelectorAll('*')].flatMap(one => one.getAttributeNames())
            .filter(name => name.startsWith('on')),
          made: document.querySelectorAll('svg[onload], img[src=x], details[ontoggle]').length,
        })"""
    )
    assert found == {"ran": None, "held": [], "links": [], "handlers": [], "made": 0}, (where, found)
    assert said == [], (where, said)
    words = page.inner_text("body")
    assert "49" not in words.replace("7*7", "") or "{{49}}" not in words
    assert "$49" not in words


def sign_in(page: Page, site: Site) -> None:
    page.goto(f"{site.address}/desk")
    page.get_by_label("Name").fill("chief")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Cases").wait_for()


def ids(careline: Careline, table: str, number: int = 3) -> list[str]:
    with careline.database.read() as session:
        return list(session.execute(select(TABLES[table].c.id).limit(number)).scalars())


def test_nothing_runs_at_the_desk(filled: Careline, written: list[str], site: Site, watched: tuple[Page, list[str]]) -> None:
    page, said = watched
    assert len(written) == 3
    sign_in(page, site)
    paths = ["/desk", "/desk/calls", "/desk/figures", "/desk/me", "/desk/people", "/desk/people/audit", "/desk/articles"]
    paths += ["/desk/articles/en/rights_health", "/desk/directory", "/desk/directory/changes", "/desk/directory/reports"]
    paths += [
        "/desk/directory/stale",
        *(f"/desk/cases/{case}" for case in written),
        *(f"/desk/cases/{case}/thread" for case in written),
    ]
    for kind in ("service", "organization", "location"):
        paths += [f"/desk/directory/{kind}/{one}" for one in ids(filled, kind)]
    seen = ""
    for path in paths:
        page.goto(site.address + path)
        page.wait_for_timeout(120)  # what is loaded late, runs late
        looked_at(page, said, path)
        seen += page.inner_text("body")
    assert seen.count("onerror=") > 20, "the code was there to be read"
    page.goto(f"{site.address}/desk/search")
    page.locator("input[name=text]").fill("onerror")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    looked_at(page, said, "search")


def test_nothing_runs_in_a_row_that_comes_by_itself(
    filled: Careline, written: list[str], site: Site, watched: tuple[Page, list[str]]
) -> None:
    """The queue and the thread are put into the page by a script."""
    page, said = watched
    sign_in(page, site)
    page.locator("#live[data-state=live]").wait_for(state="attached")
    texter = Texter(site.app.test_client(), number="+447700900789")
    texter(CODE)
    texter("0")
    page.locator("[data-case], tr, li").filter(has_text="text message").first.wait_for()
    page.wait_for_timeout(800)
    looked_at(page, said, "queue")
    page.goto(f"{site.address}/desk/cases/{written[0]}")
    page.locator("#live[data-state=live]").wait_for(state="attached")
    Texter(site.app.test_client())(f"once more {CODE}", sid="SMonce")
    page.get_by_text("once more").first.wait_for()
    looked_at(page, said, "thread")


def test_nothing_runs_on_the_page_of_residents(
    filled: Careline, written: list[str], site: Site, watched: tuple[Page, list[str]]
) -> None:
    page, said = watched
    seen = ""
    for topic in ("food", "shelter", "home_care", "library", "rights_health", "legal_aid"):
        page.goto(site.address)
        page.evaluate("() => document.querySelectorAll('details').forEach(one => { one.open = true })")
        tile = page.locator(f"form.ask button[name=topic][value={topic}]")
        if not tile.count():
            continue
        tile.first.click()
        page.locator("#result").wait_for()
        page.evaluate("() => document.querySelectorAll('details').forEach(one => { one.open = true })")
        page.wait_for_timeout(120)
        looked_at(page, said, topic)
        seen += page.inner_text("body")
    assert seen.count("onerror=") > 5, "the code was there to be read"
    page.goto(site.address)
    page.locator("#text").fill(CODE)
    page.locator("form.ask button.main").click()
    page.locator("#result").wait_for()
    looked_at(page, said, "asked")
    for path in (
        "/hours",
        "/offline",
        "/device",
        "/privacy?receipt=%22%3E%3Cimg%20src=x%20onerror=window.pwned=1%3E",
        "/privacy/record",
    ):
        page.goto(site.address + path)
        looked_at(page, said, path)


def test_what_is_taken_away_as_a_file_runs_nothing(
    filled: Careline, written: list[str], site: Site, watched: tuple[Page, list[str]], tmp_path: Path
) -> None:
    """The open directory and records are JSON to a browser too; a spreadsheet gets no formula."""
    page, said = watched
    for path in ("/hsds/", "/hsds/services?full=true&per_page=5", "/hsds/organizations", "/hsds/locations", "/openapi.json"):
        answer = page.goto(site.address + path)
        assert answer is not None
        assert answer.headers["content-type"].startswith("application/json"), path
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert page.evaluate("window.pwned ?? null") is None
    for one in ids(filled, "service", 2):
        page.goto(f"{site.address}/hsds/services/{one}")
        assert page.evaluate("window.pwned ?? null") is None
    page.goto(f"{site.address}/hsds/services/%3Cimg%20src=x%20onerror=window.pwned=1%3E")
    assert page.evaluate("window.pwned ?? null") is None
    assert said == []


@pytest.fixture
def app(site: Site) -> Flask:
    return site.app


@pytest.fixture
def dialogue(careline: Careline) -> DirectoryDialogue:
    return DirectoryDialogue(careline)
