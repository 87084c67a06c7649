"""Figures of the desk, by team: never of a person, and never of fewer than five cases.

A cell under FEWEST is shown as "fewer than five", and so is the next smallest where one alone could be worked out from the sum.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.escalation import Case
from bot.staff import Team

FEWEST = 5


@dataclass(frozen=True)
class Figures:
    """A team's cases in a time. Each number is None where it is too small to be shown.

    `in_time` counts those answered by when the person was told, `helped` those who said so of those who said anything.
    """

    team: str
    cases: int | None
    answered: int | None
    in_time: int | None
    said: int | None
    helped: int | None


def by_team(session: Session, since: datetime) -> list[Figures]:
    """Figures of every team for cases opened since a moment; cases of no team count as everybody's."""
    names: dict[int | None, str] = {None: "Everybody"}
    names |= {team.id: team.name for team in session.scalars(select(Team))}
    counts: dict[str, Counter[int | None]] = {name: Counter() for name in ("cases", "answered", "in_time", "said", "helped")}
    for case in session.scalars(select(Case).where(Case.opened_at >= since)):
        counts["cases"][case.team_id] += 1
        counts["answered"][case.team_id] += case.answered_at is not None
        counts["in_time"][case.team_id] += case.answered_at is not None and case.answered_at <= case.due_at
        counts["said"][case.team_id] += case.helped is not None
        counts["helped"][case.team_id] += case.helped == "yes"
    shown = {name: hidden(counter) for name, counter in counts.items()}
    rows = []
    for team_id in sorted(counts["cases"], key=lambda one: names.get(one, "")):
        cells = {name: column.get(team_id, 0) for name, column in shown.items()}
        if cells["cases"] is None:
            cells = dict.fromkeys(cells, None)
        # What is left over tells as much as the number itself.
        cells["answered"] = _both(cells["cases"], cells["answered"])
        cells["in_time"] = _both(cells["answered"], cells["in_time"])
        cells["helped"] = _both(cells["said"], cells["helped"])
        rows.append(Figures(team=names.get(team_id, "A closed team"), **cells))
    return rows


def hidden(counts: Counter[int | None]) -> dict[int | None, int | None]:
    """Counts with those under FEWEST taken out; where that leaves one alone out, the next smallest goes too."""
    small = [key for key, count in counts.items() if 0 < count < FEWEST]
    if len(small) == 1:
        others = [key for key, count in counts.items() if count >= FEWEST]
        small += sorted(others, key=lambda key: counts[key])[:1]
    return {key: None if key in small else count for key, count in counts.items()}


def _both(whole: int | None, part: int | None) -> int | None:
    """A part of a whole, shown only if neither it nor the rest is under FEWEST."""
    if whole is None or part is None or 0 < part < FEWEST or 0 < whole - part < FEWEST:
        return None
    return part
