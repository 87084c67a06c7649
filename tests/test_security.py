"""Attacks, each as somebody would try it: forged and replayed webhooks, injected templates, stolen sessions, long marks."""

import re
import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from twilio.request_validator import RequestValidator

from bot import kiosk as kiosks
from bot import phone, redaction, staff
from bot.careline import Careline
from bot.conversation import Message
from bot.encryption import open_vault
from bot.errors import CarelineError
from bot.escalation import Case
from bot.folding import fold
from bot.inbound import LONGEST, clean
from bot.keywords import LANGUAGES
from bot.reply import Choice, Phrase, Reply
from bot.settings import Settings
from bot.training import ROOT
from tests.conftest import TOKEN, Texter, environment
from tests.fakes import FakeDialogue
from webhooks import twilio
from webhooks.app import create_app
from webhooks.rasa import RasaDialogue

ACCOUNT = "AC" + "0" * 32


def sign(form: dict[str, str], url: str = "https://care.example.org/sms") -> str:
    return str(RequestValidator(TOKEN).compute_signature(url, form))


class TestSignatures:
    def test_a_replayed_id_tells_another_number_nothing(self, texter: Texter, other: Texter, dialogue: FakeDialogue) -> None:
        dialogue.answer = Reply(opening=(Phrase("more.where", {"place": "a secret place"}),))
        assert "a secret place" in texter("where is the refuge that you know", sid="SMonce")[0]
        assert other("where is the refuge that you know", sid="SMonce") == []

    def test_a_replayed_id_out_of_another_conversation_tells_nothing(
        self, client: FlaskClient, careline: Careline, dialogue: FakeDialogue
    ) -> None:
        first = client.post("/", data={"text": "thank you so much", "once": "x" * 16}).text
        conversation = re.search(r'name="conversation" value="([^"]+)"', first)
        assert conversation
        again = client.post("/", data={"text": "thank you so much", "once": "x" * 16, "conversation": "0" * 36}).text
        assert conversation[1] not in again

    @pytest.mark.parametrize("header", ["X-Forwarded-Host", "X-Forwarded-Proto", "Host", "X-Original-URL", "X-Forwarded-Prefix"])
    def test_headers_of_a_proxy_do_not_move_the_address_that_is_signed(self, client: FlaskClient, header: str) -> None:
        form = {"From": "+447700900123", "Body": "food", "MessageSid": "SM1", "AccountSid": ACCOUNT}
        evil = sign(form, "https://evil.example/sms")
        assert client.post("/sms", data=form, headers={"X-Twilio-Signature": evil, header: "evil.example"}).status_code == 403
        good = sign(form)
        if header != "Host":
            assert client.post("/sms", data=form, headers={"X-Twilio-Signature": good, header: "evil.example"}).status_code == 200

    @pytest.mark.parametrize(
        ("path", "reason"),
        [("/sms?x=1", "a query that was not signed"), ("/sms/status", "another address"), ("/sms/", "another path")],
    )
    def test_a_signature_is_good_for_one_address(self, client: FlaskClient, path: str, reason: str) -> None:
        form = {"From": "+447700900123", "Body": "food", "MessageSid": "SM1", "MessageStatus": "sent"}
        assert client.post(path, data=form, headers={"X-Twilio-Signature": sign(form)}).status_code in (403, 404), reason

    def test_no_field_may_be_added_or_taken_away(self, client: FlaskClient) -> None:
        form = {"From": "+447700900123", "Body": "food", "MessageSid": "SM1"}
        for changed in ({**form, "OptOutType": "STOP"}, {"From": form["From"], "MessageSid": "SM1"}):
            assert client.post("/sms", data=changed, headers={"X-Twilio-Signature": sign(form)}).status_code == 403

    @given(st.text(alphabet=st.characters(codec="latin-1", categories=("L", "N", "P", "S")), max_size=60))
    def test_no_invented_signature_is_good(self, signature: str) -> None:
        configured = Settings.from_env({"TWILIO_AUTH_TOKEN": TOKEN, "CARELINE_PUBLIC_URL": "https://care.example.org"})
        assert not twilio.signed(configured, "/sms", {"Body": "food"}, signature)

    def test_without_a_token_nothing_is_good(self) -> None:
        form = {"Body": "food"}
        made = str(RequestValidator("").compute_signature("https://care.example.org/sms", form))
        assert not twilio.signed(Settings.from_env({"CARELINE_PUBLIC_URL": "https://care.example.org"}), "/sms", form, made)

    def test_every_address_that_a_provider_calls_is_guarded(self, client: FlaskClient) -> None:
        """Nothing is learnt by asking: without a signature each says 403, whatever is sent."""
        rules = [rule for rule in client.application.url_map.iter_rules() if rule.endpoint.split(".")[0] in ("sms", "voice")]
        assert rules
        for rule in rules:
            if "POST" in (rule.methods or ()) and "<" not in rule.rule:
                assert client.post(rule.rule, data={"MessageSid": "SM1"}).status_code == 403, rule.rule


