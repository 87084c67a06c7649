"""Known holes in the packages of uv.lock, from a copy of an advisory database instead of a service.

    uv run python .ci/advisories.py FOLDER

FOLDER is a clone of https://github.com/pypa/advisory-database or of https://github.com/github/advisory-database, which knows
more: one file for each hole, in the OSV format (https://ossf.github.io/osv-schema/). Prints the holes that
.ci/advisories.txt does not explain, and fails if there are any.
"""

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

ROOT = Path(__file__).resolve().parents[1]
#: The fast loader where libyaml is there; the same result without it.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def locked() -> dict[str, str]:
    """The version of every package of uv.lock, by its canonical name."""
    packages = tomllib.loads((ROOT / "uv.lock").read_text("utf-8"))["package"]
    return {canonicalize_name(one["name"]): one["version"] for one in packages if "registry" in one["source"]}


def explained() -> dict[str, str]:
    """Holes that stay, and why."""
    rows = [line.split(None, 1) for line in (ROOT / ".ci" / "advisories.txt").read_text("utf-8").splitlines()]
    return {row[0]: row[1] for row in rows if len(row) == 2 and not row[0].startswith("#")}


def affects(advisory: dict[str, Any], name: str, version: str) -> bool:
    """Whether a version has this hole: it is listed, or lies in a range (OSV, "Evaluation").

    Ranges hold a version from `introduced` on up to `fixed`, which is whole, or `last_affected`, which is not.
    """
    for affected in advisory.get("affected", []):
        package = affected.get("package", {})
        if package.get("ecosystem") != "PyPI" or canonicalize_name(package.get("name", "")) != name:
            continue
        if version in affected.get("versions", []):
            return True
        if any(_inside(one["events"], version) for one in affected.get("ranges", []) if one.get("type") == "ECOSYSTEM"):
            return True
    return False


def _inside(events: list[dict[str, str]], version: str) -> bool:
    mine = Version(version)
    inside = False
    for event in sorted(events, key=lambda one: Version(next(iter(one.values())))):
        (kind, at), *_ = event.items()
        if kind == "introduced" and mine >= Version(at):
            inside = True
        elif (kind == "fixed" and mine >= Version(at)) or (kind == "last_affected" and mine > Version(at)):
            inside = False
    return inside


def advisories(folder: Path) -> Iterator[dict[str, Any]]:
    """Every advisory about a Python package, of either database."""
    for path in sorted(folder.glob("vulns/*/*.yaml")):
        yield yaml.load(path.read_text("utf-8"), Loader=LOADER)  # a safe loader
    for path in sorted(folder.glob("advisories/github-reviewed/*/*/*/*.json")):
        text = path.read_text("utf-8")
        if '"PyPI"' in text:
            yield json.loads(text)


def holes(every: Iterable[dict[str, Any]], packages: Mapping[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each hole of these packages: "name version", and the advisory. Withdrawn ones are none."""
    for advisory in every:
        named = {canonicalize_name(one["package"]["name"]) for one in advisory.get("affected", []) if "package" in one}
        for name in sorted(named & packages.keys()):
            try:
                if not advisory.get("withdrawn") and affects(advisory, name, packages[name]):
                    yield f"{name} {packages[name]}", advisory
            except InvalidVersion as error:
                print(f"{advisory['id']}: not read ({error})")


def main() -> int:
    """Print what was found; the exit code."""
    folder = Path(sys.argv[1])
    every = list(advisories(folder))
    if not every:
        print(f"{folder} is no clone of an advisory database.")
        return 2
    git = ["git", "-C", str(folder), "log", "-1", "--format=%cs"]
    date = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip() or "an unknown day"
    known = explained()
    stays: dict[str, set[str]] = {}
    open_holes = 0
    for package, advisory in holes(every, locked()):
        ids = {advisory["id"], *advisory.get("aliases", [])}
        reason = next((known[one] for one in ids if one in known), None)
        if reason is not None:
            stays.setdefault(package, set()).add(advisory["id"])
            continue
        open_holes += 1
        said = (advisory.get("summary") or advisory.get("details") or "").strip().splitlines()
        print(f"{package}: {advisory['id']} ({', '.join(sorted(advisory.get('aliases', [])))}) {said[0][:160] if said else ''}")
    for package, ids in stays.items():
        print(f"{package}: {', '.join(sorted(ids))} stays, explained in .ci/advisories.txt")
    print(f"{len(locked())} packages against {len(every)} advisories as of {date}: {open_holes} not explained.")
    print("Whatever was published after that day is not in it.")
    return 1 if open_holes else 0


if __name__ == "__main__":
    sys.exit(main())
