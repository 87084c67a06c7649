"""A municipality's own look: its colours as a stylesheet, and its picture, each with a tag that changes when it does."""

import logging
from hashlib import sha256

from flask import Blueprint, Response, abort, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from bot import look, picture
from bot.errors import DataError
from bot.picture import Picture
from webhooks.current import careline

blueprint = Blueprint("look", __name__)
_log = logging.getLogger(__name__)

#: Seconds a browser keeps either before it asks whether it is still good.
FRESH = 600


@blueprint.get("/look.css")
def stylesheet() -> BaseResponse:
    """The colours; nothing where they are the page's own, so that a kiosk may always keep it."""
    text = look.stylesheet(careline().settings.look)
    return _kept(Response(text, mimetype="text/css"), sha256(text.encode()).hexdigest()[:24])


@blueprint.get("/logo")
def logo() -> BaseResponse:
    """The picture, where there is one that may be shown."""
    found = _picture()
    if found is None:
        abort(404)
    return _kept(Response(found.data, mimetype=found.kind), found.tag)


def logo_address() -> str | None:
    """Where the picture is, None where there is none that may be shown."""
    return url_for("look.logo") if _picture() is not None else None


def look_address() -> str | None:
    """Where the stylesheet is, None where the colours are the page's own."""
    settings = careline().settings
    return url_for("look.stylesheet") if settings.look.colour or settings.look.band else None


def _picture() -> Picture | None:
    path = careline().settings.logo
    if path is None:
        return None
    try:
        return picture.read(path)
    except DataError as error:  # people who look for help are not kept from it by a picture
        _log.error("CARELINE_LOGO is not shown: %s", error)
        return None


def _kept(response: Response, tag: str) -> BaseResponse:
    response.set_etag(tag)
    response.headers["Cache-Control"] = f"public, max-age={FRESH}"
    return response.make_conditional(request)
