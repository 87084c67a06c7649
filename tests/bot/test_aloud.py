"""Answers aloud: what espeak-ng really makes is sound, of a plausible length, in every language it can speak."""

import array
import io
import shutil
import wave

import pytest

from bot import aloud, render
from bot.careline import Careline
from bot.settings import LANGUAGES
from tests.webhooks.test_kiosk import FOOD

needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")


@needs_espeak
@pytest.mark.parametrize("language", sorted(aloud.VOICES))
def test_the_answer_in_every_language_it_can_speak(careline: Careline, language: str) -> None:
    text = aloud.spoken(FOOD, render.facts(careline, language, "kiosk"))
    sound = aloud.wav(text, language)
    assert sound is not None
    with wave.open(io.BytesIO(sound)) as file:
        samples = array.array("h", file.readframes(file.getnframes()))
        seconds = file.getnframes() / file.getframerate()
    assert len(text) / 40 < seconds < len(text)
    loud = sum(1 for sample in samples if abs(sample) > 500) / len(samples)
    assert loud > 0.2


def test_languages_without_a_usable_voice_offer_nothing() -> None:
    assert set(LANGUAGES) - set(aloud.VOICES) == {"tl", "ja"}
    assert not aloud.available("tl")
    assert aloud.wav("kumusta", "tl") is None


def test_without_the_program_nothing_is_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert not aloud.available("en")
    assert aloud.wav("hello", "en") is None
