"""Rasa's two featurizers: the sentence encoder (dense) and the character n-grams (sparse)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.featurizers.dense_featurizer.dense_featurizer import DenseFeaturizer
from rasa.nlu.featurizers.sparse_featurizer.sparse_featurizer import SparseFeaturizer
from rasa.nlu.tokenizers.tokenizer import Tokenizer
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.nlu.encoder import TunedEncoder, VectorCache, Vectors
from bot.nlu.model import read_arrays
from bot.nlu.ngrams import Ngrams
from bot.nlu.romanised import copies
from bot.nlu.source import fingerprint
from bot.settings import Settings, ours

#: Marks a romanised copy among the training messages.
COPY = "romanised_copy"


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False)
class RomanisedCopies(GraphComponent):
    """Adds romanised copies of training texts (see `bot.nlu.romanised`); messages being answered pass unchanged."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """See `bot.nlu.source`."""
        return {"source": fingerprint()}

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> RomanisedCopies:
        """There is nothing to configure."""
        return cls()

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """The training data with the copies at its end."""
        messages = _with_text(training_data.intent_examples)
        positions, texts = copies([message.get(TEXT) for message in messages])
        made = [
            Message(data={TEXT: text, INTENT: messages[at].get(INTENT), COPY: True})
            for at, text in zip(positions, texts, strict=True)
        ]
        return training_data.merge(TrainingData(training_examples=made))

    def process(self, messages: list[Message]) -> list[Message]:
        """The messages as they are."""
        return messages


def _with_text(messages: list[Message]) -> list[Message]:
    return [message for message in messages if isinstance(message.get(TEXT), str)]


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False)
class EncoderFeaturizer(DenseFeaturizer, GraphComponent):
    """Adds the encoder's vector, shape (1, dim), as the sentence feature of each text.

    Options: `threads` for answering, `training_threads` (0: every core) for training, and `cache`, the folder for the
    vectors of training texts (empty: `vectors` under the home folder). Messages being answered are never cached.
    """

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """See the class."""
        return {
            **DenseFeaturizer.get_default_config(),
            "threads": 1,
            "training_threads": 0,
            "cache": "",
            "source": fingerprint(),
        }

    def __init__(self, config: dict[str, Any], name: str) -> None:
        super().__init__(name, config)
        self._encoder = TunedEncoder(int(config["threads"]))

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> EncoderFeaturizer:
        """A featurizer; there is nothing to load, since the encoder comes with its package."""
        return cls(config, execution_context.node_name)

    @classmethod
    def required_components(cls) -> list[type]:
        """Rasa checks that a tokenizer stands before a featurizer."""
        return [Tokenizer]

    @classmethod
    def validate_config(cls, config: dict[str, Any]) -> None:
        """Rasa asks for this; every option has a default."""

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Add vectors to all training texts, those of earlier trainings from the cache."""
        folder = self._config["cache"] or Settings.from_env(ours(os.environ)).home / "vectors"
        threads = int(self._config["training_threads"]) or os.cpu_count() or 1
        texts = _with_text(training_data.training_examples)
        copied = [message for message in texts if message.get(COPY)]
        self._add(copied, np.zeros((len(copied), self._encoder.dim), dtype=np.float32))
        messages = [message for message in texts if not message.get(COPY)]
        cache = VectorCache(TunedEncoder(threads), Path(folder))
        self._add(messages, cache.encode([message.get(TEXT) for message in messages]))
        return training_data

    def process(self, messages: list[Message]) -> list[Message]:
        """Add vectors to messages being answered."""
        wanted = _with_text(messages)
        self._add(wanted, self._encoder.encode([message.get(TEXT) for message in wanted]))
        return messages

    def _add(self, messages: list[Message], vectors: Vectors) -> None:
        for message, vector in zip(messages, vectors, strict=True):
            self.add_features_to_message(None, vector[None, :], TEXT, message)


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=True)
class NgramFeaturizer(SparseFeaturizer, GraphComponent):
    """Adds the TF-IDF row of character n-grams as the sentence feature of each text; options as in `Ngrams`."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """See the class."""
        plain = Ngrams()
        return {
            **SparseFeaturizer.get_default_config(),
            "shortest": plain.shortest,
            "longest": plain.longest,
            "min_df": plain.min_df,
            "most": plain.most,
            "source": fingerprint(),
        }

    def __init__(
        self,
        config: dict[str, Any],
        name: str,
        model_storage: ModelStorage,
        resource: Resource,
        ngrams: Ngrams | None = None,
    ) -> None:
        super().__init__(name, config)
        self._model_storage = model_storage
        self._resource = resource
        self._ngrams = ngrams or Ngrams(**{option: int(config[option]) for option in ("shortest", "longest", "min_df", "most")})

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> NgramFeaturizer:
        """An untrained featurizer."""
        return cls(config, execution_context.node_name, model_storage, resource)

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> NgramFeaturizer:
        """The trained featurizer. Raises DataError if its file is missing or damaged."""
        with model_storage.read_from(resource) as folder:
            ngrams = Ngrams.from_arrays(read_arrays(folder / "ngrams.npz"))
        return cls(config, execution_context.node_name, model_storage, resource, ngrams)

    @classmethod
    def required_components(cls) -> list[type]:
        """Rasa checks that a tokenizer stands before a featurizer."""
        return [Tokenizer]

    @classmethod
    def validate_config(cls, config: dict[str, Any]) -> None:
        """Rasa asks for this; every option has a default."""

    def train(self, training_data: TrainingData) -> Resource:
        """Learn the n-grams of all training texts."""
        self._ngrams.fit([message.get(TEXT) for message in _with_text(training_data.training_examples)])
        with self._model_storage.write_to(self._resource) as folder, (folder / "ngrams.npz").open("wb") as file:
            np.savez_compressed(file, **self._ngrams.arrays())
        return self._resource

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Add rows to all training texts."""
        self.process(training_data.training_examples)
        return training_data

    def process(self, messages: list[Message]) -> list[Message]:
        """Add rows to the messages' texts."""
        wanted = _with_text(messages)
        matrix = self._ngrams.transform([message.get(TEXT) for message in wanted])
        for at, message in enumerate(wanted):
            self.add_features_to_message(None, matrix[at], TEXT, message)
        return messages
