"""Languages by their sequences of letters."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import letters
from bot.errors import DataError
from bot.languages import LANGUAGES


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("xiang zhao yi sheng", "zh"),
        ("isha ni mite moraitai", "ja"),
        ("malai bachha ko lagi khana chahiyo", "ne"),
        ("ana 3ayez doctor le ebny", "ar"),
        ("mujhe rehne ki jagah nahi mil rahi", "ur"),
        ("nahitaji msaada wa mama yangu", "sw"),
    ],
)
def test_what_detectors_do_not_know(text: str, language: str) -> None:
    shares = letters.shares(text)
    assert max(shares, key=lambda code: shares[code]) == language


@given(st.text(max_size=300))
def test_shares_are_shares(text: str) -> None:
    shares = letters.shares(text)
    assert set(shares) == set(LANGUAGES)
    assert all(0 <= share <= 1 for share in shares.values())


def test_learning_again_gives_the_same(tmp_path: Path) -> None:
    rows = [("en", "where is the library"), ("es", "donde esta la biblioteca"), ("fr", "ou est la bibliotheque")] * 5
    for name in ("a", "b"):
        letters.learn(rows, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"nothing of the kind"])
def test_a_damaged_file_says_what_to_do(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "letters.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"python -m bot\.letters"):
        letters._learnt(tmp_path / "letters.npz")


def test_a_language_that_is_not_learnt_yet_is_as_likely_as_any(monkeypatch: pytest.MonkeyPatch) -> None:
    codes, weights, bias = letters._learnt()
    monkeypatch.setattr(letters, "_learnt", lambda: (codes[1:], weights[:, 1:], bias[1:]))
    assert letters.shares("where is the library")[codes[0]] == 1 / len(LANGUAGES)
