"""Calls over the real routes: signatures, repeats, silence, people, messages, texts, codes, and what is kept."""

from dataclasses import replace
from datetime import datetime
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import select
from twilio.request_validator import RequestValidator

from bot import pickup, synthesis
from bot.callback import Callback
from bot.calls import Call, CallPreference
from bot.careline import Careline
from bot.conversation import Conversation, Message
from bot.errors import DatabaseUnavailable, DialogueUnavailable
from bot.escalation import Case
from bot.foreign import elsewhere
from bot.inbound import Inbound
from bot.outbox import OutboxMessage
from bot.reply import Reply
from bot.speech import Speech, speech
from bot.spoken import sorry
from bot.staff import Team
from bot.turn import take_turn
from tests.callers import answers, caller, check, posting
from tests.conftest import TOKEN
from tests.fakes import FakeDialogue
from webhooks.app import create_app
from webhooks.caller import Caller

DAY = datetime(2026, 11, 24, 10, tzinfo=ZoneInfo("Europe/London"))
NIGHT = datetime(2026, 11, 22, 23, tzinfo=ZoneInfo("Europe/London"))
STAFF = ("+441632960010", "+441632960011")
OFFICE = "0 1 6, 3 2, 9 6 0, 0 0 0"


@pytest.fixture
def dialogue(careline: Careline) -> FakeDialogue:
    return FakeDialogue(answers(careline))


@pytest.fixture
def phone(client: FlaskClient) -> Caller:
    return caller(client)


def staffed(careline: Careline, dialogue: FakeDialogue, number: str = "+447700900123") -> Caller:
    careline.settings = replace(careline.settings, staff_phones=STAFF)
    return caller(create_app(careline, dialogue).test_client(), number)


def rows(careline: Careline, table: type) -> list:  # type: ignore[type-arg]
    with careline.database.read() as session:
        return list(session.scalars(select(table)))


@pytest.mark.parametrize("path", ["", "/turn/1", "/status", "/staff", "/staff/take", "/sorry"])
def test_nothing_unsigned_is_taken(client: FlaskClient, careline: Careline, path: str) -> None:
    form = {"CallSid": "CA1", "From": "+447700900123", "Digits": "1", "CallStatus": "completed"}
    path = f"/voice{path}"
    assert client.post(path, data=form).status_code == 403
    assert client.post(path, data=form, headers={"X-Twilio-Signature": "made up"}).status_code == 403
    assert rows(careline, Call) == []


def test_the_same_request_again_gets_the_same_document(phone: Caller, client: FlaskClient, careline: Careline) -> None:
    first = phone.call()
    assert phone.call().xml == first.xml
    assert phone.press("1").waits == "words"
    turn = phone.say("food")
    action = "/voice/turn/2"
    again = posting(client)(action, {**phone._form, "SpeechResult": "food", "Confidence": "0.9"})
    assert again == turn.xml
    assert len(rows(careline, Message)) == 1


def test_each_call_is_a_conversation_of_its_own(client: FlaskClient, careline: Careline, dialogue: FakeDialogue) -> None:
    """Nothing of an earlier call, or of texts, from a shared or withheld number is known in the next one."""
    take_turn(careline, dialogue, Inbound("sms", "violence_refuge", number="+447700900123", provider_id="SM1"))
    for number in ("+447700900123", "+447700900123", "anonymous", "anonymous"):
        phone = caller(client, number)
        assert "Care line, Port Amity." in phone.call().text
        phone.press("1")
        phone.say("food")
        assert "Community Kitchen" in phone.turn.text
        phone.hang_up()
    calls = [one for one in rows(careline, Conversation) if one.channel == "voice"]
    assert len(calls) == 4
    assert all(one.number is None and one.number_hash is None for one in calls)
    # And when a call is over, what was said and the number are no longer kept ready.
    assert all((call.number, call.document, call.state) == (None, None, "{}") for call in rows(careline, Call))


def test_a_language_that_is_not_served_is_told_so(phone: Caller, careline: Careline, dialogue: FakeDialogue) -> None:
    """By name alone, and where the dialogue has heard which one is wanted; with a colleague who speaks it, if there is one."""
    careline.settings = replace(careline.settings, languages=("en", "pt", "ne"), voice_languages=("en", "pt"))
    phone.call()
    phone.press("1")
    said = phone.say("Urdu please").text
    assert "Sorry, I do not speak Urdu yet. I go on in English." in said
    assert "For a person who speaks" not in said
    with careline.database.begin() as session:
        session.add(Team(name="Urdu", languages='["ur"]'))
    assert "For a person who speaks Urdu, press 0." in phone.say("Urdu please").text
    urdu = elsewhere("ur", careline.settings.languages)
    assert urdu is not None
    dialogue.answer = Reply(opening=sorry(careline, urdu, "en"), topic="change_language")
    assert "I do not speak Urdu yet" in phone.say("can you talk to me in the language of my mother").text


