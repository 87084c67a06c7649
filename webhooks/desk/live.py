"""What happens at the desk, as it happens: server-sent events (https://html.spec.whatwg.org/#server-sent-events).

One thread of each web process reads what has changed and wakes everybody who listens, so that two hundred open desks cost the
database no more than one. A row of the queue is put into words once, whoever sees it. A browser that cannot listen, or finds no
place, asks for all rows every few seconds instead.
"""

import json
import logging
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextvars import copy_context
from dataclasses import dataclass

from flask import Blueprint, Flask, Response, abort, current_app, render_template, request, stream_with_context
from sqlalchemy import case as sql_case
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot import escalation, staff
from bot.case_history import CaseEvent
from bot.conversation import Conversation, Message
from bot.errors import CarelineError
from bot.escalation import Case, Waiting
from bot.outbox import RANK, OutboxMessage
from bot.staff import Role, may
from webhooks.current import careline
from webhooks.desk.guard import current, protect
from webhooks.desk.page import tools

blueprint = Blueprint("desk_live", __name__, url_prefix="/desk")
protect(blueprint)
_log = logging.getLogger(__name__)

#: Seconds between two looks, between two signs of life, and until a browser has to ask again (and be let in again).
LOOKS, BEATS, LASTS = 0.25, 15.0, 600.0
#: Streams one process keeps open; the next browser asks every few seconds instead.
STREAMS = 300
#: How many changes are remembered for those who are slow; who is slower still gets everything anew.
REMEMBERED = 2000


@dataclass(frozen=True)
class Row:
    """A case of the queue as browsers get it: `text` is JSON, written once for all of them. `case` None means that it is gone
    from the queue; `mark` changes with anything."""

    id: str
    mark: tuple[object, ...] = ()
    case: Case | None = None
    text: str = ""


