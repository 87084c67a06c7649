"""What is said: the facts of the text, in forms for the ear; the greeting's length; real sounds for every phrase."""

import re
import struct
import wave
from datetime import date, datetime
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from bot import encryption, render, speech, synthesis
from bot.answers import Asked, rights, search
from bot.careline import Careline
from bot.clock import now
from bot.errors import DataError
from bot.render import sms
from bot.render.facts import slug
from bot.render.voice import _parts, code, digits
from bot.reply import Cost, Opening, Reply, ServiceCard
from bot.settings import LANGUAGES
from bot.synthesis import NoVoice, Sound
from bot.voice.greeting import own_name

WHEN = datetime(2026, 11, 24, 10, tzinfo=ZoneInfo("Europe/London"))
needs_espeak = pytest.mark.skipif(not synthesis.installed(), reason="espeak-ng is not installed on this machine")


@pytest.mark.parametrize(
    ("number", "said"),
    [
        ("01632 960135", "0 1 6, 3 2, 9 6 0, 1 3 5"),
        ("+44 1632 960135", "0 0, 4 4, 1 6 3 2, 9 6 0, 1 3 5"),
        ("112", "1 1 2"),
        ("0800 1234", "0 8 0 0, 1 2 3 4"),
    ],
)
def test_a_telephone_number_digit_by_digit(number: str, said: str) -> None:
    assert digits(number) == said


def test_a_code_in_two_groups() -> None:
    assert code("482910") == "4 8 2, 9 1 0"


@given(st.text(alphabet="0123456789 +-()", max_size=30))
def test_no_digit_is_lost(number: str) -> None:
    kept = re.sub(r"\D", "", number.replace("+", "00", 1))
    assert re.sub(r"\D", "", digits(number)) == kept


