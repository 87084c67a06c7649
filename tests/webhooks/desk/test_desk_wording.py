"""What stewards read: every sentence of their pages stands in the catalogue, and each page is in the reader's language."""

import ast
import re
from dataclasses import replace

import pytest
from markupsafe import escape
from sqlalchemy import select

from bot.careline import Careline
from bot.directory.adding import FIELDS
from bot.directory.tables import TABLES
from bot.languages import LANGUAGES
from bot.training import ROOT
from bot.wording import FOLDER, Wording, read_catalogue
from tests.desk import Desk

SAID = re.compile(r"""say\((?:"([^"]+)"|'([^']+)')""")


def in_templates() -> set[str]:
    pages = (ROOT / "webhooks" / "templates" / "desk").glob("*.html")
    return {found[0] or found[1] for page in pages for found in SAID.findall(page.read_text("utf-8"))}


def in_code() -> set[str]:
    found: set[str] = set()
    for folder, shown in (("bot", {"RefusedChange", "_Sentences"}), ("webhooks/desk", {"say", "RefusedChange"})):
        for path in (ROOT / folder).rglob("*.py"):
            calls = [one for one in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(one, ast.Call)]
            told = [argument for one in calls if getattr(one.func, "id", "") in shown for argument in one.args]
            found |= {one.value for one in told if isinstance(one, ast.Constant) and isinstance(one.value, str)}
    return found


def catalogue(language: str) -> dict[str, str]:
    path = FOLDER / language / "steward.po"
    return {str(one.id): str(one.string) for one in read_catalogue(path) if one.id}


def test_every_sentence_is_in_the_catalogue_and_none_is_left_over() -> None:
    known = {key for key in catalogue("en") if not re.match(r"(field|resource|value|action)\.", key)}
    used = in_templates() | in_code()
    assert used - known == set()
    assert known - used == set()


def test_the_english_sentence_is_its_own_key() -> None:
    for key, text in catalogue("en").items():
        assert re.match(r"(field|resource|value|action)\.", key) or key == text


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_asked_of_a_new_service_has_a_name_in_every_language(language: str) -> None:
    words = Wording.load().words(language, "kiosk")
    for fields in FIELDS.values():
        assert all(words.has(f"field.{name}") for name in fields)
    if language != "en":
        english = catalogue("en")
        same = [key for key, text in catalogue(language).items() if text == english[key] and len(text.split()) > 3]
        assert same == []


PAGES = (
    "/desk/directory", "/desk/directory?text=food", "/desk/directory/stale", "/desk/directory/reports", "/desk/directory/changes",
    "/desk/directory/new", "/desk/words", "/desk/articles",
)  # fmt: skip


def read_in(desk: Desk, path: str, languages: str) -> str:
    answer = desk.client.get(path, base_url=desk.address, headers={"Accept-Language": languages})
    assert answer.status_code == 200
    return answer.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_page_is_in_the_language_of_the_browser(chief: Desk, language: str) -> None:
    own = catalogue(language)
    for path in PAGES:
        page = read_in(chief, path, f"{language},en;q=0.5")
        assert f'<html lang="{language}" dir="{"rtl" if language in ("ar", "ur") else "ltr"}">' in page
        assert own["Directory"] in page
    assert escape(own["I have called or visited it: all of this is right today"]) in read_in(
        chief, "/desk/directory/new", language
    )
    assert escape(own["field.opens_at"]) in read_in(chief, "/desk/directory/new", language)


def test_a_browser_that_names_none_of_ours_reads_the_municipalitys(chief: Desk, careline: Careline) -> None:
    careline.settings = replace(careline.settings, default_language="es")
    assert "Añadir la palabra" in read_in(chief, "/desk/words", "de,pl;q=0.8")
    assert "Add the word" in read_in(chief, "/desk/words", "de,en;q=0.8")


def test_a_refusal_and_a_thank_you_are_too(chief: Desk) -> None:
    chief.get("/desk/words")
    form = chief.hidden() | {"what": "topic", "word": "STOP", "target": "food"}
    headers = {"Accept-Language": "es"}
    refused = chief.client.post("/desk/words", data=form, base_url=chief.address, headers=headers)
    assert refused.status_code == 409
    assert "«STOP» ya es una orden, como STOP o sí." in refused.text
    form["word"] = "Bono Abrigo"
    added = chief.client.post("/desk/words", data=form, base_url=chief.address, headers=headers, follow_redirects=True)
    assert "Añadida, desde el próximo mensaje." in added.text
    assert "chief: añadido" in added.text


def test_what_the_standard_alone_has_a_word_for_is_english(chief: Desk, careline: Careline) -> None:
    with careline.database.read() as session:
        service = session.scalar(select(TABLES["service"].c.id).limit(1))
    page = read_in(chief, f"/desk/directory/service/{service}", "ar")
    assert '<span lang="en">byweekno</span>' in page
    assert "يفتح" in page
    assert '<option value="active" selected>نشط</option>' in page
