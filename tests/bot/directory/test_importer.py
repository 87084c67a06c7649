"""Importing: what is taken, mended, reported, and what an import that goes wrong leaves behind."""

import csv
import io
import json
import stat
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from bot.db import Database
from bot.directory import changes, files
from bot.directory import package as reading
from bot.directory.export import export_package
from bot.directory.importer import import_package
from bot.directory.report import Issue, Report
from bot.directory.search import Query, search
from bot.directory.tables import CARD, LISTING, TABLES
from bot.errors import DataError
from bot.settings import Settings
from tests.bot.directory.packages import DEMO, KITCHEN, Rows, kitchen, write_tables

Package = Callable[[dict[str, Rows]], Path]


def stored(database: Database, name: str) -> dict[str, Any]:
    """The rows of a table by id."""
    with database.read() as session:
        return {row.id: row for row in session.execute(select(TABLES[name]))}


def listed(database: Database) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(LISTING)) or 0


def everything(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    tables = [*TABLES.values(), LISTING, CARD]
    with database.read() as session:
        return {
            table.name: [tuple(row) for row in session.execute(select(table).order_by(*table.primary_key))] for table in tables
        }


# The demo directory


def test_demo_imports_whole_and_without_an_issue(database: Database) -> None:
    report = import_package(database, DEMO)
    assert report.issues == []
    assert report.rejected == 0
    for name, counts in report.counts.items():
        with (DEMO / reading.RESOURCES[name].file).open(encoding="utf-8", newline="") as file:
            assert counts.added == counts.read == len(list(csv.DictReader(file))) == len(stored(database, name)), name
    assert report.listings == listed(database) > 300


def test_the_same_import_again_changes_nothing(database: Database) -> None:
    import_package(database, DEMO)
    before = everything(database)
    report = import_package(database, DEMO)
    assert report.changes == 0
    assert everything(database) == before


def test_texts_are_kept_as_they_came(database: Database) -> None:
    import_package(database, DEMO)
    with (DEMO / "locations.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            kept = stored(database, "location")[row["id"]]
            assert {name: value or None for name, value in row.items()} == dict(kept._mapping)


# A later import


def test_later_import_updates_adds_and_removes(database: Database, package: Package) -> None:
    import_package(database, package(KITCHEN))
    services = [KITCHEN["services"][0] | {"name": "Hot soup"}, {"id": "s2", "name": "Bread", "status": "active"}]
    report = import_package(database, package(kitchen(services=services, phones=[])))
    assert (report.counts["service"].changed, report.counts["service"].added) == (1, 1)
    assert report.counts["phone"].removed == 1
    assert report.counts["organization"].unchanged == 1
    assert {row.name for row in stored(database, "service").values()} == {"Hot soup", "Bread"}
    assert stored(database, "phone") == {}


def test_a_crash_leaves_the_old_directory(database: Database, package: Package, monkeypatch: pytest.MonkeyPatch) -> None:
    import_package(database, package(KITCHEN))
    before = everything(database)

    def crash(session: object) -> None:
        raise RuntimeError("out of power")

    monkeypatch.setattr(changes, "touch", crash)  # when everything is written already
    with pytest.raises(RuntimeError):
        import_package(database, package(kitchen(services=[KITCHEN["services"][0] | {"name": "Other"}])))
    assert everything(database) == before


def test_a_package_without_services_does_not_empty_the_directory(database: Database, package: Package) -> None:
    import_package(database, package(KITCHEN))
    with pytest.raises(DataError, match="old directory stays"):
        import_package(database, package(kitchen(services=[])))
    assert set(stored(database, "service")) == {"s1"}


def test_progress_is_told(database: Database, package: Package) -> None:
    told: list[tuple[str, int, int]] = []
    import_package(database, package(KITCHEN), lambda *step: told.append(step))
    assert list(dict.fromkeys(step[0] for step in told)) == ["reading", "listing", "comparing", "storing"]
    assert all(done <= total for _, done, total in told)


# Mending, and what cannot be mended


@pytest.mark.parametrize(
    ("table", "field", "came", "kept", "kind"),
    [
        ("schedules", "opens_at", "8:00am", "08:00", "repair"),
        ("schedules", "opens_at", "8 AM", "08:00", "repair"),
        ("schedules", "closes_at", "8.30 p.m.", "20:30", "repair"),
        ("schedules", "closes_at", "12:00 am", "00:00", "repair"),
        ("schedules", "closes_at", "12pm", "12:00", "repair"),
        ("schedules", "closes_at", "24:00", "00:00", "repair"),
        ("schedules", "closes_at", "noon", "12:00", "repair"),
        ("schedules", "opens_at", "9:30", "09:30", "repair"),
        ("schedules", "opens_at", "09:30:00", "09:30:00", None),
        ("schedules", "opens_at", "by appointment", None, "error"),
        ("schedules", "opens_at", "25:00", None, "error"),
        ("schedules", "opens_at", "8", None, "error"),  # in the morning or in the evening?
        ("schedules", "freq", "weekly", "WEEKLY", "repair"),
        ("schedules", "valid_from", "2026-11-01T00:00:00", "2026-11-01", "repair"),
        ("schedules", "valid_from", "3/5/2026", None, "error"),  # another day in each half of the world
        ("services", "status", "Active", "active", "repair"),
        ("services", "status", "TEMPORARILY_CLOSED", "temporarily closed", "repair"),
        ("services", "name", " Soup ", "Soup", "repair"),
        ("services", "description", "   ", None, "repair"),
        ("services", "description", "", None, None),
        ("services", "url", "www.soup.example", "https://www.soup.example", "repair"),
        ("services", "url", "javascript:alert(1)", None, "error"),
        ("services", "url", "ask us", None, "error"),
        ("services", "email", "soup at home", None, "error"),
        ("services", "minimum_age", "eighteen", None, "error"),
        ("services", "minimum_age", "0.5", "0.5", None),
        ("services", "assured_date", "2026-02-30", None, "error"),
        ("phones", "extension", "xOPT2", None, "error"),
        ("locations", "latitude", "50,5123", "50.5123", "repair"),
        ("locations", "latitude", "950", None, "error"),
    ],
)
def test_a_field_is_mended_or_left_out_and_reported(
    database: Database, package: Package, table: str, field: str, came: str, kept: str | None, kind: str | None
) -> None:
    rows = [KITCHEN[table][0] | {field: came}]
    report = import_package(database, package(KITCHEN | {table: rows}))
    resource = {"schedules": "schedule", "services": "service", "phones": "phone", "locations": "location"}[table]
    assert getattr(stored(database, resource)[rows[0]["id"]], field) == kept
    assert [issue.kind for issue in report.issues if issue.field == field] == ([kind] if kind else [])
    assert all(issue.file == f"{table}.csv" and issue.line == 2 for issue in report.issues)


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ({"name": "No id", "status": "active"}, "id"),
        ({"id": "s2", "status": "active"}, "name"),
        ({"id": "s2", "name": "No status"}, "status"),
        ({"id": "s2", "name": "Odd status", "status": "sleeping"}, "status"),
        ({"id": "s1", "name": "Same id", "status": "active"}, "id"),
        ({"id": "x" * 101, "name": "Long id", "status": "active"}, "id"),
    ],
)
def test_a_bad_row_is_left_out_and_reported_with_its_line(
    database: Database, package: Package, row: dict[str, str], field: str
) -> None:
    report = import_package(database, package(kitchen(services=[KITCHEN["services"][0], row])))
    assert set(stored(database, "service")) == {"s1"}
    assert report.counts["service"].rejected == 1
    assert [(issue.file, issue.line, issue.field, issue.kind) for issue in report.issues] == [("services.csv", 3, field, "error")]


