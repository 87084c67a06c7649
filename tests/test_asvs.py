"""docs/security.md leaves no requirement out, and names no test that is not there."""

import re

from bot.training import ROOT

ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (ROOT / "docs" / "security.md").read_text("utf-8").splitlines()
    if re.match(r"\| \d+\.\d+\.\d+", line)
]
HOW = {"test", "by design", "operator", "desk", "open"}


def test_every_requirement_of_levels_1_and_2_has_one_row() -> None:
    wanted = [line for line in (ROOT / "tests" / "data" / "asvs.txt").read_text().splitlines() if not line.startswith("#")]
    assert len(wanted) == 253
    named = [number.strip() for row in ROWS for number in row[0].split(",")]
    assert sorted(named) == sorted(wanted)


def test_every_row_has_a_test_or_a_reason() -> None:
    for numbers, how, reason in ROWS:
        assert how in HOW, numbers
        assert len(reason) > 10, numbers
        assert (how != "test") or "`test_" in reason, numbers


def test_every_test_that_is_named_exists() -> None:
    tests = "".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    for numbers, _, reason in ROWS:
        for name in re.findall(r"`(test_\w+)`", reason):
            assert f"def {name}(" in tests, f"{numbers}: {name}"