def test_somebody_who_wants_it_is_remembered_as_slow(client: FlaskClient, careline: Careline) -> None:
    phone = caller(client)
    phone.call()
    phone.press("2")  # español
    assert "prosody" not in phone.turn.xml
    assert 'rate="75%"' in phone.press("9").xml
    assert 'rate="75%"' in phone.press("1").xml
    (kept,) = rows(careline, CallPreference)
    assert (kept.language, kept.slow) == ("es", True)
    assert "7700" not in kept.number_hash
    again = caller(client)
    assert 'language="es-ES"' in again.call().xml
    assert 'rate="75%"' in again.turn.xml
    again.press("9")
    again.press("1")
    assert rows(careline, CallPreference) == []


def test_who_says_nothing_about_it_is_not_remembered(client: FlaskClient, careline: Careline) -> None:
    phone = caller(client)
    phone.call()
    phone.press("1")
    phone.press("9")
    phone.wait()
    assert rows(careline, CallPreference) == []
    withheld = caller(client, "anonymous")
    withheld.call()
    withheld.press("1")
    assert "Shall I" not in withheld.press("9").text


def test_silence_leads_to_the_list_and_then_to_people(phone: Caller) -> None:
    with time_machine.travel(NIGHT, tick=False):
        phone.call()
        phone.press("1")
        assert "Say in a few words" in phone.wait().text
        assert "What is it about?" in phone.wait().text
        assert "What is it about?" in phone.wait().text
        assert OFFICE in phone.wait().text  # nobody is there: the number, and the offer of a message
        phone.wait()
        assert phone.wait().waits == "record"
        assert phone.wait().waits == "record"
        assert phone.wait().waits == "end"
        assert OFFICE in phone.turn.text


def test_words_heard_badly_are_asked_about(phone: Caller, dialogue: FakeDialogue) -> None:
    phone.call()
    phone.press("1")
    assert "I heard: food. Is that right?" in phone.say("food", confidence=0.3).text
    assert dialogue.asked == []
    assert "Community Kitchen" in phone.say("yes").text


@pytest.mark.parametrize(
    ("said", "line"),
    [("I want to kill myself", "+441632960001"), ("my husband is hitting me", "+441632960002")],
)
def test_danger_is_answered_in_the_same_breath(phone: Caller, careline: Careline, said: str, line: str) -> None:
    phone.call()
    phone.press("1")
    turn = phone.say(said, confidence=0.1)
    assert (turn.waits, turn.numbers, turn.announced) == ("dial", (line,), "")
    assert "1 1 2" in turn.text
    assert 'callerId="+441632960000"' in turn.xml
    (case,) = rows(careline, Case)
    assert case.urgent
    assert "1 1 2" in phone.connect(False).text


def test_danger_is_answered_with_the_dialogue_down(phone: Caller, dialogue: FakeDialogue) -> None:
    dialogue.answer = DialogueUnavailable("down")
    phone.call()
    phone.press("1")
    assert "1 1 2" in phone.say("the house is on fire").text


def test_with_the_dialogue_down_people_take_over(careline: Careline, dialogue: FakeDialogue) -> None:
    phone = staffed(careline, dialogue)
    dialogue.answer = DialogueUnavailable("down")
    with time_machine.travel(DAY, tick=False):
        phone.call()
        phone.press("1")
        turn = phone.say("where can I find a dentist")
    assert "I cannot look that up just now" in turn.text
    assert turn.numbers == STAFF


def test_a_person_answers_and_sees_only_our_number(careline: Careline, dialogue: FakeDialogue) -> None:
    phone = staffed(careline, dialogue)
    with time_machine.travel(DAY, tick=False):
        phone.call()
        phone.press("2")
        turn = phone.press("0")
        assert (turn.waits, turn.numbers, turn.announced) == ("dial", STAFF, "/voice/staff")
        assert "+447700900123" not in turn.xml
        assert 'callerId="+441632960000"' in turn.xml
        post = posting(phone_client(careline, dialogue))
        picked_up = post("/voice/staff", {"CallSid": "CA9", "ParentCallSid": phone.id, "To": STAFF[0]})
        assert "Somebody who speaks Spanish" in picked_up
        assert "0770" not in picked_up
        assert "<Hangup" in post("/voice/staff/take", {"CallSid": "CA9"})  # an answering machine presses nothing
        assert "<Hangup" not in post("/voice/staff/take", {"CallSid": "CA9", "Digits": "1"})
        phone.connect(True)
    (case,) = rows(careline, Case)
    assert case.status == "answered"


