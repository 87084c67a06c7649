"""A hostile tester: every address with odd ids and fields, other people's cases, forms without their secret, races, timing."""

import json
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from xml.etree import ElementTree

import pyotp
import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from twilio.request_validator import RequestValidator
from werkzeug.routing import Rule

from bot import escalation, pickup, second_factor, staff
from bot.careline import Careline
from bot.case_history import CaseEvent
from bot.clock import now
from bot.conversation import Message
from bot.escalation import Case
from bot.outbox import OutboxMessage
from bot.reply import Phrase, Reply, ServiceCard
from bot.staff import Membership, Role, Staff, Team
from tests.callers import caller
from tests.conftest import TOKEN, Texter
from tests.desk import ADDRESS, PASSWORD, Desk
from tests.fakes import FakeDialogue
from webhooks.app import create_app

#: Ids that lead out of a folder, into a header, into SQL, past a number's end, or nowhere.
IDS = (
    "..",
    "../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "%2e%2e/%2e%2e/",
    "....//",
    "%00",
    "x%00.wav",
    "%ff%fe",
    "%0d%0aX-Evil:%201",
    "'",
    "1%20OR%201=1",
    "%27;DROP%20TABLE%20escalation_case;--",
    "9" * 30,
    "9" * 5000,
    "4294967296",
    "-1",
    "0",
    "1e9",
    "١٢",
    "a" * 3000,
    "%E2%80%AEcba",
    "{{7*7}}",
    "%25s%25n",
    "null",
    "C:%5cwindows%5cwin.ini",
    "%5c%5chost%5cshare",
    "~root",
    "con",
)
#: What stands in fields where something else is meant.
VALUES = (
    "",
    "9" * 30,
    "9" * 5000,
    "-1",
    "\0",
    "\u202e'\"><script>",
    "team " + "9" * 30,
    "colleague " + "9" * 5000,
    "\ud83d".encode("utf-8", "replace").decode(),
)
FIELDS = (
    "text",
    "name",
    "to",
    "colleague",
    "language",
    "role",
    "team",
    "topics",
    "hours",
    "code",
    "outcome",
    "once",
    "languages",
    "page",
    "conversation",
    "direction",
    "contact",
    "agreed",
    "duty_number",
    "password",
    "old",
    "new",
    "before",
    "subject",
    "place",
    "receipt",
    "case",
    "after",
    "question",
    "seen",
    "q",
    "limit",
    "per_page",
)
#: Streams that stay open, and the way out.
LEFT_OUT = ("desk_live.live", "desk_sign_in.sign_out", "desk_sign_in.to_provider", "health.readyz")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staff, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture
def people(careline: Careline) -> dict[str, int]:
    """Accounts of every role; ben is of another team than ada."""
    with careline.database.begin() as session:
        made = {
            name: staff.add(session, name, PASSWORD, role).id
            for name, role in (("ada", Role.STAFF), ("ben", Role.STAFF), ("flora", Role.STEWARD), ("chief", Role.ADMINISTRATOR))
        }
        for number, name in enumerate(("ada", "ben"), start=1):
            session.add(Team(id=number, name=f"team {name}"))
            session.flush()
            session.add(Membership(team_id=number, staff_id=made[name]))
    return made


def signed_in(app: Flask, name: str) -> Desk:
    desk = Desk(app)
    desk.sign_in(name)
    return desk


@pytest.fixture
def case(texter: Texter, careline: Careline, people: dict[str, int]) -> str:
    """A case of ada's team."""
    texter("my neighbour Ermintrude needs a wheelchair ramp")
    texter("0")
    with careline.database.begin() as session:
        found = session.scalars(select(Case)).one()
        found.team_id = 1
        return found.id


def rules(app: Flask, chosen: Callable[[Rule], bool] = lambda rule: True) -> list[tuple[Rule, str]]:
    """Every address with each of its methods."""
    found = [rule for rule in app.url_map.iter_rules() if rule.endpoint not in LEFT_OUT and chosen(rule)]
    return [(rule, method) for rule in found for method in sorted((rule.methods or set()) & {"GET", "POST", "DELETE"})]


