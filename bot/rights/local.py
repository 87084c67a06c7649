"""Undoing what stewards changed in the city's own articles, which are files in the folder CARELINE_LOCAL."""

import uuid
from pathlib import Path
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.clock import now
from bot.directory.changes import Change
from bot.directory.editing import By, RefusedChange

#: What a change of an article is written down under.
RESOURCE: Final = "article"


def undo(session: Session, by: By, batch: str, local: Path | None) -> None:
    """Put back the text that was there before a change, if nobody has changed it since. Raises RefusedChange."""
    made = session.scalars(select(Change).where(Change.batch == batch)).one_or_none()
    if made is None or session.scalar(select(Change.id).where(Change.undoes == batch)) is not None:
        raise RefusedChange("This change is undone already.")
    if local is None:
        raise RefusedChange("There is no folder for the city's own articles: set CARELINE_LOCAL.")
    path = local / "rights" / f"{made.record_id}.md"
    current = path.read_text("utf-8") if path.is_file() else None
    if (current or "").strip() != (made.after or "").strip():
        raise RefusedChange("Something newer stands there: it cannot be undone any more.")
    session.add(
        Change(
            at=now(), staff_id=by.staff_id, staff=by.staff, action="undo", subject=made.subject, resource=RESOURCE,
            record_id=made.record_id, before=made.after, after=made.before, note=by.note, batch=str(uuid.uuid4()), undoes=batch,
        )
    )  # fmt: skip
    session.flush()
    write(path, made.before)


def write(path: Path, text: str | None) -> None:
    """Make an article's file this text, whole or not at all; None or a blank one takes it away."""
    if text is None or not text.strip():
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_text(f"{text.strip()}\n", "utf-8")
    fresh.replace(path)
