"""Nobody sees another municipality's people: two of them in one process, on SQLite and (marker `services`) on PostgreSQL."""

import http.client
import re
import threading
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from sqlalchemy import func, select
from werkzeug.routing import Rule
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from bot import (
    callback,
    case_history,
    check,
    encryption,
    erasure,
    forwarding,
    kiosk,
    municipalities,
    opt_out,
    pickup,
    staff,
    synthesis,
)
from bot.conversation import Conversation, Message
from bot.directory import reports
from bot.directory.changes import Change
from bot.errors import DatabaseUnavailable
from bot.escalation import Case
from bot.outbox import OutboxMessage
from bot.reply import Phrase, Reply
from bot.rights.articles import Rights
from bot.staff import Team
from bot.wording import Wording
from tests import servers, valley
from tests.browser.conftest import DirectoryDialogue
from tests.desk import PASSWORD, Desk
from tests.fakes import FakeSender
from tests.valley import ADDRESSES, AMITY, VALE, Valley
from webhooks.hosts import Hosts
from webhooks.worker import look

BOTH = (AMITY, VALE)
SECRET = "Ermintrude is hungry"


class Searching(DirectoryDialogue):
    """Answers from the directory, and keeps nothing of its own that grows old."""

    def forget_before(self, moment: datetime) -> None:
        return None


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.services)])
def templates(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dict[str, str], str]]:
    if request.param == "sqlite":
        yield valley.templates(tmp_path_factory.mktemp("towns"), ""), ""
        return
    with servers.postgresql() as server:
        yield valley.templates(tmp_path_factory.mktemp("towns"), server.url), server.url


