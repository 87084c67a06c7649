"""Directories of other versions and forms: HSDS 1 and 2, Open Referral UK, tables of no standard, JSON in and out."""

import contextlib
import csv
import io
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from bot.db import Database
from bot.directory import jsonform, older
from bot.directory.cleaning import Cleaner, language_code
from bot.directory.export import export_directory, export_json
from bot.directory.importer import import_package
from bot.directory.mapping import bundled, read_mapping
from bot.directory.package import Row, read_package
from bot.directory.report import Issue, written
from bot.directory.tables import RESOURCES, TABLES
from bot.errors import DataError
from tests.bot.directory.packages import KITCHEN, Rows, kitchen, write_tables
from tests.bot.directory.test_importer import everything, stored

Package = Callable[[dict[str, Rows]], Path]

#: A small directory in the tables of HSDS 1.1.
OLD: dict[str, Rows] = {
    "organizations": [{"id": "1", "name": "Kitchen Club", "description": "Cooks", "url": "http://kitchen.example"}],
    "services": [
        {"id": "1", "organization_id": "1", "name": "Soup", "status": "active", "eligibility": "Anybody",
         "audience": "hungry people"},
    ],
    "locations": [
        {"id": "1", "organization_id": "1", "name": "Hall", "latitude": "50.5", "longitude": "-2.3", "virtual": "false"},
    ],
    "services_at_location": [{"id": "1", "service_id": "1", "location_id": "1"}],
    "physical_addresses": [{"id": "1", "location_id": "1", "address_1": "1 Road", "city": "A", "state_province": "B",
                            "postal_code": "Z", "country": "GB"}],
    "postal_addresses": [{"id": "1", "location_id": "1", "address_1": "PO Box 1", "city": "A", "state_province": "B",
                          "postal_code": "Z", "country": "GB"}],
    "regular_schedules": [
        {"id": "1", "service_id": "1", "weekday": "Monday", "opens_at": "9:00", "closes_at": "5pm"},
        {"id": "2", "service_id": "1", "weekday": "2", "opens_at": "10:00", "closes_at": "12:00"},
        {"id": "3", "service_id": "1", "weekday": "Wed-Fri", "opens_at": "10:00", "closes_at": "12:00"},
        {"id": "4", "service_id": "1", "weekday": "Sunday", "opens_at": "", "closes_at": ""},
    ],
    "holiday_schedules": [
        {"id": "1", "service_id": "1", "closed": "true", "start_date": "2026-12-24", "end_date": "12/26/2026",
         "opens_at": "10:00"},
    ],
    "phones": [
        {"id": "", "service_id": "1", "number": "01632 960999", "number_type": "voice", "department": "Desk",
         "language": "Spanish"},
    ],
    "taxonomy": [{"id": "100", "name": "Food", "parent_id": "", "parent_name": "", "vocabulary": "Own"}],
    "services_taxonomy": [{"id": "1", "service_id": "1", "taxonomy_id": "100"}],
    "eligibility": [{"id": "1", "service_id": "1", "eligibility": "over 60", "minimum_age": "60"}],
    "accessibility_for_disabilities": [{"id": "1", "location_id": "1", "accessibility": "ramp"}],
}  # fmt: skip


def test_tables_of_hsds_1(database: Database, package: Package) -> None:
    report = import_package(database, package(OLD))
    assert report.rejected == 0, report.common()
    assert stored(database, "organization")["1"].website == "http://kitchen.example"
    service = stored(database, "service")["1"]
    assert (service.eligibility_description, service.minimum_age) == ("Anybody; hungry people; over 60", "60")
    kinds = {row.address_1: row.address_type for row in stored(database, "address").values()}
    assert kinds == {"1 Road": "physical", "PO Box 1": "postal"}
    hours = {key: (row.byday, row.freq, row.opens_at, row.closes_at) for key, row in stored(database, "schedule").items()}
    assert hours["1"] == ("MO", "WEEKLY", "09:00", "17:00")
    assert hours["2"][0] == "TU"
    assert hours["3"][0] == "WE,TH,FR"
    assert "4" not in hours
    closed = stored(database, "schedule")["holiday-1"]
    assert (closed.valid_from, closed.valid_to, closed.opens_at, closed.freq) == ("2026-12-24", "2026-12-26", None, None)
    [phone] = stored(database, "phone").values()
    assert (phone.type, phone.description) == ("voice", "Desk")
    [spoken] = stored(database, "language").values()
    assert (spoken.phone_id, spoken.name, spoken.code) == (phone.id, "Spanish", "es")
    assert stored(database, "taxonomy_term")["100"].taxonomy == "Own"
    assert stored(database, "attribute")["1"].taxonomy_term_id == "100"
    assert stored(database, "accessibility")["1"].description == "ramp"
    assert import_package(database, package(OLD)).changes == 0