class TestInjection:
    HOSTILE: ClassVar = (
        "{{7*7}}",
        "{0.__class__}",
        "${7*7}",
        "%(home)s",
        "{municipality}",
        "<img src=x onerror=alert(1)>",
        "'\"><script>",
    )

    @pytest.mark.parametrize("hostile", HOSTILE)
    def test_what_people_write_is_never_a_template_nor_a_page(
        self, client: FlaskClient, careline: Careline, dialogue: FakeDialogue, hostile: str
    ) -> None:
        dialogue.answer = Reply(opening=(Phrase("more.where", {"place": hostile}),))
        page = client.post("/", data={"text": f"{hostile} where", "place": hostile}).text
        assert "49" not in re.sub(r"[a-f0-9-]{36}|[\w-]{16,}", "", re.split(r"<main[^>]*>", page)[1].split("</main>")[0])
        assert "<img src=x" not in page
        assert "<script>" not in page
        assert str(careline.settings.home) not in page

    @pytest.mark.parametrize("hostile", HOSTILE)
    def test_staff_see_it_as_text(self, client: FlaskClient, texter: Texter, careline: Careline, hostile: str) -> None:
        texter(f"{hostile} help")
        texter("0")
        with careline.database.begin() as session:
            staff.add(session, "Ama", "a long enough password")
            case = session.scalars(select(Case.id)).one()
        token = re.search(r'name="token" value="([^"]+)"', client.get("/desk/sign-in").text)
        assert token
        client.post("/desk/sign-in", data={"name": "Ama", "password": "a long enough password", "token": token[1]})
        page = client.get(f"/desk/cases/{case}")
        assert page.status_code == 200
        assert "<img src=x" not in page.text
        assert "<script>" not in page.text

    def test_twiml_is_escaped(self) -> None:
        assert "<Hangup/>" not in twilio.twiml("a </Message><Hangup/> b & c")


class TestSessions:
    def sign_in(self, client: FlaskClient) -> None:
        token = re.search(r'name="token" value="([^"]+)"', client.get("/desk/sign-in").text)
        assert token
        client.post("/desk/sign-in", data={"name": "Ama", "password": "a long enough password", "token": token[1]})

    @pytest.fixture
    def ama(self, careline: Careline) -> None:
        with careline.database.begin() as session:
            staff.add(session, "Ama", "a long enough password")

    def test_a_session_planted_before_signing_in_is_worth_nothing_after(self, app, ama: None) -> None:  # type: ignore[no-untyped-def]
        attacker, victim = app.test_client(), app.test_client()
        attacker.get("/desk/sign-in")
        planted = attacker.get_cookie("__Host-session")
        assert planted is not None
        victim.set_cookie("__Host-session", planted.value)
        self.sign_in(victim)
        signed_in = victim.get_cookie("__Host-session")
        assert signed_in is not None
        assert signed_in.value != planted.value
        assert attacker.get("/desk").status_code == 302, "the planted one opens nothing"

    def test_an_invented_or_changed_cookie_opens_nothing(self, app, ama: None) -> None:  # type: ignore[no-untyped-def]
        client = app.test_client()
        self.sign_in(client)
        assert client.get("/desk").status_code == 200
        cookie = client.get_cookie("__Host-session")
        assert cookie is not None
        for forged in (cookie.value[:-3] + "abc", "eyJzdGFmZiI6MX0.aaaa.bbbb", "", "." * 4000):
            client.set_cookie("__Host-session", forged)
            assert client.get("/desk").status_code == 302

    def test_cookies_are_shut_away(self, app, ama: None) -> None:  # type: ignore[no-untyped-def]
        client = app.test_client()
        client.get("/desk/sign-in")
        header = client.get("/desk/sign-in").headers.get("Set-Cookie", "") or str(client.get_cookie("__Host-session"))
        assert app.config["SESSION_COOKIE_HTTPONLY"]
        assert app.config["SESSION_COOKIE_SECURE"], header
        assert app.config["SESSION_COOKIE_SAMESITE"] in ("Lax", "Strict")

    @pytest.mark.parametrize("https", [True, False])
    def test_cookies_are_of_this_host_only(self, careline: Careline, dialogue: FakeDialogue, https: bool) -> None:
        """The prefix counts only with Secure, Path=/ and without a Domain; without https no browser would keep it."""
        scheme = "https" if https else "http"
        careline.settings = replace(careline.settings, public_url=f"{scheme}://care.example.org")
        with careline.database.begin() as session:
            code = kiosks.register(session, "East 1", "Eastgate Library").code
        client = create_app(careline, dialogue).test_client()
        set_by = (client.get("/desk/sign-in"), client.post("/device", data={"code": code}))
        for answer, name in zip(set_by, ("session", "kiosk"), strict=True):
            (cookie,) = answer.headers.getlist("Set-Cookie")
            rows = cookie.split("; ")
            assert rows[0].startswith(f"__Host-{name}=" if https else f"{name}=")
            assert ("Secure" in rows) is https
            assert "Path=/" in rows
            assert "HttpOnly" in rows
            assert not any(row.startswith("Domain") for row in rows)


