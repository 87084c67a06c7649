"""Two towns in a browser, each in its own colours: readable in both themes, the bar too, and with more contrast where asked."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.training import ROOT
from tests.browser.conftest import Site, Visitor
from tests.browser.test_accessibility import clean

pytestmark = pytest.mark.browser

SCREENS = ROOT / "docs" / "screens"
TOWNS: dict[str, dict[str, Any]] = {
    "port-amity": {},
    "upper-vale": {
        "municipality": "Upper Vale",
        "logo": ROOT / "data" / "municipalities" / "upper-vale.svg",
        "colour": "#1b4332",
        "band": "#e9b000",
    },
}


def background(visitor: Visitor, selector: str) -> str:
    return str(visitor.page.locator(selector).first.evaluate("one => getComputedStyle(one).backgroundColor"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("town", TOWNS)
def test_a_town_in_its_colours(
    visit: Any, site: Site, request: pytest.FixtureRequest, tmp_path: Path, town: str, scheme: str
) -> None:
    site.careline.settings = replace(site.careline.settings, **TOWNS[town])
    visitor: Visitor = visit("/?language=en", color_scheme=scheme, viewport={"width": 720, "height": 1000})
    clean(visitor)
    own = background(visitor, ".kiosk .bar") == "rgb(233, 176, 0)"
    assert own == (town == "upper-vale")
    assert visitor.page.locator(".bar .logo").count() == (town == "upper-vale")
    visitor.page.locator("#place").fill("Riverside")
    visitor.press("food")
    clean(visitor)
    if scheme == "light":
        folder = SCREENS if request.config.getoption("--update") else tmp_path
        picture = folder / f"town-{town}.jpg"
        visitor.page.screenshot(path=picture, type="jpeg", quality=55)
        assert picture.stat().st_size > 10_000
        assert (SCREENS / picture.name).exists(), "write it with --update, and look at it"
    for path in ("/privacy", "/hours", "/offline", "/device"):
        clean(visitor.go(path))


def test_the_look_steps_back_for_more_contrast(visit: Any, site: Site) -> None:
    site.careline.settings = replace(site.careline.settings, **TOWNS["upper-vale"])
    visitor: Visitor = visit("/?language=en")
    assert background(visitor, ".kiosk .bar") == "rgb(233, 176, 0)"
    assert background(visitor, "form.ask button.main") == "rgb(27, 67, 50)"
    visitor.page.locator("#reading summary").click()
    visitor.page.locator("input[name=contrast][value=more]").check()
    assert background(visitor, ".kiosk .bar") == "rgb(255, 255, 255)"
    assert background(visitor, "form.ask button.main") == "rgb(0, 32, 74)"
    asked: Visitor = visit("/?language=en", contrast="more")
    assert background(asked, ".kiosk .bar") != "rgb(233, 176, 0)"