def addressed(rule: Rule, value: str) -> str:
    """The rule's address with a value in each of its gaps; a choice of words keeps its first."""
    path = re.sub(r"<any\((\w+)[^>]*>", r"\1", rule.rule)
    return re.sub(r"<[^<>]*>", lambda _: value, path)


class TestEveryAddress:
    @pytest.fixture
    def desk(self, app: Flask, case: str) -> Desk:
        return signed_in(app, "chief")

    def ask(self, desk: Desk, method: str, path: str, fields: dict[str, str]) -> None:
        form = {**desk.hidden(), **fields} if method == "POST" else None
        query = fields if method == "GET" else None
        answer = desk.client.open(path, method=method, data=form, query_string=query, base_url=ADDRESS)
        told = f"{method} {path[:80]} {[(name, value[:20]) for name, value in fields.items()][:2]}: {answer.status_code}"
        assert answer.status_code < 500, told
        assert "X-Evil" not in answer.headers, told
        assert b"root:x:0" not in answer.data, told
        assert "Traceback" not in answer.text[:100_000], told

    def test_odd_ids(self, desk: Desk, app: Flask) -> None:
        desk.get("/desk/me")
        for rule, method in rules(app, lambda rule: bool(rule.arguments)):
            for value in IDS:
                self.ask(desk, method, addressed(rule, value), {})

    @pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value[:20]))
    def test_odd_fields(self, app: Flask, case: str, value: str) -> None:
        for rule, method in rules(app):
            if rule.endpoint.startswith("simulator"):
                continue
            desk = signed_in(app, "chief") if rule.endpoint.startswith("desk_sign_in") else self._kept(app)
            path = addressed(rule, case if "case_id" in rule.arguments else "1")
            self.ask(desk, method, path, dict.fromkeys(FIELDS, value))

    def _kept(self, app: Flask) -> Desk:
        kept: Desk | None = app.extensions.get("test.desk")
        if kept is None:
            kept = app.extensions["test.desk"] = signed_in(app, "chief")
            kept.get("/desk/me")
        return kept

    def test_every_page_of_the_desk_opens(self, app: Flask, desk: Desk) -> None:
        """A page that nobody looks at breaks unseen."""
        for rule, method in rules(app, lambda rule: rule.rule.startswith("/desk") and not rule.arguments):
            if method == "GET" and rule.endpoint != "desk_sign_in.from_provider":
                assert desk.client.get(rule.rule, base_url=ADDRESS, follow_redirects=True).status_code == 200, rule.rule

    @pytest.mark.parametrize("method", ["PUT", "PATCH", "TRACE", "CONNECT", "BREW", "DELETE"])
    def test_other_methods_do_nothing(self, app: Flask, client: FlaskClient, method: str) -> None:
        for rule, _ in rules(app):
            if method not in (rule.methods or ()):
                answer = client.open(addressed(rule, "1"), method=method, base_url=ADDRESS)
                assert answer.status_code in (404, 405, 400, 308), (method, rule.rule, answer.status_code)

    @pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"])
    def test_a_method_cannot_be_overridden(self, client: FlaskClient, header: str) -> None:
        assert client.post("/healthz", headers={header: "GET"}).status_code == 405
        assert client.get("/sms", headers={header: "POST"}, query_string={"_method": "POST"}).status_code == 405


