"""What an import found and did."""

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

#: error: the row was left out, or a field of it; repair: what was clearly meant was taken; reference: an id that leads
#: nowhere; ignored: a file or column that the standard does not know; missing: required by the standard, but not there;
#: doubt: kept, but somebody should look at it; steward: a change made by hand that newer data has
#: replaced.
Kind = Literal["error", "repair", "reference", "ignored", "missing", "doubt", "steward"]

#: Issues that are kept in memory; a report file gets all of them.
KEPT: Final = 20_000
HEADING: Final = ("file", "line", "field", "kind", "reason", "value")

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Issue:
    """One finding. `line` counts from 1, and is the number of the record in a JSON file; 0 is the file itself."""

    file: str
    line: int
    field: str
    kind: Kind
    reason: str
    value: str = ""


@dataclass
class Counts:
    """Rows of one resource: how many came, how many of them were left out, and what changed in the directory."""

    read: int = 0
    rejected: int = 0
    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0

    @property
    def changes(self) -> int:
        """Rows added, changed or removed."""
        return self.added + self.changed + self.removed


@dataclass
class Report:
    """The outcome of an import: counts for each resource, and what was found, in the order it was found.

    `issues` are the first KEPT of them, `found` counts all, by file, kind, field and reason; `sink` is handed each.
    """

    counts: dict[str, Counts] = field(default_factory=dict)
    issues: list[Issue] = field(default_factory=list)
    listings: int = 0
    found: Counter[tuple[str, Kind, str, str]] = field(default_factory=Counter)
    sink: Callable[[Issue], None] | None = None

    def add(self, issue: Issue) -> None:
        """Take note of an issue."""
        if len(self.issues) < KEPT:
            self.issues.append(issue)
        if len(self.found) < KEPT or self._key(issue) in self.found:
            self.found[self._key(issue)] += 1
        if self.sink is not None:
            self.sink(issue)

    @staticmethod
    def _key(issue: Issue) -> tuple[str, Kind, str, str]:
        return issue.file, issue.kind, issue.field, issue.reason

    @property
    def changes(self) -> int:
        """Rows added, changed or removed, over all resources; 0 when the same package comes again."""
        return sum(counts.changes for counts in self.counts.values())

    @property
    def rejected(self) -> int:
        """Rows left out, over all resources."""
        return sum(counts.rejected for counts in self.counts.values())

    def kinds(self) -> Counter[str]:
        """How many issues there are of each kind."""
        kinds: Counter[str] = Counter()
        for (_, kind, _, _), count in self.found.items():
            kinds[kind] += count
        return kinds

    def summary(self) -> str:
        """The outcome in one line."""
        counts = self.counts.values()
        parts = [f"{sum(getattr(count, name) for count in counts)} {name}" for name in ("read", "added", "changed", "removed")]
        issues = sum(self.found.values())
        return f"Rows: {', '.join(parts)}, {self.rejected} left out. Issues: {issues}. Listings: {self.listings}."

    def common(self, most: int = 20) -> list[str]:
        """The most frequent issues, a line each: how many, where, and why."""
        return [
            f"{count:>6} {kind}: {file}{f' {name}' if name else ''}: {reason}"
            for (file, kind, name, reason), count in self.found.most_common(most)
        ]

    def as_csv(self) -> str:
        """The issues as CSV with a heading. What a spreadsheet would run as a formula has an apostrophe before it."""
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(HEADING)
        writer.writerows(map(_cells, self.issues))
        return text.getvalue()


def _cells(issue: Issue) -> list[str]:
    cells = (issue.file, str(issue.line), issue.field, issue.kind, issue.reason, issue.value)
    return ["'" + cell if cell.startswith(_FORMULA) else cell for cell in cells]


@contextmanager
def written(path: Path | None) -> Iterator[Report]:
    """A report whose issues are written to a CSV file as they are found; without a path, to none."""
    if path is None:
        yield Report()
        return
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADING)
        yield Report(sink=lambda issue: writer.writerow(_cells(issue)))
