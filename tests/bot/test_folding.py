"""The normal form for matching. The reason stands beside each row."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.folding import fold, is_cjk, loosen, squeeze


@pytest.mark.parametrize(
    ("text", "folded", "reason"),
    [
        ("STOP", "stop", "capitals"),
        ("  Stop \n now ", "stop now", "white space"),
        ("ARRÊT", "arret", "Latin accents"),
        ("Não à cõisa", "nao a coisa", "Portuguese"),
        ("Straße", "strasse", "sharp s"),
        ("Łódź Ørsted", "lodz orsted", "letters that do not decompose"),
        ("İstanbul", "istanbul", "dotted capital i"),
        ("I’m I'm I`m I´m Im", "im im im im im", "every apostrophe goes, curly ones too"),
        ("j’ai j'ai jai", "jai jai jai", "French elision is texted without"),
        ("“quoted” – dash—dash", "quoted dash dash", "curly quotes and dashes"),
        ("s\u200bt\u200do\u2060p\ufeff", "stop", "zero width"),
        ("\u202bتوقف\u202c", "توقف", "direction marks"),
        ("soft\u00adhyphen", "softhyphen", "soft hyphen"),
        ("stop 🙏🏽", "stop", "emoji with a skin tone"),
        ("2️⃣", "2", "keycap"),
        ("②", "2", "circled"),
        ("ＳＴＯＰ ２", "stop 2", "full width"),
        ("१२३", "123", "Devanagari digits"),
        ("٤٥٦", "456", "Arabic digits"),
        ("۷۸۹", "789", "Persian and Urdu digits"),
        ("تَوَقَّف", "توقف", "harakat"),
        ("توقـــف", "توقف", "tatweel"),
        ("أإآٱا", "ااااا", "alef"),
        ("مدرسة", "مدرسه", "ta marbuta"),
        ("میں ہے", "مين هي", "Urdu letters as an Arabic keyboard sends them"),
        ("کھانا", "كهانا", "kaf and he"),
        ("बन्द", "बन्द", "Devanagari signs stay"),
        ("हुँ", "हुँ", "moon dot stays"),
        ("が ﾊﾞ", "が バ", "voicing marks stay, half width widens"),
        ("やめて ヤメテ", "やめて ヤメテ", "hiragana and katakana stay apart"),
        ("停止。", "停止", "ideographic full stop"),
        ("a\x00b\ud800c", "a b c", "NUL and half a surrogate pair"),
        ("", "", "nothing"),
        ("!!! ... 🙏", "", "nothing that counts"),
        ("opt-out", "opt out", "a hyphen is a space"),
        ("й ё", "й ё", "Cyrillic letters are no Latin ones with accents"),
    ],
)
def test_fold(text: str, folded: str, reason: str) -> None:
    assert fold(text) == folded, reason


@given(st.text())
@example("\ud800")
@example("\x00")
@example("ʼn")
@example("\u0345")
@example("क़\u093c")
@example("か\u3099\u309b")
@example("İ\u0307ı")
def test_folding_twice_changes_nothing_and_never_raises(text: str) -> None:
    folded = fold(text)
    assert fold(folded) == folded
    assert folded == " ".join(folded.split())
    assert loosen(folded) == loosen(folded)


@given(st.text(alphabet=st.characters(categories=["Cs", "Cc", "Cf", "Co", "Mn", "Me", "Lm", "So", "Po"])))
def test_strange_characters(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert not any(unicodedata.category(character) in {"Cs", "Cc", "Cf", "So", "Po"} for character in fold(text))


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789 "))
def test_plain_text_stays(text: str) -> None:
    assert fold(text) == " ".join(text.split())


@pytest.mark.parametrize(
    ("text", "squeezed"),
    [("heeelp", "help"), ("stoppp", "stop"), ("happy", "happy"), ("www", "w"), ("000", "000"), ("停停停", "停停停")],
)
def test_squeeze(text: str, squeezed: str) -> None:
    assert squeeze(text) == squeezed


@pytest.mark.parametrize(
    ("one", "other", "reason"),
    [
        ("maar raha", "mar raha", "doubled vowels of romanised Urdu"),
        ("jee", "ji", "the same"),
        ("hitting me", "hittin me", "the g that texting drops"),
        ("श्रीमती", "स्रिमति", "long and short i, the three s"),
        ("बन्द", "बंद", "the nasal before a consonant"),
        ("हुँ", "हुं", "moon dot and dot"),
        ("シニタイ", "しにたい", "katakana and hiragana"),
        ("殺 打 我", "杀打我", "traditional characters, spaces between"),
        ("我想die了", "我想 die 了", "Latin letters in Chinese"),
    ],
)
def test_loosen_makes_one(one: str, other: str, reason: str) -> None:
    assert loosen(fold(one)) == loosen(fold(other)), reason


@pytest.mark.parametrize(("one", "other"), [("moro", "morro"), ("voor", "vuur"), ("feel", "fell"), ("pero", "perro")])
def test_loosen_keeps_apart_what_means_two_things(one: str, other: str) -> None:
    assert loosen(one) != loosen(other)


def test_is_cjk() -> None:
    assert is_cjk("help 救命")
    assert is_cjk("たすけて")
    assert not is_cjk("help 123 توقف")
