"""Several municipalities in one process: the host that is asked for says whose page, number and desk it is (RFC 9110, 7.2).

Each has an application of its own, with its own settings, database, keys, sessions and limits, exactly as if it were alone. What
the machine itself is asked (/healthz, /readyz, /metrics) is answered where it is asked by an address instead of a name, such as
127.0.0.1; any other host is told nothing.
"""

import ipaddress
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from flask import Flask

from bot import municipalities
from bot.careline import Careline, Dialogue, open_each
from bot.errors import SettingsError
from webhooks import errors, headers, health
from webhooks.app import create_app


class Hosts:
    """WSGI: passes each request to the application of its host, and everything it does is done for that municipality.

    Raises SettingsError for a municipality without a host.
    """

    def __init__(self, opened: Mapping[str, Careline], dialogues: Mapping[str, Dialogue] | None = None) -> None:
        self.carelines = dict(opened)
        self.applications: dict[str, Flask] = {}
        for name, careline in opened.items():
            if not municipalities.host(careline.settings):
                raise SettingsError(f"{name}: CARELINE_PUBLIC_URL is missing: its host says whose page and whose number it is.")
            with municipalities.at(name):
                self.applications[name] = create_app(careline, dialogues[name] if dialogues else None)
        for name, application in self.applications.items():
            application.extensions["partners"] = {
                other: opened[other]
                for other in opened[name].settings.partners
                if other != name and name in opened[other].settings.partners
            }
        self._names = {municipalities.host(careline.settings): name for name, careline in opened.items()}
        self._machine, self._nobody = _bare(opened), _bare({})

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        host = _host(str(environ.get("HTTP_HOST", "")))
        name = self._names.get(host)
        if name is None:
            application = self._machine if _is_address(host) else self._nobody
            nobodys: Iterable[bytes] = application(environ, start_response)
            return nobodys
        # The machine's figures count everybody's messages: not for one municipality.
        application = self._nobody if environ.get("PATH_INFO") == "/metrics" else self.applications[name]
        with municipalities.at(name):
            return _Answer(name, application(environ, start_response))


class _Answer:
    """An answer that is still being made while it is sent, such as a stream: that too is done for its municipality."""

    def __init__(self, name: str, body: Iterable[bytes]) -> None:
        self._name, self._body, self._parts = name, body, iter(body)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        with municipalities.at(self._name):
            return next(self._parts)

    def close(self) -> None:
        close = getattr(self._body, "close", None)
        if close is not None:
            with municipalities.at(self._name):
                close()


def _host(header: str) -> str:
    try:
        return (urlsplit(f"//{header}").hostname or "").lower().rstrip(".")
    except ValueError:
        return ""


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    return True


def _bare(opened: Mapping[str, Careline]) -> Flask:
    """An application that belongs to no municipality, and answers what machines ask about those `opened`, if any."""
    app = Flask("webhooks.machine", static_folder=None)
    app.extensions["carelines"] = dict(opened)
    errors.register(app)
    headers.register(app, https=False)
    if opened:
        app.register_blueprint(health.blueprint)
    return app


def serve() -> Flask | Hosts:
    """What gunicorn runs: the application, or those of all municipalities. Raises a CarelineError if it cannot be opened."""
    settings = municipalities.settings(os.environ)
    opened = open_each(settings)
    return create_app(opened[""]) if set(opened) == {""} else Hosts(opened)
