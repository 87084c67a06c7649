"""Languages that the service does not write."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import foreign
from bot.errors import DataError
from bot.languages import LANGUAGES

SENTENCES = [
    ("wo finde ich hilfe für meine mutter", "de"),
    ("Gdzie mogę dostać jedzenie dziś wieczorem", "pl"),
    ("Где сегодня можно найти врача для ребёнка", "ru"),
    ("Де знайти лікаря для мами", "uk"),
    ("ممکن است به من کمک کنید لطفا کجا غذا هست", "fa"),
    ("ਮਦਦ ਚਾਹੀਦੀ ਹੈ", "pa"),
    ("আমার সাহায্য দরকার", "bn"),
    ("무료 급식소 어디", "ko"),
    ("nerede ucuz yemek bulabilirim bugün", "tr"),
    ("Tôi cần bác sĩ cho con tôi", "vi"),
    ("मुझे खाना चाहिए कहाँ मिलेगा आज", "hi"),
    ("መድሃኒት የት አለ", "am"),
]


@pytest.mark.parametrize(("text", "code"), SENTENCES)
def test_a_sentence_in_a_language_we_do_not_write(text: str, code: str) -> None:
    found = foreign.written(text)
    assert found is not None
    assert found.code == code


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        "ok",
        "????",
        "necesito un doctor para mi mama",
        "i need a doctor for my mum",
        "saan po may libreng pagkain",
        "nahitaji daktari wa watoto karibu",
        "malai khana chahiyo kaha paincha",
        "mujhe aaj khana chahiye kahan milega",
        "fen a2dar akol belash el naharda",
        "wo xiang zhao yi ge yisheng",
        "kodomo no byouin wa doko desu ka",
        "मलाई खाना चाहियो कहाँ पाइन्छ",
        "میری ماں کے لیے ڈاکٹر چاہیے",
        "أين أجد طبيبا لأمي اليوم",
        "ik zoek een dokter voor mijn moeder",
        "子どもの病院はどこですか",
        "Müller Straße",
    ],
)
def test_what_is_in_a_language_we_write_or_says_nothing(text: str) -> None:
    assert foreign.written(text) is None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("German please", "de"),
        ("Deutsch bitte", "de"),
        ("hindi", "hi"),
        ("polski", "pl"),
        ("speak Ukrainian?", "uk"),
        ("en alemán", "de"),
    ],
)
def test_a_language_is_asked_for_that_we_do_not_write(text: str, code: str) -> None:
    found = foreign.asked(text)
    assert found is not None
    assert found.code == code


@pytest.mark.parametrize(
    "text", ["english please", "en español", "nepali", "a polish shop that sells bread", "thai massage near me", ""]
)
def test_no_language_is_asked_for_that_we_do_not_write(text: str) -> None:
    assert foreign.asked(text) is None


def test_the_nearest_language_is_one_that_is_served() -> None:
    hindi = next(one for one in foreign.known() if one.code == "hi")
    assert foreign.nearest(hindi, LANGUAGES, "en") == "ne"
    assert foreign.nearest(hindi, ("en", "es"), "es") == "es"


def test_names_are_told_to_the_reader_and_to_the_writer() -> None:
    assert foreign.name("de", "en") == "Deutsch (German)"
    assert foreign.name("pl", "tl").startswith("polski")


def test_a_broken_list_is_named(tmp_path: Path) -> None:
    path = tmp_path / "foreign.yml"
    path.write_text("- {script: Latin}", "utf-8")
    with pytest.raises(DataError, match=r"foreign\.yml"):
        foreign.known(path)


@given(st.text())
def test_any_text_may_come(text: str) -> None:
    foreign.written(text)
    foreign.asked(text)