class TestBodies:
    ODD = (
        (b"", ""),
        (b"\xff\xfe\x00", "application/json"),
        (b"[" * 60_000, "application/json"),
        (b'{"text":' * 7000, "application/json"),
        (b'{"text": 1e999}', "application/json"),
        (b'{"text": "\\ud800"}', "application/json"),
        (b'{"text": "\\u0000"}', "application/json"),
        (b'{"text": "a", "text": ["b"]}', "application/json"),
        (b"null", "application/json"),
        (b'"text"', "application/json"),
        (b'{"text":"hi","conversation":"\\u0000"}', "application/json"),
        (b"{}", "text/plain"),
        (b"<x/>", "application/xml"),
        (b"text=%ff%fe%00", "application/x-www-form-urlencoded"),
        (b"a&" * 30_000, "application/x-www-form-urlencoded"),
        (b"&".join(b"f%d=1" % number for number in range(10_000)), "application/x-www-form-urlencoded"),
        (b"x" * 200_000, "application/x-www-form-urlencoded"),
        (b"x" * 200_000, "application/json"),
        (b'--x\r\nContent-Disposition: form-data; name="text"\r\n\r\nhi', "multipart/form-data; boundary=x"),
        (b"--x\r\n" * 12_000, "multipart/form-data; boundary=x"),
        (b"", "multipart/form-data"),
        (b"hi", "multipart/form-data; boundary="),
        (b"text=hi", "application/x-www-form-urlencoded; charset=utf-7"),
        (b"+ADw-script+AD4-", "text/html; charset=utf-7"),
    )

    PATHS = (
        "/",
        "/api/chat",
        "/sms",
        "/sms/status",
        "/voice",
        "/voice/turn/1",
        "/desk/sign-in",
        "/device",
        "/live",
        "/hsds/services",
    )

    @pytest.mark.parametrize("path", PATHS)
    def test_any_body_is_refused_or_answered(self, client: FlaskClient, path: str) -> None:
        for body, kind in self.ODD:
            answer = client.post(path, data=body, content_type=kind)
            assert answer.status_code < 500, (path, body[:40], kind)

    TEXTS = (
        "\u202eevil\u202c txet",
        "h\u0335\u0321e\u0336l\u0337p\u0338" * 100,
        "😀" * 1600,
        "👨‍👩‍👧‍👦" * 200,
        "\0\0help\0",
        "\ud800".encode("utf-8", "surrogatepass").decode("utf-8", "replace"),
        "A" * 5000,
        "\r\nX-Evil: 1",
        "ﷺ" * 1600,
        "\u200b" * 1600,
        "﷽" * 800,
        "𓀀" * 1600,
        "\ufeff",
        "{0}{1}{spent}",
        "%(home)s%n",
        "../../../etc/passwd",
        "</Message><Redirect>http://evil.example</Redirect>",
        "]]>",
        "<!ENTITY x SYSTEM 'file:///etc/passwd'>&x;",
    )

    @pytest.mark.parametrize("text", TEXTS, ids=lambda text: repr(text[:12]))
    def test_any_text_gets_one_proper_answer(self, texter: Texter, careline: Careline, text: str) -> None:
        answer = texter.post({"Body": text, "MessageSid": "SModd"})
        assert answer.status_code == 200
        assert [child.tag for child in ElementTree.fromstring(answer.text)] in (["Message"], [])
        assert "X-Evil" not in answer.headers
        assert "evil.example" not in answer.text
        with careline.database.read() as session:
            kept = session.scalars(select(Message.text)).one()
        assert not re.search("[\0\u202a-\u202e\u2066-\u2069]", kept)
        assert len(kept) <= 1600


