"""What is taken out before anything is stored: numbers by their check digits, e-mails, words about status; and what stays."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import iban, luhn
from stdnum.es import dni
from stdnum.nl import bsn

from bot.errors import DataError
from bot.redaction import DATA, MARK, _read, names_number, redact

#: What must go, what must be gone, and why.
GOES = [
    ("my card is 4111 1111 1111 1111 ok", "1111", "a card, with spaces"),
    ("4111-1111-1111-1111", "4111", "a card, with hyphens"),
    ("carte 5555555555554444.", "5555", "a card, without"),
    ("بطاقتي ٤١١١١١١١١١١١١١١١", "٤١١", "a card, in Arabic digits"),
    ("कार्ड ४१११ ११११ ११११ ११११", "४१११", "a card, in Devanagari digits"),
    ("４１１１１１１１１１１１１１１１", "４１", "a card, full width"),
    ("+44 7700 900123 4111 1111 1111 1111", "1111 1111", "a card after a telephone number"),
    ("GB82 WEST 1234 5698 7654 32 is mine", "WEST", "an account number"),
    ("nl91abna0417164300", "abna", "an account number in small letters"),
    ("dni 12345678Z", "12345678", "a Spanish identity number"),
    ("NIE X1234567L", "X1234567", "a Spanish foreigner's number"),
    ("my nino is AB123456C", "AB123456", "a British insurance number"),
    ("qq 12 34 56 c", "", "no British number begins with QQ: nothing happens"),
    ("bsn 111222333", "111222", "a Dutch citizen's number"),
    ("111222333", "111222", "the same alone"),
    ("CPF 529.982.247-25", "529", "a Brazilian number"),
    ("35202-1234567-1", "35202", "a Pakistani card"),
    ("ssn 536-90-4399", "536", "an American number"),
    ("身份证 11010519491231002X", "11010519", "a Chinese identity number"),
    ("passport no. AB 123456", "123456", "a number announced by its name"),
    ("mi pasaporte es XDA123456", "XDA", "the same in Spanish"),
    ("رقم الاقامة 2123456789", "2123456789", "the same in Arabic"),
    ("マイナンバー 123456789018", "123456", "the same in Japanese"),
    ("my pin is 4821", "4821", "a secret"),
    ("my password is hunter22", "hunter", "a password with a digit"),
    ("ana.lopez+x@example.org please", "lopez", "an e-mail address"),
    ("アナ@example.co.jp", "@", "an e-mail address in another script"),
    ("ana＠example.org", "ana", "a full width at sign"),
    ("I'm undocumented and my son is ill", "undocumented", "status"),
    ("i have NO PAPERS", "PAPERS", "status"),
    ("my visa has expired", "expired", "status"),
    ("sin papeles, ¿puedo ir al médico?", "papeles", "status"),
    ("je suis sans-papiers", "papiers", "status, with a hyphen"),
    ("demandeur d’asile", "asile", "status, with a curly apostrophe"),
    ("estou ilegal aqui", "ilegal", "status"),
    ("ik ben ongedocumenteerd", "ongedoc", "status"),
    ("أنا لاجئ بدون أوراق", "أوراق", "status"),
    ("میرے پاس ویزا نہیں", "ویزا", "status"),
    ("मेरो भिसा सकियो", "भिसा", "status"),
    ("sina vibali", "vibali", "status"),
    ("TNT po ako", "TNT", "status, as Filipinos say it"),
    ("我没有身份", "身份", "status"),
    ("オーバーステイです", "オーバーステイ", "status"),
]

STAYS = [
    ("call me on 07700 900123", "a telephone number: staff need it"),
    ("+44 7700 900123 or 0044 7700 900123", "international ones"),
    ("(415) 555-0132", "one in another style"),
    ("24.12.2026 at 19:00, room 12", "a date and a time"),
    ("2026-12-24", "a date"),
    ("it costs 1,200.50 or 12 34 56", "amounts"),
    ("where is 12 Barley Lane, SO14 2AA", "an address"),
    ("i need my identity card renewed", "a word, no number"),
    ("what papers do i need for the library card", "a question about papers"),
    ("my father lost his job", "no status"),
    ("can I see a doctor for free", "no status"),
    ("¿dónde está la biblioteca?", "no status"),
    ("图书馆在哪里", "no status"),
    ("7 people, 3 children, 2 weeks", "small numbers"),
    ("52db843d-9ee9-5d68-959b-675620869861", "the id of a service: without it nobody can ask for its telephone number"),
]


@pytest.mark.parametrize(("text", "gone", "reason"), GOES)
def test_goes(text: str, gone: str, reason: str) -> None:
    redacted = redact(text)
    if not gone:
        assert redacted == text, reason
        return
    assert gone not in redacted, reason
    assert MARK in redacted
    assert redact(redacted) == redacted


@pytest.mark.parametrize(("text", "reason"), STAYS)
def test_stays(text: str, reason: str) -> None:
    assert redact(text) == text, reason


def test_every_language_has_words_about_status_and_numbers() -> None:
    lists = dict(_read(DATA))
    assert set(lists) == {"en", "es", "fr", "pt", "nl", "ar", "ur", "ne", "sw", "tl", "zh", "ja"}
    for language, data in lists.items():
        assert len(data["status"]) >= 5, language
        assert len(data["words"]) >= 8, language


@pytest.mark.parametrize(("text", "expected"), [("my pin is 1234", True), ("4111111111111111", True), ("no papers", False)])
def test_numbers_nobody_should_send(text: str, expected: bool) -> None:
    assert names_number(text) is expected


def test_a_broken_list_is_named(tmp_path: Path) -> None:
    (tmp_path / "en.yml").write_text("status: no\n")
    with pytest.raises(DataError, match=r"en\.yml"):
        list(_read(tmp_path))


_around = st.sampled_from(["", "my card: ", "¿", "номер ", "は ", "\n", "!! "])


@given(st.from_regex(r"\A[3456][0-9]{12,17}\Z"), st.sampled_from(["", " ", "-", "."]), _around, _around)
def test_any_card_number_goes(body: str, separator: str, before: str, after: str) -> None:
    number = body + luhn.calc_check_digit(body)
    written = separator.join(number[at : at + 4] for at in range(0, len(number), 4))
    assert written not in redact(f"{before}{written}{after}")


@given(st.integers(0, 99_999_999))
def test_any_spanish_identity_number_goes(value: int) -> None:
    body = f"{value:08d}"
    assert body not in redact(f"mi dni {body}{dni.calc_check_digit(body)} gracias")


@given(st.integers(100_000_00, 999_999_99))
def test_any_announced_dutch_number_goes(value: int) -> None:
    number = next((f"{value}{digit}" for digit in range(10) if bsn.is_valid(f"{value}{digit}")), None)
    if number is not None:
        assert number not in redact(f"bsn: {number}", "NL")


@given(st.text(alphabet="0123456789", min_size=10, max_size=10))
def test_any_british_account_number_goes(digits: str) -> None:
    body = f"WEST{digits}{digits[:4]}"
    number = f"GB{iban.calc_check_digits('GB00' + body)}{body}"
    assert body not in redact(f"send it to {number} please")


@given(st.from_regex(r"\A[a-z0-9._]{1,20}@[a-z0-9]{1,12}\.(org|com|example|co\.uk)\Z"), _around)
def test_any_address_goes(address: str, before: str) -> None:
    assert address not in redact(f"{before}{address} ok")


@given(st.text(max_size=300))
def test_never_raises_and_twice_is_once(text: str) -> None:
    once = redact(text)
    assert redact(once) == once


@given(st.text(st.characters(categories=("L", "P", "Z", "S"), exclude_characters="@＠﹫[]…"), max_size=60))
def test_a_text_without_digits_loses_only_words_about_status(text: str) -> None:
    redacted = redact(text)
    if MARK not in redacted:
        assert redacted == text
    else:
        head = redacted.split(MARK)[0]
        assert text.startswith(head)