def test_what_the_standard_requires_but_a_person_can_do_without_is_reported(database: Database, package: Package) -> None:
    address = {"id": "a1", "location_id": "l1", "address_1": "1 Road", "city": "Port Amity"}
    report = import_package(database, package(kitchen(addresses=[address])))
    assert stored(database, "address")["a1"].address_1 == "1 Road"
    assert {issue.field for issue in report.issues if issue.kind == "missing"} == {
        "state_province", "postal_code", "country", "address_type",
    }  # fmt: skip


def test_dangling_references_are_reported_and_the_rest_of_the_row_kept(database: Database, package: Package) -> None:
    report = import_package(
        database,
        package(
            kitchen(
                services=[KITCHEN["services"][0] | {"organization_id": "gone"}],
                phones=[{"id": "p1", "service_id": "s1", "location_id": "gone", "number": "1"}],
            )
        ),
    )
    assert stored(database, "service")["s1"].organization_id is None
    assert stored(database, "phone")["p1"].service_id == "s1"
    assert {(issue.field, issue.value) for issue in report.issues if issue.kind == "reference"} == {
        ("organization_id", "gone"),
        ("location_id", "gone"),
    }


def test_what_belongs_to_nothing_is_left_out_also_after_its_parent_was(database: Database, package: Package) -> None:
    place = {"id": "x2", "service_id": "s2", "location_id": "l1"}
    topic = KITCHEN["attributes"][0] | {"id": "at2", "link_id": "s2"}
    tables = kitchen(
        services=[*KITCHEN["services"], {"id": "s2", "name": "No status"}],
        service_at_location=[*KITCHEN["service_at_location"], place],
        schedules=[{"id": "h2", "service_at_location_id": "x2", "freq": "WEEKLY", "byday": "MO"}],
        attributes=[*KITCHEN["attributes"], topic],
    )
    report = import_package(database, package(tables))
    assert set(stored(database, "service_at_location")) == {"x1"}
    assert stored(database, "schedule") == {}
    assert set(stored(database, "attribute")) == {"at1"}
    assert report.rejected == 4


