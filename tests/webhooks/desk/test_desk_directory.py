"""Stewards at work: the pages under /desk/directory and /desk/articles, from the form to what people are told."""

import csv
import io
import re
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from bot import staff
from bot.careline import Careline
from bot.directory import reports
from bot.directory.changes import Change
from bot.directory.importer import import_package
from bot.directory.tables import CARD, LISTING, TABLES
from bot.rights.articles import Rights
from bot.settings import Settings
from bot.training import ROOT
from tests.conftest import Texter, environment
from tests.desk import PASSWORD, Desk
from webhooks.app import create_app

DEMO = ROOT / "data" / "directory"


@pytest.fixture
def flora(app: Flask, careline: Careline) -> Desk:
    """A steward."""
    with careline.database.begin() as session:
        staff.add(session, "flora", PASSWORD, staff.Role.STEWARD)
    desk = Desk(app)
    desk.sign_in("flora")
    return desk


@pytest.fixture
def service(careline: Careline) -> str:
    with careline.database.read() as session:
        return (
            session.scalars(select(LISTING.c.service_id).where(LISTING.c.topic == "food").order_by(LISTING.c.rank)).first() or ""
        )


def value(careline: Careline, resource: str, record_id: str, field: str) -> str | None:
    table = TABLES[resource]
    with careline.database.read() as session:
        return session.scalar(select(table.c[field]).where(table.c.id == record_id))


def card(careline: Careline, service: str) -> str:
    with careline.database.read() as session:
        return session.scalars(select(CARD.c.facts).where(CARD.c.service_id == service)).first() or ""


def test_only_stewards_get_in(ada: Desk, flora: Desk) -> None:
    assert ada.client.get("/desk/directory", base_url="https://care.example.org").status_code == 403
    assert 'href="/desk/directory"' not in ada.get("/desk")
    assert 'href="/desk/directory"' in flora.get("/desk")


def test_a_service_is_found_read_edited_and_the_edit_undone(flora: Desk, careline: Careline, service: str) -> None:
    name = value(careline, "service", service, "name") or ""
    found = flora.get(f"/desk/directory?text={name[:8]}")
    assert f"/desk/directory/service/{service}" in found
    shown = flora.get(f"/desk/directory/service/{service}")
    assert name in shown
    done = flora.post(
        f"/desk/directory/service/{service}", what="edit", resource="service", record=service, note="they called",
        **{"was-name": name, "to-name": "Harvest Table"},
    )  # fmt: skip
    assert "Saved." in done
    assert value(careline, "service", service, "name") == "Harvest Table"
    assert "Harvest Table" in card(careline, service)
    assert "flora: edit" in done
    assert "they called" in done
    batch = re.findall(r"/desk/directory/undo/([\w-]+)", done)[0]
    flora.post(f"/desk/directory/undo/{batch}", subject=f"service {service}")
    assert value(careline, "service", service, "name") == name
    assert name in card(careline, service)
    assert "undone already" in flora.post(f"/desk/directory/undo/{batch}", subject=f"service {service}")


def test_what_an_import_would_refuse_is_refused_and_the_draft_kept(flora: Desk, careline: Careline, service: str) -> None:
    page = f"/desk/directory/service/{service}"
    flora.get(page)
    for field, bad in (("url", "ask us"), ("name", ""), ("status", "sleeping"), ("minimum_age", "eighteen")):
        before = value(careline, "service", service, field)
        answer = flora.post(page, 409, what="edit", resource="service", record=service, **{f"to-{field}": bad})
        assert "cannot be saved" in answer
        assert value(careline, "service", service, field) == before
    assert "eighteen" in answer
    with careline.database.read() as session:
        assert session.scalars(select(Change.id)).all() == []


