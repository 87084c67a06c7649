"""What we do with data, said in public: GET /privacy, GET /privacy/record, and a receipt looked up at /privacy."""

from typing import Any

from babel import Locale
from flask import Blueprint, Response, make_response, render_template, request

from bot import erasure, privacy, render
from bot.privacy import Page
from webhooks.current import careline

blueprint = Blueprint("privacy", __name__)


@blueprint.get("/privacy")
def page() -> Response:
    """In plain words; with `receipt`, how far an erasure has come."""
    return _show("public", notice=_receipt(request.args.get("receipt", "")))


@blueprint.get("/privacy/record")
def record() -> Response:
    """The record of processing."""
    return _show("record")


def _receipt(asked: str) -> tuple[str, dict[str, Any]] | None:
    if not asked.strip():
        return None
    with careline().database.read() as session:
        found = erasure.progress(session, asked[:40])
    if found is None:
        return "privacy.receipt_unknown", {}
    if found.done_at is None:
        return "privacy.receipt_waiting", {}
    return "privacy.receipt_done", {"day": found.done_at.astimezone(careline().settings.time_zone).date()}


def _own_name(code: str) -> str:
    """What speakers call their language (CLDR)."""
    locale = Locale.parse("fil" if code == "tl" else code)
    name = str(locale.languages.get(locale.language, code))
    return name[:1].upper() + name[1:]


def _show(which: Page, notice: tuple[str, dict[str, Any]] | None = None) -> Response:
    settings = careline().settings
    asked = request.args.get("language")
    usual = request.accept_languages.best_match(settings.languages) or settings.default_language
    language = asked if asked in settings.languages else usual
    facts = render.facts(careline(), language, "kiosk")
    said = None
    if notice is not None:
        key, values = notice
        said = facts.words(key, **{name: facts.day(value) if name == "day" else value for name, value in values.items()})
    return make_response(
        render_template(
            "privacy.html",
            which=which,
            language=language,
            direction=facts.locale.text_direction,
            words=facts.words,
            sections=privacy.sections(settings, facts.words, which),
            notice=said,
            languages=[(code, _own_name(code)) for code in settings.languages],
        )
    )