@pytest.fixture
def towns(
    templates: tuple[dict[str, str], str],
    words_and_rights: tuple[Wording, Rights],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Valley]:
    # The real cost of a password is 64 MB and a good part of a second.
    monkeypatch.setattr(staff, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    # No keys of other tests: what is done for nobody must fail, as in the real process.
    monkeypatch.setattr(encryption, "_vaults", {})
    with valley.opened(valley.write(tmp_path, *templates), words_and_rights) as both:
        for name, app in both.hosts.applications.items():
            app.extensions["dialogue"] = Searching(both.careline(name))
        yield both


def one(towns: Valley, name: str, column: Any) -> Any:
    with towns.session(name) as session:
        return session.scalars(select(column)).one()


def count(towns: Valley, name: str, table: Any) -> int:
    with towns.session(name) as session:
        return int(session.scalar(select(func.count()).select_from(table)) or 0)


def work(towns: Valley, name: str, sender: FakeSender) -> None:
    """What the worker of one does, in a process that is its alone."""
    with pytest.MonkeyPatch.context() as process:
        process.setattr(municipalities, "_process", name)
        look(towns.careline(name), towns.hosts.applications[name].extensions["dialogue"], sender)


class TestPeople:
    def test_each_number_answers_from_its_own_directory(self, towns: Valley) -> None:
        amity, vale = (towns.text(name, "where is food to eat")[0] for name in BOTH)
        assert "Port Amity" in amity or "Harbour" in amity or "Riverside" in amity
        assert "Mill Lane" in vale
        assert "Mill Lane" not in amity

    def test_each_answers_in_its_own_languages(self, towns: Valley) -> None:
        assert "una persona" in towns.text(AMITY, "¿dónde hay comida para mis hijos?")[0]
        assert "uma pessoa" in towns.text(VALE, "onde posso comer hoje com os meus filhos?")[0]

    def test_a_language_of_the_other_is_not_passed_over_in_silence(self, towns: Valley) -> None:
        """Upper Vale serves English, Portuguese and Nepali: whoever writes another is told so in the nearest, and of a person."""
        spanish, again = (towns.text(VALE, "¿dónde hay comida para mis hijos?")[0] for _ in range(2))
        assert spanish.startswith("Desculpe, ainda não escrevo em español (espanhol). Respondo em português.")
        assert "Mill Lane" in spanish
        assert "uma pessoa" in spanish
        assert "Desculpe" not in again
        urdu = towns.text(VALE, "اردو", number="+447700900456")[0]
        assert urdu == "Sorry, I can't write اردو (Urdu) yet. I answer in English.\nFor a person, reply 0."
        assert "Perdona" not in towns.text(AMITY, "¿dónde hay comida para mis hijos?")[0]

    def test_who_speaks_it_is_offered_and_gets_the_case(self, towns: Valley) -> None:
        with towns.session(VALE) as session:
            everybody, urdu = Team(name="Everybody"), Team(name="Urdu", languages='["ur"]')
            session.add_all([everybody, urdu])
            session.flush()
            team = urdu.id
        told = towns.text(VALE, "میری ماں کے لیے ڈاکٹر چاہیے")[0]
        assert "For a person who speaks اردو (Urdu), reply 0." in told
        assert told.count("reply 0") == 1
        towns.text(VALE, "food in the village")
        assert "A person" in towns.text(VALE, "0")[0]
        case = one(towns, VALE, Case)
        assert (case.language, case.team_id) == ("ur", team)
        page = towns.desk(VALE, "ada").get(f"/desk/cases/{case.id}")
        assert "<dt>Language</dt><dd>Urdu</dd>" in page

    def test_danger_is_answered_in_the_persons_own_language(self, towns: Valley) -> None:
        assert "960791" in (told := towns.text(VALE, "quiero matarme, ya no puedo más")[0])
        assert "llama" in told.lower()
        assert one(towns, VALE, Case).language == "es"

    def test_danger_names_the_own_numbers(self, towns: Valley) -> None:
        assert "960791" in towns.text(VALE, "i want to kill myself")[0]
        assert "960791" not in towns.text(AMITY, "i want to kill myself")[0]
        assert [count(towns, name, Case) for name in BOTH] == [1, 1]

    def test_one_telephone_that_texts_both_has_two_conversations(self, towns: Valley) -> None:
        for name in BOTH:
            towns.text(name, SECRET)
        first, second = (one(towns, name, Conversation) for name in BOTH)
        assert first.id != second.id
        assert first.number_hash != second.number_hash
        assert first.person_hash != second.person_hash
        assert [count(towns, name, Message) for name in BOTH] == [1, 1]

    def test_a_providers_id_is_known_where_it_came(self, towns: Valley) -> None:
        towns.text(AMITY, "where is food", sid="SM" + "1" * 32)
        assert "Mill Lane" in towns.text(VALE, "where is food", sid="SM" + "1" * 32)[0]
        assert [count(towns, name, Message) for name in BOTH] == [1, 1]

    def test_stop_is_for_the_one_that_was_told(self, towns: Valley) -> None:
        for name in BOTH:
            towns.text(name, "food")
        towns.text(AMITY, "STOP")
        for name, out in ((AMITY, True), (VALE, False)):
            with towns.session(name) as session:
                assert opt_out.stopped(session, "+447700900123") is out
        assert towns.text(AMITY, "food") == []
        assert "Mill Lane" in towns.text(VALE, "food")[0]

    def test_erasing_here_erases_nothing_there(self, towns: Valley) -> None:
        for name in BOTH:
            towns.text(name, SECRET)
        there = towns.everything(VALE)
        with towns.session(AMITY) as session:
            receipt = erasure.erase_number(session, "+447700900123")
        sender, dialogue = FakeSender(), towns.hosts.applications[AMITY].extensions["dialogue"]
        work(towns, AMITY, sender)
        assert count(towns, AMITY, Conversation) == 0
        assert dialogue.forgotten
        assert towns.hosts.applications[VALE].extensions["dialogue"].forgotten == []
        assert towns.everything(VALE) == there
        with towns.session(VALE) as session:
            assert erasure.progress(session, receipt) is None

    def test_a_conversation_of_the_page_opens_at_its_own_host_only(self, towns: Valley) -> None:
        begun = towns.client().post("/api/chat", json={"text": SECRET}, base_url=ADDRESSES[VALE]).get_json()
        here = {"text": "food", "conversation": begun["conversation"]}
        assert (
            towns.client().post("/api/chat", json=here, base_url=ADDRESSES[VALE]).get_json()["conversation"]
            == (begun["conversation"])
        )
        astray = towns.client().post("/api/chat", json=here, base_url=ADDRESSES[AMITY])
        assert astray.get_json()["conversation"] != begun["conversation"]
        page = towns.client().post("/", data={"conversation": begun["conversation"], "text": "food"}, base_url=ADDRESSES[AMITY])
        assert begun["conversation"] not in page.text
        asked = {"data": {"conversation": begun["conversation"]}, "headers": {"Accept": "application/json"}}
        events = [towns.client().post("/live", base_url=ADDRESSES[name], **asked).get_json()["event"] for name in BOTH]
        assert events == ["gone", "changed"]

    def test_a_pick_up_code_is_good_where_it_was_given(self, towns: Valley) -> None:
        with municipalities.at(VALE):
            code = pickup.issue(towns.careline(VALE).database, Reply(opening=(Phrase("more.where", {"place": SECRET}),)), "en")
        form = {"action": "pickup", "code": code, "language": "en"}
        assert SECRET not in towns.client().post("/", data=form, base_url=ADDRESSES[AMITY]).text
        with municipalities.at(VALE):
            assert pickup.redeem(towns.careline(VALE).database, code, source="test") is not None

    def test_what_the_desk_answers_goes_out_once_and_from_there(self, towns: Valley) -> None:
        towns.text(VALE, "0")
        case = one(towns, VALE, Case.id)
        ada = towns.desk(VALE, "ada")
        ada.get(f"/desk/cases/{case}")
        ada.post(f"/desk/cases/{case}/claim")
        ada.post(f"/desk/cases/{case}/answer", text="We open at nine.", stay="1")
        senders = {name: FakeSender() for name in BOTH}
        for name, sender in senders.items():
            work(towns, name, sender)
        assert senders[VALE].sent == [("+447700900123", "We open at nine.")]
        assert senders[AMITY].sent == []
        assert count(towns, AMITY, OutboxMessage) == 0


class TestHosts:
    def test_an_unknown_host_is_told_nothing(self, towns: Valley) -> None:
        for address in ("https://evil.example", "https://example.org", "https://amity.example.org.evil.example"):
            for path in ("/", "/desk", "/readyz", "/metrics", "/healthz", "/privacy", "/hsds/services", "/sms"):
                response = towns.client().get(path, base_url=address)
                assert response.status_code == 404, path
                assert not re.search("amity|vale", response.text, re.IGNORECASE)
        for strange in ("", "]", "[::1", "a:b:c", "@", "\x00"):
            response = towns.client().get("/", headers={"Host": strange}, base_url="https://evil.example")
            assert response.status_code in (400, 404)

    @pytest.mark.parametrize("host", ["https://AMITY.example.org", "https://amity.example.org:443", "https://amity.example.org."])
    def test_a_name_may_be_written_in_other_ways(self, towns: Valley, host: str) -> None:
        assert towns.client().get("/privacy", base_url=host).status_code == 200

    def test_a_proxys_header_moves_nobody(self, towns: Valley) -> None:
        headers = {"X-Forwarded-Host": "vale.example.org", "Forwarded": "host=vale.example.org"}
        page = towns.client().get("/hsds/services", base_url=ADDRESSES[AMITY], headers=headers)
        assert page.get_json()["total_items"] == 156

    def test_a_webhook_signed_for_one_is_refused_by_the_other(self, towns: Valley) -> None:
        form = {"Body": SECRET, "From": "+447700900123", "MessageSid": "SM1"}
        for path in ("/sms", "/voice", "/sms/status", "/voice/status"):
            assert towns.post(AMITY, path, form, signed_by=VALE).status_code == 403
        assert count(towns, AMITY, Message) == count(towns, VALE, Message) == 0

    def test_each_page_and_directory_is_its_own(self, towns: Valley) -> None:
        for name, mine, size in ((AMITY, "Port Amity", 156), (VALE, "Upper Vale", 17)):
            browser = towns.client()
            assert browser.get("/hsds/services", base_url=ADDRESSES[name]).get_json()["total_items"] == size
            assert mine in browser.get("/desk/sign-in", base_url=ADDRESSES[name]).text
            assert mine in browser.get("/privacy", base_url=ADDRESSES[name]).text
        page = towns.client().get("/", base_url=ADDRESSES[VALE]).text
        assert 'value="pt"' in page
        assert 'value="es"' not in page

    def test_each_has_its_own_look(self, towns: Valley, tmp_path: Path) -> None:
        picture = tmp_path / "arms.svg"
        picture.write_text('<svg xmlns="http://www.w3.org/2000/svg"><circle r="9"/></svg>')
        vale = towns.careline(VALE)
        vale.settings = replace(vale.settings, logo=picture, colour="#1b4332", band="#e9b000")
        page = towns.client().get("/", base_url=ADDRESSES[VALE]).text
        assert "Care and rights in Upper Vale" in page
        assert 'src="/logo"' in page
        assert '<link rel="stylesheet" href="/look.css">' in page
        assert "style=" not in page
        shown = towns.client().get("/logo", base_url=ADDRESSES[VALE])
        assert shown.data == picture.read_bytes()
        assert shown.mimetype == "image/svg+xml"
        assert "default-src 'none'" in shown.headers["Content-Security-Policy"]
        shown.close()
        css = towns.client().get("/look.css", base_url=ADDRESSES[VALE])
        assert css.mimetype == "text/css"
        assert "background: #e9b000; color: #000000;" in css.text
        again = towns.client().get("/look.css", base_url=ADDRESSES[VALE], headers={"If-None-Match": css.headers["ETag"]})
        assert again.status_code == 304
        assert "/look.css" in towns.client().get("/privacy", base_url=ADDRESSES[VALE]).text
        assert "Care and rights in Port Amity" in (amity := towns.client().get("/", base_url=ADDRESSES[AMITY]).text)
        assert "/logo" not in amity
        assert "/look.css" not in amity
        assert towns.client().get("/look.css", base_url=ADDRESSES[AMITY]).data == b""
        assert towns.client().get("/logo", base_url=ADDRESSES[AMITY]).status_code == 404
        assert css.headers["ETag"] != towns.client().get("/look.css", base_url=ADDRESSES[AMITY]).headers["ETag"]

    def test_a_picture_that_may_not_be_shown_keeps_nobody_from_help(self, towns: Valley, tmp_path: Path) -> None:
        picture = tmp_path / "arms.svg"
        picture.write_text('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>')
        vale = towns.careline(VALE)
        for path in (picture, tmp_path / "none.png"):
            vale.settings = replace(vale.settings, logo=path)
            page = towns.client().get("/", base_url=ADDRESSES[VALE])
            assert page.status_code == 200
            assert "/logo" not in page.text
            assert towns.client().get("/logo", base_url=ADDRESSES[VALE]).status_code == 404
            assert "not shown" in next(iter(check._logo(path)))

    def test_the_consortium_is_one_organization_in_both(self, towns: Valley) -> None:
        """Imported into each, it keeps its id, its name and its services, with the towns they serve."""
        found = []
        for name in BOTH:
            browser = towns.client()
            everyone = browser.get("/hsds/organizations?search=consortium&full=true", base_url=ADDRESSES[name])
            (shared,) = [o for o in everyone.get_json()["contents"] if "Three Towns" in o["name"]]
            help_ = browser.get("/hsds/services/4391ad42-a2d5-589f-9e68-4c8185fd91e0", base_url=ADDRESSES[name]).get_json()
            areas = sorted(area["name"] for area in help_["service_areas"])
            found.append((shared["id"], shared["name"], help_["organization"]["id"], areas))
        assert found[0] == found[1]
        assert found[0][3] == ["Millbrook", "Port Amity", "Upper Vale"]

    def test_the_machine_is_asked_by_an_address(self, towns: Valley) -> None:
        machine = {"base_url": "http://127.0.0.1:8000"}
        ready = towns.client().get("/readyz", **machine).get_json()
        own_parts = ("database", "worker", "disk", "provider")
        assert set(ready["parts"]) == {f"{part} {name}" for part in own_parts for name in BOTH} | {"rasa"}
        towns.text(VALE, "food")
        samples = towns.client().get("/metrics", **machine).text
        assert re.search(r'careline_turns_total\{channel="sms",municipality="upper-vale",outcome="answered"\} [1-9]', samples)
        assert 'careline_owed{municipality="port-amity",what="case"} 0.0' in samples
        for name in BOTH:
            assert towns.client().get("/metrics", base_url=ADDRESSES[name]).status_code == 404
            own = towns.client().get("/readyz", base_url=ADDRESSES[name]).get_json()["parts"]
            assert set(own) == {f"{part} {name}" for part in own_parts} | {"rasa"}
        assert towns.client().get("/", **machine).status_code == 404

    def test_a_flood_in_one_takes_no_place_in_the_other(self, towns: Valley) -> None:
        admission = towns.careline(AMITY).admission
        entered = [admission.enter() for _ in range(18)]
        for place in entered:
            place.__enter__()
        try:
            assert "later" in towns.text(AMITY, "where is food")[0] or "many" in towns.text(AMITY, "where is food now")[0].lower()
            assert "Mill Lane" in towns.text(VALE, "where is food")[0]
        finally:
            for place in entered:
                place.__exit__(None, None, None)


class TestDesk:
    def test_a_session_of_one_is_nothing_in_the_other(self, towns: Valley) -> None:
        browser = towns.client()
        towns.desk(AMITY, "ada", browser)
        assert browser.get("/desk", base_url=ADDRESSES[AMITY]).status_code == 200
        assert browser.get("/desk", base_url=ADDRESSES[VALE]).status_code == 302
        cookies = {cookie.key: cookie.value for cookie in browser._cookies.values()}  # type: ignore[union-attr]
        assert set(cookies) == {"__Host-session-port-amity"}
        (stolen,) = cookies.values()
        for name in ("__Host-session-upper-vale", "__Host-session-port-amity", "session-upper-vale", "session"):
            thief = towns.client()
            thief.set_cookie(name, stolen, domain="vale.example.org", secure=True)
            assert thief.get("/desk", base_url=ADDRESSES[VALE]).status_code == 302

    def test_an_account_of_one_is_none_in_the_other(self, towns: Valley) -> None:
        with towns.session(VALE) as session:
            staff.add(session, "vera", PASSWORD)
        towns.desk(VALE, "vera")
        desk = Desk(None, ADDRESSES[AMITY], towns.client())
        desk.sign_in("vera", status=403)
        assert "do not belong together" in desk.page

    def test_lists_show_nothing_of_the_other(self, towns: Valley) -> None:
        life(towns, VALE)
        ada = towns.desk(AMITY, "ada")
        ordinary = [rule for rule in towns.hosts.applications[AMITY].url_map.iter_rules() if not rule.arguments]
        seen = 0
        for rule in ordinary:
            if rule.rule.startswith("/desk") and "GET" in (rule.methods or ()) and not rule.rule.endswith("/live"):
                text = ada.get(rule.rule)
                assert "Ermintrude" not in text, rule.rule
                own = text.replace("Upper Vale Care Point", "").replace(
                    'value="Upper Vale"', ""
                )  # a town that our services are for
                assert "Vale" not in own, rule.rule
                seen += 1
        assert seen > 15
        assert "Ermintrude" not in ada.post("/desk/search", q="Ermintrude")
        assert "123" not in ada.post("/desk/search", q="+447700900123").replace("+447700900123", "")

    def test_no_address_with_an_id_opens_anything_of_the_other(self, towns: Valley) -> None:
        """Every address of the application that names a thing: the other's things are answered like things that never were.

        Checked against itself: where the thing is at home, an address that is read is answered with more than that.
        """
        ids = life(towns, VALE)
        before = towns.everything(VALE)
        desks = {name: towns.desk(name, "ada") for name in BOTH}
        read: set[str] = set()
        asked: set[str] = set()
        for rule in towns.hosts.applications[AMITY].url_map.iter_rules():
            known = [found for found in ids if set(found) == rule.arguments and kind_of(rule, found)]
            for found in known:
                never = {name: never_was(value) for name, value in found.items()}
                for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                    theirs, nobodys = (ask(desks[AMITY], rule, method, values) for values in (found, never))
                    assert theirs.status_code == nobodys.status_code, (rule, method)
                    assert theirs.status_code in (302, 400, 401, 403, 404, 422), (rule, method, theirs.status_code)
                    assert like(theirs, found) == like(nobodys, never), (rule, method)
                    assert "Ermintrude" not in theirs.text
                    asked.add(f"{method} {rule.rule}")
                    if method == "GET" and ask(desks[VALE], rule, method, found).status_code == 200:
                        read.add(rule.rule)
        assert changed(before, towns.everything(VALE)) <= {"audit"}  # who looked at home
        arguments = {f"{rule.rule}" for rule in towns.hosts.applications[AMITY].url_map.iter_rules() if rule.arguments}
        left = arguments - {line.split(" ", 1)[1] for line in asked}
        # Files of ours; lists and articles, which have no id; what a call is signed for, tested above.
        assert left <= {
            "/hsds/<any(services,organizations,service_at_locations,locations,taxonomies,taxonomy_terms):name>",
            "/static/<path:filename>", "/desk/articles/<language>/<topic>", "/voice/turn/<int:serial>",
            "/simulator/call/<call_id>", "/voice/recording/<language>/<name>",
        }, left  # fmt: skip
        assert {
            "/desk/cases/<case_id>", "/desk/cases/<case_id>/thread", "/voice/sound/<token>.wav",
            "/desk/directory/<any(service,organization,location):kind>/<path:record_id>",
            "/hsds/<any(services,organizations,service_at_locations,locations,taxonomies,taxonomy_terms):name>/<path:record_id>",
        } <= read  # fmt: skip

    def test_a_live_stream_shows_the_own_cases(self, towns: Valley) -> None:
        towns.text(VALE, "0")
        case = one(towns, VALE, Case.id)
        for name, seen in ((VALE, True), (AMITY, False)):
            ada = towns.desk(name, "ada")
            assert (case in ada.get("/desk/rows")) is seen
            response = ada.client.get("/desk/live", base_url=ADDRESSES[name], query_string={"case": case}, buffered=False)
            first = next(iter(response.response))
            response.close()
            text = first if isinstance(first, str) else first.decode()
            assert text.startswith("event: all")
            assert (case in text) is seen

    def test_streams_in_a_real_server_know_whose_they_are(self, towns: Valley) -> None:
        """The thread that watches for the desk has no request: it must read for the municipality it was begun for."""
        server = make_server("127.0.0.1", 0, towns.hosts, threaded=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            ada = towns.desk(VALE, "ada")
            (cookie,) = ada.client._cookies.values()  # type: ignore[union-attr]
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
            connection.request(
                "GET", "/desk/live", headers={"Host": "vale.example.org", "Cookie": f"{cookie.key}={cookie.value}"}
            )
            stream = connection.getresponse()
            assert stream.readline() == b"event: all\n"
            towns.text(VALE, "i want to kill myself")
            case = one(towns, VALE, Case.id)
            said = b""
            while b"event: rows" not in said:
                said = stream.readline()
            assert case.encode() in stream.readline()
            stream.close()
            connection.close()
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def test_a_kiosk_is_registered_in_one(self, towns: Valley) -> None:
        with towns.session(VALE) as session:
            code = kiosk.register(session, "desk 1", "Upper Vale Library").code
        wrong = towns.client()
        wrong.post("/device", data={"code": code}, base_url=ADDRESSES[AMITY])
        assert not wrong._cookies
        browser = towns.client()
        browser.post("/device", data={"code": code}, base_url=ADDRESSES[VALE])
        (cookie,) = browser._cookies.values()  # type: ignore[union-attr]
        moved = towns.client()
        moved.set_cookie(cookie.key, cookie.value, domain="amity.example.org", secure=True)
        page = moved.get("/", base_url=ADDRESSES[AMITY]).text
        assert "Upper Vale Library" not in page
        assert "kiosk start" not in page


class TestHandingOver:
    """One case goes to a team of the other, with consent: that case, and nothing else."""

    @pytest.fixture
    def claimed(self, towns: Valley) -> tuple[Desk, str]:
        with towns.session(VALE) as session:
            session.add(Team(name="Valley care"))
        towns.text(AMITY, SECRET)
        towns.text(AMITY, "another one's story", number="+447700900888")
        towns.text(AMITY, "0")
        ada = towns.desk(AMITY, "ada")
        case = str(one(towns, AMITY, Case.id))
        ada.get(f"/desk/cases/{case}")
        ada.post(f"/desk/cases/{case}/claim")
        return ada, case

    def test_it_becomes_a_case_there_with_its_story(self, towns: Valley, claimed: tuple[Desk, str]) -> None:
        ada, case = claimed
        team = one(towns, VALE, Team.id)
        assert "Upper Vale, team Valley care" in ada.page
        ada.post(f"/desk/cases/{case}/hand-over", to=f"{VALE} {team}", agreed="1")
        assert "to Upper Vale" in ada.page
        with towns.session(AMITY) as session:
            assert session.get_one(Case, case).status == "answered"
            told = session.scalars(select(OutboxMessage)).one().text
        assert "Upper Vale (01632 960701)" in told
        theirs = one(towns, VALE, Case)
        assert (theirs.status, theirs.team_id, theirs.reason) == ("open", team, "asked")
        assert theirs.id != case
        vera = towns.desk(VALE, "ada")
        page = vera.get(f"/desk/cases/{theirs.id}")
        assert SECRET in page
        assert "from Port Amity" in page
        assert "another one" not in page
        assert count(towns, VALE, Conversation) == 1
        # And they answer from their own number, through their own worker.
        vera.post(f"/desk/cases/{theirs.id}/claim")
        vera.post(f"/desk/cases/{theirs.id}/answer", text="This is Upper Vale.", stay="1")
        sender = FakeSender()
        work(towns, VALE, sender)
        assert sender.sent == [("+447700900123", "This is Upper Vale.")]

    def test_not_without_consent_nor_to_a_team_that_is_not_there(self, towns: Valley, claimed: tuple[Desk, str]) -> None:
        ada, case = claimed
        team = one(towns, VALE, Team.id)
        assert "without their consent" in ada.post(f"/desk/cases/{case}/hand-over", to=f"{VALE} {team}")
        assert "choose another" in ada.post(f"/desk/cases/{case}/hand-over", to=f"{VALE} 999", agreed="1")
        for to in ("millbrook 1", f"{AMITY} 1", VALE, "", f"{VALE} x"):
            assert "Choose a team" in ada.post(f"/desk/cases/{case}/hand-over", to=to, agreed="1")
        assert count(towns, VALE, Case) == 0

    def test_not_to_where_the_person_said_stop(self, towns: Valley, claimed: tuple[Desk, str]) -> None:
        ada, case = claimed
        with towns.session(VALE) as session:
            opt_out.stop(session, "+447700900123")
        team = one(towns, VALE, Team.id)
        assert "send nothing" in ada.post(f"/desk/cases/{case}/hand-over", to=f"{VALE} {team}", agreed="1")
        assert count(towns, VALE, Case) == 0

    def test_only_by_whoever_has_the_case(self, towns: Valley, claimed: tuple[Desk, str]) -> None:
        _, case = claimed
        ben = towns.desk(AMITY, "ben")
        ben.get(f"/desk/cases/{case}")
        team = one(towns, VALE, Team.id)
        assert "not yours" in ben.post(f"/desk/cases/{case}/hand-over", to=f"{VALE} {team}", agreed="1")
        assert count(towns, VALE, Case) == 0

    def test_doing_it_again_after_half_of_it_failed_makes_no_second_case(
        self, towns: Valley, claimed: tuple[Desk, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ada, case = claimed
        team = one(towns, VALE, Team.id)

        def broken(*ignored: object, **also: object) -> None:
            raise DatabaseUnavailable("the database went away at this moment")

        with monkeypatch.context() as moment:
            moment.setattr(forwarding.outbox, "put", broken)
            ada.post(f"/desk/cases/{case}/hand-over", to=f"{VALE} {team}", agreed="1", status=503)
        assert one(towns, AMITY, Case).status == "claimed"
        ada.get(f"/desk/cases/{case}")
        ada.post(f"/desk/cases/{case}/hand-over", to=f"{VALE} {team}", agreed="1")
        assert one(towns, AMITY, Case).status == "answered"
        theirs = one(towns, VALE, Case)
        with towns.session(VALE) as session:
            assert [event.kind for event in case_history.of(session, theirs.id)] == ["opened", "forwarded", "note"]

    def test_both_must_name_each_other(self, towns: Valley, claimed: tuple[Desk, str]) -> None:
        assert list(towns.hosts.applications[AMITY].extensions["partners"]) == [VALE]
        opened = dict(towns.hosts.carelines)
        with municipalities.at(VALE):
            opened[VALE] = replace(opened[VALE], settings=replace(opened[VALE].settings, partners=()))
        alone = Hosts(opened)
        assert [app.extensions["partners"] for app in alone.applications.values()] == [{}, {}]


def life(towns: Valley, name: str) -> list[dict[str, str]]:
    """Something of everything in one municipality; the ids of it, as addresses name them."""
    towns.text(name, SECRET)
    towns.text(name, "0")
    ada = towns.desk(name, "ada")
    with towns.session(name) as session:
        found = session.scalars(select(Conversation)).one()
        spoken = callback.leave(session, found.id, "en", "RE" + "7" * 32, 12).id
        for number in range(3):  # ids that are numbers are not to be the other's by chance
            staff.add(session, f"Ermintrude {number}", PASSWORD)
            session.add(Team(name=f"Ermintrude's {number}"))
        report = reports.add(session, None, found.id, "en")
        session.flush()
        colleague = session.scalar(select(func.max(staff.Staff.id)))
        case = session.scalars(select(Case.id)).one()
        task = str(report.id)
    services = towns.client().get("/hsds/services?search=Mill Lane Food Shelf", base_url=ADDRESSES[name]).get_json()["contents"]
    service = services[0]["id"]
    organization = services[0]["organization_id"]
    ada.get(f"/desk/directory/service/{service}")
    ada.post(f"/desk/directory/service/{service}", action="check")
    with towns.session(name) as session:
        batch = session.scalar(select(Change.batch).limit(1))
    places = towns.client().get("/hsds/locations?per_page=50", base_url=ADDRESSES[name]).get_json()["contents"]
    location = next(one_["id"] for one_ in places if one_["name"] == "Village Hall")
    with municipalities.at(name):
        sound = synthesis.address(synthesis.Sound(SECRET, "en", private=True))
    return [
        {"case_id": case}, {"callback_id": spoken}, {"report_id": task}, {"batch": str(batch)}, {"staff_id": str(colleague)},
        {"kind": "service", "record_id": service}, {"kind": "organization", "record_id": organization},
        {"kind": "location", "record_id": location},
        {"name": "services", "record_id": service}, {"name": "organizations", "record_id": organization},
        {"name": "locations", "record_id": location},
        {"token": sound}, {"sid": valley.ACCOUNTS[name]}, {"sid": valley.ACCOUNTS[name], "message": "SM" + "1" * 32},
    ]  # fmt: skip


def kind_of(rule: Rule, values: dict[str, str]) -> bool:
    """Whether the values fit an address: `kind` is the desk's word and `name` the standard's, with another meaning elsewhere."""
    return "name" not in values or rule.rule.startswith("/hsds/")


def never_was(value: str) -> str:
    if re.fullmatch("[0-9a-f-]{36}", value):
        return str(uuid.uuid4())
    if value.isdigit():
        return "987654"
    if re.fullmatch("(AC|SM)[0-9a-f]{32}", value):
        return value[:2] + "9" * 32
    return value if value.isalpha() and value.islower() else f"x{value[1:]}"


def ask(desk: Desk, rule: Rule, method: str, values: dict[str, str]) -> TestResponse:
    path = rule.build(values, append_unknown=False)
    assert path is not None
    if not desk.hidden():
        desk.get("/desk/me")
    form = desk.hidden() | {"text": "words", "outcome": "heard", "action": "check", "agreed": "1", "name": "x", "to": "team"}
    return desk.client.open(path[1], method=method, base_url=desk.address, data=None if method == "GET" else form)


def like(response: TestResponse, values: dict[str, str]) -> str:
    """What an answer says, without the ids and the token of the moment."""
    text = response.headers.get("Location", "") + response.text
    for value in values.values():
        text = re.sub(rf"(?<![\w-]){re.escape(value)}(?![\w-])", "ID", text)
    return re.sub(r'(name="(token|once)" value=)"[^"]*"', r"\1", text)


def changed(before: dict[str, list[str]], after: dict[str, list[str]]) -> set[str]:
    return {table for table in before if before[table] != after[table]}
