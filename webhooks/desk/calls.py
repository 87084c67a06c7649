"""Whom to call back, and what people said to the machine that answered."""

from flask import Blueprint, Response, abort, flash, redirect, request, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from bot import audit, callback, case_history, staff
from bot.callback import Callback
from bot.escalation import Case
from bot.phone import written
from webhooks import twilio
from webhooks.current import careline
from webhooks.desk.guard import current, protect
from webhooks.desk.page import page
from webhooks.desk.queue import visible

blueprint = Blueprint("desk_calls", __name__, url_prefix="/desk/calls")
protect(blueprint)


@blueprint.get("")
def calls() -> Response:
    """The call-back list, the oldest first."""
    return _show()


@blueprint.post("/<callback_id>/number")
def number(callback_id: str) -> Response:
    """Show the number of one person, and note who saw it. Never for somebody who has not said that a call is safe."""
    with careline().database.begin() as database:
        task = database.get(Callback, callback_id)
        if task is None or not task.may_be_called or _case(task) is None:
            abort(404)
        audit.record(database, current().id, "number shown", f"callback {task.id}")
    return _show(shown=callback_id)


@blueprint.post("/<callback_id>")
def done(callback_id: str) -> BaseResponse:
    """What came of a call, or that a message has been heard."""
    outcome = request.form.get("outcome", "")
    with careline().database.begin() as database:
        task = database.get(Callback, callback_id)
        found = _case(task) if task is not None else None
        if task is None or found is None or outcome not in ("reached", "missed", "heard"):
            abort(404)
        if outcome == "heard":
            changed = callback.finish(database, callback_id)
        else:
            changed = task.may_be_called and callback.attempt(database, callback_id, reached=outcome == "reached")
        if changed:
            audit.record(database, current().id, f"call-back {outcome}", f"callback {task.id}")
            if isinstance(found, Case):
                case_history.add(database, found.id, "called", current().id, detail=outcome)
    flash("Noted." if changed else "A colleague was faster, or three calls have been made.")
    return redirect(url_for("desk_calls.calls"))


@blueprint.get("/<callback_id>/recording")
def recording(callback_id: str) -> Response:
    """The spoken message, fetched from the provider; our browser never asks the provider itself."""
    with careline().database.begin() as database:
        task = database.get(Callback, callback_id)
        if task is None or task.recording_id is None or _case(task) is None:
            abort(404)
        audit.record(database, current().id, "message heard", f"callback {task.id}")
        recording_id = task.recording_id
    sound = twilio.recording(careline().settings, recording_id)
    if sound is None:
        abort(502, "The provider does not give the recording: try again in a minute.")
    return Response(sound, mimetype="audio/mpeg")


def _case(task: Callback) -> Case | bool | None:
    """The case a task belongs to, True where there is none, None where it is not for whoever looks."""
    with careline().database.read() as database:
        found = database.scalar(
            select(Case).where(Case.conversation_id == task.conversation_id).order_by(Case.opened_at.desc()).limit(1)
        )
        if found is None:
            return True
        return found if visible(found, staff.teams_of(database, current().id)) else None


def _show(shown: str = "") -> Response:
    country = careline().settings.country
    with careline().database.read() as database:
        tasks = callback.waiting(database)
    rows = []
    for task in tasks:
        found = _case(task)
        if found is not None:
            call = written(task.number, country) if task.id == shown and task.number else None
            rows.append((task, found if isinstance(found, Case) else None, call))
    return page("calls.html", rows=rows, most=callback.ATTEMPTS)
