"""Rasa's training without what its cache needs; the cache is off (see `bot.training`).

    python -m bot.nlu.trainer UTTERANCES RULES FOLDER NAME

Rasa takes a fingerprint of every text, its words and its features after each step, and copies all of them several times
before the first: with 100,000 texts that was half of the time. The model is the same that `rasa train` makes.
"""

import logging
import sys
from copy import copy
from typing import Any
from uuid import uuid4

from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData


def without_fingerprints() -> None:
    """Call before training, in a process that does nothing else."""
    TrainingData.fingerprint = lambda self: uuid4().hex  # Rasa's own answer where there is none
    Message.__eq__ = lambda self, other: isinstance(other, Message) and _told(self) == _told(other)
    Message.__hash__ = lambda self: hash(_told(self))
    Message.fingerprint = lambda self: uuid4().hex
    Message.__deepcopy__ = lambda self, memo: _copied(self)


def _told(message: Message) -> tuple[tuple[str, str | bool], ...]:
    """What is known of a text when Rasa drops what is there twice: itself, its intent, and whether it is a copy of ours."""
    return tuple(sorted((key, value) for key, value in message.data.items() if isinstance(value, str | bool)))


def _copied(message: Message) -> Message:
    """Its values are replaced in training and never changed."""
    found = copy(message)
    found.data, found.features = dict(message.data), list(message.features)
    found.output_properties = set(message.output_properties)
    return found


def main(utterances: str, rules: str, folder: str, name: str) -> int:
    """Train and write `folder`/`name`.tar.gz; the exit code."""
    from rasa.model_training import train
    from rasa.utils.common import configure_logging_and_warnings

    configure_logging_and_warnings(log_level=logging.INFO)
    without_fingerprints()
    trained: Any = train("domain.yml", "config.yml", [utterances, rules], folder, force_training=True, fixed_model_name=name)
    return int(trained.code)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