class TestPasswords:
    @pytest.mark.parametrize(
        "bad",
        [
            "password1234", "Password1234!", "qwertyuiop12", "123456789012", "aaaaaaaaaaaa", "passwordpassword", "iloveyou1234",
            "1qaz2wsx3edc", "P@ssw0rdP@ssw0rd", "careline2026", "Ama Ama Ama Ama", "AmaMensah2026", "too short",
        ],
    )  # fmt: skip
    def test_what_everybody_would_try_is_refused(self, careline: Careline, bad: str) -> None:
        with careline.database.begin() as session, pytest.raises(CarelineError, match=r"easy to guess|at least 12|must not be"):
            staff.add(session, "Ama Mensah", bad)

    @pytest.mark.parametrize(
        "good",
        [
            "kettle ladder orange sixteen",
            "पुरानो रातो छाता भिज्यो",
            "古い赤い傘が濡れている夜",
            " ".join(str(n * n) for n in range(31, 200)),
        ],
    )
    def test_any_letters_and_lengths_will_do(self, careline: Careline, good: str) -> None:
        with careline.database.begin() as session:
            person = staff.add(session, "Ama Mensah", good)
            assert staff.right_password(person, good)


@pytest.mark.parametrize("path", ["/", "/privacy", "/desk/sign-in", "/openapi.json", "/nowhere", "/healthz"])
def test_headers_on_every_kind_of_answer(client: FlaskClient, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Strict-Transport-Security"].startswith("max-age=")
    assert headers["Cache-Control"] == "no-store"
    assert "Server" not in headers or "Python" not in headers["Server"]


@pytest.mark.parametrize("path", ["/", "/privacy", "/privacy/record"])
def test_pages_have_no_code_inside_and_ask_nobody_else(client: FlaskClient, path: str) -> None:
    page = client.get(path).text
    assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=|javascript:", page)
    assert not re.search(r"""(?:src|action)=["']?(?:https?:)?//""", page)


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({f"field{number}": "x" for number in range(300)}, 413),
        ({"text": "x" * 100_000}, 413),
    ],
)
def test_bodies_have_a_limit(client: FlaskClient, form: dict[str, str], status: int) -> None:
    many = len(form) > 1  # only a multipart form is counted by its parts
    content_type = "multipart/form-data" if many else "application/x-www-form-urlencoded"
    assert client.post("/", data=form, content_type=content_type).status_code == status


class TestMarks:
    @pytest.mark.parametrize(
        "text",
        ["a" + "\u0301" * 1500, "e\u0301\u0323" * 500, "क" + "\u093c\u0941" * 700, "h\u0489\u0321\u031b" * 400, "\u0301" * 1600],
    )
    def test_letters_carry_no_more_than_any_language_gives_them(self, text: str) -> None:
        cleaned = clean(text)
        assert not re.search(r"[\u0300-\u036f\u0489\u093c\u0941]{7,}", cleaned)

    @pytest.mark.parametrize("text", ["क्षेत्र्यी", "مُحَمَّدٌ رَّسُولُ", "tiếng Việt", "が", "é", "नेपाली भाषामा मद्दत", "👨‍👩‍👧"])
    def test_no_real_word_loses_any(self, text: str) -> None:
        assert clean(text) == unicodedata.normalize("NFC", text)

    @given(st.text(max_size=LONGEST + 50))
    def test_cleaning_twice_changes_nothing(self, text: str) -> None:
        cleaned = clean(text)
        assert len(cleaned) <= LONGEST
        assert clean(cleaned) == cleaned


