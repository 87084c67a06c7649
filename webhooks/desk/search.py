"""Looking for a case."""

from flask import Blueprint, Response, request

from bot import audit, case_search, staff
from bot.phone import normalised
from webhooks.current import careline
from webhooks.desk.guard import current, protect
from webhooks.desk.page import page
from webhooks.desk.queue import visible

blueprint = Blueprint("desk_search", __name__, url_prefix="/desk/search")
protect(blueprint)


@blueprint.route("", methods=["GET", "POST"])
def search() -> Response:
    """Cases by number, word or id. The words go in the body: what is looked for stands in no address and no log."""
    text = request.form.get("text", "").strip()[:200]
    found = []
    if text:
        digits = sum(character.isdecimal() for character in text)
        number = normalised(text, careline().settings.country) if digits >= 7 and digits >= len(text) / 2 else None
        with careline().database.begin() as database:
            teams = staff.teams_of(database, current().id)
            found = [(case, channel) for case, channel in case_search.find(database, text, number) if visible(case, teams)]
            audit.record(database, current().id, "searched", detail=f"{len(found)} found")
    return page("search.html", text=text, found=found, asked=bool(text))
