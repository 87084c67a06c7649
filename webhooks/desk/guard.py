"""Who gets into the desk: forms carry our token, pages ask for somebody signed in, and some for a role.

Another blueprint under /desk is made safe with `protect(blueprint, Role.STEWARD)`; a single page that asks for more than its
blueprint with `@needs(Role.ADMINISTRATOR)`. `current()` is who is signed in.
"""

import hmac
import logging
import secrets
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

from flask import Blueprint, Response, abort, g, redirect, request, session, url_for
from werkzeug.wrappers import Response as BaseResponse

from bot import signed_in
from bot.clock import now
from bot.errors import CarelineError
from bot.staff import Role, Staff, may
from webhooks.current import careline
from webhooks.desk.page import page

_log = logging.getLogger(__name__)
_P = ParamSpec("_P")
_R = TypeVar("_R")

#: Pages for people who are on their way in.
_DOOR = "desk_sign_in."
#: Where somebody is sent who has to set up a second factor first.
_ENROL = "desk_account.second_factor"


def protect(blueprint: Blueprint, role: Role | None = Role.STAFF) -> None:
    """Let only people with `role` into the blueprint; None lets everybody in, with forms still checked."""

    @blueprint.before_request
    def _guard() -> BaseResponse | None:
        _check_token()
        g.staff = _signed_in()
        if role is None:
            return None
        if g.staff is None:
            session.clear()
            return redirect(url_for("desk_sign_in.sign_in"))
        if must_enrol(g.staff) and request.endpoint not in (_ENROL, "desk_account.enrol"):
            return redirect(url_for(_ENROL))
        if not may(g.staff, role):
            return _refused()
        return None

    blueprint.context_processor(_tools)
    blueprint.register_error_handler(CarelineError, _sorry)


def needs(role: Role) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]:
    """For a page of a protected blueprint that asks for a higher role than the blueprint."""

    def decorate(view: Callable[_P, _R]) -> Callable[_P, _R]:
        @wraps(view)
        def guarded(*args: _P.args, **kwargs: _P.kwargs) -> _R:
            if not may(g.get("staff"), role):
                return cast(_R, _refused())
            return view(*args, **kwargs)

        return guarded

    return decorate


def current() -> Staff:
    """Who is signed in; only for pages of a protected blueprint."""
    return cast(Staff, g.staff)


def must_enrol(staff: Staff) -> bool:
    """Whether somebody has to set up a second factor before anything else; who comes from an identity provider has one there."""
    return careline().settings.needs_second_factor and staff.second_factor is None and not session.get("by_provider")


def token() -> str:
    """The secret that our own forms carry, one per browser session."""
    if "token" not in session:
        session["token"] = secrets.token_urlsafe(24)
    return cast(str, session["token"])


def _check_token() -> None:
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    sent = request.form.get("token", "") or request.headers.get("X-Careline-Token", "")
    if not hmac.compare_digest(sent.encode(), token().encode()):
        abort(400, "This page was too old: go back, load it again and repeat.")


def _signed_in() -> Staff | None:
    secret = session.get("staff")
    if not isinstance(secret, str):
        return None
    with careline().database.read() as database:
        found = signed_in.find(database, secret)
    if found is None:
        return None
    staff, seen_at = found
    # A page that looks by itself is no sign of somebody being there.
    if now() - seen_at > signed_in.NOTED and "X-Careline-Poll" not in request.headers and not request.path.endswith("/live"):
        with careline().database.begin() as database:
            signed_in.seen(database, secret)
    return staff


def _refused() -> Response:
    return page("refused.html", status=403)


def _tools() -> dict[str, Any]:
    return {"token": token, "once": lambda: secrets.token_hex(12), "may": lambda role: may(g.get("staff"), Role(role))}


def _sorry(error: CarelineError) -> Response:
    _log.error("%s: %s", type(error).__name__, error)
    return page("sorry.html", status=503)
