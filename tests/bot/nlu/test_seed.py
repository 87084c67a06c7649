"""Vectors shipped with the utterances."""

from pathlib import Path

import numpy as np
from word_encoder import WordEncoder

from bot.nlu import seed
from bot.nlu.encoder import TunedEncoder, VectorCache, key
from bot.nlu.utterances import read_utterances

ROOT = Path(__file__).resolve().parents[3]


def test_a_packed_vector_points_where_it_did(tmp_path: Path) -> None:
    vectors = np.random.default_rng(3).normal(size=(50, 384)).astype(np.float32) + 2
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    keys = [key(str(number)) for number in range(50)]
    seed.write(tmp_path / "vectors.npz", keys, vectors)
    again = seed.read(tmp_path / "vectors.npz")
    found = np.stack([again[one] for one in keys])
    moved, true = found - vectors.mean(axis=0), vectors - vectors.mean(axis=0)
    cosine = (moved * true).sum(axis=1) / np.linalg.norm(moved, axis=1) / np.linalg.norm(true, axis=1)
    assert cosine.min() > 0.98
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)


def test_only_what_the_seed_lacks_is_encoded(encoder: WordEncoder, tmp_path: Path) -> None:
    shipped = VectorCache(encoder, tmp_path / "own", seed=tmp_path / "seed")
    seed.write(tmp_path / "seed" / shipped.path.name, [key("food")], encoder.encode(["food"]))
    before = encoder.calls
    vectors = shipped.encode(["food", "a bed"])
    assert encoder.calls == before + 1
    assert vectors.shape == (2, encoder.dim)


def test_a_damaged_seed_is_none(tmp_path: Path) -> None:
    path = tmp_path / "vectors.npz"
    assert seed.read(path) == {}
    path.write_bytes(b"PK\x03\x04 not a zip")
    assert seed.read(path) == {}


def test_nearly_all_utterances_are_shipped_with_their_vectors() -> None:
    """Otherwise a first start takes many minutes: run `python -m bot.nlu.seed`."""
    shipped = seed.read(seed.FOLDER / VectorCache(TunedEncoder(), Path()).path.name)
    texts = {utterance.text for utterance in read_utterances(ROOT / "data" / "nlu")}
    assert sum(key(text) in shipped for text in texts) > 0.98 * len(texts)
