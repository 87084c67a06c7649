"""The city's own words: from a steward's form to what residents are told, with the next message."""

import csv
import io
import re

import pytest
from flask import Flask
from sqlalchemy import select

from bot import staff
from bot.careline import Careline
from bot.directory.changes import Change
from bot.directory.tables import LISTING, TABLES
from bot.local_words import LocalTopic, LocalWord
from tests.desk import PASSWORD, Desk
from tests.fakes import FakeDialogue

PAGE = "/desk/words"


@pytest.fixture
def flora(app: Flask, careline: Careline) -> Desk:
    """A steward."""
    with careline.database.begin() as session:
        staff.add(session, "flora", PASSWORD, staff.Role.STEWARD)
    desk = Desk(app)
    desk.sign_in("flora")
    desk.get(PAGE)
    return desk


def service_named(careline: Careline, name: str) -> str:
    table = TABLES["service"]
    with careline.database.read() as session:
        return session.scalar(select(table.c.id).where(table.c.name == name)) or ""


def place_of(careline: Careline, text: str) -> str | None:
    found = careline.places().find(text)
    return found.name if found else None


def test_only_stewards_get_in(ada: Desk, flora: Desk) -> None:
    assert ada.client.get(PAGE, base_url="https://care.example.org").status_code == 403
    assert f'href="{PAGE}"' in flora.get("/desk/directory")


def test_a_word_for_a_place_counts_from_the_next_message_on_and_is_undone(flora: Desk, careline: Careline) -> None:
    assert place_of(careline, "doctor near la placita") is None
    done = flora.post(PAGE, what="place", word="La Placita", target="Eastgate", note="heard at the clinic")
    assert "Added" in done
    assert place_of(careline, "doctor near la placita") == "Eastgate"
    assert place_of(careline, "medico en la placíta por favor") == "Eastgate"
    assert "flora: added" in done
    assert "heard at the clinic" in done
    batch = re.findall(r"/desk/directory/undo/([\w-]+)", done)[0]
    flora.post(f"/desk/directory/undo/{batch}", subject="words", page="1")
    assert place_of(careline, "doctor near la placita") is None
    assert "undone already" in flora.post(f"/desk/directory/undo/{batch}", subject="words", page="1")


def test_a_word_of_every_day_names_a_place_only_after_near(flora: Desk, careline: Careline) -> None:
    flora.post(PAGE, what="place", word="plaza", target="Old Town", ordinary="on")
    assert place_of(careline, "a bed near the plaza") == "Old Town"
    assert place_of(careline, "una cama cerca de la plaza") == "Old Town"
    assert place_of(careline, "plaza de trabajo") is None


def test_a_word_for_a_topic_is_sent_along_with_the_message(
    flora: Desk, careline: Careline, texter, dialogue: FakeDialogue
) -> None:  # type: ignore[no-untyped-def]
    texter("bono abrigo")
    assert dialogue.asked[-1].topic is None
    flora.post(PAGE, what="topic", word="Bono Abrigo", target="goods")
    texter("como pido el bono-abrigo?")
    assert dialogue.asked[-1].topic == "goods"
    assert dialogue.asked[-1].text == "como pido el bono-abrigo?"


def test_a_topic_of_its_own_leads_to_its_services(flora: Desk, careline: Careline) -> None:
    choir = service_named(careline, "Community Choir")
    done = flora.post(
        PAGE, what="own", services=choir, leads_to="mental_health", **{"name-en": "Sing Together", "name-es": "Canta Conmigo"}
    )  # fmt: skip
    assert "Sing Together" in done
    meant = careline.words().meant("hola quiero ir a canta conmigo")
    assert meant is not None
    assert (meant.topic, meant.services) == ("mental_health", (choir,))
    with careline.database.read() as session:
        id = session.scalars(select(LocalTopic.id)).one()
    flora.post(PAGE, what="topic", word="cantito", target=id)
    assert careline.words().meant("donde es cantito") == meant
    assert "Remove its words first" in flora.post(PAGE, 409, what="remove-own", id=id)
    with careline.database.read() as session:
        word = session.scalars(select(LocalWord.id)).one()
    flora.post(PAGE, what="remove", id=word)
    flora.post(PAGE, what="remove-own", id=id)
    assert careline.words().meant("canta conmigo") is None


@pytest.mark.parametrize(
    ("kind", "target", "word", "reason"),
    [
        ("topic", "goods", "STOP", "is an order already"),
        ("topic", "goods", "the", "word of every day"),
        ("topic", "goods", "i want to kill myself", "somebody in danger"),
        ("topic", "goods", "x" * 81, "2 to 80 characters"),
        ("topic", "goods", "12345", "at least one letter"),
        ("topic", "goods", "bono\u202eabrigo", "nobody sees"),
        ("topic", "goods", "comida*", "no asterisk"),
        ("topic", "goods", "ada@example.org", "of a person"),
        ("topic", "no_such_topic", "bono", "no such topic"),
        ("topic", "crisis_child", "bono", "no such topic"),
        ("place", "Atlantis", "la placita", "no such place"),
        ("place", "Eastgate", "Northfield", "names Northfield already"),
    ],
)
def test_what_would_do_harm_is_refused_and_the_draft_kept(
    flora: Desk, careline: Careline, kind: str, target: str, word: str, reason: str
) -> None:
    answer = flora.post(PAGE, 409, what=kind, target=target, word=word)
    assert reason in answer
    with careline.database.read() as session:
        assert session.scalars(select(LocalWord)).all() == []
        assert session.scalars(select(Change)).all() == []