def test_unknown_files_and_columns_are_reported(database: Database, package: Package) -> None:
    folder = package(kitchen(services=[KITCHEN["services"][0] | {"mood": "good"}]))
    (folder / "budget.csv").write_text("a,b\n1,2\n")
    report = import_package(database, folder)
    assert {(issue.file, issue.field) for issue in report.issues if issue.kind == "ignored"} == {
        ("budget.csv", ""),
        ("services.csv", "mood"),
    }


def test_a_row_with_too_many_cells_is_reported(database: Database, package: Package) -> None:
    folder = package(KITCHEN)
    (folder / "services.csv").write_text("id,name,status\ns1,Soup,active,and more\n")
    assert [(issue.line, issue.kind) for issue in import_package(database, folder).issues] == [(2, "ignored")]


def test_lines_count_where_a_row_begins(database: Database, package: Package) -> None:
    folder = package(KITCHEN)
    (folder / "services.csv").write_text('id,name,status,description\ns1,Soup,active,"two\nlines"\n,Nobody,active,\n')
    report = import_package(database, folder)
    assert [(issue.line, issue.field) for issue in report.issues] == [(4, "id")]
    assert stored(database, "service")["s1"].description == "two\nlines"


# Files as they come


@pytest.mark.parametrize(
    ("encoding", "delimiter"), [("utf-8", ","), ("utf-8-sig", ","), ("utf-16", ","), ("cp1252", ","), ("utf-8", ";")]
)
def test_encodings_and_separators(database: Database, package: Package, encoding: str, delimiter: str) -> None:
    folder = package(KITCHEN)
    text = "id,name,status\ns1,Crèche,active\n".replace(",", delimiter)
    (folder / "services.csv").write_bytes(text.encode(encoding))
    report = import_package(database, folder)
    assert stored(database, "service")["s1"].name == "Crèche"
    assert len(report.issues) == (encoding == "cp1252")


def test_names_of_files_come_from_datapackage_json(database: Database, package: Package) -> None:
    folder = package(KITCHEN)
    (folder / "services.csv").rename(folder / "what-we-do.csv")
    described = {"resources": [{"name": "service", "path": "what-we-do.csv"}]}
    (folder / "datapackage.json").write_text(json.dumps(described))
    assert import_package(database, folder).counts["service"].added == 1


def test_a_broken_datapackage_json_is_no_obstacle(database: Database, package: Package) -> None:
    folder = package(KITCHEN)
    (folder / "datapackage.json").write_text("../../datapackage.json")
    assert [issue.file for issue in import_package(database, folder).issues] == ["datapackage.json"]


@pytest.mark.parametrize("prefix", ["", "export-2026/"])
def test_a_zip_is_as_good_as_a_folder(database: Database, tmp_path: Path, prefix: str) -> None:
    archive = tmp_path / "directory.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for path in DEMO.iterdir():
            file.write(path, prefix + path.name)
        file.writestr("__MACOSX/._services.csv", b"junk")
    assert import_package(database, archive).issues == []
    assert import_package(database, DEMO).changes == 0