def test_a_colleagues_change_is_not_overwritten(flora: Desk, careline: Careline, service: str) -> None:
    page, name = f"/desk/directory/service/{service}", value(careline, "service", service, "name") or ""
    flora.get(page)
    fields = {"what": "edit", "resource": "service", "record": service, "was-name": name}
    flora.post(page, **fields, **{"to-name": "First"})
    assert "changed name meanwhile" in flora.post(page, 409, **fields, **{"to-name": "Second"})
    assert value(careline, "service", service, "name") == "First"


def test_checked_retired_and_brought_back(flora: Desk, careline: Careline, texter: Texter, service: str) -> None:
    page = f"/desk/directory/service/{service}"
    flora.get(page)
    assert "Marked as checked today" in flora.post(page, what="check")
    assert value(careline, "service", service, "status") == "active"
    flora.post(page, what="retire")
    with careline.database.read() as session:
        assert session.scalars(select(LISTING.c.topic).where(LISTING.c.service_id == service)).all() == []
    flora.post(page, what="restore")
    with careline.database.read() as session:
        assert "food" in session.scalars(select(LISTING.c.topic).where(LISTING.c.service_id == service)).all()
        actions = session.scalars(select(Change.action).order_by(Change.id)).all()
    assert actions == ["check", "retire", "restore"]


def test_a_number_is_added_and_removed(flora: Desk, careline: Careline, service: str) -> None:
    page = f"/desk/directory/service/{service}"
    flora.get(page)
    added = flora.post(page, what="add", resource="phone", **{"to-number": "+44 1632 960777", "to-type": "voice"})
    assert "+44 1632 960777" in added
    with careline.database.read() as session:
        [phone] = session.scalars(select(TABLES["phone"].c.id).where(TABLES["phone"].c.number == "+44 1632 960777"))
    assert value(careline, "phone", phone, "service_id") == service
    flora.post(page, what="remove", resource="phone", record=phone)
    assert value(careline, "phone", phone, "number") is None
    assert "cannot be removed" in flora.post(page, what="remove", resource="service", record=service)


def test_changes_survive_an_import_until_the_package_says_something_new(
    flora: Desk, careline: Careline, service: str, tmp_path: Path
) -> None:
    page, name = f"/desk/directory/service/{service}", value(careline, "service", service, "name") or ""
    flora.get(page)
    flora.post(page, what="edit", resource="service", record=service, **{"was-name": name, "to-name": "Harvest Table"})
    flora.post(page, what="add", resource="phone", **{"to-number": "+44 1632 960777"})
    assert import_package(careline.database, DEMO).changes == 0
    assert value(careline, "service", service, "name") == "Harvest Table"
    newer = tmp_path / "newer"
    newer.mkdir()
    for path in DEMO.glob("*.csv"):
        text = path.read_text("utf-8")
        (newer / path.name).write_text(text.replace(name, "A newer name") if path.name == "services.csv" else text, "utf-8")
    report = import_package(careline.database, newer)
    assert value(careline, "service", service, "name") == "A newer name"
    assert [issue.value for issue in report.issues if issue.kind == "steward"] == ["A newer name"]
    assert import_package(careline.database, newer).changes == 0


def test_changes_are_exported_in_the_standards_columns(flora: Desk, careline: Careline, service: str) -> None:
    page = f"/desk/directory/service/{service}"
    flora.get(page)
    flora.post(page, what="edit", resource="service", record=service, note="=1+1", **{"to-alert": "-closed in August"})
    [row] = csv.DictReader(io.StringIO(flora.get("/desk/directory/changes.csv")))
    assert (row["resource_id"], row["resource_type"], row["field_name"]) == (service, "service", "alert")
    assert (row["updated_by"], row["replacement_value"], row["note"]) == ("flora", "'-closed in August", "'=1+1")
    assert service in flora.get("/desk/directory/changes")


