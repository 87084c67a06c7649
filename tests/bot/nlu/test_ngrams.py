import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import DataError
from bot.nlu.ngrams import Ngrams, grams
from bot.nlu.skeleton import skeleton

TEXTS = ["où manger gratuitement", "ou manger gratis", "食物银行", "बच्चाको खाना", "food bank"]


def test_an_accentless_text_has_the_same_ngrams() -> None:
    assert list(grams("OÙ MANGÉR")) == list(grams("ou manger"))


def test_chinese_gives_single_characters_pairs_and_triples() -> None:
    assert set(grams("食物银行")) == {"食", "物", "银", "行", "食物", "物银", "银行", "食物银", "物银行"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ta3am", "طعام"),  # food, Arabic
        ("mafta7", "مفتاح"),  # key, Arabic
        ("khana", "खाना"),  # food, Nepali
        ("madad", "مدد"),  # help, Urdu
        ("chahiye", "چاہیے"),  # needed, Urdu
    ],
)
def test_romanised_and_own_script_share_their_consonants(one: str, other: str) -> None:
    from bot.folding import fold

    assert skeleton(fold(one)) == skeleton(fold(other)) != ""


def test_other_scripts_and_numbers_have_no_skeleton() -> None:
    assert skeleton("食物") == skeleton("2024") == skeleton("") == ""


def test_rows_have_unit_length_or_are_empty() -> None:
    rows = Ngrams(min_df=1).fit(TEXTS).transform([*TEXTS, "", "§"])
    lengths = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1))).ravel()
    assert np.allclose(lengths, [1, 1, 1, 1, 1, 0, 0], atol=1e-5)
    assert rows.dtype == np.float32


def test_the_arrays_give_the_same_ngrams_again() -> None:
    ngrams = Ngrams(min_df=1).fit(TEXTS)
    again = Ngrams.from_arrays(ngrams.arrays())
    assert (again.transform(TEXTS) != ngrams.transform(TEXTS)).nnz == 0


def test_arrays_that_are_not_whole_are_refused() -> None:
    arrays = Ngrams(min_df=1).fit(TEXTS).arrays()
    with pytest.raises(DataError, match="train again"):
        Ngrams.from_arrays({key: value for key, value in arrays.items() if key != "idf"})
    with pytest.raises(DataError, match="train again"):
        Ngrams.from_arrays(arrays | {"idf": arrays["idf"][1:]})


@given(st.lists(st.text(), max_size=5))
def test_any_text_can_be_transformed(texts: list[str]) -> None:
    assert Ngrams(min_df=1).fit(texts).transform(texts).shape[0] == len(texts)
