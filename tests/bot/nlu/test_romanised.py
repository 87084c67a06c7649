"""Training texts in Latin letters."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.nlu.model import IntentModel
from bot.nlu.ngrams import Ngrams
from bot.nlu.romanised import copies, romanise


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("助けて!", "tasukete!"),
        ("車いすのまま乗れるタクシー", "kuruma isu no mama noreru takushii"),
        ("खाना कहाँ पाइन्छ", "khana kahan painchh"),
        ("मलाई डाक्टर चाहियो", "malai daktar chahiyo"),
        ("where is my ड्रेस", "where is my dres"),
    ],
)
def test_letters_as_they_are_typed(text: str, typed: str) -> None:
    assert romanise(text) == typed


def test_pinyin_has_no_tones_and_keeps_everything_else() -> None:
    found = romanise("我想看医生, 5点 OK?")
    assert found is not None
    assert found.replace(" ", "") == "woxiangkanyisheng,5dianOK?"
    assert romanise("我想看医生") == romanise("我想看医生")


@pytest.mark.parametrize("text", ["", "food", "أين الطعام", "کھانا", "5", "😀"])
def test_what_is_not_romanised(text: str) -> None:
    assert romanise(text) is None


def test_copies_know_their_originals() -> None:
    assert copies(["food", "खाना", "", "助けて"]) == ([1, 3], ["khana", "tasukete"])


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_any_text_can_be_romanised(text: str) -> None:
    romanise(text)


def test_a_model_learns_romanised_texts_by_their_letters_alone() -> None:
    """A row without a vector counts by its n-grams, and does not move the others' mean."""
    texts = ["khana", "khaana chahiyo", "daktar", "daktar chahiyo"] * 6
    topics = ["food", "food", "health_clinic", "health_clinic"] * 6
    vectors = np.random.default_rng(1).normal(size=(len(texts), 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors[12:] = 0
    rows = Ngrams(min_df=1).fit(texts).transform(texts)
    model = IntentModel().fit(vectors, rows, topics, texts)
    ranked = model.rank(np.zeros((2, 8), dtype=np.float32), rows[[0, 2]])
    assert [model.intents[at] for at in ranked.probability.argmax(axis=1)] == ["food", "health_clinic"]
