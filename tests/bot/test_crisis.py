"""Crisis told from the words alone. The messages are tests/data/crisis/<language>.yml, each with its reason."""

import re
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot import crisis
from bot.crisis import SOUNDS_LIKE, TOPICS, PatternError
from bot.folding import fold, loosen
from bot.languages import LANGUAGES

MESSAGES = Path(__file__).resolve().parent.parent / "data" / "crisis"
TELLING_WORDS = [
    "i",
    "he",
    "want to die",
    "kill",
    "me",
    "my",
    "the",
    "not",
    "breathing",
    "knife",
    "door",
    "fire",
    "gas",
    "took all",
    "pills",
]
TESTED = [
    language for language in LANGUAGES if (MESSAGES / f"{language}.yml").exists() and (crisis.DATA / f"{language}.yml").exists()
]


def messages(language: str) -> dict[str, list[dict[str, str]]]:
    data: dict[str, list[dict[str, str]]] = yaml.safe_load((MESSAGES / f"{language}.yml").read_text(encoding="utf-8"))
    return data


def rows(kind: str) -> list[Any]:
    return [pytest.param(row, id=f"{language}: {row['text']}") for language in TESTED for row in messages(language)[kind]]


@pytest.mark.parametrize("row", rows("crisis"))
def test_a_crisis_is_found(row: dict[str, str]) -> None:
    found = crisis.match(row["text"])
    assert found is not None, row["reason"]
    assert found.topic == row["topic"], f"{row['reason']}: {found}"


@pytest.mark.parametrize("row", rows("harmless"))
def test_what_only_sounds_like_one_is_not(row: dict[str, str]) -> None:
    assert crisis.match(row["text"]) is None, row["reason"]


@pytest.mark.parametrize("row", rows("harmless"))
def test_a_real_phrase_beside_a_harmless_one_is_found(row: dict[str, str]) -> None:
    """What is blanked out must not take the rest of the message with it."""
    for text in (f"{row['text']}. I want to kill myself", f"I want to kill myself. {row['text']}"):
        found = crisis.match(text)
        assert found is not None, row["reason"]
        assert found.topic == "crisis_suicide", f"{row['reason']}: {found}"


