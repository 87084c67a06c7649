"""Somebody says that a record is wrong: which one is meant, and that no report is lost in another."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from bot.answers import Asked, Memory
from bot.answers.wrong_information import answer
from bot.careline import Careline
from bot.conversation import Message, open_conversation
from bot.directory.reports import RecordReport, waiting
from bot.directory.tables import CARD, LISTING, TABLES


def says(careline: Careline, text: str, memory: Memory, conversation: str | None = None) -> str:
    """A message in a conversation, and its answer; the conversation's id."""
    with careline.database.begin() as session:
        opened = open_conversation(session, "kiosk", conversation, None)
        session.add(opened)
        session.flush()
        session.add(Message(conversation_id=opened.id, text=text, language="es"))
        conversation = opened.id
    asked = Asked(conversation, text, "es", "kiosk", datetime(2026, 11, 24, 10, tzinfo=UTC), memory=memory)
    reply = answer(careline, asked).reply
    assert reply.topic == "wrong_information"
    assert reply.closing
    return conversation


@pytest.fixture
def listings(careline: Careline) -> dict[str, str]:
    """Listings with a topic of their own name: id by the name of the service, where only one has it."""
    with careline.database.read() as session:
        rows = session.execute(
            select(CARD.c.id, TABLES["service"].c.name).join(TABLES["service"], TABLES["service"].c.id == CARD.c.service_id)
        ).all()
    names = [row.name for row in rows]
    return {row.name: row.id for row in rows if names.count(row.name) == 1 and len(row.name) > 12}


def reported(careline: Careline) -> list[tuple[str | None, str | None]]:
    with careline.database.read() as session:
        return [(told.report.record_id, told.reason) for told in waiting(session)]


def test_the_place_named_in_the_message_is_meant(careline: Careline, listings: dict[str, str]) -> None:
    (name, listing), (_, other) = list(listings.items())[:2]
    says(careline, f"{name.upper()} ya no existe, esta cerrado", Memory(topic="food", current=other, shown=(other, listing)))
    says(careline, f"el telefono de {name} esta mal", Memory())
    assert [record for record, _ in reported(careline)] == [listing, listing]


def test_else_the_one_spoken_of_last(careline: Careline, listings: dict[str, str]) -> None:
    listing = next(iter(listings.values()))
    says(careline, "eso esta mal, no contestan", Memory(topic="food", current=listing, shown=(listing,)))
    assert reported(careline) == [(listing, "eso esta mal, no contestan")]


def test_without_any_it_is_asked_and_still_kept(careline: Careline) -> None:
    says(careline, "esta mal", Memory())
    assert reported(careline) == [(None, "esta mal")]


def test_several_reports_of_one_person_are_several(careline: Careline, listings: dict[str, str]) -> None:
    (first, one), (second, two) = list(listings.items())[:2]
    conversation = says(careline, f"{first}: cerrado", Memory())
    says(careline, f"{second}: otro numero", Memory(), conversation)
    says(careline, f"{second}: tambien la direccion", Memory(), conversation)
    assert [record for record, _ in reported(careline)] == [one, two, two]
    with careline.database.read() as session:
        services = session.scalars(select(RecordReport.service_id)).all()
        known = set(session.scalars(select(LISTING.c.service_id)))
    assert all(service in known for service in services)
