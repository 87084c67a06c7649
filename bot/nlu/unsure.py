"""What follows from a ranking of topics: answer, ask back with up to three choices, or say what we can help with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from bot.errors import DataError

CONFIG: Final = Path(__file__).resolve().parents[2] / "config.yml"

# A choice less likely than this is noise: where no topic reaches it, none is offered.
LEAST: Final = 0.06
MOST: Final = 3

# Nobody is asked "did you mean: thank you?".
NEVER_OFFERED: Final = frozenset(
    ["nlu_fallback", "out_of_scope", "greet", "thanks", "goodbye", "help", "more", "repeat", "start", "bot_identity", "feedback_good", "feedback_bad"]
)


def offer(ranking: Sequence[Mapping[str, Any]]) -> list[str]:
    """Up to three topics to offer, the likeliest first, from Rasa's `intent_ranking` (name and confidence of each).

    Empty where none is likely enough: then say what we can help with.
    """
    likely = [str(row["name"]) for row in ranking if row["name"] not in NEVER_OFFERED and row["confidence"] >= LEAST]
    return likely[:MOST]


@dataclass(frozen=True)
class Thresholds:
    """From config.yml: answered from `least` confidence on, unless the second topic is closer than `margin`."""

    least: float
    margin: float

    def answers(self, first: float, second: float) -> bool:
        """Whether the first topic is answered, by the confidences of the first two."""
        return first >= self.least and first - second >= self.margin


def read_config(path: Path = CONFIG) -> dict[str, Any]:
    """Rasa's config.yml. Raises DataError if it cannot be read."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        content["pipeline"][0]["name"]
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError, IndexError) as error:
        raise DataError(f"{path} is not a Rasa configuration: {error}.") from error
    return dict(content)


def component(config: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The options of the pipeline's component whose name ends in `name`. Raises DataError if there is none."""
    for options in config["pipeline"]:
        if str(options["name"]).rsplit(".", 1)[-1] == name:
            return {key: value for key, value in options.items() if key != "name"}
    raise DataError(f"config.yml has no {name} in its pipeline.")


def read_thresholds(config: Mapping[str, Any]) -> Thresholds:
    """The thresholds of the fallback classifier."""
    options = component(config, "FallbackClassifier")
    return Thresholds(float(options["threshold"]), float(options["ambiguity_threshold"]))
