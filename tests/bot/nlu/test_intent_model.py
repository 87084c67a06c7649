from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from word_encoder import WordEncoder

from bot.errors import DataError
from bot.nlu.encoder import Vectors
from bot.nlu.model import IntentModel
from bot.nlu.ngrams import Ngrams
from bot.nlu.softmax import Softmax, probabilities
from bot.nlu.tuned import Judge
from bot.nlu.utterances import Utterance


@pytest.fixture
def features(town: list[Utterance], encoder: WordEncoder) -> tuple[Vectors, csr_matrix, Ngrams]:
    texts = [utterance.text for utterance in town]
    ngrams = Ngrams(min_df=1).fit(texts)
    return encoder.encode(texts), ngrams.transform(texts), ngrams


@pytest.fixture
def model(town: list[Utterance], features: tuple[Vectors, csr_matrix, Ngrams]) -> IntentModel:
    vectors, rows, _ = features
    return IntentModel().fit(vectors, rows, [one.topic for one in town], [one.text for one in town])


def test_it_learns_and_its_probabilities_add_up(
    model: IntentModel, town: list[Utterance], features: tuple[Vectors, csr_matrix, Ngrams]
) -> None:
    ranked = model.rank(features[0], features[1])
    assert np.allclose(ranked.probability.sum(axis=1), 1, atol=1e-4)
    guessed = [model.intents[at] for at in ranked.confidence.argmax(axis=1)]
    assert guessed == [utterance.topic for utterance in town]


def test_an_unlike_text_is_less_sure(
    model: IntentModel, encoder: WordEncoder, features: tuple[Vectors, csr_matrix, Ngrams]
) -> None:
    texts = ["free food tonight", "zyx wvu tsr"]
    ranked = model.rank(encoder.encode(texts), features[2].transform(texts))
    assert ranked.closeness[0] > ranked.closeness[1]
    assert ranked.confidence[0].max() > ranked.confidence[1].max()
    assert (ranked.confidence <= ranked.probability).all()


def test_the_same_answers_after_saving(model: IntentModel, features: tuple[Vectors, csr_matrix, Ngrams], tmp_path: Path) -> None:
    model.save(tmp_path / "intents.npz")
    again = IntentModel.load(tmp_path / "intents.npz")
    before, after = model.rank(features[0], features[1]), again.rank(features[0], features[1])
    assert again.intents == model.intents
    assert np.allclose(before.confidence, after.confidence, atol=0.01)


@pytest.mark.parametrize("share", [0, 0.3, 0.7, 0.99])
def test_a_half_written_file_says_what_to_do(model: IntentModel, tmp_path: Path, share: float) -> None:
    path = tmp_path / "intents.npz"
    model.save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(DataError, match=r"intents\.npz.*train again"):
        IntentModel.load(path)


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="train again"):
        IntentModel.load(tmp_path / "intents.npz")


def test_a_file_that_lacks_something_says_what_to_do(model: IntentModel, tmp_path: Path) -> None:
    path = tmp_path / "intents.npz"
    model.save(path)
    with np.load(path) as file:
        np.savez(path, **{name: file[name] for name in file.files if name != "bias"})
    with pytest.raises(DataError, match="train again"):
        IntentModel.load(path)


def test_one_topic_alone_cannot_be_learned() -> None:
    with pytest.raises(DataError, match="fewer than two topics"):
        IntentModel().fit(np.eye(3, dtype=np.float32), csr_matrix((3, 1), dtype=np.float32), ["food"] * 3, ["a", "b", "c"])


def test_an_untrained_model_says_so() -> None:
    with pytest.raises(DataError, match="not trained"):
        IntentModel().rank(np.eye(2, dtype=np.float32), csr_matrix((2, 1), dtype=np.float32))


def test_softmax_finds_what_either_block_tells() -> None:
    rng = np.random.default_rng(0)
    classes = np.arange(200) % 4
    dense = np.stack([classes // 2, rng.random(200)], axis=1).astype(np.float32)
    sparse = csr_matrix((classes % 2)[:, None].astype(np.float32))
    weights = Softmax.fit(dense, sparse, classes, 4, penalty=0.01)
    assert (probabilities(weights.logits(dense, sparse)).argmax(axis=1) == classes).all()


def a_judge(topics: tuple[str, ...], dim: int) -> Judge:
    weights = np.random.default_rng(2).normal(size=(dim, len(topics))).astype(np.float32)
    return Judge(topics, weights, np.zeros(len(topics), np.float32), 1.0, 0.6, 1.4, 0.3)


def test_a_judge_has_its_say_and_is_kept_with_the_model(
    town: list[Utterance], features: tuple[Vectors, csr_matrix, Ngrams], tmp_path: Path
) -> None:
    vectors, rows, _ = features
    topics, texts = [one.topic for one in town], [one.text for one in town]
    judge = a_judge(tuple(sorted({*topics, "another"})), vectors.shape[1])
    model = IntentModel(judge=judge).fit(vectors, rows, topics, texts)
    model.save(tmp_path / "intents.npz")
    before, after = model.rank(vectors, rows), IntentModel.load(tmp_path / "intents.npz").rank(vectors, rows)
    assert np.allclose(before.confidence, after.confidence, atol=0.01)
    assert np.allclose(before.probability.sum(axis=1), 1, atol=1e-4)
    surer = judge.chances(vectors, model.intents).argmax(axis=1)
    alone = IntentModel().fit(vectors, rows, topics, texts).rank(vectors, rows)
    at = np.arange(len(town))
    assert (before.probability[at, surer] > alone.probability[at, surer]).mean() > 0.5


def test_a_judge_that_does_not_know_a_topic_is_not_asked(
    town: list[Utterance], features: tuple[Vectors, csr_matrix, Ngrams]
) -> None:
    vectors, rows, _ = features
    topics, texts = [one.topic for one in town], [one.text for one in town]
    model = IntentModel(judge=a_judge(("food", "shelter"), vectors.shape[1])).fit(vectors, rows, topics, texts)
    plain = IntentModel().fit(vectors, rows, topics, texts)
    assert np.allclose(model.rank(vectors, rows).probability, plain.rank(vectors, rows).probability)