class TestSignatures:
    FORM = {"From": "+447700900123", "Body": "food", "MessageSid": "SM1", "AccountSid": "AC" + "0" * 32}  # noqa: RUF012

    def sign(self, url: str, form: dict[str, str], token: str = TOKEN) -> str:
        return str(RequestValidator(token).compute_signature(url, form))

    @pytest.mark.parametrize(
        "url",
        [
            "http://care.example.org/sms",
            "https://care.example.org:8443/sms",
            "https://care.example.org/sms/",
            "https://care.example.org//sms",
            "https://CARE.example.org.evil.example/sms",
            "https://care.example.org/sms#x",
            "https://care.example.org/SMS",
            "/sms",
            "",
        ],
    )
    def test_of_another_address(self, client: FlaskClient, url: str) -> None:
        answer = client.post("/sms", data=self.FORM, headers={"X-Twilio-Signature": self.sign(url, self.FORM)})
        assert answer.status_code == 403

    @pytest.mark.parametrize("token", ["", "none", TOKEN.upper(), f"{TOKEN} ", "a key for tests only"])
    def test_with_another_token(self, client: FlaskClient, token: str) -> None:
        signature = self.sign("https://care.example.org/sms", self.FORM, token)
        assert client.post("/sms", data=self.FORM, headers={"X-Twilio-Signature": signature}).status_code == 403

    def test_what_one_field_says_cannot_move_into_another(self, client: FlaskClient) -> None:
        """Twilio signs names and values run together: the same letters differently cut are another message."""
        cut = {**self.FORM, "Body": "", "BodyfoodFrom": ""}
        signature = self.sign("https://care.example.org/sms", self.FORM)
        assert client.post("/sms", data=cut, headers={"X-Twilio-Signature": signature}).status_code == 403

    def test_a_form_that_was_signed_is_no_good_as_json_or_in_the_address(self, client: FlaskClient) -> None:
        signature = {"X-Twilio-Signature": self.sign("https://care.example.org/sms", self.FORM)}
        assert client.post("/sms", json=self.FORM, headers=signature).status_code == 403
        assert client.post("/sms", query_string=self.FORM, headers=signature).status_code == 403

    def test_a_replay_changes_nothing(self, texter: Texter, careline: Careline, dialogue: FakeDialogue) -> None:
        first = texter("where can I eat in the evening", sid="SMreplayed")
        for _ in range(5):
            assert texter("where can I eat in the evening", sid="SMreplayed") == first
        assert len(dialogue.asked) == 1
        with careline.database.read() as session:
            assert session.scalar(select(func.count()).select_from(Message)) == 1

    def test_a_replayed_turn_of_a_call_does_nothing_again(self, app: Flask, careline: Careline) -> None:
        phone = caller(app.test_client())
        phone.call()
        phone.press("1")
        before = phone.turn.action
        phone.press("0")
        with careline.database.read() as session:
            cases = session.scalar(select(func.count()).select_from(Case))
        phone._send(before, {"Digits": "0"})
        phone._send("/voice/turn/0", {"Digits": "0"})
        with careline.database.read() as session:
            assert session.scalar(select(func.count()).select_from(Case)) == cases == 1


