"""The desk: only staff get in, a case has one owner, and an answer is sent once."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from bot import escalation, outbox, staff
from bot.careline import Careline
from bot.conversation import Conversation
from bot.errors import DatabaseUnavailable
from bot.escalation import Case
from bot.outbox import OutboxMessage
from tests.conftest import Texter
from tests.desk import ADDRESS, PASSWORD, Desk
from tests.fakes import FakeSender
from webhooks.desk.page import duration
from webhooks.worker import open_queue


def state(careline: Careline, case_id: str) -> tuple[str, int | None]:
    with careline.database.read() as session:
        case = session.get_one(Case, case_id)
        return case.status, case.claimed_by


def test_the_urgent_come_first(ada: Desk, texter: Texter, other: Texter, careline: Careline) -> None:
    texter("0")
    other("0")
    with careline.database.begin() as session:
        later = session.scalars(select(Case).order_by(Case.opened_at.desc())).first()
        assert later is not None
        later.urgent, later.reason, later.topic = True, "crisis", "crisis_suicide"
    page = ada.get()
    assert page.index("Crisis") < page.index("Asked for a person")
    assert 'Waiting (<span class="count">2</span>)' in page


def test_the_conversation_is_shown_as_it_was(ada: Desk, texter: Texter, careline: Careline) -> None:
    texter("necesito <comida> para mis hijos por favor")
    texter("0")
    with careline.database.read() as session:
        case_id = session.scalars(select(Case.id)).one()
    page = ada.get(f"/desk/cases/{case_id}")
    assert "necesito &lt;comida&gt; para mis hijos" in page
    assert "number ends in 123" in page
    assert "07700 900123" not in page
    assert "+447700900123" not in page


def test_one_of_two_gets_the_case(ada: Desk, ben: Desk, careline: Careline, case: str) -> None:
    ada.get(f"/desk/cases/{case}")
    ben.get(f"/desk/cases/{case}")
    assert "Send, done for now" in ada.post(f"/desk/cases/{case}/claim")
    assert "A colleague was faster" in ben.post(f"/desk/cases/{case}/claim")
    assert "Send, done for now" not in ben.page
    assert "Send, done for now" in ada.post(f"/desk/cases/{case}/claim")  # a double click is no defeat


@pytest.mark.parametrize("people", [2, 8])
def test_however_many_claim_at_once_exactly_one_wins(careline: Careline, texter: Texter, people: int) -> None:
    with careline.database.begin() as session:
        ids = [staff.add(session, f"colleague {number}", PASSWORD).id for number in range(people)]
    for _ in range(5):
        texter("0")
        with careline.database.read() as session:
            case_id = session.scalars(select(Case.id).where(Case.status == "open")).one()
        together = threading.Barrier(people)

        def claim(staff_id: int, case_id: str = case_id, together: threading.Barrier = together) -> bool:
            together.wait(10)
            with careline.database.begin() as session:
                return escalation.claim(session, case_id, staff_id)

        with ThreadPoolExecutor(people) as pool:
            won = list(pool.map(claim, ids))
        assert won.count(True) == 1
        assert state(careline, case_id) == ("claimed", ids[won.index(True)])
        with careline.database.begin() as session:
            assert escalation.close(session, case_id, ids[won.index(True)])


def test_an_answer_goes_out_once(ada: Desk, careline: Careline, case: str, texter: Texter) -> None:
    ada.get(f"/desk/cases/{case}")
    ada.post(f"/desk/cases/{case}/claim")
    assert texter("are you there?") == []  # the bot is silent meanwhile
    once = ada.hidden()
    ada.post(f"/desk/cases/{case}/answer", text="The pantry is open now. Sam", **once)
    assert "The answer is on its way." in ada.page
    ada.post(f"/desk/cases/{case}/answer", text="The pantry is open now. Sam", **once)  # the button pressed twice
    assert state(careline, case)[0] == "answered"
    sender = FakeSender()
    with careline.database.read() as session:
        due = outbox.due(session)
    for message_id in due:
        outbox.deliver(careline.database, sender, message_id)
    assert sender.sent == [("+447700900123", "The pantry is open now. Sam")]
    assert "Staff" in ada.get(f"/desk/cases/{case}")
    assert ", <span>sent</span>" in ada.page
    back, *_ = texter("thank you so much for your help")
    assert back == "This is Careline, the automatic service, again.\nYou are welcome. Write any time."
    assert texter("thank you again") == ["You are welcome. Write any time."]  # it says so once
    assert "wrote again" in ada.get()


def test_an_answer_wakes_the_worker(ada: Desk, careline: Careline, case: str) -> None:
    ada.get(f"/desk/cases/{case}")
    ada.post(f"/desk/cases/{case}/claim")
    ada.post(f"/desk/cases/{case}/answer", text="Hello")
    assert open_queue(careline.settings).pending_count() == 1


def test_staying_in_the_conversation(ada: Desk, careline: Careline, case: str) -> None:
    ada.get(f"/desk/cases/{case}")
    ada.post(f"/desk/cases/{case}/claim")
    ada.post(f"/desk/cases/{case}/answer", text="Which part of town?", stay="1")
    ada.post(f"/desk/cases/{case}/answer", text="And how many are you?", stay="1")
    assert state(careline, case)[0] == "claimed"
    with careline.database.read() as session:
        assert len(session.scalars(select(OutboxMessage)).all()) == 2


def test_an_answer_to_somebody_elses_case_is_not_sent_and_not_lost(ada: Desk, ben: Desk, careline: Careline, case: str) -> None:
    ada.get(f"/desk/cases/{case}")
    ada.post(f"/desk/cases/{case}/claim")
    ben.get(f"/desk/cases/{case}")
    assert "Take over from ada" in ben.page
    colleague = re.findall(r'name="colleague" value="(\d+)"', ben.page)[0]
    ben.post(f"/desk/cases/{case}/take-over", colleague=colleague)
    page = ada.post(f"/desk/cases/{case}/answer", status=409, text="A long answer")
    assert "The answer was not sent" in page
    assert "A long answer</textarea>" in page
    with careline.database.read() as session:
        assert session.scalars(select(OutboxMessage)).all() == []
    assert "changed hands" in ada.post(f"/desk/cases/{case}/take-over", colleague=colleague)


def test_release_and_close(ada: Desk, ben: Desk, careline: Careline, case: str) -> None:
    ada.get(f"/desk/cases/{case}")
    ben.get(f"/desk/cases/{case}")
    assert "Answer the case first" in ada.post(f"/desk/cases/{case}/close")
    ada.post(f"/desk/cases/{case}/claim")
    assert "not yours" in ben.post(f"/desk/cases/{case}/release")
    assert "Answer the case first" in ben.post(f"/desk/cases/{case}/close")
    ada.post(f"/desk/cases/{case}/release")
    assert state(careline, case) == ("open", None)
    ben.get(f"/desk/cases/{case}")
    ben.post(f"/desk/cases/{case}/claim")
    ben.post(f"/desk/cases/{case}/close")
    assert state(careline, case)[0] == "closed"
    assert "Nobody is waiting." in ben.page
    with careline.database.read() as session:
        assert session.get_one(Case, case).closed_at is not None


def test_a_case_erased_by_the_person_is_gone_politely(ada: Desk, careline: Careline, case: str) -> None:
    with careline.database.begin() as session:
        session.delete(session.scalars(select(Conversation)).one())
    assert "the person has erased the conversation" in ada.get(f"/desk/cases/{case}")
    assert "erased" in ada.post(f"/desk/cases/{case}/answer", text="Hello")


def test_a_database_that_is_down_gives_a_page(ada: Desk, careline: Careline, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*args: object) -> None:
        raise DatabaseUnavailable("locked")

    monkeypatch.setattr(careline.database, "read", down)
    response = ada.client.get("/desk", base_url=ADDRESS)
    assert response.status_code == 503
    assert "Nothing you sent was stored" in response.text


def test_a_queue_that_cannot_be_opened_does_not_stop_an_answer(ada: Desk, careline: Careline, case: str) -> None:
    (careline.settings.home / "queue.db").mkdir()
    ada.get(f"/desk/cases/{case}")
    ada.post(f"/desk/cases/{case}/claim")
    assert "on its way" in ada.post(f"/desk/cases/{case}/answer", text="Hello")


@pytest.mark.parametrize(
    ("minutes", "text"),
    [(0, "0 min"), (59, "59 min"), (125, "2 h 5 min"), (47 * 60, "47 h 0 min"), (73 * 60, "3 days")],
)
def test_how_long(minutes: int, text: str) -> None:
    assert duration(timedelta(minutes=minutes)) == text
