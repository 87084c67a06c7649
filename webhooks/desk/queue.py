"""The queue: who is waiting, who has whom."""

from flask import Blueprint, Response

from bot import escalation, staff
from bot.escalation import Case
from bot.staff import Role, may
from webhooks.current import careline
from webhooks.desk.guard import current, protect
from webhooks.desk.page import page

blueprint = Blueprint("desk_queue", __name__, url_prefix="/desk")
protect(blueprint)

#: Tables of the queue, in the order they are shown.
GROUPS = {"waiting": "Waiting", "mine": "Yours", "colleagues": "With colleagues", "answered": "Answered, not closed"}


@blueprint.get("")
def queue() -> Response:
    """Who is waiting, for the teams of whoever looks."""
    with careline().database.read() as database:
        teams = staff.teams_of(database, current().id)
        waiting = [one for one in escalation.queue(database) if visible(one.case, teams)]
    groups = {name: [one for one in waiting if group(one.case) == name] for name in GROUPS}
    return page("queue.html", groups=groups, titles=GROUPS)


def visible(case: Case, teams: frozenset[int]) -> bool:
    """Whether a case is for whoever looks; stewards and administrators see all, and everybody sees what they have taken."""
    return case.claimed_by == current().id or escalation.sees(case, teams, may(current(), Role.STEWARD))


def group(case: Case) -> str:
    """Which table of the queue a case stands in, for whoever looks."""
    if case.status == "open":
        return "waiting"
    if case.status == "claimed":
        return "mine" if case.claimed_by == current().id else "colleagues"
    return "answered"