class TestSomebodyElsesCase:
    """ben's team has nothing to do with the case; he knows its id."""

    POSTS = ("claim", "take-over", "release", "close", "reopen", "answer", "note", "forward", "pass-on", "translate")

    def state(self, careline: Careline) -> tuple[object, ...]:
        with careline.database.read() as session:
            found = session.scalars(select(Case)).one()
            events = session.scalar(select(func.count()).select_from(CaseEvent))
            sent = session.scalar(select(func.count()).select_from(OutboxMessage))
            return found.status, found.claimed_by, found.team_id, found.closed_at, events, sent

    @pytest.mark.parametrize("taken", [False, True])
    def test_he_sees_and_does_nothing(
        self, app: Flask, careline: Careline, case: str, people: dict[str, int], taken: bool
    ) -> None:
        if taken:
            with careline.database.begin() as session:
                assert escalation.claim(session, case, people["ada"])
        before = self.state(careline)
        ben = signed_in(app, "ben")
        ben.get("/desk/me")
        everything = {
            "text": "hello",
            "once": "1",
            "to": f"colleague {people['ben']}",
            "colleague": str(people["ada"]),
            "name": "Another",
            "agreed": "1",
        }
        for action in self.POSTS:
            answer = ben.client.post(
                f"/desk/cases/{case}/{action}", data={**ben.hidden(), **everything}, base_url=ADDRESS, follow_redirects=True
            )
            assert "Ermintrude" not in answer.text, action
            assert self.state(careline) == before, action
        for path in (
            f"/desk/cases/{case}",
            f"/desk/cases/{case}/thread",
            "/desk",
            "/desk/rows",
            "/desk/calls",
            "/desk/search?text=Ermintrude",
        ):
            answer = ben.client.get(path, base_url=ADDRESS, follow_redirects=True)
            assert "Ermintrude" not in answer.text, path
            assert case not in answer.text or path.endswith("thread"), path
        found = ben.client.post("/desk/search", data={**ben.hidden(), "text": "Ermintrude"}, base_url=ADDRESS)
        assert case not in found.text
        assert "Ermintrude" in signed_in(app, "ada").get(f"/desk/cases/{case}")

    @pytest.mark.parametrize(("name", "rank"), [(None, 0), ("ada", 1), ("flora", 2), ("chief", 3)])
    def test_each_role_opens_its_own_pages_only(
        self, app: Flask, people: dict[str, int], case: str, name: str | None, rank: int
    ) -> None:
        """What each page asks for, written down here a second time."""
        asks = {
            "desk_directory": 2,
            "desk_articles": 2,
            "desk_words": 2,
            "desk_new": 2,
            "desk_people": 3,
            "desk_figures": 1,
            "desk_queue": 1,
            "desk_case": 1,
            "desk_calls": 1,
            "desk_search": 1,
            "desk_live": 1,
            "desk_account": 1,
            "desk_translation": 1,
        }
        desk = signed_in(app, name) if name else Desk(app)
        desk.get("/desk/me" if name else "/desk/sign-in")
        hidden = desk.hidden() if name else {}
        for rule, method in rules(
            app, lambda rule: rule.rule.startswith("/desk") and not rule.endpoint.startswith("desk_sign_in")
        ):
            if rule.endpoint == "desk_account.enrol":
                continue  # 403 says there that the code is wrong
            needed = asks[rule.endpoint.split(".")[0]]
            path = addressed(rule, "1").replace("/1", f"/{case}", 1) if "case_id" in rule.arguments else addressed(rule, "1")
            answer = desk.client.open(path, method=method, data=hidden if method == "POST" else None, base_url=ADDRESS)
            if rank == 0:
                assert answer.status_code == (400 if method == "POST" else 302), (path, answer.status_code)
                assert method == "POST" or answer.headers["Location"].endswith("/desk/sign-in"), path
            else:
                assert (answer.status_code == 403) is (rank < needed), (name, method, path, answer.status_code)

    def test_nobody_raises_their_own_role(self, app: Flask, careline: Careline, people: dict[str, int]) -> None:
        for name in ("ada", "flora"):
            desk = signed_in(app, name)
            desk.get("/desk/me")
            for path in (
                f"/desk/people/{people[name]}",
                "/desk/people/add",
                f"/desk/people/{people['chief']}/password",
                "/desk/me/password",
            ):
                form = {
                    **desk.hidden(),
                    "role": "administrator",
                    "name": name,
                    "password": "kettle ladder orange sixteen",
                    "active": "1",
                }
                desk.client.post(path, data=form, base_url=ADDRESS)
        with careline.database.read() as session:
            assert session.get_one(Staff, people["ada"]).role == "staff"
            assert session.get_one(Staff, people["flora"]).role == "steward"
            assert staff.sign_in(session, "chief", PASSWORD) is not None


class TestForms:
    def test_none_works_without_its_secret(self, app: Flask, careline: Careline, case: str, people: dict[str, int]) -> None:
        """As a page elsewhere would send it: with the person's cookies, and a secret of the attacker's own, or none."""
        victim, attacker = signed_in(app, "chief"), signed_in(app, "ben")
        attacker.get("/desk/me")
        for rule, method in rules(app, lambda rule: rule.rule.startswith("/desk")):
            if method != "POST":
                continue
            path = addressed(rule, case if "case_id" in rule.arguments else "1")
            for form in ({}, attacker.hidden(), {"token": ""}, {"token": "null"}):
                answer = victim.client.post(path, data=form, base_url=ADDRESS, headers={"Origin": "https://evil.example"})
                assert answer.status_code == 400, (path, answer.status_code)

    def test_nothing_is_changed_by_an_address(self, app: Flask, careline: Careline, case: str) -> None:
        """GET changes nothing but the audit log, whatever stands in the query."""
        desk = signed_in(app, "chief")
        with careline.database.read() as session:
            before = session.scalars(select(Case)).one()
        for rule, method in rules(app, lambda rule: rule.rule.startswith("/desk")):
            if method == "GET":
                desk.client.get(
                    addressed(rule, case if "case_id" in rule.arguments else "1"),
                    query_string={"outcome": "reached", "to": "team 2", "text": "x", "role": "staff", "once": "1", "active": ""},
                    base_url=ADDRESS,
                )
        with careline.database.read() as session:
            after = session.scalars(select(Case)).one()
            assert (after.status, after.claimed_by, after.team_id) == (before.status, before.claimed_by, before.team_id)
        assert "<h1>Cases</h1>" in desk.get("/desk"), "nor is anybody signed out"

    def test_somebody_at_an_open_desk_does_not_guess_the_password(self, app: Flask, people: dict[str, int]) -> None:
        desk = signed_in(app, "ada")
        desk.get("/desk/me")
        for _ in range(5):
            assert "old password is not right" in desk.post(
                "/desk/me/password", old="a guess", new="kettle ladder orange sixteen"
            )
        assert "Too many attempts" in desk.post("/desk/me/password", old=PASSWORD, new="kettle ladder orange sixteen")


