"""What a town texts: a fixed mixture of topics and languages, with the marks of real texts (no accents, no capitals,
abbreviations)."""

import random
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent

#: Share of each language among those who write; the rest is English.
LANGUAGES = {
    "es": 0.18,
    "fr": 0.08,
    "pt": 0.05,
    "nl": 0.04,
    "ar": 0.06,
    "ur": 0.04,
    "ne": 0.03,
    "sw": 0.02,
    "tl": 0.03,
    "zh": 0.05,
    "ja": 0.02,
}
#: Share of messages that continue a conversation: these need no new topic.
FOLLOW_UPS = ("more", "2", "phone?", "and on Sunday?", "thank you")
FOLLOWING = 0.15
CRISES = ("i want to kill myself", "me quiero morir", "mon mari me frappe en ce moment", "my baby is not breathing")
CRISIS = 0.01
KEYWORDS = ("STOP", "START", "HELP", "0")
KEYWORD = 0.02


@dataclass(frozen=True)
class Text:
    """One message: what is written, and what kind it is ("question", "follow", "crisis", "keyword")."""

    words: str
    kind: str


def mixture(count: int, seed: int = 1) -> list[Text]:
    """So many messages, the same for the same seed; questions are drawn from all topics and languages of data/nlu."""
    chance = random.Random(seed)
    questions = {code: _questions(code) for code in ("en", *LANGUAGES)}
    codes, shares = list(LANGUAGES), list(LANGUAGES.values())
    found = []
    for _ in range(count):
        point = chance.random()
        if point < CRISIS:
            found.append(Text(chance.choice(CRISES), "crisis"))
        elif point < CRISIS + KEYWORD:
            found.append(Text(chance.choice(KEYWORDS), "keyword"))
        elif point < CRISIS + KEYWORD + FOLLOWING:
            found.append(Text(chance.choice(FOLLOW_UPS), "follow"))
        else:
            (code,) = chance.choices(["en", *codes], [1 - sum(shares), *shares])
            found.append(Text(chance.choice(chance.choice(questions[code])), "question"))
    return found


def _questions(code: str) -> list[list[str]]:
    """The utterances of a language, by topic; needs and rights only."""
    topics = []
    for path in sorted((ROOT / "data" / "nlu" / code).glob("*.yml")):
        if path.stem.startswith("crisis_") or path.stem in _DIALOGUE:
            continue
        for block in yaml.load(path.read_text("utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader)).get("nlu", []):
            texts = [line.removeprefix("- ").strip() for line in str(block.get("examples", "")).splitlines() if line.strip()]
            if texts:
                topics.append(texts)
    return topics


_DIALOGUE = frozenset(
    (
        *("greet", "thanks", "goodbye", "help", "human", "stop", "start", "change_language", "repeat", "more", "bot_identity"),
        *("feedback_good", "feedback_bad", "wrong_information", "delete_my_data", "out_of_scope"),
    )
)
