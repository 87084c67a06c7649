from pathlib import Path

import pytest

from bot.errors import DataError
from bot.nlu.unsure import Thresholds, likeliest_crisis, offer, read_config, read_thresholds


def ranking(**confidences: float) -> list[dict[str, str | float]]:
    return [{"name": name, "confidence": confidence} for name, confidence in confidences.items()]


def test_up_to_three_likely_topics_are_offered() -> None:
    guesses = ranking(nlu_fallback=0.45, food=0.3, greet=0.2, shelter=0.15, goods=0.12, library=0.1, funeral=0.01)
    assert offer(guesses) == ["food", "shelter", "goods"]


def test_nothing_is_offered_where_nothing_is_likely() -> None:
    assert offer(ranking(nlu_fallback=0.45, out_of_scope=0.4, food=0.01)) == []


def test_crises_count_together() -> None:
    guesses = ranking(violence_refuge=0.3, crisis_child=0.2, crisis_violence=0.15)
    found = likeliest_crisis(guesses, 0.3)
    assert found is not None
    assert found[0] == "crisis_child"
    assert found[1] == pytest.approx(0.35)
    assert likeliest_crisis(guesses, 0.4) is None
    assert likeliest_crisis(ranking(food=0.9), 0.1) is None


@pytest.mark.parametrize(
    ("guesses", "answer"),
    [
        (ranking(food=0.8, goods=0.1), "food"),
        (ranking(food=0.4, goods=0.1), None),  # not sure
        (ranking(food=0.5, goods=0.45), None),  # two alike
        (ranking(food=0.4, crisis_child=0.35), "crisis_child"),  # danger first
        (ranking(food=0.6, crisis_child=0.35), "food"),  # unless something else is clearly likelier
    ],
)
def test_answer_or_ask(guesses: list[dict[str, str | float]], answer: str | None) -> None:
    assert Thresholds(least=0.45, margin=0.1, crisis=0.3).answer(guesses) == answer


def test_our_own_configuration_has_thresholds() -> None:
    thresholds = read_thresholds(read_config())
    assert 0 < thresholds.margin < thresholds.least < 1
    assert 0 < thresholds.crisis <= thresholds.least


@pytest.mark.parametrize("content", ["", "pipeline: []", "pipeline: 3", "a: [", "- 1"])
def test_another_file_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "config.yml").write_text(content)
    with pytest.raises(DataError, match="Rasa configuration"):
        read_config(tmp_path / "config.yml")