@given(st.text(max_size=3000))
def test_long_texts_are_cut_and_nothing_is_lost(text: str) -> None:
    parts = _parts(text)
    assert all(0 < len(part) <= 400 for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_caller_gets_the_facts_of_the_text(careline: Careline, language: str) -> None:
    """Parity: whatever the text says of the first service, the telephone says too."""
    with time_machine.travel(WHEN, tick=False):
        for topic in ("food", "health_clinic", "shelter", "home_care", "legal_aid", "child_care", "library", "respite_care"):
            place = careline.places().find("Riverside")
            asked = Asked("c", "", language, "sms", now().astimezone(careline.settings.time_zone), place=place)
            reply = search.answer(careline, asked, topic).reply
            card = reply.services[0]
            written, spoken = render.facts(careline, language, "sms"), render.speaker(careline, language)
            text = sms.render(reply, written)
            said = " ".join(piece.text for piece in [*spoken.opening(reply), *spoken.card(card)])
            facts = spoken.facts
            for fact in (card.name, card.address, card.area):
                assert fact is None or fact not in text or speech.speech().said(fact, language) in said, (topic, fact)
            number = written.phone(card.phones[0])
            assert number in text
            assert said.count(digits(number)) == 2
            assert facts.opening(card.opening) in said
            assert clock_times(written.opening(card.opening)) == clock_times(facts.opening(card.opening))
            if card.distance_m is not None:
                assert amounts(written.distance(card.distance_m)) == amounts(facts.distance(card.distance_m))
                assert facts.distance(card.distance_m) in said
            if card.cost is not None and written.cost(card.cost):
                assert amounts(written.cost(card.cost) or "") <= amounts(said)
            documents = written.documents(card)
            assert documents is None or speech.speech().said(documents, language) in said
            if slug(card.eligibility or "") != "for_everyone":
                assert (facts.eligibility(card) or "").rstrip(".") in said
            assert card.verified_on is None or str(card.verified_on.day) in western(said)


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_article_says_what_the_text_says(careline: Careline, language: str) -> None:
    asked = Asked("c", "", language, "voice", WHEN)
    reply = rights.answer(careline, asked, "rights_older").reply
    assert reply.article is not None
    said = " ".join(piece.text for piece in render.speaker(careline, language).opening(reply))
    short = render.speaker(careline, language).text(reply.article.short)
    assert " ".join(piece.text for piece in short) in said
    assert reply.sources[0].title.split(",")[0][:10] in said


def western(text: str) -> str:
    return "".join(str(int(one)) if one.isdecimal() else one for one in text)


def clock_times(text: str) -> set[int]:
    """Minutes of the day, of 18:05 and of 6:05 pm alike."""
    found = set()
    for hour, minute, half in re.findall(r"(?i)(\d{1,2})(?::(\d\d))?\s*(am|pm)?\b", western(text)):
        if minute or half:
            found.add((int(hour) % 12 + 12 * (half.lower() == "pm") if half else int(hour)) * 60 + int(minute or 0))
    return found


def amounts(text: str) -> set[float]:
    return {float(one.replace(",", ".")) for one in re.findall(r"\d+(?:[.,]\d+)?", western(text))}


def test_dates_amounts_and_hours_are_made_for_the_ear(careline: Careline) -> None:
    with time_machine.travel(WHEN, tick=False):
        facts = render.speaker(careline, "en").facts
    assert facts.day(date(2026, 11, 3)) == "3 November"
    assert facts.distance(1600) == "1.6 kilometres"
    assert facts.opening(Opening("open", until=datetime(2026, 11, 24, 18))) == "Open until 6 pm"
    assert facts.cost(Cost(2.5, "GBP", "per day")) == "2.5 British pounds per day"


def test_names_are_spelt_for_the_ear(careline: Careline) -> None:
    speaker = render.speaker(careline, "en")
    card = ServiceCard("1", "1", "Stop & Go", "x", address="3 Mill Rd")
    said = [piece.text for piece in speaker.card(card)]
    assert said[:2] == ["Stop and Go.", "3 Mill Road."]
    assert speech.speech().said("Street, Straight, St", "en") == "Street, Straight, Street"


def test_a_whole_article_is_said_without_its_marks(careline: Careline) -> None:
    said = [piece.text for piece in render.speaker(careline, "en").body("**Yes**, [here](https://x.example).\n\n- one\n- two")]
    assert said == ["Yes, here.", "one", "two"]
    assert render.speaker(careline, "en").opening(Reply()) == []


@needs_espeak
@pytest.mark.parametrize("language", [code for code in LANGUAGES if speech.speech().voices[code].espeak])
def test_every_phrase_of_the_telephone_is_a_sound(careline: Careline, language: str) -> None:
    """Not silent, and as long as speech of that length takes. Each phrase once, its placeholders filled."""
    speaker = render.speaker(careline, language)
    source = (Path(synthesis.__file__).parent.parent / "data" / "wording" / "en" / "voice.po").read_text("utf-8")
    keys = re.findall(r'^msgid "(voice\.[a-z_.]+)"', source, re.MULTILINE)
    assert len(keys) > 90
    one_letter = {"name", "digit", "label", "text", "count", "minutes", "number", "distance", "cost", "code", "when", "time"}
    params = dict.fromkeys([*one_letter, "day", "opens", "closes", "language"], "3")
    # The others are spoken by the provider: a few of them show that a simulator can say them.
    chosen = keys if speech.speech().voices[language].provider is None else keys[:3]
    for key in chosen:
        piece = speaker(key, **params)
        wav = synthesis.audio(Sound(piece.text, language), careline.settings.sounds)
        length = synthesis.seconds(wav)
        assert 0.15 < length < 0.35 * len(piece.text) + 2, (key, length)
        assert loudest(wav) > 2000, key


@needs_espeak
def test_the_greeting_takes_less_than_twelve_seconds(careline: Careline) -> None:
    """Measured on espeak-ng's calm voice, with the pauses; for the usual languages, and for the longest three."""
    for codes in (careline.settings.voice_languages, ("pt", "ur", "sw")):
        speaker = render.speaker(careline, "en")
        pieces = [speaker("voice.greeting", pause=0.3)]
        pieces += [
            render.speaker(careline, code)("voice.language", name=own_name(code), digit=number, pause=0.2)
            for number, code in enumerate(codes, start=1)
        ]
        pieces.append(speaker("voice.other_languages", digit=len(codes) + 1))
        lengths = [
            synthesis.seconds(synthesis.audio(Sound(piece.text, piece.language), careline.settings.sounds)) for piece in pieces
        ]
        assert sum(lengths) + sum(piece.pause for piece in pieces[:-1]) < 12, (codes, lengths)


@needs_espeak
def test_slower_is_slower(careline: Careline) -> None:
    text = "Open until six. No papers needed."
    normal = synthesis.seconds(synthesis.audio(Sound(text, "en"), careline.settings.sounds))
    slow = synthesis.seconds(synthesis.audio(Sound(text, "en", slow=True), careline.settings.sounds))
    assert slow > normal * 1.2


def loudest(wav: bytes) -> int:
    with wave.open(BytesIO(wav)) as file:
        frames = file.readframes(file.getnframes())
    return max(abs(sample) for (sample,) in struct.iter_unpack("<h", frames))


@given(st.text(max_size=400), st.sampled_from(LANGUAGES), st.booleans(), st.booleans())
def test_an_address_is_the_sound_and_nobody_elses(text: str, language: str, slow: bool, private: bool) -> None:
    encryption.use(encryption.Vault(["a key for tests only"]))
    sound = Sound(text, language, slow, private)
    token = synthesis.address(sound)
    assert synthesis.address(sound) == token
    clean = text.encode("utf-8", "replace").decode()
    assert synthesis.of_address(token) == Sound(clean, language, slow, private)
    assert synthesis.of_address(token[:-2]) is None


@given(st.text(max_size=200))
def test_an_address_cannot_be_made_up(token: str) -> None:
    encryption.use(encryption.Vault(["a key for tests only"]))
    assert synthesis.of_address(token) is None


def test_a_language_without_a_voice_says_so(careline: Careline) -> None:
    with pytest.raises(NoVoice):
        synthesis.audio(Sound("Magandang araw", "tl"), careline.settings.sounds)


def test_every_language_has_a_voice_and_its_source(tmp_path: Path) -> None:
    tables = speech.speech()
    assert set(tables.voices) == set(LANGUAGES)
    for row in tables.voices.values():
        assert row.provider or row.espeak
    for name in ("voices.yml", "recognition.yml"):
        text = (speech.FOLDER / name).read_text("utf-8")
        assert re.search(r"^checked: \d{4}-\d\d-\d\d$", text, re.MULTILINE)
        assert re.search(r"^source: https://", text, re.MULTILINE)
    (tmp_path / "voices.yml").write_text("voices: [x]")
    with pytest.raises(DataError, match="holds no table"):
        speech.load(tmp_path)


@pytest.mark.parametrize(
    ("language", "texted"), [("en", "reply 0"), ("es", "responde 0"), ("fr", "répondez 0"), ("nl", "stuur 0")]
)
def test_articles_speak_of_keys_on_the_telephone(careline: Careline, language: str, texted: str) -> None:
    asked = Asked("c", "", language, "voice", WHEN)
    said = []
    for topic in ("rights_health", "rights_housing", "rights_older"):
        article = rights.answer(careline, asked, topic).reply.article
        assert article is not None
        speaker = render.speaker(careline, language)
        said += [piece.text.lower() for piece in [*speaker.text(article.short), *speaker.body(article.body)]]
    assert texted not in " ".join(said)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_distance_is_said_in_the_language_itself(language: str, careline: Careline) -> None:
    """CLDR lacks the long form of metres in some: there the short one is said, never the unit's id."""
    facts = render.facts(careline, language, "voice")
    for metres in (200, 1500):
        said = facts.distance(metres)
        assert "length-" not in said
        assert said.isascii() <= (language in ("en", "es", "fr", "pt", "nl", "sw", "tl"))


@pytest.mark.parametrize(
    ("language", "written", "said"),
    [
        ("zh", "也可以回复0找真人。", "也可以按0找真人。"),
        ("zh", "发01", "发01"),
        ("ja", "0を送って", "0を押して"),
        ("ar", "شخص: إرسال 0.", "شخص: الضغط على 0."),
        ("sw", "au tuma 0 kuongea", "au bonyeza 0 kuongea"),
    ],
)
def test_on_the_telephone_nought_is_a_key(language: str, written: str, said: str) -> None:
    assert speech.speech().said(written, language) == said