class TestLigatures:
    """One character that is many once it is compared with lists: 1,600 of it were 28,800 letters, and a tenth of a second."""

    @pytest.mark.parametrize("character", ["ﷺ", "\u3300", "\u321d", "ﬃ", "\u33fe", "\u0390", "ŉ", "\U0001f241"])
    def test_no_text_grows_beyond_twice_a_messages_length(self, character: str) -> None:
        assert len(fold(clean(character * LONGEST))) <= 4 * LONGEST
        assert len(unicodedata.normalize("NFKC", clean(character * LONGEST))) <= 2 * LONGEST

    @given(
        st.text(alphabet=st.characters(min_codepoint=0x3000, max_codepoint=0xFFFF, exclude_categories=["Cs"]), max_size=LONGEST)
    )
    def test_nor_does_any_other(self, text: str) -> None:
        assert len(unicodedata.normalize("NFKC", clean(text))) <= 2 * LONGEST

    def test_what_people_write_stays_whole(self) -> None:
        for text in ("السلام عليكم ﷺ", "㋿8年", "½ ﬁne " * 100, "ありがとう" * 320):
            assert clean(text) == unicodedata.normalize("NFC", text.strip())


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(st.text(max_size=80))
def test_whatever_stands_for_a_number_is_one_or_none(text: str) -> None:
    found = phone.normalised(text, "GB")
    assert found is None or re.fullmatch(r"\+?\d{3,16}", found)


def test_outbound_calls_go_only_where_settings_say() -> None:
    """What reaches out is listed here; each address comes from a setting, never from a message (SSRF)."""
    allowed = {
        "webhooks/rasa.py", "webhooks/health.py", "webhooks/phone.py", "webhooks/simulator.py", "webhooks/twilio.py", "bot/up.py",
        "webhooks/bridges.py", "webhooks/caller.py", "webhooks/libretranslate.py", "webhooks/worker.py",
        "actions/server.py",  # listens only
    }  # fmt: skip
    reach = re.compile(
        r"requests\.(?:get|post|put|request|Session)\b|urlopen|http\.client|socket\.create_connection"
        r"|(?:import|from) (?:httpx|aiohttp)"
    )
    found = {
        path.relative_to(ROOT).as_posix()
        for folder in ("bot", "webhooks", "actions")
        for path in (ROOT / folder).rglob("*.py")
        if reach.search(path.read_text("utf-8"))
    }
    assert found <= allowed, found - allowed
    for name in found - {"webhooks/twilio.py"}:
        text = (ROOT / name).read_text("utf-8")
        assert "requests." not in text or "trust_env = False" in text, f"{name}: an environment's proxy would see it"


def test_pictures_are_never_fetched(texter: Texter, dialogue: FakeDialogue) -> None:
    """A MediaUrl is whatever the sender's provider writes there; we do not look."""
    (answer,) = texter("", NumMedia="1", MediaUrl0="http://169.254.169.254/latest/meta-data/", MediaContentType0="image/png")
    assert answer.startswith("I cannot see pictures")
    assert dialogue.asked == []


class TestEverythingElseDown:
    """Rasa's port is shut, no action server and no worker runs: the real adapter, and nothing behind it."""

    @pytest.fixture
    def alone(self, careline: Careline) -> Texter:
        dialogue = RasaDialogue("http://127.0.0.1:9", 1, f"sqlite:///{careline.settings.home / 'tracker.db'}")
        return Texter(create_app(careline, dialogue).test_client())

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_danger_is_answered_and_a_case_opened(self, alone: Texter, careline: Careline, language: str) -> None:
        words = {
            "en": "i want to kill myself", "es": "me quiero matar", "fr": "je veux mourir", "pt": "quero me matar",
            "nl": "ik wil dood", "ar": "أريد أن أموت", "ur": "میں مرنا چاہتا ہوں", "ne": "म मर्न चाहन्छु",
            "sw": "nataka kujiua", "tl": "gusto ko nang mamatay", "zh": "我想自杀", "ja": "死にたい",
        }  # fmt: skip
        (answer,) = alone(words[language])
        assert "01632 960001" in answer or "01632960001" in re.sub(r"\D", "", answer)
        with careline.database.read() as session:
            case = session.scalars(select(Case)).one()
        assert case.urgent
        assert case.due_at <= case.opened_at or abs((case.due_at - case.opened_at).total_seconds()) < 5

    def test_stop_start_help_and_a_person_too(self, alone: Texter) -> None:
        assert alone("0")[0].startswith("I am asking a person")
        assert "STOP" in alone("HELP")[0]
        assert alone("STOP")[0].startswith("You will get no more texts")
        assert "112" in alone("he is hitting me")[0]

    @pytest.mark.parametrize(
        "second",
        [
            "?",
            "??",
            "idk",
            "ok",
            "yes",
            "no",
            "5",
            "9",
            "help",
            "more",
            "repeat",
            "please",
            "...",
            "😭",
            "are you there",
            "hello",
            "1",
        ],
    )
    def test_a_second_message_gets_no_menu(self, careline: Careline, dialogue: FakeDialogue, texter: Texter, second: str) -> None:
        """The model does not understand it, and would offer a list."""
        menu = Reply(opening=(Phrase("unsure.choose"),), choices=(Choice("/food", Phrase("topic.food")),))
        texter("i want to kill myself")
        dialogue.answer = menu
        (answer,) = texter(second)
        assert "1 Food" not in answer
        assert "Do you mean one of these" not in answer
        assert "01632 960001" in answer or "112" in answer


