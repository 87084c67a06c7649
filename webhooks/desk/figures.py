"""Figures of the desk, by team."""

from datetime import timedelta

from flask import Blueprint, Response

from bot import figures
from bot.clock import now
from webhooks.current import careline
from webhooks.desk.guard import protect
from webhooks.desk.page import page

blueprint = Blueprint("desk_figures", __name__, url_prefix="/desk/figures")
protect(blueprint)

DAYS = 30


@blueprint.get("")
def show() -> Response:
    """The last thirty days, for everybody at the desk: what is counted is no secret among those it is about."""
    with careline().database.read() as database:
        rows = figures.by_team(database, now() - timedelta(days=DAYS))
    return page("figures.html", rows=rows, days=DAYS, fewest=figures.FEWEST)