@pytest.mark.parametrize("row", rows("crisis"))
def test_dress_does_not_matter(row: dict[str, str]) -> None:
    text = row["text"]
    for dressed in (text.upper(), f"  {text}!!! 🙏🆘", text.replace("'", "’"), "\u200f" + text, text.replace(" ", " \n ")):
        assert crisis.match(dressed) == crisis.match(text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_test_messages_are_enough_and_each_topic_is_there(language: str) -> None:
    data = messages(language)
    assert len(data["crisis"]) >= 40
    assert len(data["harmless"]) >= 40
    assert {row["topic"] for row in data["crisis"]} == set(TOPICS)
    for row in [*data["crisis"], *data["harmless"]]:
        assert row["reason"].strip()
    texts = [row["text"] for row in [*data["crisis"], *data["harmless"]]]
    assert len(texts) == len(set(texts))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_meaning(language: str) -> None:
    def meanings(of: str) -> set[str]:
        patterns = crisis.load_file(crisis.DATA / f"{of}.yml", of)
        return {f"{pattern.topic}: {pattern.meaning}" for pattern in patterns}

    assert not meanings("en") - meanings(language), f"{language} lacks these meanings"
    assert not meanings(language) - meanings("en"), f"only {language} has these meanings"
    assert f"{SOUNDS_LIKE}: {SOUNDS_LIKE}" in meanings(language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_topic_has_patterns_enough(language: str) -> None:
    topics = [pattern.topic for pattern in crisis.load_file(crisis.DATA / f"{language}.yml", language)]
    assert {topic: topics.count(topic) for topic in TOPICS if topics.count(topic) < 30} == {}


@pytest.mark.parametrize(
    ("text", "topic", "reason"),
    [
        ("he is choking", "crisis_medical", "a medical emergency"),
        ("he is choking me", "crisis_violence", "the longer phrase is the more specific one"),
        ("i took all the pills", "crisis_suicide", "suicide before medical"),
        ("my toddler swallowed all the pills", "crisis_medical", "a poisoned child is medical"),
        ("not breathing, the house is on fire", "crisis_medical", "medical before disaster"),
        ("I don't want to die", "crisis_suicide", "negation leads to care"),
        ("fire", "crisis_disaster", "the whole message"),
    ],
)
def test_which_topic_comes_first(text: str, topic: str, reason: str) -> None:
    found = crisis.match(text)
    assert found is not None, reason
    assert found.topic == topic, reason


def test_what_is_told_about_a_crisis() -> None:
    found = crisis.match("she is not breathing")
    assert found is not None
    assert (found.topic, found.language, found.meaning) == ("crisis_medical", "en", "not_breathing")
    assert found.phrase in (crisis.DATA / "en.yml").read_text(encoding="utf-8")


@given(st.text())
@example("\x00")
@example("\ud800 want to die")
@example("░")
@example("की़" * 50)
@settings(deadline=None)
def test_any_text_can_be_matched(text: str) -> None:
    found = crisis.match(text)
    assert found is None or (found.topic in TOPICS and found.language in LANGUAGES)


@given(st.lists(st.sampled_from(TELLING_WORDS)))
@settings(deadline=None)
def test_any_order_of_telling_words_can_be_matched(words: list[str]) -> None:
    crisis.match(" ".join(words))


def test_long_text_takes_no_longer_than_its_length() -> None:
    crisis.match("warm up")
    text = "he is in the house and my mother is not well but the door of the room is open " * 100
    started = time.perf_counter()
    crisis.match(text)
    assert time.perf_counter() - started < 2


def test_a_message_takes_about_a_millisecond() -> None:
    """Generous, for slow machines: the point is that it is not a hundred."""
    texts = [row["text"] for language in TESTED for row in messages(language)["harmless"]]
    for text in texts:
        crisis.match(text)
    started = time.perf_counter()
    for text in texts:
        crisis.match(text)
    assert (time.perf_counter() - started) / len(texts) < 0.01


def matches(phrase: str, text: str) -> bool:
    """Whether one pattern by itself is found in a text."""
    whole, elements = crisis.parse(phrase)
    pattern = crisis.Pattern("crisis_suicide", "meaning", "en", phrase, elements, whole)
    return bool(crisis._Index([pattern]).find(loosen(fold(text))))


@pytest.mark.parametrize(
    ("phrase", "text", "found", "reason"),
    [
        ("stopped breathing", "He STOPPED breathing!", True, "side by side"),
        ("stopped breathing", "he stopped his breathing", False, "a word between"),
        ("stopped breathing", "unstopped breathing", False, "not at a border"),
        ("breath* stopped", "breathing stopped", True, "any ending"),
        ("breath* stopped", "breath stopped", True, "no ending is one too"),
        ("he|she fell", "she fell", True, "an alternative"),
        ("he|she fell", "they fell", False, "none of the alternatives"),
        ("he ... knife", "he has a big sharp knife", True, "four between"),
        ("he ... knife", "he has got a big sharp knife", False, "five between"),
        ("he ... knife", "he knife", True, "none between"),
        ("passed-out|fainted here", "passed out here", True, "a hyphen is a space"),
        ("= fire now|help", "Fire! Help!!", True, "the whole message"),
        ("= fire now|help", "fire help number", False, "more than the pattern"),
        ("don't want", "dont want", True, "apostrophes go on both sides"),
        ("不 想 活", "我不想活了", True, "spaces only separate the parts"),
        ("不想 ... 活", "我不想再这样活了", True, "a few characters between"),
        ("不想 ... 活", "我不想去那里因为今天天气太冷了活", False, "too many characters between"),
        ("殺我", "他要杀我", True, "traditional and simplified"),
        ("シにたい", "しにたい", True, "katakana and hiragana"),
        ("يضربني", "ويضربني", True, "and, written onto the word"),
        ("मर्न मन", "मलाई मर्न मन छ", True, "Devanagari"),
        ("maar raha", "mar raha hai", True, "romanised vowels"),
    ],
)
def test_the_pattern_language(phrase: str, text: str, found: bool, reason: str) -> None:
    assert matches(phrase, text) is found, reason


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        ("crisis_suicide:\n  die:\n    - want to die\n    - ... die", 4, "must stand between"),
        ("crisis_suicide:\n  die:\n    - want ...", 3, "must stand between"),
        ("crisis_suicide:\n  die:\n    - want ... ... die", 3, "must stand between"),
        ("crisis_suicide:\n  die:\n    - want to|", 3, "need a word"),
        ("crisis_suicide:\n  die:\n    - w*nt to", 3, "stands at the end"),
        ("crisis_suicide:\n  die:\n    - 想*死", 3, "stands at the end"),
        ("crisis_suicide:\n  die:\n    - 想死*", 3, "spaces between"),
        ("crisis_suicide:\n  die:\n    - 死|die", 3, "mixes"),
        ("crisis_suicide:\n  die:\n    - '!! die'", 3, "no letter"),
        ("crisis_suicide:\n  die:\n    - '   '", 3, "empty"),
        ("crisis_suicide:\n  die:\n    - '='", 3, "empty"),
        ("crisis_suicide:\n  die:\n    - no", 3, "put it in quotes"),
        ("crisis_suicide:\n  die:\n    - 死", 3, "too short"),
        ("crisis_suicide:\n  die:\n    - die*", 3, "too short"),
        ("crisis_suicide:\n  die:\n    - want to die\n  kill:\n    - Wánt to die", 5, "given twice"),
        ("crisis_suicide:\n  die: want to die", 2, "a list"),
        ("crisis_suicide:\n  - want to die", 2, "a mapping"),
        ("crisis_sadness:\n  die:\n    - want to die", 2, "neither a crisis topic"),
        ("crisis_suicide:\n  die:\n    - want to die\n  die:\n    - wish to die", 4, "given twice"),
    ],
)
def test_a_broken_file_is_refused_by_name_and_line(tmp_path: Path, content: str, line: int, message: str) -> None:
    path = tmp_path / "en.yml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(PatternError, match=re.escape(f"{path}, line {line}: ")) as refused:
        crisis.load_file(path, "en")
    assert message in str(refused.value)


@pytest.mark.parametrize("content", [None, "", "crisis_suicide: [", "\t"])
def test_a_file_that_is_missing_empty_or_no_yaml_is_refused_by_name(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "en.yml"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(PatternError, match=re.escape(str(path))):
        crisis.load_file(path, "en")


@pytest.mark.parametrize("text", ["I want to kill myself, i lost the game", "I want to kill myself. smoke alarm"])
def test_a_whole_wish_to_die_is_not_swallowed_by_an_idiom_with_a_gap(text: str) -> None:
    found = crisis.match(text)
    assert found is not None
    assert found.topic == "crisis_suicide"
