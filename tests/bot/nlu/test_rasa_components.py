"""Our components in Rasa's own training and loading."""

import asyncio
import tarfile
from pathlib import Path

import pytest

from bot.errors import DataError
from bot.nlu.utterances import Utterance

pytestmark = [pytest.mark.rasa, pytest.mark.filterwarnings("ignore")]

CONFIG = """recipe: default.v1
assistant_id: trial
language: xx
pipeline:
  - name: bot.nlu.tokenizer.CarelineTokenizer
  - name: bot.nlu.featurizer.EncoderFeaturizer
    cache: {cache}
  - name: bot.nlu.featurizer.NgramFeaturizer
    min_df: 1
  - name: bot.nlu.classifier.CarelineClassifier
  - name: FallbackClassifier
    threshold: 0.3
    ambiguity_threshold: 0.05
  - name: bot.nlu.classifier.CrisisFirst
    threshold: 0.3
policies: []
"""


@pytest.fixture(scope="module")
def trained(town: list[Utterance], tmp_path_factory: pytest.TempPathFactory) -> Path:
    from rasa.model_training import train_nlu

    folder = tmp_path_factory.mktemp("trial")
    blocks = {one.topic: [two.text for two in town if two.topic == one.topic] for one in town}
    (folder / "nlu.yml").write_text(
        'version: "3.1"\nnlu:\n'
        + "".join(
            f"- intent: {topic}\n  examples: |\n" + "".join(f"    - {text}\n" for text in texts)
            for topic, texts in blocks.items()
        )
    )
    (folder / "config.yml").write_text(CONFIG.format(cache=folder / "vectors"))
    path = train_nlu(str(folder / "config.yml"), str(folder / "nlu.yml"), str(folder / "models"))
    assert path is not None
    assert list((folder / "vectors").glob("*.npz"))
    return Path(path)


def parse(model: Path, text: str) -> dict[str, object]:
    from rasa.core.agent import Agent

    parsed: dict[str, object] = asyncio.run(Agent.load(str(model)).parse_message(text))
    return parsed


@pytest.mark.parametrize(("text", "topic"), [("hungry kids, free food?", "food"), ("¿dónde dormir esta noche?", "shelter")])
def test_a_message_is_understood(trained: Path, text: str, topic: str) -> None:
    parsed = parse(trained, text)
    assert parsed["intent"]["name"] == topic  # type: ignore[index]
    assert len(parsed["intent_ranking"]) == 5  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["", "   ", "🙂", "?!", "\ud800", "食物银行", "x" * 5000])
def test_any_message_can_be_parsed(trained: Path, text: str) -> None:
    assert parse(trained, text)["intent"]


def test_a_half_written_model_says_what_to_do(trained: Path, tmp_path: Path) -> None:
    from rasa.engine.exceptions import GraphComponentException

    with tarfile.open(trained) as archive:
        archive.extractall(tmp_path / "model", filter="data")
    file = next((tmp_path / "model").rglob("intents.npz"))
    file.write_bytes(file.read_bytes()[:1000])
    broken = tmp_path / "broken.tar.gz"
    with tarfile.open(broken, "w:gz") as archive:
        archive.add(tmp_path / "model", arcname=".")
    with pytest.raises(GraphComponentException) as caught:  # Rasa's own, around ours
        parse(broken, "food")
    assert isinstance(caught.value.__cause__, DataError)
    assert "train again" in str(caught.value.__cause__)