def test_lists_inside_of_a_row_become_rows(database: Database, package: Package) -> None:
    service = {
        "id": "1", "name": "Soup", "status": "active", "location_id": "l1", "languages": "Spanish, Chinese (Mandarin)",
        "required_documents": "Passport, or a letter", "service_areas": "North, South", "funding_sources": "City",
        "taxonomy_ids": "t1",
    }  # fmt: skip
    report = import_package(
        database, package(kitchen(services=[service], service_at_location=[], schedules=[], phones=[], attributes=[]))
    )
    assert report.rejected == 0, report.common()
    assert {row.code for row in stored(database, "language").values()} == {"es", "zh"}
    assert [row.document for row in stored(database, "required_document").values()] == ["Passport, or a letter"]
    assert {row.name for row in stored(database, "service_area").values()} == {"North", "South"}
    assert [(row.service_id, row.location_id) for row in stored(database, "service_at_location").values()] == [("1", "l1")]
    assert [row.link_id for row in stored(database, "attribute").values()] == ["1"]


def test_a_directory_without_any_status_is_active_one_with_some_is_not(database: Database, package: Package) -> None:
    rows = [{"id": "a", "name": "A"}, {"id": "b", "name": "B"}]
    report = import_package(database, package({"services": rows}))
    assert {row.status for row in stored(database, "service").values()} == {"active"}
    assert [issue.reason for issue in report.issues] == ["no service has one: all 2 are taken as active, since they are listed"]
    report = import_package(database, package({"services": [rows[0], rows[1] | {"status": "active"}]}))
    assert set(stored(database, "service")) == {"b"}


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("December 24, 2026", "2026-12-24"),
        ("24/12/2026", "2026-12-24"),
        ("12/24/26", "2026-12-24"),
        ("5/5/2026", "2026-05-05"),
        ("3/5/2026", None),
        ("January 01, 0001", None),
        ("30/30/2026", None),
    ],
)
def test_dates_are_read_only_if_they_can_mean_one_day(text: str, kept: str | None) -> None:
    row = Row("schedule", "schedules.csv", 2, {"id": "h", "valid_from": text})
    assert Cleaner(lambda issue: None).fields(row).get("valid_from") == kept


def test_hours_that_look_like_a_slip_are_doubted_and_kept(database: Database, package: Package) -> None:
    rows = [KITCHEN["schedules"][0] | {"closes_at": "04:00"}]
    report = import_package(database, package(kitchen(schedules=rows)))
    assert [(issue.kind, issue.value) for issue in report.issues] == [("doubt", "09:00-04:00")]
    assert stored(database, "schedule")["h1"].closes_at == "04:00"


@pytest.mark.parametrize(
    ("name", "code"),
    [("Spanish", "es"), ("español", "es"), ("Chinese (Mandarin)", "zh"), ("Tagalog", "tl"), ("prose about us", None), ("", None)],
)
def test_languages_by_name(name: str, code: str | None) -> None:
    assert language_code(name) == code


