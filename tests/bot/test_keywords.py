"""Words that steer the conversation: what is one, what is not, and that the lists are sound."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bot.folding import fold
from bot.keywords import DATA, LANGUAGES, Keyword, KeywordDataError, KeywordKind, load, match

TABLES = Path(__file__).parent.parent / "data" / "keywords"

#: What the provider acts on by itself: we must understand it in the same way, or we would talk to a blocked number.
PROVIDER = {
    KeywordKind.STOP: ("STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"),
    KeywordKind.START: ("START", "UNSTOP"),
    KeywordKind.YES: ("YES",),
    KeywordKind.HELP: ("HELP", "INFO"),
}


def rows(table: str) -> list[Any]:
    found = []
    for language in LANGUAGES:
        data = yaml.safe_load((TABLES / f"{language}.yml").read_text(encoding="utf-8"))
        found += [pytest.param(language, row, id=f"{language}: {row['text']}") for row in data[table]]
    return found


@pytest.mark.parametrize(("language", "row"), rows("keywords"))
def test_is_a_keyword(language: str, row: dict[str, Any]) -> None:
    keyword = match(row["text"])
    assert keyword is not None, row["reason"]
    assert keyword.kind == row["kind"], row["reason"]
    assert language in keyword.languages, row["reason"]
    if keyword.kind is KeywordKind.NUMBER:
        assert keyword.number == row["number"], row["reason"]


@pytest.mark.parametrize(("language", "row"), rows("not_keywords"))
def test_is_no_keyword(language: str, row: dict[str, Any]) -> None:
    assert match(row["text"]) is None, row["reason"]


@pytest.mark.parametrize(("kind", "word"), [(kind, word) for kind, words in PROVIDER.items() for word in words])
def test_knows_the_providers_words(kind: KeywordKind, word: str) -> None:
    keyword = match(word)
    assert keyword is not None
    assert keyword.kind is kind
    assert "en" in keyword.languages


@pytest.mark.parametrize("zero", ["0", "٠", "۰", "०", "０", " 0. "])
def test_zero_is_a_person_in_every_script(zero: str) -> None:
    assert match(zero) == Keyword(KeywordKind.HUMAN, 0, LANGUAGES)


@pytest.mark.parametrize("digits", ["123456789", "١٢٣٤٥٦٧٨٩", "۱۲۳۴۵۶۷۸۹", "१२३४५६७८९", "１２３４５６７８９"])
def test_digits_of_every_script(digits: str) -> None:
    for number, digit in enumerate(digits, 1):
        assert match(digit) == Keyword(KeywordKind.NUMBER, number, LANGUAGES)


@pytest.mark.parametrize("text", ["£5", "5 €", "$5", "5%", "5٪", "5 °"])
def test_an_amount_is_no_choice(text: str) -> None:
    assert match(text) is None


@pytest.mark.parametrize("text", ["10", "12", "2 3", "-", "", "   ", "🙏", "\0", "\ud800"])
def test_neither_a_digit_nor_a_word(text: str) -> None:
    assert match(text) is None


@pytest.mark.parametrize("word", ["stop", "start", "help", "ok"])
def test_words_known_everywhere_are_everybodys(word: str) -> None:
    keyword = match(word)
    assert keyword is not None
    missing = set(LANGUAGES) - set(keyword.languages)
    assert not missing, "a first message of one such word would be answered in English"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_kind(language: str) -> None:
    lists = yaml.safe_load((DATA / f"{language}.yml").read_text(encoding="utf-8"))
    for kind in set(KeywordKind) - {KeywordKind.NUMBER}:
        assert len(lists.get(kind, [])) >= 4, f"{language}: {kind} has too few forms"
    assert set(lists["numbers"]) == set(range(1, 10)), language
    assert lists["number_words"], language


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_form_is_listed_twice(language: str) -> None:
    lists = yaml.safe_load((DATA / f"{language}.yml").read_text(encoding="utf-8"))
    for kind in set(KeywordKind) - {KeywordKind.NUMBER}:
        folded = [fold(form) for form in lists[kind]]
        assert sorted(folded) == sorted(set(folded)), f"{language}: {kind}"


def test_every_form_is_found() -> None:
    for form, keyword in load(DATA).items():
        assert match(form) == keyword, form
        assert match(f"  {form.upper()}!! 🙏") == keyword, f"{form} in capitals"


@given(st.text())
def test_never_raises(text: str) -> None:
    keyword = match(text)
    assert keyword is None or keyword.languages


@given(st.text(st.characters(categories=("L", "N", "P", "Z", "M", "C")), max_size=20))
def test_only_whole_messages_match(text: str) -> None:
    if fold(text):
        assert match(f"zqx {text} stop the pain") is None


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    """A folder of sound lists to break."""
    for language in LANGUAGES:
        (tmp_path / f"{language}.yml").write_text("stop: [stop]\n", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("stop: [stop\n", "en.yml"),
        ("- stop\n", "not a mapping"),
        ("halt: [halt]\n", "'halt' is no kind"),
        ("number: [two]\n", "'number' is no kind"),
        ("yes: ['yes']\n", "True is no kind"),
        ("stop: stop\n", "stop: not a list"),
        ("no_: []\n", "'no_' is no kind"),
        ("stop: [no]\n", "put it in quotes"),
        ("stop: ['!!']\n", "no letter and no digit"),
        ("stop: [enough]\nmore: [enough]\n", "'enough' is already stop in en.yml"),
        ("more: ['0']\n", "'0' is already human in digits"),
        ("numbers: {0: [zero]}\n", "the keys must be 1 to 9"),
        ("numbers: {1: one}\n", "numbers: 1: not a list"),
        ("number_words: option\n", "number_words: not a list"),
    ],
)
def test_a_broken_list_is_named(lists: Path, content: str, complaint: str) -> None:
    (lists / "en.yml").write_text(content, encoding="utf-8")
    with pytest.raises(KeywordDataError) as error:
        load(lists)
    assert complaint in str(error.value)
    assert "en.yml" in str(error.value)


def test_a_missing_list_is_named(lists: Path) -> None:
    (lists / "ja.yml").unlink()
    with pytest.raises(KeywordDataError, match=r"ja\.yml"):
        load(lists)


def test_one_meaning_in_all_languages(lists: Path) -> None:
    (lists / "ur.yml").write_text("'yes': [acha]\n", encoding="utf-8")
    (lists / "sw.yml").write_text("stop: [Acha!]\n", encoding="utf-8")
    with pytest.raises(KeywordDataError, match=r"already yes in ur\.yml"):
        load(lists)


@pytest.mark.parametrize(
    "text", ["n°2", "Nº 2", "№2", "2 please", "2 por favor", "s'il vous plaît 2", "tafadhali 2", "2 谢谢", "２ please"]
)
def test_a_number_with_its_sign_or_polite_words(text: str) -> None:
    found = match(text)
    assert found is not None
    assert (found.kind, found.number) == (KeywordKind.NUMBER, 2)


@pytest.mark.parametrize("text", ["2 tickets please", "5%", "５％", "£5 please", "please", "2 3 please"])
def test_a_number_of_something_is_no_choice(text: str) -> None:
    found = match(text)
    assert found is None or found.number is None
