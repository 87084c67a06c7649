import numpy as np

from bot.nlu.groups import by_meaning, centred, folds


def test_near_texts_and_equal_texts_are_one_group_within_a_topic() -> None:
    vectors = np.array([[1, 0], [0.98, 0.2], [0, 1], [1, 0], [0, -1], [-1, 0]], dtype=np.float32)
    texts = ["food bank", "a food bank", "Hungry!", "bed", "hungry", "meal"]
    groups = by_meaning(vectors, texts, ["food", "food", "food", "shelter", "food", "food"])
    assert groups[0] == groups[1]  # near
    assert groups[2] == groups[4]  # the same but for capitals and marks
    assert groups[0] != groups[3]  # near, but another topic
    assert len({int(group) for group in groups}) == 4


def test_a_chain_that_swallows_its_topic_is_taken_apart() -> None:
    angles = np.repeat(np.radians([0, 40, 80]), 10)  # neighbours have a cosine of 0.77
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    groups = by_meaning(vectors, [f"text {at}" for at in range(30)], ["thanks"] * 30)
    assert np.array_equal(groups, np.repeat([0, 1, 2], 10))


def test_a_group_is_never_split_over_folds() -> None:
    groups = np.repeat(np.arange(40), [1, 2, 3, 4] * 10)
    fold = folds(groups, 5)
    assert all(len(set(fold[groups == group])) == 1 for group in set(groups))
    assert np.ptp(np.bincount(fold)) <= 4


def test_centred_vectors_have_unit_length_and_survive_the_mean_itself() -> None:
    vectors = np.array([[1, 1], [3, 1], [2, 1]], dtype=np.float32)
    assert np.allclose(np.linalg.norm(centred(vectors, vectors.mean(axis=0)), axis=1), [1, 1, 0])