class TestAddressesOfClients:
    @pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Real-IP", "Forwarded", "True-Client-IP", "CF-Connecting-IP"])
    def test_a_forged_one_does_not_give_more_attempts(self, app: Flask, people: dict[str, int], header: str) -> None:
        desk = Desk(app)
        desk.get("/desk/sign-in")
        statuses = []
        for number in range(8):
            form = {**desk.hidden(), "name": "ada", "password": "a guess"}
            value = f"for=10.0.0.{number}" if header == "Forwarded" else f"10.0.0.{number}"
            statuses.append(desk.client.post("/desk/sign-in", data=form, base_url=ADDRESS, headers={header: value}).status_code)
        assert statuses == [403] * 5 + [429] * 3

    @pytest.mark.parametrize(
        "host",
        ["evil.example", "evil.example:443", "care.example.org.evil.example", "care.example.org@evil.example", "127.0.0.1"],
    )
    @pytest.mark.parametrize("path", ["/", "/privacy", "/desk", "/desk/sign-in", "/hsds/services", "/openapi.json", "/device"])
    def test_no_page_repeats_the_host_that_was_asked(self, client: FlaskClient, host: str, path: str) -> None:
        answer = client.get(path, headers={"Host": host, "X-Forwarded-Host": host})
        assert answer.status_code < 500
        assert "evil.example" not in answer.text
        assert "evil.example" not in answer.headers.get("Location", "")


def at_once(number: int, do: Callable[[int], object]) -> list[object]:
    """Do it in so many threads, begun at the same moment."""
    ready = threading.Barrier(number)

    def one(index: int) -> object:
        ready.wait(30)
        return do(index)

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(one, range(number)))


class TestRaces:
    def test_a_code_of_the_second_factor_opens_once(self, careline: Careline, people: dict[str, int]) -> None:
        secret = second_factor.new_secret()
        with careline.database.begin() as session:
            session.get_one(Staff, people["ada"]).second_factor = secret
        code = pyotp.TOTP(secret).at(now())

        def try_it(_: int) -> bool:
            with careline.database.begin() as session:
                return second_factor.check(session, session.get_one(Staff, people["ada"]), code)

        assert at_once(8, try_it).count(True) == 1

    def test_pick_up_codes_are_not_guessed_faster_by_many_at_once(self, careline: Careline) -> None:
        """Five wrong ones from one source, however many are tried at the same instant."""
        code = pickup.issue(careline.database, Reply(opening=(Phrase("thanks.welcome"),)), "en")
        wrong = [f"{(int(code) + number) % 10**6:06d}" for number in range(1, 20)]
        at_once(19, lambda index: pickup.redeem(careline.database, wrong[index], "kiosk 1"))
        with careline.database.read() as session:
            assert session.scalar(select(func.count()).select_from(pickup.WrongCode)) == 5
        assert pickup.redeem(careline.database, code, "kiosk 1") is None
        assert pickup.redeem(careline.database, code, "kiosk 2") is not None

    def test_a_case_is_claimed_by_one(self, careline: Careline, case: str, people: dict[str, int]) -> None:
        ids = [people["ada"], people["ben"], people["flora"], people["chief"]] * 2

        def claim(index: int) -> int:
            with careline.database.begin() as session:
                return ids[index] if escalation.claim(session, case, ids[index]) else 0

        assert len(set(at_once(8, claim)) - {0}) == 1

    def test_attempts_at_the_same_instant_are_all_counted(self, app: Flask, careline: Careline, people: dict[str, int]) -> None:
        desks = [Desk(app) for _ in range(10)]
        for desk in desks:
            desk.get("/desk/sign-in")

        def guess(index: int) -> int:
            form = {**desks[index].hidden(), "name": "ada", "password": f"a guess {index}"}
            return desks[index].client.post("/desk/sign-in", data=form, base_url=ADDRESS).status_code

        assert sorted(at_once(10, guess)) == [403] * 5 + [429] * 5  # type: ignore[type-var]


