"""The words residents use, for stewards: other names of places, words that mean a topic, topics of the city's own."""

from collections.abc import Callable

from flask import Blueprint, Response, flash, redirect, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from bot import audit, local_words
from bot.directory import editing
from bot.directory.editing import By, RefusedChange
from bot.languages import LANGUAGES
from bot.local_words import SUBJECT
from bot.staff import Role
from bot.topics import NEEDS, RIGHTS
from webhooks.current import careline
from webhooks.desk.guard import current, protect
from webhooks.desk.page import refusal, say, steward_page

blueprint = Blueprint("desk_words", __name__, url_prefix="/desk/words")
protect(blueprint, Role.STEWARD)


@blueprint.get("")
def words() -> Response:
    """All of them, and what each means."""
    return _show()


@blueprint.post("")
def change() -> BaseResponse:
    """Add or remove a word or a topic."""
    form = request.form
    what, id = form.get("what", ""), form.get("id", "")[:40]
    word, target = form.get("word", "")[:1000], form.get("target", "")[:200]
    by = _by()
    acts: dict[str, Callable[[Session], object]] = {
        "place": lambda session: local_words.add_word(
            session, by, careline().places(), "place", target, word, "ordinary" in form
        ),
        "topic": lambda session: local_words.add_word(session, by, careline().places(), "topic", target, word),
        "own": lambda session: local_words.add_topic(
            session,
            by,
            {language: form.get(f"name-{language}", "")[:1000] for language in LANGUAGES},
            form.get("leads_to", "")[:60],
            form.get("services", "")[:2000].split(),
        ),
        "remove": lambda session: local_words.remove_word(session, by, id),
        "remove-own": lambda session: local_words.remove_topic(session, by, id),
    }
    if what not in acts:
        return _show()
    try:
        with careline().database.begin() as session:
            acts[what](session)
            audit.record(session, current().id, "words changed", f"{what} {word or id}"[:80])
    except RefusedChange as error:
        flash(refusal(error))
        return _show(dict(form), 409)
    removed = what.startswith("remove")
    flash(say("Removed. It is forgotten from the next message on.") if removed else say("Added, from the next message on."))
    return redirect(url_for("desk_words.words"))


@blueprint.get("/words.csv")
def export() -> Response:
    """All of them as CSV."""
    with careline().database.read() as session:
        response = Response("".join(local_words.as_csv(session)), mimetype="text/csv")
    response.headers["Content-Disposition"] = 'attachment; filename="words.csv"'
    return response


def _by() -> By:
    return By(current().id, current().name, SUBJECT, request.form.get("note", "").strip()[:500] or None)


def _show(draft: dict[str, str] | None = None, status: int = 200) -> Response:
    with careline().database.read() as session:
        listed = local_words.words(session)
        own = local_words.topics(session)
        groups = editing.history(session, SUBJECT, limit=60)
        undone = editing.undone(session, groups)
    return steward_page(
        "words.html",
        status=status,
        words=listed,
        own=own,
        own_names={topic.id: next(iter(names.values())) for topic, names, _ in own},
        places=careline().places().all(),
        topics=(*NEEDS, *RIGHTS),
        languages=LANGUAGES,
        groups=groups,
        undone=undone,
        subject=SUBJECT,
        draft=draft or {},
    )
