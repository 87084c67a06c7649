"""The city's own rights articles, for stewards: over ours, or beside them. They are files in the folder CARELINE_LOCAL."""

import uuid
from pathlib import Path

import yaml
from flask import Blueprint, Response, flash, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from bot.clock import now
from bot.directory.changes import Change
from bot.errors import DataError
from bot.languages import LANGUAGES
from bot.rights.articles import FOLDER, Rights, parse_article
from bot.rights.local import RESOURCE, write
from bot.staff import Role
from webhooks.current import careline
from webhooks.desk.guard import current, protect
from webhooks.desk.page import say, steward_page

blueprint = Blueprint("desk_articles", __name__, url_prefix="/desk/articles")
protect(blueprint, Role.STEWARD)

LONGEST = 20_000


@blueprint.get("")
def articles() -> Response:
    """Every article, and which are the city's own."""
    careline().rights.refresh(at_once=True)
    return steward_page("articles.html", articles=careline().rights.articles, folder=careline().settings.local)


@blueprint.get("/<language>/<topic>")
def article(language: str, topic: str) -> BaseResponse:
    """One article: ours, and the city's own text over it."""
    return _show(language, topic)


@blueprint.post("/<language>/<topic>")
def save(language: str, topic: str) -> BaseResponse:
    """Keep the city's own text, if it can be read; an empty one takes it away."""
    path = _path(language, topic)
    if path is None:
        return redirect(url_for("desk_articles.articles"))
    text = request.form.get("text", "").replace("\r\n", "\n")[:LONGEST].strip()
    before = _read(path)
    if (before or "").strip() != request.form.get("was", "").replace("\r\n", "\n").strip():
        flash(say("Somebody has changed this article meanwhile: your text is below, and theirs is kept."))
        return _show(language, topic, text, 409)
    try:
        if text:
            ours = Rights.load()
            under = next((one for one in ours.articles if (one.topic, one.language) == (topic, language)), None)
            read = parse_article(f"{text}\n", language, topic, under)
            missing = [name for name, _ in read.citations if name not in careline().rights.instruments]
            if missing or read.topic != topic or not read.citations:
                raise ValueError(f"it cites {missing[0]}, which is not known" if missing else "its topic or sources are missing")
    except (ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError, DataError) as error:
        told = say(
            "This cannot be read: {reason}. It begins and ends its heading with a line of three hyphens.", reason=str(error)
        )
        flash(told)
        return _show(language, topic, text, 409)
    with careline().database.begin() as database:
        database.add(
            Change(
                at=now(), staff_id=current().id, staff=current().name, action="edit" if text else "remove",
                subject=f"article {language}/{topic}", resource=RESOURCE, record_id=f"{language}/{topic}", field="",
                before=before, after=f"{text}\n" if text else None, note=request.form.get("note", "").strip()[:500] or None,
                batch=str(uuid.uuid4()),
            )
        )  # fmt: skip
        write(path, text)
    careline().rights.refresh(at_once=True)
    flash(say("Saved. It is read everywhere within a minute.") if text else say("Taken away: ours is shown again."))
    return redirect(url_for("desk_articles.article", language=language, topic=topic))


def _path(language: str, topic: str) -> Path | None:
    """The file of the city's own article; None if it cannot have one."""
    local = careline().settings.local
    if local is None or language not in LANGUAGES or topic not in careline().rights.topics:
        folder = say("There is no folder for the city's own articles: set CARELINE_LOCAL.")
        flash(folder if local is None else say("There is no such article."))
        return None
    return local / "rights" / language / f"{topic}.md"


def _read(path: Path) -> str | None:
    return path.read_text("utf-8") if path.is_file() else None


def _show(language: str, topic: str, draft: str | None = None, status: int = 200) -> BaseResponse:
    path = _path(language, topic)
    if path is None:
        return redirect(url_for("desk_articles.articles"))
    own = _read(path) or ""
    return steward_page(
        "article.html",
        status=status,
        language=language,
        topic=topic,
        ours=_read(FOLDER / language / f"{topic}.md"),
        own=own,
        draft=own if draft is None else draft,
        instruments=careline().rights.instruments,
    )