class Watcher:
    """Reads what changes, while somebody listens."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._changed = threading.Condition()
        self._rows: dict[str, Row] = {}
        self._log: deque[tuple[int, Row]] = deque(maxlen=REMEMBERED)
        self._number = 0
        self._listeners = 0
        self._running = False

    def listen(self) -> bool:
        """Take a place among those who listen. False if there is none."""
        with self._changed:
            if self._listeners >= STREAMS:
                return False
            self._listeners += 1
            if not self._running:
                self._running = True
                # In the context of who asks: a thread would otherwise not know which municipality it reads for.
                watch = copy_context()
                threading.Thread(target=watch.run, args=(self._watch,), name="desk-live", daemon=True).start()
            return True

    def leave(self) -> None:
        """Give the place back."""
        with self._changed:
            self._listeners -= 1

    def everything(self) -> tuple[int, list[Row]]:
        """All rows as they are now, read afresh, and the number to go on from."""
        self.look()
        with self._changed:
            return self._number, list(self._rows.values())

    def since(self, number: int, wait: float) -> tuple[int, list[Row] | None]:
        """What has changed since `number`, after at most `wait` seconds; None for more than is remembered."""
        with self._changed:
            if self._number == number:
                self._changed.wait(wait)
            oldest = self._log[0][0] if self._log else self._number + 1
            if number + 1 < oldest and number != self._number:
                return self._number, None
            return self._number, [row for at, row in self._log if at > number]

    def look(self) -> None:
        """Read once."""
        with self._app.app_context():
            database = careline().database
            with database.read() as session:
                marks = _marks(session)
                with self._changed:
                    stale = [one for one, mark in marks.items() if one not in self._rows or self._rows[one].mark != mark]
                fresh = escalation.queue(session, limit=len(stale), case_ids=stale) if stale else []
            rows = [_row(waiting, marks[waiting.case.id]) for waiting in fresh]
        with self._changed:
            gone = [Row(one) for one in self._rows if one not in marks]
            for row in [*rows, *gone]:
                if row.case is None:
                    self._rows.pop(row.id, None)
                elif row.id in self._rows and self._rows[row.id].mark == row.mark:
                    continue  # somebody else has just read the same
                else:
                    self._rows[row.id] = row
                self._number += 1
                self._log.append((self._number, row))
            if rows or gone:
                self._changed.notify_all()

    def _watch(self) -> None:
        while True:
            time.sleep(LOOKS)
            with self._changed:
                if self._listeners <= 0:
                    self._running = False
                    self._rows, self._log = {}, deque(maxlen=REMEMBERED)
                    return
            try:
                self.look()
            except CarelineError as error:
                _log.warning("%s", error)


@blueprint.get("/live")
def live() -> Response:
    """The queue, and one case where asked (`?case=`), as it changes."""
    watching = watcher()
    if not watching.listen():
        abort(503, "No more places: ask again in a while.")
    person = current()
    with careline().database.read() as database:
        teams = staff.teams_of(database, person.id)
    everything, case_id, staff_id = may(person, Role.STEWARD), request.args.get("case", "")[:36], person.id

    def seen(row: Row) -> bool:
        found = row.case
        return found is not None and (found.claimed_by == staff_id or escalation.sees(found, teams, everything))

    def stream() -> Iterator[str]:
        try:
            number, rows = watching.everything()
            yield _event("all", [row.text for row in rows if seen(row)])
            ends, beat = time.monotonic() + LASTS, time.monotonic()
            while time.monotonic() < ends:
                number, changed = watching.since(number, BEATS)
                if changed is None:
                    number, rows = watching.everything()
                    yield _event("all", [row.text for row in rows if seen(row)])
                    changed = rows
                elif changed:
                    latest = {row.id: row for row in changed}
                    yield _event("rows", [row.text if seen(row) else json.dumps({"id": row.id}) for row in latest.values()])
                if any(row.id == case_id for row in changed):
                    yield f"event: case\ndata: {json.dumps(case_id)}\n\n"
                if not changed and time.monotonic() - beat >= BEATS:
                    beat = time.monotonic()
                    yield ": still here\n\n"
        finally:
            watching.leave()

    response = Response(stream_with_context(stream()), mimetype="text/event-stream")
    response.headers["X-Accel-Buffering"] = "no"  # a proxy must pass each event on at once
    return response


@blueprint.get("/rows")
def rows() -> Response:
    """All rows at once: for a browser that cannot listen."""
    _, found = watcher().everything()
    with careline().database.read() as database:
        teams = staff.teams_of(database, current().id)
    everything, mine = may(current(), Role.STEWARD), current().id
    seen = [
        row.text for row in found if row.case and (row.case.claimed_by == mine or escalation.sees(row.case, teams, everything))
    ]
    return Response(f"[{', '.join(seen)}]", mimetype="application/json")


def watcher() -> Watcher:
    """The one of this application."""
    found: Watcher = current_app.extensions["desk.live"]
    return found


def _event(name: str, rows: list[str]) -> str:
    return f"event: {name}\ndata: [{', '.join(rows)}]\n\n"


def _marks(session: Session) -> dict[str, tuple[object, ...]]:
    """What each case of the queue looks like from afar: anything that changes a page changes its mark."""
    progress = (
        select(func.sum(sql_case(RANK, value=OutboxMessage.status, else_=0) + 10))
        .where(OutboxMessage.conversation_id == Case.conversation_id)
        .scalar_subquery()
    )
    happened = select(func.max(CaseEvent.id)).where(CaseEvent.case_id == Case.id).scalar_subquery()
    said = select(func.max(Message.id)).where(Message.conversation_id == Case.conversation_id).scalar_subquery()
    query = select(
        Case.id, Case.status, Case.claimed_by, Case.urgent, Case.due_at, Case.team_id, Case.level,
        Conversation.last_message_at, happened, said, progress,
    ).join(Conversation, Conversation.id == Case.conversation_id)  # fmt: skip
    return {row[0]: tuple(row[1:]) for row in session.execute(query.where(Case.status != "closed").limit(1000))}


def _row(waiting: Waiting, mark: tuple[object, ...]) -> Row:
    case = waiting.case
    html = render_template("desk/row.html", one=waiting, **tools())
    data: dict[str, object] = {
        "id": case.id,
        "order": f"{'0' if case.urgent else '1'} {case.due_at.isoformat()} {case.id}",
        "status": case.status,
        "owner": case.claimed_by,
        "urgent": case.urgent,
        "rings": case.rings,
        "html": html,
    }
    return Row(case.id, mark, case, json.dumps(data))


def register(app: Flask) -> None:
    """Give the application its watcher."""
    app.extensions["desk.live"] = Watcher(app)
