"""Device mode: what makes a browser a kiosk, and what a kiosk needs besides the page.

GET and POST /device register the browser; /worker.js and /offline keep a page ready for when the network is gone;
/hours is where the quick exit leads.
"""

import logging
from pathlib import Path
from typing import Final, cast

from flask import Blueprint, Response, current_app, g, jsonify, make_response, render_template, request, url_for

from bot import kiosk as kiosks
from bot import render
from bot.clock import now
from bot.errors import CarelineError
from bot.kiosk import Kiosk
from bot.reply import Reply, ServiceCard
from webhooks import headers
from webhooks.attempts import Attempts
from webhooks.current import careline
from webhooks.page import own_name
from webhooks.shown import shown

blueprint = Blueprint("device", __name__)
_log = logging.getLogger(__name__)

#: The one cookie there is; it names the machine, not the person (`headers.cookie`).
COOKIE: Final = "kiosk"
#: Browsers keep no cookie longer than 400 days.
KEPT: Final = 400 * 24 * 3600
STATIC: Final = Path(__file__).parent / "static" / "kiosk"


def here() -> Kiosk | None:
    """The kiosk that asks, None for any other browser. Raises DatabaseUnavailable."""
    if "kiosk" not in g:
        g.kiosk = None
        token = request.cookies.get(headers.cookie(COOKIE, _https()))
        if token:
            with careline().database.read() as session:
                g.kiosk = kiosks.of_token(session, token)
    return cast(Kiosk | None, g.kiosk)


@blueprint.get("/device")
def form() -> Response:
    """Where the steward types the code."""
    return _page("device.html", kiosk=here())


@blueprint.post("/device")
def register() -> Response:
    """Make this browser the kiosk whose code was typed."""
    attempts = cast(Attempts, current_app.extensions.setdefault("device.attempts", Attempts(limit=20)))
    if not attempts.begin("all"):
        return _page("device.html", status=429, kiosk=None, problem="assist.wait")
    with careline().database.begin() as session:
        token = kiosks.enrol(session, request.form.get("code", "")[:40])
        kiosk = kiosks.of_token(session, token)
    if token is None:
        return _page("device.html", status=403, kiosk=None, problem="device.wrong")
    attempts.succeeded("all")
    response = _page("device.html", kiosk=kiosk, done=True)
    name = headers.cookie(COOKIE, _https())
    response.set_cookie(name, token, max_age=KEPT, httponly=True, secure=_https(), samesite="Lax")
    return response


def _https() -> bool:
    return careline().settings.public_url.startswith("https:")


@blueprint.get("/hours")
def hours() -> Response:
    """The libraries' opening hours: a page that tells nobody what was asked before."""
    settings = careline().settings
    with careline().database.read() as session:
        libraries = kiosks.of_topic(session, "library", now(), settings)
    return _page("hours.html", kiosk=here(), libraries=[one for one in libraries if one.address])


@blueprint.get("/offline")
def offline() -> Response:
    """What a kiosk shows without a network, in all its languages: emergency numbers and what is in the house itself."""
    settings = careline().settings
    kiosk = here()
    house: tuple[ServiceCard, ...] = ()
    if kiosk is not None:
        with careline().database.read() as session:
            house = kiosks.services(session, kiosk.location_id, now(), settings)
    codes = (kiosk.languages.split() if kiosk and kiosk.languages else None) or settings.languages
    parts = []
    for code in codes:
        facts = render.facts(careline(), code, "kiosk")
        cards = shown(Reply(services=house), facts).cards
        parts.append(
            {
                "code": code,
                "name": own_name(code)[0],
                "direction": facts.locale.text_direction,
                "words": facts.words,
                "cards": cards,
            }
        )
    return _page("offline.html", kiosk=kiosk, parts=parts)


@blueprint.get("/worker.js")
def worker() -> Response:
    """The service worker; from here, because it may look after addresses beside and below its own only."""
    return Response((STATIC / "worker.js").read_text("utf-8"), mimetype="text/javascript", headers={"Cache-Control": "no-cache"})


@blueprint.get("/manifest.webmanifest")
def manifest() -> Response:
    """How a browser shows the kiosk as an application (https://www.w3.org/TR/appmanifest/)."""
    words = careline().wording.words(careline().settings.default_language, "kiosk", municipality=careline().settings.municipality)
    colour = careline().settings.look.band or careline().settings.look.colour
    response = jsonify(
        **({"theme_color": colour} if colour else {}),
        name=words("page.title"),
        short_name="Careline",
        start_url="/",
        scope="/",
        display="fullscreen",
        icons=[{"src": url_for("static", filename="kiosk/icon.svg"), "sizes": "any", "type": "image/svg+xml"}],
    )
    response.mimetype = "application/manifest+json"
    return response


@blueprint.errorhandler(CarelineError)
def _sorry(error: CarelineError) -> Response:
    """The quick exit must lead somewhere harmless even while the database is away."""
    _log.error("%s: %s", type(error).__name__, error)
    return _page("hours.html", status=503, kiosk=None, libraries=[])


def _page(template: str, status: int = 200, **values: object) -> Response:
    settings = careline().settings
    asked = request.args.get("language")
    language = asked if asked in settings.languages else request.accept_languages.best_match(settings.languages)
    facts = render.facts(careline(), language or settings.default_language, "kiosk")
    common = {"words": facts.words, "language": facts.words.language, "direction": facts.locale.text_direction, "facts": facts}
    common |= {"emergency": settings.emergency_number, "idle": round(settings.kiosk_idle)}
    response = make_response(render_template(f"kiosk/{template}", **common, **values))
    response.status_code = status
    return response
