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


VALE = ("en", "pt", "ne")
ELSEWHERE = [
    ("necesito un doctor para mi mamá", "es"),
    ("necesito un doctor", "es"),
    ("où est-ce que je peux manger ce soir", "fr"),
    ("saan po may libreng pagkain dito", "tl"),
    ("nahitaji daktari wa watoto karibu nami", "sw"),
    ("ik zoek een dokter voor mijn moeder", "nl"),
    ("أين أجد طبيبا لأمي اليوم", "ar"),
    ("میری ماں کے لیے ڈاکٹر چاہیے", "ur"),
    ("我妈妈需要医生", "zh"),
    ("子どもの病院はどこですか", "ja"),
    ("mujhe aaj khana chahiye kahan milega", "ur"),
]


@pytest.mark.parametrize(("text", "code"), ELSEWHERE)
def test_a_language_that_we_write_and_this_municipality_does_not_serve(text: str, code: str) -> None:
    found = foreign.written(text, VALE, first=True)
    assert found is not None
    assert found.code == code
    assert foreign.written(text, LANGUAGES, first=True) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ok",
        "9",
        "Riverside",
        "Mohammad Al Rashid, 12 High Street",
        "Casa Verde",
        "i need a doctor for my mum",
        "a que horas abre",
        "onde posso comer hoje com os meus filhos?",
        "preciso de um médico",
        "malai khana chahiyo kaha paincha",
        "मलाई खाना चाहियो कहाँ पाइन्छ",
        "where is the centro de salud please",
    ],
)
def test_what_is_in_a_language_that_is_served_here(text: str) -> None:
    for first in (False, True):
        assert foreign.written(text, VALE, first) is None


def test_a_word_or_two_are_a_language_only_where_somebody_begins() -> None:
    assert foreign.written("necesito comida", VALE) is None
    begun = foreign.written("necesito comida", VALE, first=True)
    assert begun is not None
    assert begun.code == "es"


@pytest.mark.parametrize(("text", "code"), [("Español por favor", "es"), ("urdu", "ur"), ("em espanhol", "es")])
def test_a_language_is_asked_for_that_is_not_served_here(text: str, code: str) -> None:
    found = foreign.asked(text, VALE)
    assert found is not None
    assert found.code == code
    assert foreign.asked(text) is None


def test_a_language_is_spoken_of_that_is_not_served_here() -> None:
    found = foreign.mentioned("can you write to me in spanish", VALE)
    assert found is not None
    assert foreign.nearest(found, VALE, "en") == "pt"
    assert foreign.mentioned("can you write to me in nepali", VALE) is None


@given(st.text())
def test_any_text_may_come(text: str) -> None:
    for served in (LANGUAGES, VALE):
        foreign.written(text, served, first=True)
        foreign.asked(text, served)
        foreign.mentioned(text, served)
