"""What an import found and did."""

import csv
import io
from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

#: error: the row was left out, or a field of it; repair: what was clearly meant was taken; reference: an id that leads
#: nowhere; ignored: a file or column that the standard does not know; missing: required by the standard, but not there.
Kind = Literal["error", "repair", "reference", "ignored", "missing"]

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
    """The outcome of an import: counts for each resource, and every issue in the order it was found."""

    counts: dict[str, Counts] = field(default_factory=dict)
    issues: list[Issue] = field(default_factory=list)
    listings: int = 0

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
        return Counter(issue.kind for issue in self.issues)

    def summary(self) -> str:
        """The outcome in one line."""
        counts = self.counts.values()
        parts = [f"{sum(getattr(count, name) for count in counts)} {name}" for name in ("read", "added", "changed", "removed")]
        return f"Rows: {', '.join(parts)}, {self.rejected} left out. Issues: {len(self.issues)}. Listings: {self.listings}."

    def as_csv(self) -> str:
        """The issues as CSV with a heading. What a spreadsheet would run as a formula has an apostrophe before it."""
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("file", "line", "field", "kind", "reason", "value"))
        for issue in self.issues:
            cells = (issue.file, issue.field, issue.kind, issue.reason, issue.value)
            file, field_, kind, reason, value = ("'" + cell if cell.startswith(_FORMULA) else cell for cell in cells)
            writer.writerow((file, issue.line, field_, kind, reason, value))
        return text.getvalue()