class TestNothingIsLeftBehind:
    """What a resident sent is searched for in everything the run wrote: databases, their journals, logs, metrics."""

    SENT: ClassVar = {
        "a name": "Ermintrude",
        "a card": "4111 1111 1111 1111",
        "an identity number": "12345678Z",
        "an e-mail address": "ana.lopez@example.org",
        "status": "undocumented",
        "a place": "Zzyzx Road",
    }

    def test_in_any_file_or_log_line(
        self, texter: Texter, client: FlaskClient, careline: Careline, dialogue: FakeDialogue, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(0)
        for sent in self.SENT.values():
            texter(f"hello this is about {sent} and my mother")
            client.post("/api/chat", json={"text": f"it is about {sent} again", "place": sent})
            client.post("/", data={"text": f"{sent} once more", "place": sent})
        dialogue.answer = RuntimeError(f"broken by {self.SENT['a name']}")
        client.post("/api/chat", json={"text": f"{self.SENT['a name']} breaks it"})
        written = {path.name: path.read_bytes() for path in careline.settings.home.rglob("*") if path.is_file()}
        written["logs"] = caplog.text.encode()
        written["metrics"] = client.get("/metrics").data
        numbers = (texter.number[1:].encode(), b"7700 900123", b"07700900123")
        for name, content in written.items():
            for what, sent in self.SENT.items():
                for form in (sent.encode(), sent.encode("utf-16-le"), sent.replace(" ", "").encode()):
                    assert form not in content, f"{what} stands in {name}"
            for number in numbers:
                assert number not in content, name

    def test_even_with_the_key_what_must_not_be_kept_is_not_there(self, texter: Texter, careline: Careline) -> None:
        for sent in self.SENT.values():
            texter(f"hello this is about {sent} and my mother")
        with careline.database.read() as session:
            kept = " ".join(session.scalars(select(Message.text)))
            assert session.scalar(select(func.count()).select_from(Message)) == len(self.SENT)
        assert self.SENT["a name"] in kept
        for what in ("a card", "an identity number", "an e-mail address", "status"):
            assert self.SENT[what] not in kept, what
        assert kept.count(redaction.MARK) == 4

    def test_the_dialogue_reads_it_all_the_same(self, texter: Texter, dialogue: FakeDialogue) -> None:
        """The answer to "I am undocumented" depends on the word."""
        texter("i am undocumented, can my son see a doctor")
        assert "undocumented" in dialogue.asked[-1].text


@pytest.mark.filterwarnings("ignore")  # of Rasa, in its hundreds
def test_rasas_store_keeps_no_status_and_no_numbers() -> None:
    pytest.importorskip("rasa.core.tracker_store")
    from bot.nlu.tracker import redacted

    event = {
        "event": "user",
        "text": "i am undocumented, 4111 1111 1111 1111",
        "metadata": {"text": "no papers", "sender": "x"},
    }
    (kept,) = redacted([event])
    for gone in ("undocumented", "4111", "no papers"):
        assert gone not in str(kept)
    assert kept["metadata"]["sender"] == "x"


def test_our_own_key_is_readable_by_nobody_else(tmp_path: Path) -> None:
    env = {**environment(tmp_path), "CARELINE_SECRET_KEY": ""}
    open_vault(Settings.from_env(env).secret_key, tmp_path / "new")
    assert (tmp_path / "new" / "secret.key").stat().st_mode & 0o077 == 0


def test_secrets_are_compared_in_constant_time() -> None:
    """No == on what somebody shows us."""
    for path in (ROOT / "webhooks").rglob("*.py"):
        for line in path.read_text("utf-8").splitlines():
            assert not re.search(r"(?:token|signature|password|secret)\w*\s*(?:==|!=)\s*\w", line), f"{path}: {line}"
