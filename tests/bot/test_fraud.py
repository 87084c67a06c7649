"""What may be a fraud has an answer, in every language; what only speaks of money has another."""

import pytest
import yaml

from bot import fraud
from bot.keywords import LANGUAGES
from tests.conftest import Texter

ASKED = [
    ("en", "They ask me to pay to get my benefit"),
    ("en", "someone wants me to pay a fee first for a flat"),
    ("en", "a man called and said hes from the bank and wants my pin"),
    ("en", "is this a scam?"),
    ("es", "me piden pagar para recibir la ayuda"),
    ("es", "Me piden la clave de mi tarjeta"),
    ("fr", "on me demande de payer pour avoir le logement"),
    ("fr", "c’est une arnaque ?"),
    ("pt", "pedem-me para pagar uma taxa para ter o subsídio"),
    ("nl", "is dit oplichting"),
    ("nl", "ze vragen mijn pincode"),
    ("ar", "يطلبون مني أن أدفع رسوم"),
    ("ar", "هل هذا احتيال؟"),
    ("ur", "وہ مدد کے لیے پیسے مانگ رہے ہیں"),
    ("ne", "भत्ता पाउन पैसा माग्यो"),
    ("sw", "wananiomba pesa ili nipate msaada"),
    ("sw", "huu ni utapeli"),
    ("tl", "hinihingan ako ng bayad para sa ayuda"),
    ("tl", "scam ba ito"),
    ("zh", "他们要我付钱才能拿补助"),
    ("zh", "是不是骗子"),
    ("ja", "給付金のために手数料を払えと言われました"),
    ("ja", "これは詐欺ですか"),
]

NOT_ASKED = [
    ("do i have to pay to get help at home", "what care costs"),
    ("i cannot pay my rent", "rent"),
    ("where do i pay my electricity bill", "a bill"),
    ("how much is the day centre", "a price"),
    ("my boss does not pay me", "wages"),
    ("¿tengo que pagar para recibir ayuda en casa?", "what care costs"),
    ("faut-il payer pour avoir une aide à domicile", "what care costs"),
    ("moet ik betalen voor hulp thuis", "what care costs"),
    ("我付不起房租", "rent"),
    ("lost my bank card", "a card"),
]


@pytest.mark.parametrize(("language", "text"), ASKED)
def test_may_be_a_fraud(language: str, text: str) -> None:
    assert fraud.match(text)


@pytest.mark.parametrize(("text", "about"), NOT_ASKED)
def test_is_about_something_else(text: str, about: str) -> None:
    assert not fraud.match(text), about


def test_every_language_has_phrases() -> None:
    assert {path.stem for path in fraud.DATA.glob("*.yml")} == set(LANGUAGES)
    assert {language for language, _ in ASKED} == set(LANGUAGES)
    for path in fraud.DATA.glob("*.yml"):
        found = fraud.phrases(path)
        assert len(found) >= 5, path
        assert len(set(found)) == len(found), path
        yaml.safe_load(path.read_text("utf-8"))


def test_the_answer_needs_no_model_and_leads_to_a_person(texter: Texter) -> None:
    (answer,) = texter("they ask me to pay to get my benefit")
    assert "may be a fraud" in answer
    assert "01632 960000" in answer
    assert "0" in answer


def test_whoever_sends_a_card_number_is_told_not_to(texter: Texter) -> None:
    assert "send no card, ID or PIN numbers" in texter("my card is 4111 1111 1111 1111 please help")[0]