def phone_client(careline: Careline, dialogue: FakeDialogue) -> FlaskClient:
    return create_app(careline, dialogue).test_client()


def test_waiting_is_honest(careline: Careline, dialogue: FakeDialogue) -> None:
    """Those before are counted, a call back is offered, and after some rounds we say that nobody can come."""
    first, second = staffed(careline, dialogue), staffed(careline, dialogue, "+447700900456")
    with time_machine.travel(DAY) as clock:
        first.call()
        first.press("1")
        assert first.press("0").waits == "dial"
        clock.shift(30)
        second.call()
        second.press("1")
        turn = second.press("0")
        assert turn.waits == "key"
        assert "Callers before you: 1. It will take about 6 minutes." in turn.text
        assert "To be called back instead: press 1." in turn.text
        assert second.wait().waits == "dial"
        first.hang_up()
        rounds = 0
        while second.turn.waits == "dial":
            assert "Callers before you" not in second.connect(False).text
            rounds += 1
            if second.turn.waits == "key":
                second.wait()
        assert rounds == 4
        assert "nobody is free" in second.turn.text
        assert OFFICE in second.turn.text


def test_a_call_back_only_where_it_is_safe(careline: Careline, dialogue: FakeDialogue) -> None:
    phone = staffed(careline, dialogue)
    with time_machine.travel(NIGHT, tick=False):
        phone.call()
        phone.press("1")
        phone.press("0")
        assert "safe" in phone.press("2").text
        assert rows(careline, Callback) == []
        phone.press("2")
        assert phone.turn.waits == "number"
        assert "0 7 7, 0 0, 9 0 0, 4 5 6" in phone.press("07700900456").text
        said = phone.press("1").text
    assert "We will call you on 0 7 7, 0 0, 9 0 0, 4 5 6. We try three times." in said
    assert "tomorrow by 11 am" in said
    (task,) = rows(careline, Callback)
    assert (task.kind, task.number, task.safe, task.status) == ("callback", "+447700900456", True, "open")


@pytest.mark.parametrize(("key", "safe", "number"), [("1", True, "+447700900123"), ("3", False, None)])
def test_a_message_is_a_task(phone: Caller, careline: Careline, key: str, safe: bool, number: str | None) -> None:
    with time_machine.travel(NIGHT, tick=False):
        phone.call()
        phone.press("2")
        phone.press("0")
        phone.press("1")
        assert phone.turn.waits == "record"
        phone.record(21)
        (task,) = rows(careline, Callback)
        assert (task.kind, task.language, task.seconds, task.safe) == ("voicemail", "es", 21, None)
        assert not task.may_be_called
        phone.press(key)
    (task,) = rows(careline, Callback)
    assert (task.safe, task.number) == (safe, number)
    assert task.recording_id.startswith("RE")
    (case,) = rows(careline, Case)
    assert case.status == "open"


def test_the_answer_as_a_text_in_the_same_language(phone: Caller, careline: Careline) -> None:
    phone.call()
    phone.press("2")
    phone.say("food")
    told = phone.press("3").text
    phone.press("2")
    phone.press("1")
    (sent,) = rows(careline, OutboxMessage)
    assert sent.text.split(",")[0] in told  # the place that was being told
    assert "Gratis" in sent.text
    (conversation,) = rows(careline, Conversation)
    assert conversation.number == "+447700900123"


def test_a_landline_is_asked_for_another_number(client: FlaskClient, careline: Careline) -> None:
    phone = caller(client, "+442079460123")
    phone.call()
    phone.press("1")
    phone.say("food")
    assert phone.press("2").waits == "number"
    phone.press("07700900456")
    phone.press("1")
    (conversation,) = rows(careline, Conversation)
    assert conversation.number == "+447700900456"


def test_somebody_who_said_stop_is_told_how_to_begin_again(phone: Caller, careline: Careline, dialogue: FakeDialogue) -> None:
    take_turn(careline, dialogue, Inbound("sms", "STOP", number="+447700900123", provider_id="SM1"))
    phone.call()
    phone.press("1")
    phone.say("food")
    phone.press("2")
    assert "START" in phone.press("1").text
    assert rows(careline, OutboxMessage) == []


