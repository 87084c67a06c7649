"""Rasa without TensorFlow: half its memory and most of its start, for a pipeline in which nothing uses it.

Rasa's core imports two modules that need TensorFlow as soon as they are imported: callbacks and batches for training
Keras models. Where a
model is only used, they are replaced by modules whose names can be imported and not be used. TensorFlow itself stays
importable: a component that needs it still gets it, at its price.
"""

import sys
from types import ModuleType

_MODULES = (
    "rasa.utils.tensorflow.callback",
    "rasa.utils.tensorflow.data_generator",
    # Checks a configuration before training; it knows every component of Rasa, and a model names it.
    "rasa.graph_components.validators.default_recipe_validator",
)


class _ForTraining(ModuleType):
    """Stands where only training looks."""

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)

        def refuse(self: object, *args: object, **kwargs: object) -> None:
            raise RuntimeError(f"{name} is for training: `careline train` runs in a process of its own.")

        return type(name, (), {"__init__": refuse})


def without_tensorflow() -> None:
    """Call before Rasa is imported, in a process that answers and never trains."""
    for name in _MODULES:
        sys.modules.setdefault(name, _ForTraining(name))
