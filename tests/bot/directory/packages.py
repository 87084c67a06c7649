"""Small packages made by hand, and databases to import them into."""

import csv
from pathlib import Path

from bot.db import Base, Database
from tests import servers

DEMO = Path(__file__).parents[3] / "data" / "directory"

Rows = list[dict[str, str]]

#: The smallest directory: a kitchen in one place, open on weekdays, with one topic.
KITCHEN: dict[str, Rows] = {
    "organizations": [{"id": "o1", "name": "Kitchen Club", "description": "Cooks"}],
    "services": [
        {"id": "s1", "organization_id": "o1", "name": "Soup", "status": "active", "assured_date": "2026-11-01"},
    ],
    "locations": [{"id": "l1", "location_type": "physical", "name": "Hall", "latitude": "50.5", "longitude": "-2.3"}],
    "service_at_location": [{"id": "x1", "service_id": "s1", "location_id": "l1"}],
    "addresses": [
        {
            "id": "a1", "location_id": "l1", "address_1": "1 Road", "city": "Port Amity", "region": "Old Town",
            "state_province": "Amityshire", "postal_code": "ZZ1 1AA", "country": "GB", "address_type": "physical",
        }
    ],
    "phones": [{"id": "p1", "service_id": "s1", "number": "+44 1632 960999", "type": "voice"}],
    "schedules": [
        {
            "id": "h1", "service_at_location_id": "x1", "freq": "WEEKLY", "byday": "MO,TU,WE,TH,FR",
            "opens_at": "09:00", "closes_at": "17:00",
        }
    ],
    "taxonomies": [{"id": "t", "name": "Topics", "description": "Topics"}],
    "taxonomy_terms": [{"id": "t1", "code": "food", "name": "Food", "description": "Food", "taxonomy_id": "t"}],
    "attributes": [
        {
            "id": "at1", "link_id": "s1", "taxonomy_term_id": "t1", "link_type": "taxonomy", "link_entity": "service",
            "value": "1",
        }
    ],
}  # fmt: skip


def write_tables(folder: Path, tables: dict[str, Rows]) -> Path:
    """A package of CSV files; a table's columns are those that its rows use."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        columns = list(dict.fromkeys(column for row in rows for column in row))
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(rows)
    return folder


def kitchen(**changes: Rows) -> dict[str, Rows]:
    """The smallest directory with some tables replaced."""
    return KITCHEN | changes


def new_database(path: Path) -> Database:
    """An empty database with all tables."""
    database = Database(servers.new_database(servers.in_use) if servers.in_use else f"sqlite:///{path}")
    Base.metadata.create_all(database.engine)
    return database