def test_a_code_shows_the_answer_elsewhere(phone: Caller, careline: Careline) -> None:
    phone.call()
    phone.press("1")
    phone.say("food")
    text = phone.press("4").text
    code = text.split("Your code is ")[1].split(".")[0]
    assert len(code.replace(", ", " ").split()) == 6
    assert text.count(code) == 2
    assert phone.press("*").text.count(code) == 2  # again is the same code
    found = pickup.redeem(careline.database, code)
    assert found is not None
    assert found[0].services[0].name == "Community Kitchen"


def test_a_service_is_rung_without_showing_who_calls(phone: Caller) -> None:
    phone.call()
    phone.press("1")
    phone.say("food")
    turn = phone.press("1")
    assert turn.numbers == ("+441632960136",)
    assert 'callerId="+441632960000"' in turn.xml
    assert "Nobody answered" in phone.connect(False).text


def test_nepali_is_spoken_by_espeak_and_served(client: FlaskClient, careline: Careline) -> None:
    phone = caller(client)
    phone.call()
    turn = phone.press("4")
    nepali = next(one for one in turn.heard if one.language == "ne")
    assert "नेपाली" in nepali.text
    with client.get(nepali.sound) as served:
        assert served.mimetype == "audio/wav"
        assert synthesis.seconds(served.data) > 0.5
    assert list(careline.settings.sounds.glob("*.wav"))
    assert client.get(nepali.sound.replace("sound/", "sound/A")).status_code == 404
    assert client.get("/voice/sound/AAAA.wav").status_code == 404


def test_what_is_the_callers_own_is_not_kept_as_a_sound(client: FlaskClient, careline: Careline) -> None:
    phone = caller(client)
    phone.call()
    phone.press("4")
    phone.press("5")
    before = set(careline.settings.sounds.glob("*.wav"))
    turn = phone.say("मलाई खाना चाहियो", confidence=0.1)
    with client.get(turn.heard[0].sound) as served:
        assert served.headers["Cache-Control"] == "no-store"
        assert synthesis.seconds(served.data) > 0.5
    assert set(careline.settings.sounds.glob("*.wav")) == before


def test_a_recording_by_a_person_replaces_a_phrase(phone: Caller, client: FlaskClient, careline: Careline) -> None:
    folder = careline.settings.recordings / "en"
    folder.mkdir(parents=True)
    (folder / "voice.need.wav").write_bytes(b"RIFF")
    phone.call()
    turn = phone.press("1")
    assert turn.heard[0].sound == "/voice/recording/en/voice.need"
    with client.get(turn.heard[0].sound) as served:
        assert served.data == b"RIFF"
    assert client.get("/voice/recording/en/..%2f..%2fsecret").status_code == 404
    assert client.get("/voice/recording/../voice.need").status_code == 404


def test_with_the_database_down_a_caller_still_hears_whom_to_call(
    careline: Careline, dialogue: FakeDialogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = create_app(careline, dialogue)

    def down(*arguments: object) -> None:
        raise DatabaseUnavailable("locked")

    monkeypatch.setattr("bot.calls.answer", down)
    turn = caller(app.test_client()).call()
    assert "call 1 1 2" in turn.text
    assert turn.numbers == ("+441632960000",)
    assert OFFICE in turn.text


def test_a_language_without_recognition_is_served_by_keys(phone: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    known = speech()
    without = Speech(known.voices, {**known.recognition}, known.pronunciation)
    del without.recognition["ne"]
    for module in ("bot.voice.talk", "webhooks.voice_twiml"):
        monkeypatch.setattr(f"{module}.speech", lambda: without)
    phone.call()
    phone.press("4")
    turn = phone.press("5")
    assert turn.waits == "key"
    assert len(turn.heard) >= 8
    gather = ElementTree.fromstring(turn.xml).find("Gather")
    assert gather is not None
    assert gather.get("input") == "dtmf"


def test_without_espeak_its_languages_fall_back(phone: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthesis, "installed", lambda: False)
    phone.call()
    phone.press("4")
    assert all(one.voice for one in phone.turn.heard)
    phone.press("5")
    assert all(one.voice.startswith("Polly.Amy") for one in phone.turn.heard)


def test_the_fallback_address_says_the_numbers(client: FlaskClient) -> None:
    check(posting(client)("/voice/sorry", {"CallSid": "CA1", "ErrorCode": "11200"}))


@pytest.mark.parametrize("form", [{}, {"CallSid": "x" * 65}])
def test_a_call_needs_an_id(client: FlaskClient, form: dict[str, str]) -> None:
    signature = RequestValidator(TOKEN).compute_signature("https://care.example.org/voice", form)
    assert client.post("/voice", data=form, headers={"X-Twilio-Signature": signature}).status_code == 400
