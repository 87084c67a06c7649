"""Rasa's intent classifier on both kinds of features."""

from __future__ import annotations

from typing import Any

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.nlu.featurizers.featurizer import Featurizer
from rasa.shared.constants import DEFAULT_NLU_FALLBACK_INTENT_NAME
from rasa.shared.nlu.constants import INTENT, INTENT_RANKING_KEY, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from scipy.sparse import csr_matrix, vstack

from bot.errors import DataError
from bot.nlu import tuned
from bot.nlu.model import IntentModel, ModelOptions
from bot.nlu.softmax import Floats
from bot.nlu.source import fingerprint
from bot.nlu.unsure import likeliest_crisis

_FILE = "intents.npz"


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class CarelineClassifier(IntentClassifier, GraphComponent):
    """Sets `intent` and `intent_ranking` (the first `ranking`); options otherwise as in `ModelOptions`.

    A confidence is a calibrated probability, taken down where the text is far from all known ones (see `Ranked`).
    """

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """See the class."""
        plain = ModelOptions()
        return {
            "dense": plain.dense,
            "sparse": plain.sparse,
            "penalty": plain.penalty,
            "rounds": plain.rounds,
            "ranking": 10,
            "source": fingerprint(),
        }

    def __init__(
        self,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        model: IntentModel | None = None,
    ) -> None:
        self._config = config
        self._model_storage = model_storage
        self._resource = resource
        self._model = model

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> CarelineClassifier:
        """An untrained classifier."""
        return cls(config, model_storage, resource)

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> CarelineClassifier:
        """The trained classifier. Raises DataError if its file is missing or damaged."""
        with model_storage.read_from(resource) as folder:
            model = IntentModel.load(folder / _FILE)
        return cls(config, model_storage, resource, model)

    @classmethod
    def required_components(cls) -> list[type]:
        """Rasa checks that featurizers stand before."""
        return [Featurizer]

    def train(self, training_data: TrainingData) -> Resource:
        """Learn from every training text that has an intent."""
        messages = [message for message in training_data.intent_examples if message.get(TEXT) and message.get(INTENT)]
        config = self._config
        options = ModelOptions(float(config["dense"]), float(config["sparse"]), float(config["penalty"]), int(config["rounds"]))
        vectors, ngrams = _features(messages)
        self._model = IntentModel(options, tuned.read(tuned.the_file()).judge).fit(
            vectors,
            ngrams,
            [message.get(INTENT) for message in messages],
            [message.get(TEXT) for message in messages],
        )
        with self._model_storage.write_to(self._resource) as folder:
            self._model.save(folder / _FILE)
        return self._resource

    def process(self, messages: list[Message]) -> list[Message]:
        """Rank the intents of each message; a blank one has none."""
        if self._model is None:
            raise DataError("The intent model is not trained.")
        wanted = [message for message in messages if message.get(TEXT, "").strip()]
        for message in messages:
            message.set(INTENT, {"name": None, "confidence": 0.0}, add_to_output=True)
            message.set(INTENT_RANKING_KEY, [], add_to_output=True)
        if not wanted:
            return messages
        ranked = self._model.rank(*_features(wanted))
        for message, confidences in zip(wanted, ranked.confidence, strict=True):
            best = np.argsort(-confidences)[: int(self._config["ranking"])]
            ranking = [{"name": self._model.intents[at], "confidence": float(confidences[at])} for at in best]
            message.set(INTENT, ranking[0], add_to_output=True)
            message.set(INTENT_RANKING_KEY, ranking, add_to_output=True)
        return messages


def _features(messages: list[Message]) -> tuple[Floats, csr_matrix]:
    """The sentence features of the messages, dense and sparse, one row each."""
    dense, sparse = [], []
    for message in messages:
        vector = message.get_dense_features(TEXT)[1]
        row = message.get_sparse_features(TEXT)[1]
        if vector is None or row is None:
            raise DataError("CarelineClassifier needs EncoderFeaturizer and NgramFeaturizer before it in config.yml.")
        dense.append(vector.features)
        sparse.append(row.features)
    return np.concatenate(dense).astype(np.float32, copy=False), vstack(sparse, format="csr", dtype=np.float32)


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=False)
class CrisisFirst(IntentClassifier, GraphComponent):
    """After the fallback: a message that is some crisis with at least `threshold` is answered as the likeliest one.

    Asking somebody in danger to choose from a list costs more than a staff member's look at a false alarm.
    """

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """See the class."""
        return {"threshold": 0.3}

    def __init__(self, config: dict[str, Any]) -> None:
        self._threshold = float(config["threshold"])

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> CrisisFirst:
        """There is nothing to train."""
        return cls(config)

    @classmethod
    def required_components(cls) -> list[type]:
        """Rasa checks that a classifier stands before."""
        return [IntentClassifier]

    def process(self, messages: list[Message]) -> list[Message]:
        """Put the crisis first in the ranking of those messages that are one."""
        for message in messages:
            ranking = message.get(INTENT_RANKING_KEY) or []
            if crisis := likeliest_crisis(ranking, self._threshold):
                first = {"name": crisis[0], "confidence": crisis[1]}
                message.set(INTENT, first, add_to_output=True)
                others = [row for row in ranking if row["name"] not in (crisis[0], DEFAULT_NLU_FALLBACK_INTENT_NAME)]
                message.set(INTENT_RANKING_KEY, [first, *others], add_to_output=True)
        return messages
