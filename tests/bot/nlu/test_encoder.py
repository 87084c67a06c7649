from pathlib import Path

import numpy as np
import pytest
from word_encoder import WordEncoder

from bot.nlu.encoder import BundledEncoder, VectorCache


def test_only_new_texts_are_encoded_again(encoder: WordEncoder, tmp_path: Path) -> None:
    first = VectorCache(encoder, tmp_path).encode(["a bed", "food", "a bed"])
    assert encoder.calls == 2
    second = VectorCache(encoder, tmp_path).encode(["food", "a library", "a bed"])
    assert encoder.calls == 3
    assert np.array_equal(second[[2, 0]], first[[0, 1]])


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 half a file", b"not an archive"])
def test_a_damaged_cache_is_computed_again(encoder: WordEncoder, tmp_path: Path, damage: bytes) -> None:
    cache = VectorCache(encoder, tmp_path)
    vectors = cache.encode(["a bed", "food"])
    cache.path.write_bytes(damage)
    assert np.array_equal(cache.encode(["a bed", "food"]), vectors)
    assert encoder.calls == 4
    cache.encode(["food"])
    assert encoder.calls == 4


def test_a_cut_cache_is_computed_again(encoder: WordEncoder, tmp_path: Path) -> None:
    cache = VectorCache(encoder, tmp_path)
    vectors = cache.encode([f"text {at}" for at in range(50)])
    whole = cache.path.read_bytes()
    cache.path.write_bytes(whole[: len(whole) // 2])
    assert np.array_equal(cache.encode([f"text {at}" for at in range(50)]), vectors)


def test_another_version_has_another_file(encoder: WordEncoder, tmp_path: Path) -> None:
    before = VectorCache(encoder, tmp_path).path
    encoder.version = "2"
    assert VectorCache(encoder, tmp_path).path != before


def test_a_folder_that_cannot_be_written_costs_only_time(encoder: WordEncoder, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert VectorCache(encoder, tmp_path / "file").encode(["food"]).shape == (1, encoder.dim)


def test_no_texts_no_vectors(encoder: WordEncoder, tmp_path: Path) -> None:
    assert VectorCache(encoder, tmp_path).encode([]).shape == (0, encoder.dim)


def test_the_bundled_encoder_takes_any_text_and_knows_translations() -> None:
    encoder = BundledEncoder(threads=1)
    texts = ["Where can I get food?", "¿Dónde puedo conseguir comida?", "我的电话坏了", "", "\ud800", "a\0b", "word " * 2000]
    vectors = encoder.encode(texts)
    assert vectors.shape == (len(texts), encoder.dim)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]
    # Training sees texts in batches, answering one by one: the vectors must be the same.
    assert np.allclose(encoder.encode(texts[:1])[0], vectors[0], atol=1e-5)
