# ruff: noqa: E501 (texts as people read them)
"""Words that are easily read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.languages import LANGUAGES
from bot.readability import ease, too_hard

EASY = {
    "en": "You can ask for help at home. It is free. Call us today. We are here until six. You do not need papers. Bring a friend.",
    "es": "Puedes pedir ayuda en casa. Es gratis. Llama hoy. Estamos hasta las seis. No piden papeles. Puedes venir con un amigo.",
    "fr": "On peut vous aider chez vous. C'est gratuit. Appelez ce jour. On est là jusqu'à six heures. Pas besoin de papiers. Venez avec un ami.",
    "nl": "Je kunt hulp in huis vragen. Het is gratis. Bel ons vandaag. We zijn er tot zes uur. Je hebt geen papieren nodig. Neem een vriend mee.",
    "pt": "Pode pedir ajuda em casa. É de graça. Ligue hoje. Estamos até às seis. Não precisa de papéis. Pode vir com um amigo. Ligue já.",
}
HARD = {
    "en": "Notwithstanding administrative considerations, beneficiaries demonstrating eligibility requirements necessitating comprehensive documentation shall communicate authorisation applications accordingly, considering interdepartmental responsibilities, without prejudice.",
    "es": "Sin perjuicio de consideraciones administrativas complementarias, las personas beneficiarias deberán acreditar documentalmente circunstancias socioeconómicas extraordinarias correspondientes, comunicando inmediatamente modificaciones sobrevenidas ulteriormente.",
    "pt": "Sem prejuízo das considerações administrativas complementares, as pessoas beneficiárias deverão comprovar documentalmente circunstâncias socioeconómicas extraordinárias correspondentes, comunicando imediatamente alterações supervenientes posteriores.",
}


@pytest.mark.parametrize("language", EASY)
def test_short_words_in_short_sentences_are_easy(language: str) -> None:
    assert (ease(EASY[language], language) or 0) > 60
    assert too_hard(EASY[language], language) is None


@pytest.mark.parametrize("language", HARD)
def test_officialese_is_hard(language: str) -> None:
    assert "reading ease" in (too_hard(HARD[language], language) or "")


def test_elsewhere_long_sentences_are_hard() -> None:
    assert "31 words" in (too_hard("शब्द " * 31, "ne") or "")
    assert too_hard("शब्द " * 20 + "। " + "शब्द " * 20, "ne") is None
    assert "characters" in (too_hard("字" * 61, "zh") or "")
    assert too_hard("字" * 40 + "。" + "字" * 40, "zh") is None


def test_a_formula_says_nothing_of_a_few_words() -> None:
    assert ease("Interdepartmental responsibilities.", "en") is None


@given(st.text(), st.sampled_from(LANGUAGES))
def test_any_text_can_be_measured(text: str, language: str) -> None:
    too_hard(text, language)