def full_service() -> dict[str, Any]:
    """A service as the standard's API gives it, everything nested."""
    return {
        "id": "s1", "name": "Soup", "status": "active", "minimum_age": 0.5,
        "organization": {"id": "o1", "name": "Kitchen Club", "description": "Cooks"},
        "phones": [{"id": "p1", "number": "+44 1632 960999", "languages": [{"id": "g1", "code": "en"}]}],
        "cost_options": [{"id": "c1", "option": "per meal", "amount": 2.50, "currency": "GBP"}],
        "attributes": [
            {
                "id": "at1",
                "taxonomy_term": {
                    "id": "t1", "code": "food", "name": "Food", "description": "Food",
                    "taxonomy_detail": {"id": "t", "name": "Topics", "description": "Topics"},
                },
            }
        ],
        "service_at_locations": [
            {
                "id": "x1",
                "location": {
                    "id": "l1", "location_type": "physical", "latitude": 50.5, "longitude": -2.3,
                    "addresses": [{"id": "a1", "address_1": "1 Road", "city": "Port Amity", "state_province": "A",
                                   "postal_code": "ZZ1 1AA", "country": "GB", "address_type": "physical"}],
                },
                "schedules": [{"id": "h1", "freq": "WEEKLY", "byday": "MO", "opens_at": "09:00", "closes_at": "17:00"}],
            }
        ],
    }  # fmt: skip


@pytest.mark.parametrize("wrap", [lambda one: [one], lambda one: {"contents": [one], "page_number": 1}, lambda one: one])
def test_full_services_in_json(
    database: Database,
    tmp_path: Path,
    settings: Settings,
    at: Callable[[str], datetime],
    wrap: Callable[[Any], Any],
) -> None:
    path = tmp_path / "services.json"
    path.write_text(json.dumps(wrap(full_service())))
    report = import_package(database, path)
    assert report.issues == []
    assert stored(database, "service")["s1"].organization_id == "o1"
    assert stored(database, "language")["g1"].phone_id == "p1"
    assert stored(database, "cost_option")["c1"].amount == "2.5"
    assert stored(database, "schedule")["h1"].service_at_location_id == "x1"
    with database.read() as session:
        [card] = search(session, Query("food"), at("2026-11-23 10:00"), settings).cards
    assert (card.id, card.organization, card.address, card.opening.state) == ("x1", "Kitchen Club", "1 Road", "open")


def test_what_is_told_twice_is_taken_once(database: Database, tmp_path: Path) -> None:
    second = full_service() | {"id": "s2"}
    second["organization"] = {
        "id": "o1",
        "name": "Another name",
        "description": "Cooks",
        "website": "https://k.example",
    }
    del second["phones"], second["cost_options"], second["attributes"], second["service_at_locations"]
    path = tmp_path / "services.json"
    path.write_text(json.dumps([full_service(), second]))
    report = import_package(database, path)
    organization = stored(database, "organization")["o1"]
    assert (organization.name, organization.website) == ("Kitchen Club", "https://k.example")
    assert [(issue.line, issue.field, issue.value) for issue in report.issues] == [(2, "organization.name", "Another name")]


# What is refused


def zipped(path: Path, name: str | zipfile.ZipInfo, content: bytes = b"id,name,status\n") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(name, content)
    return path


@pytest.mark.parametrize(
    "name", ["../services.csv", "/etc/services.csv", "a/../../services.csv", "..\\services.csv", "C:\\services.csv"]
)
def test_a_zip_that_reaches_outside_is_refused(database: Database, tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="outside"):
        import_package(database, zipped(tmp_path / "evil.zip", name))


def test_a_link_in_a_zip_is_refused(database: Database, tmp_path: Path) -> None:
    link = zipfile.ZipInfo("services.csv")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(DataError, match="link"):
        import_package(database, zipped(tmp_path / "evil.zip", link, b"/etc/passwd"))


def test_a_zip_bomb_is_refused(database: Database, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="would become"):
        import_package(database, zipped(tmp_path / "bomb.zip", "services.csv", b"\0" * 20_000_000))