class TestSignInTiming:
    def test_an_unknown_name_costs_the_same_work(
        self, careline: Careline, people: dict[str, int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Counted, not timed: one hash is computed with the same settings, whoever is named and whatever they have."""
        costs: list[tuple[int, int, int]] = []

        class Counting(PasswordHasher):
            def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # type: ignore[override]
                found = re.match(r"\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$", str(hash))
                assert found, hash
                costs.append((int(found[1]), int(found[2]), int(found[3])))
                return bool(super().verify(hash, password))

        monkeypatch.setattr(staff, "_hasher", Counting())  # the real cost
        with careline.database.begin() as session:
            staff.add(session, "ada", PASSWORD)
            staff.add(session, "gone", PASSWORD).active = False
            staff.add(session, "elsewhere", PASSWORD).password_hash = staff.NO_PASSWORD
        for name in ("ada", "nobody", "gone", "elsewhere", "", "\u202e", "x" * 80):
            with careline.database.read() as session:
                assert staff.sign_in(session, name, "a wrong password") is None
        assert len(costs) == 7
        assert len(set(costs)) == 1


class TestSpokenAndTexted:
    """Names out of a directory and words out of a message are text in TwiML, never markup."""

    HOSTILE = (
        '<break time="10s"/>',
        "</Say><Dial>+15005550006</Dial><Say>",
        "]]><Hangup/>",
        "<prosody rate='x-slow'>",
        "&#60;Hangup/&#62;",
        "<audio src='https://evil.example/x.wav'/>",
        "<!--",
        '"><Redirect>https://evil.example</Redirect>',
    )

    @pytest.fixture(params=HOSTILE)
    def hostile(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    def card(self, hostile: str) -> Reply:
        card = ServiceCard(
            id="1", service_id="1", name=f"House {hostile}", organization=hostile, address=hostile, phones=("01632 960101",)
        )
        return Reply(opening=(Phrase("more.where", {"place": hostile}),), services=(card,), topic="food")

    def test_by_telephone(self, careline: Careline, hostile: str) -> None:
        dialogue = FakeDialogue(self.card(hostile))
        phone = caller(create_app(careline, dialogue).test_client())
        phone.call()
        phone.press("1")
        phone.say(hostile, confidence=0.1)
        turns = [phone.turn, phone.press("1"), phone.press("5"), phone.press("1")]
        for turn in turns:
            root = ElementTree.fromstring(turn.xml)
            inside = [child.tag for say in root.iter("Say") for child in say.iter() if child is not say]
            assert set(inside) <= {"s", "break", "prosody", "p"}
            assert not [one for one in root.iter("break") if one.get("time") == "10s"]
            assert "evil.example" not in "".join(element.get("src", "") + element.get("url", "") for element in root.iter())
            assert not list(root.iter("Redirect"))
            assert "+15005550006" not in [number.text for number in root.iter("Number")]

    def test_by_text(self, texter: Texter, dialogue: FakeDialogue, hostile: str) -> None:
        dialogue.answer = self.card(hostile)
        xml = texter.post({"Body": "somewhere to eat tonight please", "MessageSid": "SM1"}).text
        assert [element.tag for element in ElementTree.fromstring(xml).iter()] == ["Response", "Message"]

    def test_as_a_page_and_as_json(self, client: FlaskClient, dialogue: FakeDialogue, hostile: str) -> None:
        dialogue.answer = self.card(hostile)
        page = client.post("/", data={"text": "somewhere to eat tonight please"}).text
        assert "<break" not in page
        assert "<Redirect" not in page
        answer = client.post("/api/chat", json={"text": "somewhere to eat tonight please"})
        assert answer.content_type == "application/json"
        assert json.loads(answer.text)["messages"]
