"""The look for known holes: what counts as one, with invented advisories."""

import json
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bot.training import ROOT

AUDIT = runpy.run_path(str(ROOT / ".ci" / "advisories.py"))


def advisory(**affected: Any) -> dict[str, Any]:
    return {"id": "X-1", "affected": [{"package": {"ecosystem": "PyPI", "name": "Some_Package"}, **affected}]}


def between(*events: tuple[str, str]) -> dict[str, Any]:
    return advisory(ranges=[{"type": "ECOSYSTEM", "events": [{kind: at} for kind, at in events]}])


@pytest.mark.parametrize(
    ("known", "version", "hole"),
    [
        (between(("introduced", "0"), ("fixed", "2.10")), "2.9", True),
        (between(("introduced", "0"), ("fixed", "2.10")), "2.10", False),
        (between(("introduced", "0"), ("fixed", "2.10")), "2.10rc1", True),
        (between(("introduced", "2.0")), "1.9", False),
        (between(("introduced", "2.0")), "99", True),
        (between(("introduced", "1.0"), ("last_affected", "1.5")), "1.5", True),
        (between(("introduced", "1.0"), ("last_affected", "1.5")), "1.5.1", False),
        (between(("introduced", "0"), ("fixed", "1.2"), ("introduced", "2.0"), ("fixed", "2.1")), "1.3", False),
        (between(("introduced", "0"), ("fixed", "1.2"), ("introduced", "2.0"), ("fixed", "2.1")), "2.0.5", True),
        (advisory(versions=["1.0", "1.1"]), "1.1", True),
        (advisory(versions=["1.0", "1.1"]), "1.2", False),
        ({**between(("introduced", "0")), "withdrawn": "2024-01-01T00:00:00Z"}, "1.0", False),
        (
            {"id": "X-2", "affected": [{"package": {"ecosystem": "npm", "name": "some-package"}, "versions": ["1.0"]}]},
            "1.0",
            False,
        ),
    ],
)
def test_a_hole_is_one_in_its_versions_only(known: dict[str, Any], version: str, hole: bool) -> None:
    assert bool(list(AUDIT["holes"]([known], {"some-package": version}))) is hole


def test_a_hole_in_what_is_locked_fails(tmp_path: Path) -> None:
    """The script as it is run, with a hole in a package that really is in uv.lock."""
    folder = tmp_path / "advisories" / "github-reviewed" / "2026" / "01" / "GHSA-x"
    folder.mkdir(parents=True)
    known = between(("introduced", "0"))
    known["affected"][0]["package"]["name"] = "Flask"
    (folder / "GHSA-x.json").write_text(json.dumps(known, indent=1))
    command = [sys.executable, str(ROOT / ".ci" / "advisories.py"), str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert "flask" in ran.stdout
    assert "1 not explained" in ran.stdout


def test_without_data_nothing_is_said_to_be_well(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / ".ci" / "advisories.py"), str(tmp_path)]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 2


def test_every_exception_is_explained() -> None:
    """An id alone is no reason; and what stays is in docs/security.md too."""
    page = (ROOT / "docs" / "security.md").read_text("utf-8")
    for line in (ROOT / ".ci" / "advisories.txt").read_text("utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            id, _, reason = line.partition(" ")
            assert len(reason.split()) > 4, line
            assert id in page, id
