"""What follows from a ranking of topics: answer, ask back with up to three choices, or say what we can help with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from bot.errors import DataError

CONFIG: Final = Path(__file__).resolve().parents[2] / "config.yml"

# A choice less likely than this is noise: where no topic reaches it, none is offered.
LEAST: Final = 0.05
MOST: Final = 3

# Crises with less than this share of another topic's confidence give way to it; the answer then says whom to call.
CLEARLY: Final = 0.8

# What steers the conversation is no answer to "did you mean".
NEVER_OFFERED: Final = frozenset(
    {"greet", "thanks", "goodbye", "help", "human", "stop", "start", "change_language", "repeat", "more", "bot_identity"}
    | {"feedback_good", "feedback_bad", "wrong_information", "delete_my_data", "out_of_scope", "nlu_fallback"}
)


# A message that steers the conversation does so whatever else it names: "that number of the Casona is wrong".
STEERS: Final = NEVER_OFFERED - {"out_of_scope", "nlu_fallback"}


def offer(ranking: Sequence[Mapping[str, Any]]) -> list[str]:
    """Up to three topics to offer, the likeliest first, from Rasa's `intent_ranking` (name and confidence of each).

    Empty where none is likely enough: then say what we can help with.
    """
    likely = [str(row["name"]) for row in ranking if row["name"] not in NEVER_OFFERED and row["confidence"] >= LEAST]
    return likely[:MOST]


def likeliest_crisis(ranking: Sequence[Mapping[str, Any]], threshold: float) -> tuple[str, float] | None:
    """The first crisis topic of the ranking, with the confidence of all crisis topics together, if that is enough: at
    least `threshold`, and no other topic clearly likelier.

    Which crisis it is, is often unclear ("he hits my daughter"); that it is one, much less so.
    """
    crises = [row for row in ranking if str(row["name"]).startswith("crisis_")]
    others = [float(row["confidence"]) for row in ranking if row not in crises]
    together = crisis_share(ranking)
    if not crises or together < threshold or together < CLEARLY * max(others, default=0.0):
        return None
    return str(crises[0]["name"]), together


def crisis_share(ranking: Sequence[Mapping[str, Any]]) -> float:
    """The confidence of all crisis topics together, from 0 to 1."""
    return min(sum(float(row["confidence"]) for row in ranking if str(row["name"]).startswith("crisis_")), 1.0)


@dataclass(frozen=True)
class Thresholds:
    """From config.yml: answered from `least` confidence on, unless the second topic is closer than `margin`; taken for
    a crisis from `crisis` on, over all crisis topics together."""

    least: float
    margin: float
    crisis: float

    def answer(self, ranking: Sequence[Mapping[str, Any]]) -> str | None:
        """The topic that is answered at once, by the model's ranking (of at least two), or None."""
        if crisis := likeliest_crisis(ranking, self.crisis):
            return crisis[0]
        first, second = float(ranking[0]["confidence"]), float(ranking[1]["confidence"])
        return str(ranking[0]["name"]) if first >= self.least and first - second >= self.margin else None


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
    """The thresholds of the fallback classifier and of what overrules it."""
    options = component(config, "FallbackClassifier")
    crisis = component(config, "CrisisFirst")
    return Thresholds(float(options["threshold"]), float(options["ambiguity_threshold"]), float(crisis["threshold"]))
