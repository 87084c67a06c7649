"""How the directory's cost grows: import, memory, and search with a place and two filters, from 100 services at locations on.

    python -m benchmarks.directory [--sizes 100,1000,10000] [--on sqlite,postgresql] [--database URL]

Each size is imported from a package of made-up tables into a database of its own, on one kind after the other, by a process
of its own, so that its memory is its own: SQLite in a temporary folder, a PostgreSQL that is started for it and writes to disk
as in real use, or with --database the one given, which is emptied first: never point it at a real one. The figures go to
docs/directory-growth.csv, the plot to docs/directory-growth.svg; those of --database nowhere.
"""

import argparse
import csv
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import text

from bot.db import Database
from bot.directory.importer import import_package
from bot.directory.search import Query, search
from bot.filters import parse
from bot.migrations.tables import metadata
from bot.places import Place
from bot.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
DEMO = ROOT / "data" / "directory"
SIZES = (100, 1_000, 10_000, 30_000, 100_000)
SEARCHES = 400
#: Services at locations for each service, rows of each kind for each service or location: like the demo municipality.
_PLACES, _HOURS = 2, 4
_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_LANGUAGES = ("en", "es", "fr", "pt", "nl", "ar", "ur", "ne", "sw", "tl", "zh", "ja")


def write_package(folder: Path, size: int) -> int:
    """A package with `size` services at locations; how many rows it has in all."""
    chance = random.Random(size)
    folder.mkdir(parents=True)
    terms = list(csv.DictReader((DEMO / "taxonomy_terms.csv").open(encoding="utf-8")))
    services, locations = max(1, size // _PLACES), max(1, size // 4)
    organizations = max(1, services // 5)
    tables: dict[str, Any] = {
        "organizations": (
            {"id": f"o{n}", "name": f"Organization {n}", "description": "Made up"} for n in range(organizations)
        ),
        "services": (
            {
                "id": f"s{n}", "organization_id": f"o{n % organizations}", "name": f"Service {n} of care",
                "description": f"What service {n} does for people, told in a sentence or two as directories do.",
                "status": "active", "assured_date": f"2026-{1 + n % 11:02}-15", "minimum_age": chance.choice(["", "18", "60"]),
                "eligibility_description": chance.choice(["", "for people over 60", "for women"]),
            }
            for n in range(services)
        ),
        "locations": (
            {
                "id": f"l{n}", "location_type": "physical", "name": f"House {n}",
                "latitude": f"{50.5 + chance.uniform(-1, 1) * 0.2:.5f}", "longitude": f"{-2.3 + chance.uniform(-1, 1) * 0.3:.5f}",
            }
            for n in range(locations)
        ),
        "addresses": (
            {
                "id": f"a{n}", "location_id": f"l{n}", "address_1": f"{n} Long Road", "city": "Port Amity",
                "region": f"Area {n % 10}",
                "state_province": "Amityshire",
                "postal_code": f"ZZ{n % 99} 1AA", "country": "GB", "address_type": "physical",
            }
            for n in range(locations)
        ),
        "service_at_location": (
            {"id": f"x{n}", "service_id": f"s{n % services}", "location_id": f"l{(n * 7) % locations}"} for n in range(size)
        ),
        "phones": (
            {"id": f"p{n}", "service_id": f"s{n}", "number": f"+44 1632 960{n % 1000:03}", "type": "voice"}
            for n in range(services)
        ),
        "schedules": (
            {
                "id": f"h{n}", "service_at_location_id": f"x{n // _HOURS}", "freq": "WEEKLY",
                "byday": ",".join(chance.sample(_DAYS, 2)), "opens_at": "09:00",
                "closes_at": chance.choice(["12:30", "17:00", "21:00"]),
            }
            for n in range(size * _HOURS // 2)
        ),
        "languages": (
            {"id": f"g{n}", "service_id": f"s{n % services}", "name": "", "code": chance.choice(_LANGUAGES)}
            for n in range(services * 2)
        ),
        "accessibility": (
            {"id": f"w{n}", "location_id": f"l{n}", "description": chance.choice(("Wheelchair access", "Lift"))}
            for n in range(locations)
        ),
        "cost_options": (
            {
                "id": f"c{n}", "service_id": f"s{n}", "option": chance.choice(["free", "per hour"]),
                "amount": chance.choice(["0", "5"]), "currency": "GBP",
            }
            for n in range(services)
        ),
        "required_documents": (
            {"id": f"d{n}", "service_id": f"s{n}", "document": chance.choice(["None", "Proof of address"])}
            for n in range(services)
        ),
        "attributes": (
            {
                "id": f"t{n}", "link_id": f"s{n}", "link_type": "taxonomy", "link_entity": "service",
                "taxonomy_term_id": chance.choice(terms)["id"], "value": "1",
            }
            for n in range(services)
        ),
    }  # fmt: skip
    total = 0
    for name, rows in tables.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer: Any = None
            for row in rows:
                if writer is None:
                    writer = csv.DictWriter(file, list(row), lineterminator="\n")
                    writer.writeheader()
                writer.writerow(row)
                total += 1
    for name in ("taxonomies.csv", "taxonomy_terms.csv"):
        (folder / name).write_bytes((DEMO / name).read_bytes())
    return total + len(terms) + 1


def measure(folder: Path, url: str) -> dict[str, float]:
    """Import the package into the database and search it. Seconds, megabytes and milliseconds."""
    settings = Settings.from_env({})
    database = Database(url)
    metadata().drop_all(database.engine)
    metadata().create_all(database.engine)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    worked, started = processor(database), time.perf_counter()
    report = import_package(database, folder)
    imported, import_work = time.perf_counter() - started, processor(database) - worked
    assert not report.rejected, report.common()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    started = time.perf_counter()
    assert import_package(database, folder).changes == 0
    again = time.perf_counter() - started
    chance = random.Random(1)
    topics = [row["code"] for row in csv.DictReader((folder / "taxonomy_terms.csv").open(encoding="utf-8")) if row["code"]]
    moment = datetime(2026, 11, 24, 10, 30, tzinfo=UTC).astimezone(settings.time_zone)
    filters = parse("free with wheelchair access", moment).filters
    taken = []
    worked = processor(database)
    for number in range(SEARCHES + 20):
        place = Place(f"Somewhere {number}", 50.5 + chance.uniform(-1, 1) * 0.2, -2.3 + chance.uniform(-1, 1) * 0.3)
        query = Query(topic=chance.choice(topics), near=place, filters=filters)
        with database.read() as session:
            begun = time.perf_counter()
            search(session, query, moment, settings)
            taken.append((time.perf_counter() - begun) * 1000)
    search_work = (processor(database) - worked) / len(taken)
    taken = sorted(taken[20:])
    return {
        "rows": sum(counts.read for counts in report.counts.values()),
        "listings": report.listings,
        "import_s": imported,
        "import_cpu_s": import_work,
        "again_s": again,
        "base_mb": before,
        "peak_mb": memory,
        "search_p50_ms": statistics.median(taken),
        "search_p95_ms": taken[int(len(taken) * 0.95)],
        "search_cpu_ms": search_work * 1000,
    }


def processor(database: Database) -> float:
    """Seconds of processor time so far: this process's, and what a PostgreSQL on this machine has used for its database.

    Whatever else the machine does, these hardly change, unlike the seconds on the clock.
    """
    own = time.process_time()
    if database.engine.dialect.name != "postgresql" or database.engine.url.host != "127.0.0.1":
        return own
    ticks = 0
    with database.read() as session:
        for pid in session.scalars(text("SELECT pid FROM pg_stat_activity WHERE datname = current_database()")):
            told = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(told[11]) + int(told[12])  # utime and stime (proc(5))
    return own + ticks / os.sysconf("SC_CLK_TCK")


def plot(figures: list[dict[str, Any]], path: Path) -> None:
    """Three curves over the number of services at locations for each kind of database; the solid ones are SQLite's."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    kinds = list(dict.fromkeys(row["database"] for row in figures))
    _, axes = pyplot.subplots(1, 3, figsize=(12, 3.6))
    for axis, (title, unit, *names) in zip(
        axes,
        (
            ("Import", "seconds", "import_s", "again_s"),
            ("Memory at most", "MB", "peak_mb"),
            ("Search, place and two filters", "ms", "search_p50_ms", "search_p95_ms"),
        ),
        strict=True,
    ):
        for kind, line in zip(kinds, ("-", "--", ":"), strict=False):
            rows = [row for row in figures if row["database"] == kind]
            for name, colour in zip(names, ("C0", "C1"), strict=False):
                label = f"{name.rsplit('_', 1)[0].replace('_', ' ')}, {kind}"
                axis.plot([row["size"] for row in rows], [row[name] for row in rows], line, marker="o", color=colour, label=label)
        axis.set(title=title, ylabel=unit, xlabel="services at locations", xscale="log")
        axis.set_ylim(bottom=0)
        axis.grid(alpha=0.3)
        axis.legend(fontsize="small")
    pyplot.tight_layout()
    pyplot.savefig(path, metadata={"Date": None})


@contextmanager
def databases(kind: str, given: str) -> Iterator[Callable[[Path], str]]:
    """What gives the URL of an empty database for a size: of SQLite in its folder, of a PostgreSQL started now, or `given`."""
    if kind == "postgresql":
        from tests import servers  # not part of what the memory is measured of

        with servers.postgresql(durable=True) as server:
            yield lambda folder: servers.new_database(server.url)
    else:
        yield lambda folder: given or f"sqlite:///{folder}/directory.db"


def main() -> None:
    """Measure every size, print the figures, and draw them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="services at locations, comma separated")
    parser.add_argument("--on", default="sqlite,postgresql", help="kinds of database, comma separated (default: both)")
    parser.add_argument("--database", default="", help="SQLAlchemy URL of a database that may be emptied, instead")
    parser.add_argument("--one", nargs=2, metavar=("FOLDER", "URL"), help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.one:
        print(json.dumps(measure(Path(told.one[0]), told.one[1])))
        return
    figures: list[dict[str, Any]] = []
    for kind in ["given"] if told.database else told.on.split(","):
        with databases(kind, told.database) as empty:
            for size in map(int, told.sizes.split(",")):
                with tempfile.TemporaryDirectory() as folder:
                    package = Path(folder) / "package"
                    write_package(package, size)
                    command = [sys.executable, "-m", "benchmarks.directory", "--one", str(package), empty(Path(folder))]
                    load = os.getloadavg()[0]
                    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
                figures.append({"database": kind, "size": size, "load": load} | json.loads(done.stdout.splitlines()[-1]))
                print("  ".join(f"{name} {_shown(value)}" for name, value in figures[-1].items()), flush=True)
    if told.database:
        return
    with (ROOT / "docs" / "directory-growth.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(figures[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(
            {name: round(value, 2) if isinstance(value, float) else value for name, value in row.items()} for row in figures
        )
    plot(figures, ROOT / "docs" / "directory-growth.svg")


def _shown(value: str | float) -> str:
    return f"{value:,.1f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else value


if __name__ == "__main__":
    main()