def test_the_same_word_twice_is_refused_however_it_is_spelt(flora: Desk) -> None:
    flora.post(PAGE, what="topic", word="Bono Abrigo", target="goods")
    assert "there already" in flora.post(PAGE, 409, what="topic", word="bóno  ABRIGO", target="food")


def test_words_are_escaped_and_exported_without_formulas(flora: Desk) -> None:
    shown = flora.post(PAGE, what="topic", word='<script>alert("x")</script>', target="goods")
    assert "<script>alert" not in shown
    assert "&lt;script&gt;" in shown
    flora.post(PAGE, what="topic", word="=cmd()", target="food")
    rows = list(csv.reader(io.StringIO(flora.get(f"{PAGE}/words.csv"))))
    assert rows[0] == ["kind", "means", "word", "language", "ordinary", "services"]
    assert ["topic", "food", "'=cmd()", "", "", ""] in rows


def test_a_new_service_is_added_whole_told_of_and_undone_whole(flora: Desk, careline: Careline) -> None:
    with careline.database.read() as session:
        term = session.scalar(select(TABLES["taxonomy_term"].c.id).where(TABLES["taxonomy_term"].c.code == "food")) or ""
        before = {name: len(session.execute(select(table.c.id)).all()) for name, table in TABLES.items()}
    told = {
        "service-name": "Soup on Wheels",
        "service-description": "Hot soup from a van.",
        "new-organization": "Soup Friends",
        "new-location": "Van at the Bridge",
        "address-address_1": "1 Bridge Street",
        "address-city": "Port Amity",
        "address-region": "Riverside",
        "address-country": "GB",
        "location-latitude": "50.505",
        "location-longitude": "-2.282",
        "phone-number": "+44 1632 960299",
        "schedule-byday": "MO,TU,WE,TH,FR",
        "schedule-opens_at": "18:00",
        "schedule-closes_at": "20:00",
        "topic": term,
        "free": "on",
        "no_papers": "on",
        "checked": "on",
    }
    flora.get("/desk/directory/new")
    page = "/desk/directory/new"
    for change, reason in (
        ({"schedule-opens_at": "late"}, "cannot be saved"),
        ({"schedule-byday": ""}, "Hours need the days"),
        ({"topic": ""}, "what it is about"),
        ({"location-latitude": ""}, "needs an address"),
        ({"organization": "Amity Houses"}, "Name one organization"),
        ({"new-organization": "", "organization": "Nobody Ltd"}, "has no organization"),
        ({"service-url": "javascript:alert(1)"}, "cannot be saved"),
    ):
        answer = flora.post(page, 409, **(told | change))
        assert reason in answer
        assert "Soup on Wheels" in answer
    with careline.database.read() as session:
        assert {name: len(session.execute(select(table.c.id)).all()) for name, table in TABLES.items()} == before
    done = flora.post(page, **told)
    assert "People are told of it" in done
    service = service_named(careline, "Soup on Wheels")
    with careline.database.read() as session:
        row = session.execute(select(LISTING).where(LISTING.c.service_id == service)).one()
        assert (row.topic, row.cost, row.no_papers, row.area) == ("food", 0, True, "Riverside")
        batches = set(session.scalars(select(Change.batch)))
    assert len(batches) == 1
    flora.post(f"/desk/directory/undo/{batches.pop()}", subject=f"service {service}")
    with careline.database.read() as session:
        assert {name: len(session.execute(select(table.c.id)).all()) for name, table in TABLES.items()} == before
        assert session.execute(select(LISTING).where(LISTING.c.service_id == service)).all() == []


def test_a_new_service_with_more_added_since_is_not_undone_by_halves(flora: Desk, careline: Careline) -> None:
    with careline.database.read() as session:
        term = session.scalar(select(TABLES["taxonomy_term"].c.id).where(TABLES["taxonomy_term"].c.code == "food")) or ""
    flora.get("/desk/directory/new")
    flora.post(
        "/desk/directory/new", organization="Amity Houses", location="Central Library", topic=term,
        **{"service-name": "Pop-up Pantry"},
    )  # fmt: skip
    service = service_named(careline, "Pop-up Pantry")
    with careline.database.read() as session:
        batch = session.scalars(select(Change.batch)).first()
    flora.post(
        f"/desk/directory/service/{service}", what="add", resource="phone", **{"to-number": "+44 1632 960298", "to-type": "voice"}
    )
    assert "More has been added" in flora.post(f"/desk/directory/undo/{batch}", subject=f"service {service}")
    assert service_named(careline, "Pop-up Pantry") == service
