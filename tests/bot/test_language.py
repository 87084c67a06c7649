"""Which language: tables of messages in tests/data/language, rules, and properties for any text."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from bot import language
from bot.errors import DataError
from bot.languages import LANGUAGES

TABLES = Path(__file__).resolve().parent.parent / "data" / "language"
SERVED = st.lists(st.sampled_from(LANGUAGES), min_size=1, unique=True).map(tuple)


def table(name: str) -> list[Any]:
    return yaml.safe_load((TABLES / f"{name}.yml").read_text(encoding="utf-8"))


def rows(*names: str) -> list[Any]:
    return [pytest.param(*row, id=f"{row[0][:40]} ({row[-1]})") for name in names for row in table(name)]


@pytest.mark.parametrize(("text", "expected", "reason"), rows(*LANGUAGES))
def test_first_message(text: str, expected: str, reason: str) -> None:
    assert language.choose(text, None, False, LANGUAGES, "en") == expected, reason


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_language_has_a_table(code: str) -> None:
    assert len(table(code)) >= 28


@pytest.mark.parametrize(("text", "expected", "reason"), rows(*LANGUAGES))
def test_somebody_whose_language_we_know_keeps_it(text: str, expected: str, reason: str) -> None:
    assert language.choose(text, expected, False, LANGUAGES, "en") == expected, reason


@pytest.mark.parametrize(("text", "whole", "named", "reason"), rows("requests"))
def test_requests(text: str, whole: str | None, named: str | None, reason: str) -> None:
    assert language.requested(text, LANGUAGES) == whole, reason
    assert language.mentioned(text, LANGUAGES) == named, reason


def test_a_language_that_is_not_served_is_not_requested() -> None:
    assert language.requested("en español", ("en", "fr")) is None
    assert language.mentioned("no french, spanish", ("en", "fr")) is None


@pytest.mark.parametrize(
    ("text", "remembered", "expected", "reason"),
    [
        ("ok", "ne", "ne", "one word"),
        ("gracias", "en", "en", "one short word does not switch, clear as it is"),
        ("malai khana chahiyo", "en", "ne", "17 letters in three words are long enough"),
        ("necesito ayuda con la comida de mi mamá", "en", "es", "long and clear"),
        ("खाना", "en", "ne", "another script switches at once"),
        ("日本語", "ja", "ja", "the same script does not"),
        ("ありがとう", "zh", "ja", "kana is not Chinese"),
        ("12 High Street, Northfield", "ur", "ur", "an address"),
        ("Mohammad Hussain Al Rashid", "en", "en", "a name"),
        ("ZZ4 7QP", "fr", "fr", "a postcode"),
        ("123456 7890 12345", "tl", "tl", "a number"),
        ("", "sw", "sw", "nothing"),
        ("a que hora abre", "es", "es", "Spanish and Portuguese alike"),
        ("a que hora abre", "pt", "pt", "Spanish and Portuguese alike"),
        ("quero falar com alguem", "es", "pt", "one word in common, two that are not"),
        ("necesito ayuda con la comida de mi mamá", "xx", "es", "what was remembered is no longer served"),
    ],
)
def test_later_messages(text: str, remembered: str, expected: str, reason: str) -> None:
    assert language.choose(text, remembered, False, LANGUAGES, "en") == expected, reason


def test_a_choice_stays() -> None:
    assert language.choose("necesito ayuda con la comida de mi mamá", "ja", True, LANGUAGES, "en") == "ja"


def test_a_choice_that_is_not_served_any_more_does_not_stay() -> None:
    assert language.choose("I need help with food for my mother", "ja", True, ("en", "es"), "en") == "en"


@pytest.mark.parametrize("text", ["", "   ", "123", "???", "👍🏽", "+44 7700 900123", "5", "\0"])
def test_no_letters_are_no_evidence(text: str) -> None:
    assert language.detect(text, LANGUAGES, ("fr", "en")) == language.Guess("fr", 0.0)


@pytest.mark.parametrize("text", ["Мне нужна помощь", "도와주세요", "আমার সাহায্য দরকার", "ช่วยด้วย"])
def test_scripts_of_no_language_served_are_no_evidence(text: str) -> None:
    assert language.detect(text, LANGUAGES, LANGUAGES).certainty == 0
    assert language.choose(text, None, False, LANGUAGES, "en") == "en"


def test_urdu_is_not_answered_in_arabic_where_urdu_is_not_served() -> None:
    text = "مجھے کھانا چاہیے"
    assert language.detect(text, ("en", "ar"), ("en",)).certainty < 0.5
    assert language.choose(text, None, False, ("en", "ar"), "en") == "en"


def test_the_usual_language_of_the_line_decides_where_nothing_else_does() -> None:
    assert language.detect("no", ("es", "pt"), ("es",)).language == "es"
    assert language.detect("no", ("es", "pt"), ("pt",)).language == "pt"


@settings(max_examples=150, deadline=None)
@given(text=st.text(max_size=300), served=SERVED, data=st.data())
def test_any_text(text: str, served: tuple[str, ...], data: st.DataObject) -> None:
    usual = data.draw(st.lists(st.sampled_from(LANGUAGES), max_size=3).map(tuple))
    guess = language.detect(text, served, usual)
    assert guess.language in served
    assert 0 <= guess.certainty <= 1
    assert guess == language.detect(text, served, usual)
    assert language.requested(text, served) in (None, *served)
    assert language.mentioned(text, served) in (None, *served)
    remembered = data.draw(st.none() | st.sampled_from([*LANGUAGES, "xx"]))
    chosen = data.draw(st.booleans())
    answer = language.choose(text, remembered, chosen, served, served[0])
    assert answer in served
    if chosen and remembered in served:
        assert answer == remembered


@settings(max_examples=150, deadline=None)
@given(words=st.lists(st.sampled_from(["no", "please", "ENGLISH", "español", "日本語", "بالعربي", "ne", "pas", ",", "の"])))
def test_any_mixture_of_the_words_that_matter(words: list[str]) -> None:
    text = " ".join(words)
    assert language.requested(text, LANGUAGES) in (None, *LANGUAGES)
    assert language.mentioned(text, LANGUAGES) in (None, *LANGUAGES)
    assert language.choose(text, None, False, LANGUAGES, "en") in LANGUAGES


@given(first=st.sampled_from(LANGUAGES), text=st.text(alphabet="abcdefghijklmnopqrstuvwxyz", max_size=12))
def test_one_short_latin_word_never_switches(first: str, text: str) -> None:
    assert language.choose(text, first, False, LANGUAGES, "en") == first


def test_a_long_message_takes_no_longer_than_its_beginning() -> None:
    assert language.detect("necesito comida " * 20_000, LANGUAGES, LANGUAGES).language == "es"
    assert language.mentioned("english " * 20_000, LANGUAGES) == "en"


@pytest.mark.parametrize(
    "broken",
    [
        "names: [Spanish, 5]",
        "names: Spanish",
        "nams: [Spanish]",
        "names: ['!!']",
        "names: [French]",
        "asking: ['in it']",
        "[",
        "- a",
    ],
)
def test_a_broken_list_is_named(tmp_path: Path, broken: str) -> None:
    for code in LANGUAGES:
        (tmp_path / f"{code}.yml").write_text("names: [French]" if code == "fr" else "names: []", encoding="utf-8")
    (tmp_path / "es.yml").write_text(broken, encoding="utf-8")
    with pytest.raises(DataError, match="data/languages"):
        language.load(tmp_path)


def test_a_missing_list_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"en\.yml"):
        language.load(tmp_path)


@pytest.mark.parametrize("text", ["https://example.org/que/es", "www.example.com/bar?x=1", "maria.lopez@example.org"])
def test_an_address_is_in_no_language(text: str) -> None:
    assert language.choose(text, None, False, LANGUAGES, "en") == "en"
    assert language.choose(f"donde está {text}", None, False, LANGUAGES, "en") == "es"