def test_records_of_open_referral_uk_2(database: Database, tmp_path: Path) -> None:
    service = {
        "id": "s1", "name": "Soup", "status": "active",
        "organization": {"id": "o1", "name": "Kitchen Club", "description": "Cooks", "url": "http://kitchen.example"},
        "eligibilitys": [{"id": "e1", "minimum_age": 60}],
        "service_taxonomys": [{"id": "x1", "taxonomy": {"id": "t1", "name": "Food", "vocabulary": "Own"}}],
        "service_at_locations": [
            {
                "id": "x1",
                "location": {
                    "id": "l1", "name": "Hall", "latitude": 50.5, "longitude": -2.3,
                    "physical_addresses": [{"id": "a1", "address_1": "1 Road", "city": "A", "postal_code": "Z"}],
                    "accessibility_for_disabilities": [{"id": "w1", "accessibility": "ramp"}],
                },
                "regular_schedule": [{"id": "h1", "weekday": "MO", "opens_at": "09:00", "closes_at": "17:00"}],
            }
        ],
    }  # fmt: skip
    path = tmp_path / "services.json"
    path.write_text(json.dumps({"totalElements": 1, "content": [service]}))
    report = import_package(database, path)
    assert report.rejected == 0, report.common()
    assert stored(database, "service")["s1"].minimum_age == "60"
    assert stored(database, "attribute")["x1"].taxonomy_term_id == "t1"
    assert stored(database, "taxonomy_term")["t1"].name == "Food"
    assert stored(database, "schedule")["h1"].service_at_location_id == "x1"
    assert stored(database, "accessibility")["w1"].description == "ramp"
    assert stored(database, "address")["a1"].address_type == "physical"


def test_a_record_a_line_and_several_files(database: Database, tmp_path: Path) -> None:
    folder = tmp_path / "api"
    folder.mkdir()
    (folder / "services.ndjson").write_text(
        '{"id": "s1", "name": "A", "status": "active"}\n\n{"id": "s2", "name": "B", "status": "active"}\n'
    )
    (folder / "organization_list.json").write_text(
        '{"contents": [{"id": "o1", "name": "O", "description": "d", "services": [{"id": "s1"}]}]}'
    )
    (folder / "api_details.json").write_text('{"version": "HSDS-UK-3.0"}')
    report = import_package(database, folder)
    assert set(stored(database, "service")) == {"s1", "s2"}
    assert stored(database, "service")["s1"].organization_id == "o1"
    assert [(issue.file, issue.kind) for issue in report.issues] == [("api_details.json", "ignored")]


def test_deep_or_broken_json_is_one_sentence(database: Database, tmp_path: Path) -> None:
    for content in ("[" * 100_000, '{"contents": ' * 50_000, '{"id": ' * 5_000, '{"contents": [{"id": "s1"'):
        path = tmp_path / "services.json"
        path.write_text(content)
        with pytest.raises(DataError) as error:
            import_package(database, path)
        assert str(error.value).startswith("The file services.json")
        assert "\n" not in str(error.value)


def test_a_mapping_explains_tables_of_no_standard(database: Database, tmp_path: Path) -> None:
    folder = tmp_path / "own"
    write_tables(
        folder,
        {
            "places": [
                {
                    "Nr": "7", "What": "Soup", "Open?": "yes", "Tel": "main: 1, fax: 2", "Areas": "N; S",
                    "When": "Monday: 9:00-12:00 , 13:00-17:00 Tuesday: Closed",
                }
            ],
        },
    )  # fmt: skip
    mapping = tmp_path / "mapping.yml"
    mapping.write_text(
        "places:\n"
        "  Nr: {model: services, field: id}\n"
        "  What: {model: services, field: name}\n"
        "  Open?: {model: services, field: status, values: {yes: active, 'True': active}}\n"
        "  When: {model: schedules, read: weekly hours, foreign_key_name: service_id, foreign_key_value: Nr}\n"
        "  Tel: {model: phones, read: phones, foreign_key_name: service_id, foreign_key_value: Nr}\n"
        "  Areas: {model: service_areas, field: name, split: ';', foreign_key_name: service_id, foreign_key_value: Nr}\n"
    )
    report = import_package(database, folder, mapping=read_mapping(mapping))
    assert report.rejected == 0, report.common()
    assert stored(database, "service")["7"].status == "active"
    hours = {(row.byday, row.opens_at, row.closes_at) for row in stored(database, "schedule").values()}
    assert hours == {("MO", "09:00", "12:00"), ("MO", "13:00", "17:00")}
    assert {(row.number, row.type) for row in stored(database, "phone").values()} == {("1", "voice"), ("2", "fax")}
    assert {row.name for row in stored(database, "service_area").values()} == {"N", "S"}


