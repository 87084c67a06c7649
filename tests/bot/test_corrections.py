"""Corrections: what is meant instead, in every language, and what is none."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.corrections import load, meant
from bot.errors import DataError


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("no not food, I said foot doctor", "foot doctor"),
        ("I asked for HOUSING not food you stupid robot", "HOUSING"),
        ("no i mean a place for him to live", "a place for him to live"),
        ("not food, i said a doctor", "a doctor"),
        ("no, quiero decir mis derechos", "mis derechos"),
        ("non pas une crèche, une garde de nuit", "une garde de nuit"),
        ("Non, j’ai dit un avocat", "un avocat"),
        ("nao, uma cama de hospital", "uma cama de hospital"),
        ("nee niet thuis, een plek overdag", "een plek overdag"),
        ("لا، أقصد طبيب عيون", "طبيب عيون"),
        ("la, ba2sod doctor", "doctor"),
        ("نہیں، میرا مطلب نرس", "نرس"),
        ("nahi mera matlab nurse", "nurse"),
        ("hoina, mero aama ko lagi", "mero aama ko lagi"),
        ("खाना होइन, डाक्टर", "डाक्टर"),
        ("hapana, si shule ya watoto, mimi nataka kusoma", "mimi nataka kusoma"),
        ("hindi po, para sa buntis", "para sa buntis"),
        ("不是,我是说白天去的地方", "白天去的地方"),
        ("いいえ、夜に預けたいです", "夜に預けたいです"),
        ("食べ物じゃなくて足の医者", "足の医者"),
        ("no, no tengo papeles", "no tengo papeles"),
    ],
)
def test_what_is_meant(text: str, wanted: str) -> None:
    assert meant(text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "no", "no papers", "no tengo papeles", "not well, i need a doctor", "not breathing, my baby", "i said",
        "i need help, i said to him stop", "nahi", "hindi ako makakain", "si mwanangu", "不要食物", "", "?!",
    ],
)  # fmt: skip
def test_what_is_no_correction(text: str) -> None:
    assert meant(text) is None


def test_what_is_not_wanted_is_short_or_it_is_heard() -> None:
    assert meant("no, not at home because he hits me there every day, a place to go") == (
        "not at home because he hits me there every day, a place to go"
    )


@given(st.text(max_size=400))
def test_never_raises(text: str) -> None:
    meant(text)
    meant(f"no, not {text}, i mean {text}")


@pytest.mark.parametrize("content", ["[]", "en: {}", "en: {no: [x]}", "["])
def test_a_broken_list_says_so(tmp_path: Path, content: str) -> None:
    path = tmp_path / "corrections.yml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError):
        load(path)
