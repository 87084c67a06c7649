"""One picture of the page for each language, for docs/accessibility.md: written with --update, to be looked at."""

from pathlib import Path
from typing import Any

import pytest

from bot.training import ROOT
from tests.browser.conftest import LANGUAGES, Visitor

pytestmark = pytest.mark.browser

SCREENS = ROOT / "docs" / "screens"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_picture_of_each_language(visit: Any, request: pytest.FixtureRequest, tmp_path: Path, language: str) -> None:
    visitor: Visitor = visit(f"/?language={language}", viewport={"width": 720, "height": 1000})
    visitor.page.locator("#place").fill("Riverside")
    visitor.press("food")
    folder = SCREENS if request.config.getoption("--update") else tmp_path
    folder.mkdir(exist_ok=True)
    picture = folder / f"{language}.jpg"
    visitor.page.screenshot(path=picture, type="jpeg", quality=55)
    assert picture.stat().st_size > 10_000
    assert (SCREENS / picture.name).exists(), "write it with --update, and look at it"