@pytest.mark.parametrize(
    "text", ["places: [", "places: {a: {model: nothing, field: id}}", "places: {a: {model: services, read: minds}}", "- a"]
)
def test_a_broken_mapping_is_one_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "m.yml").write_text(text)
    with pytest.raises(DataError, match=re.escape("m.yml")):
        read_mapping(tmp_path / "m.yml")


def test_our_mappings_can_be_read() -> None:
    assert {mapping.name for mapping in bundled()} == {"florida.yml", "ilao.yml"}


REAL = {
    "ohana": {"service": 23, "location": 22, "schedule": 15, "taxonomy_term": 290, "service_at_location": 23},
    "ilao/input": {"service": 427, "location": 553, "service_at_location": 423},
    "ilao/output": {"service": 429, "location": 553, "schedule": 1827, "phone": 963},
    "florida": {"service": 135, "location": 378, "service_area": 1493, "organization": 20},
    "uk-profile/examples": {"service": 1, "schedule": 1},
    "uk-profile/examples/csv": {"service": 1, "schedule": 1},
    "oruk/V3.0-UK-Default": {"service": 1, "organization": 10},
    "oruk/V3.0-UK-Fail": {"service": 1},
    "oruk/V3.0-UK-Test": {"service": 1},
    "oruk/V3.0-UK-Warn": {"service": 1},
}


@pytest.mark.shared
@pytest.mark.parametrize("name", REAL)
def test_real_directories_import_and_stay_the_same(shared: Path, database: Database, tmp_path: Path, name: str) -> None:
    path = shared / "hsds" / "directories" / name
    with written(tmp_path / "report.csv") as report:
        import_package(database, path, report=report)
    for resource, count in REAL[name].items():
        assert len(stored(database, resource)) == count, resource
    told = list(csv.DictReader(io.StringIO((tmp_path / "report.csv").read_text("utf-8"))))
    assert len(told) == sum(report.found.values()) > 0
    assert all(row["file"] and row["reason"] for row in told)
    assert import_package(database, path).changes == 0
    export_directory(database, tmp_path / "out.zip")
    assert import_package(database, tmp_path / "out.zip").changes == 0


# Out again


def test_json_conforms_to_the_standard_and_imports_again(database: Database, demo: Database, tmp_path: Path) -> None:
    from tests.webhooks.test_hsds import nested_schema

    path = tmp_path / "directory.json"
    counts = export_json(demo, path)
    told = json.loads(path.read_text("utf-8"))
    lists = {"services": "service", "organizations": "organization", "locations": "location", "taxonomy_terms": "taxonomy_term"}
    for name, resource in lists.items():
        validator = jsonschema_rs.validator_for(nested_schema(resource))
        for record in told[name]:
            validator.validate(record)
    report = import_package(database, path)
    assert report.issues == []
    assert {name: len(stored(database, name)) for name in counts} == counts
    assert import_package(database, tmp_path / "directory.json").changes == 0


def test_everything_the_standard_has_comes_back_from_json(database: Database, tmp_path: Path) -> None:
    tables: dict[str, Rows] = {}
    ids = {name: f"{name}-1" for name in RESOURCES}
    for name, resource in RESOURCES.items():
        row = {"id": ids[name]}
        for column in resource.columns:
            rules = _rules(name, column)
            row[column] = ids[resource.links[column]] if column in resource.links else _example(column, rules)
        if name == "attribute":
            row |= {"link_id": ids["service"], "link_entity": "service"}
        if name == "metadata":
            row |= {"resource_id": ids["location"], "resource_type": "location"}
        if name in {"taxonomy_term", "organization"}:
            row.pop("parent_id", None), row.pop("parent_organization_id", None)
        tables[name] = [row]
    report = import_package(database, write_tables(tmp_path / "all", tables))
    assert [issue for issue in report.issues if issue.kind != "doubt"] == []
    before = everything(database)
    export_json(database, tmp_path / "all.json")
    again = import_package(database, tmp_path / "all.json")
    assert (again.changes, again.issues) == (0, [])
    assert everything(database) == before


def _rules(resource: str, column: str) -> dict[str, Any]:
    from bot.directory.cleaning import SCHEMAS

    rules: dict[str, Any] = json.loads((SCHEMAS / f"{resource}.json").read_text("utf-8"))["properties"][column]
    return rules