def test_stale_services_are_listed_the_oldest_first(flora: Desk, careline: Careline, service: str) -> None:
    page = f"/desk/directory/service/{service}"
    flora.get(page)
    checked = value(careline, "service", service, "assured_date") or ""
    fields = {"what": "edit", "resource": "service", "record": service}
    flora.post(page, **fields, **{"was-assured_date": checked, "to-assured_date": "1999-01-01"})
    listed = re.findall(r"/desk/directory/service/([^\"]+)\"", flora.get("/desk/directory/stale"))
    assert listed[0] == service or value(careline, "service", listed[0], "assured_date") is None
    flora.get(page)
    flora.post(page, what="check")
    assert service not in flora.get("/desk/directory/stale")


def test_each_report_waits_for_a_steward_with_its_record_and_reason(
    flora: Desk, careline: Careline, texter: Texter, service: str
) -> None:
    texter("the number is wrong, nobody there")
    with careline.database.begin() as session:
        listing = session.scalars(select(LISTING.c.listing_id).where(LISTING.c.service_id == service)).first()
        from bot.conversation import Conversation

        conversation = session.scalars(select(Conversation.id)).one()
        reports.add(session, listing, conversation, "en")
        reports.add(session, listing, conversation, "en")  # worked on twice
        reports.add(session, None, conversation, "en")
    page = flora.get("/desk/directory/reports")
    assert page.count("the number is wrong, nobody there") == 2
    assert (value(careline, "service", service, "name") or "") in page
    assert "A place that is not known" in page
    ids = re.findall(r"/desk/directory/reports/(\d+)", page)
    flora.post(f"/desk/directory/reports/{ids[0]}")
    assert flora.get("/desk/directory/reports").count("<section") == 1
    from bot.conversation import forget

    forget(careline.database, conversation)
    after = flora.get("/desk/directory/reports")
    assert "nobody there" not in after
    assert "erased" in after


def test_articles_of_the_citys_own(tmp_path: Path, careline: Careline, dialogue: object) -> None:
    local = tmp_path / "local"
    own = Settings.from_env(environment(tmp_path) | {"CARELINE_LOCAL": str(local)})
    opened = Careline(own, careline.database, careline.wording, Rights.load(local=local))
    app = create_app(opened, dialogue)  # type: ignore[arg-type]
    with careline.database.begin() as session:
        staff.add(session, "flora", PASSWORD, staff.Role.STEWARD)
    desk = Desk(app)
    desk.sign_in("flora")
    page = "/desk/articles/en/rights_health"
    assert "My right to health care" in desk.get(page)
    refused = desk.post(page, 409, text="no heading", was="")
    assert "cannot be read" in refused
    assert "no heading" in refused
    assert "not known" in desk.post(page, 409, text="---\nsources: [{instrument: moon-law}]\n---\n", was="")
    assert not local.exists()
    text = '---\ntitle: "Health care in Port Amity"\nreviewed: 2026-11-22\n---\n'
    assert "Saved" in desk.post(page, text=text, was="", note="council decision")
    article = opened.rights.find("rights_health", "en")
    assert article is not None
    assert article.title == "Health care in Port Amity"
    assert article.sms.startswith("Urgent care")
    assert desk.client.post(
        "/desk/articles/en/..%2f..%2fx", data=desk.hidden(), base_url="https://care.example.org"
    ).status_code in {302, 404}
    assert "Taken away" in desk.post(page, text="", was=text)
    assert opened.rights.find("rights_health", "en").title == "My right to health care"  # type: ignore[union-attr]
    changes = desk.get("/desk/directory/changes")
    assert "article en/rights_health" in changes
    batch = re.findall(r"/desk/directory/undo/([\w-]+)", changes)[0]
    assert "Undone." in desk.post(f"/desk/directory/undo/{batch}", subject="article en/rights_health")
    assert opened.rights.find("rights_health", "en").title == "Health care in Port Amity"  # type: ignore[union-attr]
    desk.post(page, text=text + "Local words.", was=text)
    newest = re.findall(r"/desk/directory/undo/([\w-]+)", desk.get("/desk/directory/changes"))
    assert "Something newer" in desk.post(f"/desk/directory/undo/{newest[1]}", subject="article en/rights_health")