def test_limits(database: Database, tmp_path: Path, package: Package, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = package(KITCHEN)
    for limit, value in (("MAX_ROWS", 3), ("MAX_FILE_BYTES", 20), ("MAX_TOTAL_BYTES", 100)):
        with monkeypatch.context() as patch:
            patch.setattr(reading if limit == "MAX_ROWS" else files, limit, value)
            with pytest.raises(DataError):
                import_package(database, folder)
    monkeypatch.setattr(files, "MAX_FILES", 2)
    archive = tmp_path / "many.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in folder.iterdir():
            file.write(path, path.name)
    with pytest.raises(DataError, match="more than 2 files"):
        import_package(database, archive)


@pytest.mark.parametrize("path", ["../secret.csv", "/etc/passwd", "https://other.example/services.csv", None])
def test_a_datapackage_that_points_elsewhere_is_refused(database: Database, package: Package, path: Any) -> None:
    folder = package(KITCHEN)
    (folder.parent / "secret.csv").write_text("id,name,status\ns9,Secret,active\n")
    (folder / "datapackage.json").write_text(json.dumps({"resources": [{"name": "service", "path": path}]}))
    with pytest.raises(DataError, match="beside it"):
        import_package(database, folder)


def test_a_link_out_of_a_folder_is_refused(database: Database, package: Package) -> None:
    folder = package(kitchen(services=[]))
    outside = folder.parent / "outside.csv"
    outside.write_text("id,name,status\ns9,Secret,active\n")
    (folder / "services.csv").unlink()
    (folder / "services.csv").symlink_to(outside)
    with pytest.raises(DataError, match="outside of its folder"):
        import_package(database, folder)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("services.json", b"{"),
        ("services.json", b"[" * 100_000),
        ("services.json", b'"services"'),
        ("services.json", b"\xff\xfe\x00"),
        ("directory.zip", b"PK not a zip"),
        ("directory.csv", b"id,name\n"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(database: Database, tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError) as error:
        import_package(database, tmp_path / name)
    assert "\n" not in str(error.value)
    assert str(error.value).endswith(".")


def test_nothing_there(database: Database, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nothing at"):
        import_package(database, tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no table"):
        import_package(database, tmp_path / "empty")


# The report, and the way back


def test_report_as_csv_is_safe_in_a_spreadsheet() -> None:
    report = Report(issues=[Issue("services.csv", 3, "name", "error", "odd", '=HYPERLINK("http://evil.example")')])
    [heading, row] = csv.reader(io.StringIO(report.as_csv()))
    assert heading == ["file", "line", "field", "kind", "reason", "value"]
    assert row[1] == "3"
    assert row[5].startswith("'=")


def test_export_imports_to_the_same_directory(database: Database, demo: Database, tmp_path: Path) -> None:
    written = export_package(demo, tmp_path / "out")
    report = import_package(database, tmp_path / "out")
    assert report.issues == []
    assert everything(database) == everything(demo)
    assert {name: counts.read for name, counts in report.counts.items()} == written
    assert not (tmp_path / "out" / "contacts.csv").exists()  # no rows, no file
    export_package(database, tmp_path / "out")
    assert import_package(database, tmp_path / "out").changes == 0


def test_export_writes_over_nothing_but_an_export(demo: Database, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(DataError, match="no export"):
        export_package(demo, tmp_path)


def test_a_service_without_a_place_and_one_that_is_not_offered(database: Database, package: Package) -> None:
    services = [
        KITCHEN["services"][0],
        {"id": "s2", "name": "Line", "status": "active"},
        {"id": "s3", "name": "Gone", "status": "inactive"},
    ]
    attributes = [
        {"id": f"at{n}", "link_id": f"s{n}", "taxonomy_term_id": "t1", "link_entity": entity, "value": value}
        for n, entity, value in ((1, "service", "2"), (2, "Services", ""), (3, "service", "1"))
    ]
    import_package(database, package(kitchen(services=services, attributes=attributes)))
    with database.read() as session:
        rows = {row.listing_id: row for row in session.execute(select(LISTING))}
    assert set(rows) == {"x1", "s2"}
    assert (rows["x1"].rank, rows["s2"].rank) == (2, 1)
    assert rows["s2"].city_wide
    assert "wheelchair_access" in rows["s2"].accessibility


def test_helper_writes_what_the_package_reads(tmp_path: Path) -> None:
    assert len(list(reading.read_package(write_tables(tmp_path / "k", KITCHEN)))) == sum(map(len, KITCHEN.values()))