def _example(column: str, rules: dict[str, Any]) -> str:
    if "enum" in rules:
        return str(rules["enum"][0])
    kind = rules.get("datapackage_type") or rules.get("format") or rules.get("type")
    known = {
        "date": "2026-11-22", "datetime": "2026-11-22T10:00:00Z", "date-time": "2026-11-22T10:00:00Z", "time": "09:00",
        "number": "12", "uri": "https://care.example.org", "email": "a@example.org",
    }  # fmt: skip
    return known.get(str(kind), "https://care.example.org" if column in {"url", "website", "logo"} else "a text")


def test_a_zip_of_tables_is_an_export_too(demo: Database, database: Database, tmp_path: Path) -> None:
    export_directory(demo, tmp_path / "out.zip")
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert {"services.csv", "datapackage.json"} <= set(archive.namelist())
    assert import_package(database, tmp_path / "out.zip").issues == []
    assert everything(database) == everything(demo)


def test_the_report_file_has_every_issue_also_beyond_what_is_kept(
    database: Database, package: Package, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bot.directory import report as reporting

    monkeypatch.setattr(reporting, "KEPT", 3)
    services = [KITCHEN["services"][0], *({"id": f"b{n}", "status": "active"} for n in range(10))]
    with written(tmp_path / "r.csv") as report:
        import_package(database, package(kitchen(services=services)), report=report)
    assert len(report.issues) == 3
    rows = list(csv.DictReader(io.StringIO((tmp_path / "r.csv").read_text("utf-8"))))
    assert [(row["file"], row["line"], row["field"], row["kind"]) for row in rows] == [
        ("services.csv", str(line), "name", "error") for line in range(3, 13)
    ]


def test_memory_is_on_the_disk_and_gone_afterwards(
    database: Database, package: Package, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = set(tmp_path.iterdir())
    import_package(database, package(KITCHEN))
    assert {path.name for path in set(tmp_path.iterdir()) - before} == {"package0"}


# Anything at all


@given(st.dictionaries(st.sampled_from(sorted(older.understood("service") | {"weekday"})), st.text(max_size=30)))
def test_any_row_is_told_anew(values: dict[str, str]) -> None:
    for made in older.told_anew("services", "service", values):
        assert made.resource in RESOURCES


@given(st.text(max_size=40))
def test_days_never_fail(text: str) -> None:
    told = older.days(text)
    assert told == text or re.fullmatch(r"(MO|TU|WE|TH|FR|SA|SU)(,(MO|TU|WE|TH|FR|SA|SU))*", told)


@given(
    st.sampled_from(sorted(RESOURCES)),
    st.dictionaries(st.text(max_size=12), st.text(max_size=40), max_size=6),
    st.text(max_size=40),
)
def test_cleaning_takes_or_refuses_any_row(resource: str, values: dict[str, str], text: str) -> None:
    issues: list[Issue] = []
    row = Row(resource, "a.csv", 2, dict.fromkeys(RESOURCES[resource].columns, text) | values | {"id": "1"})
    cleaned = Cleaner(issues.append).clean(row)
    assert cleaned is None or all(isinstance(value, str) and value for value in cleaned.values())


_NAMES = ["id", "name", "status", "phones", "services", "location", "contents", "taxonomy", "attributes"]
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_NAMES), inner, max_size=4),
    max_leaves=12,
)


@given(_JSON)
def test_any_json_is_read_or_refused_in_a_sentence(document: Any) -> None:
    found = []
    with contextlib.suppress(DataError):
        found = list(jsonform.records(io.BytesIO(json.dumps(document).encode()), "services.json"))
    for record in found:
        if not isinstance(record, str):
            for stem, values in jsonform.flattened(record.resource, record.data):
                assert older.resource_of(stem, ())
                assert all(isinstance(value, str) for value in values.values())


def test_reading_gives_every_row_of_the_demo(demo: Database) -> None:
    from tests.bot.directory.packages import DEMO

    rows = [row for row in read_package(DEMO) if isinstance(row, Row)]
    with demo.read() as session:
        total = sum(session.scalar(select(func.count()).select_from(table)) or 0 for table in TABLES.values())
    assert len(rows) == total
