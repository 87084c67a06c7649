"""Rasa's training without its fingerprints: what stands twice is dropped all the same, and copies are copies."""

import subprocess
import sys

import pytest

from bot.training import ROOT

pytestmark = pytest.mark.rasa

_CHECK = """
from bot.nlu.trainer import without_fingerprints
without_fingerprints()
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

def text(words, intent="food", **more):
    return Message(data={"text": words, "intent": intent, **more})

first = TrainingData([text("food bank"), text("food bank"), text("food bank", "goods"), text("food bank", copy=True)])
assert len(first.training_examples) == 3, first.training_examples
both = first.merge(TrainingData([text("food bank"), text("soup")]))
assert len(both.training_examples) == 4
both.training_examples[0].set("text", "changed")
assert first.training_examples[0].get("text") == "food bank"
assert first.fingerprint() != first.fingerprint()
print("as it should be")
"""


def test_what_stands_twice_is_dropped_and_copies_are_their_own() -> None:
    # In a process of its own: it changes how Rasa's classes compare.
    done = subprocess.run([sys.executable, "-c", _CHECK], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "as it should be", done.stderr
