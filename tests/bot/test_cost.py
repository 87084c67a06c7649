"""What texts cost."""

from bot import cost
from bot.languages import LANGUAGES
from bot.rights.articles import Rights
from bot.wording import Wording


def test_no_phrase_is_over_its_budget() -> None:
    assert list(cost.over_budget(Wording.load())) == []


def test_a_long_phrase_is_over_its_budget() -> None:
    """{name} stands for the longest name there may be, not for the six letters of the placeholder."""
    short = {language: {(None, "help.at"): "x"} for language in LANGUAGES}
    assert list(cost.over_budget(Wording(short))) == []
    long = short | {"en": {(None, "help.at"): "Turn to {name}. " * 6}}
    assert [(language, key) for language, key, _ in cost.over_budget(Wording(long))] == [(code, "help.at") for code in ["en"]]


def test_every_language_has_its_row() -> None:
    rows = cost.costs(Wording.load(), Rights.load())
    assert [row.language for row in rows] == list(LANGUAGES)
    for row in rows:
        assert 1 <= row.mean_segments <= row.longest <= 3
