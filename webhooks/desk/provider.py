"""Signing in through the city's own identity provider: OpenID Connect's authorization code flow with PKCE, by Authlib.

The provider proves who somebody is; whether they may in is ours: an account of that name, or a group that stands for a role.
Source: https://openid.net/specs/openid-connect-core-1_0.html (3.1), RFC 7636.
"""

import logging
from typing import Any, cast

import requests
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.flask_client import OAuth
from flask import current_app
from joserfc.errors import JoseError
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from bot import audit
from bot.staff import NO_PASSWORD, Role, Staff
from webhooks.current import careline

_log = logging.getLogger(__name__)

UNKNOWN = "The provider knows you, but there is no account for you here: ask an administrator."
FAILED = "Signing in through the provider did not work. Please try again."


def name() -> str:
    """What the button says; empty without a provider."""
    return "your city account" if careline().settings.oidc_issuer else ""


def begin(path: str) -> BaseResponse:
    """Send the browser to the provider, which sends it back to our `path`."""
    public = careline().settings.public_url.rstrip("/")
    return cast(BaseResponse, _client().authorize_redirect(f"{public}{path}"))


def finish() -> tuple[Staff | None, str]:
    """Who came back from the provider, or a sentence on why nobody did."""
    try:
        token = _client().authorize_access_token()
    except (OAuthError, JoseError, requests.RequestException, ValueError, KeyError) as error:
        _log.warning("Sign-in through the provider failed: %s", type(error).__name__)
        return None, FAILED
    claims = token.get("userinfo") or {}
    subject, issuer = claims.get("sub"), claims.get("iss")
    if not subject or not issuer:
        return None, FAILED
    person = _account(f"{issuer} {subject}"[:300], claims)
    return (person, "") if person is not None else (None, UNKNOWN)


def _account(subject: str, claims: dict[str, Any]) -> Staff | None:
    """The account of this subject. The first time it is found by name, or made where a group stands for a role."""
    settings = careline().settings
    called = str(claims.get(settings.oidc_claim) or "")[:80]
    role = _role(claims)
    with careline().database.begin() as database:
        person = database.scalar(select(Staff).where(Staff.subject == subject))
        if person is None and called:
            # Only an account nobody has come to through the provider yet: names are given anew, subjects never.
            person = database.scalar(select(Staff).where(Staff.name == called, Staff.subject.is_(None)))
            if person is not None:
                person.subject = subject
                audit.record(database, person.id, "joined with provider", f"staff {person.id}")
            elif role is not None and database.scalar(select(Staff.id).where(Staff.name == called)) is None:
                person = Staff(name=called, password_hash=NO_PASSWORD, role=role, subject=subject)
                database.add(person)
                database.flush()
                audit.record(database, person.id, "account made", f"staff {person.id}", role)
        if person is None or not person.active:
            return None
        if settings.oidc_roles:
            if role is None:
                return None  # no group of theirs may in any more
            if person.role != role:
                audit.record(database, person.id, "role changed", f"staff {person.id}", f"{person.role} to {role}")
                person.role = role
        return person


def _role(claims: dict[str, Any]) -> Role | None:
    """The highest role that somebody's groups stand for."""
    groups = claims.get("groups") or []
    wanted = dict(careline().settings.oidc_roles)
    held = [Role(wanted[group]) for group in groups if isinstance(group, str) and group in wanted]
    return max(held, key=list(Role).index) if held else None


def _client() -> Any:
    """Authlib's client, made once for each application."""
    if "desk.provider" not in current_app.extensions:
        settings = careline().settings
        oauth = OAuth(current_app._get_current_object())  # type: ignore[attr-defined]  # Authlib wants the application itself
        issuer = settings.oidc_issuer.rstrip("/")
        current_app.extensions["desk.provider"] = oauth.register(
            "provider",
            client_id=settings.oidc_client_id,
            client_secret=settings.oidc_client_secret,
            server_metadata_url=f"{issuer}/.well-known/openid-configuration",
            client_kwargs={"scope": "openid profile email", "code_challenge_method": "S256", "timeout": 10},
        )
    return current_app.extensions["desk.provider"]
