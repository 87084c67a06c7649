"""The municipalities of one deployment: each has a file of settings, a database, keys and files of its own.

Where several are served is decided here and nowhere else. Everything else works for one municipality and asks, where it must
know which, `current()`; where there is one alone, that is "". A thread or task says whose work it does with `at(name)`, a
process that serves one of several with `be(name)`. Whoever says nothing where there are several gets no key, and reads nothing.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from urllib.parse import urlsplit

from dotenv import dotenv_values

from bot.errors import SettingsError
from bot.settings import ROWS, Settings, ours

#: What the machine has, and municipalities share: said once, in the environment or in .env.
MACHINE = frozenset({
    "CARELINE_HOME", "CARELINE_MUNICIPALITIES", "CARELINE_RASA_URL", "CARELINE_RASA_TIMEOUT", "CARELINE_ACTIONS_URL",
    "CARELINE_REDIS_URL", "CARELINE_RASA_WORKERS", "CARELINE_WEB_WORKERS", "CARELINE_WEB_THREADS", "CARELINE_WORKERS",
    "CARELINE_PROXIES", "CARELINE_SQLITE_WAIT", "CARELINE_KEEP_LOGS_DAYS", "CARELINE_LOG_LEVEL", "CARELINE_TELEMETRY_URL",
})  # fmt: skip
_NAME = re.compile("[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")

_current: ContextVar[str | None] = ContextVar("municipality", default=None)
_process = ""


def current() -> str:
    """Whose work this thread or task does; "" where there is one municipality alone."""
    name = _current.get()
    return _process if name is None else name


@contextmanager
def at(name: str) -> Iterator[None]:
    """Everything inside is done for this municipality."""
    token = _current.set(name)
    try:
        yield
    finally:
        _current.reset(token)


def be(name: str) -> None:
    """Everything this process does is done for this municipality."""
    global _process
    _process = name


def environments(env: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """The variables of each municipality by its name, in the order of the names; of one alone, `env` itself under "".

    Raises SettingsError.
    """
    machine = ours(env)
    if not machine.get("CARELINE_MUNICIPALITIES", "").strip():
        return {"": machine}
    shared = Settings.from_env(machine)
    folder = Path(machine["CARELINE_MUNICIPALITIES"].strip()).expanduser()
    files = sorted(folder.glob("*.env"))
    if not files:
        raise SettingsError(f"CARELINE_MUNICIPALITIES is {str(folder)!r}: there is no file in it such as lower-vale.env.")
    astray = sorted(set(machine) - MACHINE)
    if astray:
        raise SettingsError(f"{astray[0]} is said by each municipality for itself: put it into the files in {folder}.")
    return {path.stem: _own(path, machine, shared.home) for path in files}


def _own(path: Path, machine: Mapping[str, str], home: Path) -> dict[str, str]:
    if not _NAME.fullmatch(path.stem):
        raise SettingsError(f"{path}: a municipality's file is called by small letters, digits and hyphens.")
    # A value is taken as it is written: ${…} would reach into the environment, where another's secrets may stand.
    written = {name: value for name, value in dotenv_values(path, interpolate=False).items() if value is not None}
    shared = sorted((MACHINE - {"CARELINE_HOME"}) & set(written))
    if shared:
        raise SettingsError(f"{path}: {shared[0]} belongs to the whole machine, not to a municipality.")
    known = {row.variable for row in ROWS}
    strange = sorted(set(written) - known)
    if strange:
        raise SettingsError(f"{path}: unknown setting {strange[0]}: see .env.example for the names there are.")
    common = {name: value for name, value in machine.items() if name not in ("CARELINE_HOME", "CARELINE_MUNICIPALITIES")}
    return {"CARELINE_HOME": str(home / "municipalities" / path.stem), **common, **written}


def settings(env: Mapping[str, str]) -> dict[str, Settings]:
    """The settings of each municipality by its name; of one alone, under "".

    Raises SettingsError, which names the file, for whatever `Settings.from_env` refuses, and where two have in common what
    would bring one's people to the other.
    """
    return read(environments(env), env)


def read(variables: Mapping[str, Mapping[str, str]], env: Mapping[str, str]) -> dict[str, Settings]:
    """The settings that `environments`, perhaps with more added, come to. Raises SettingsError."""
    if set(variables) == {""}:
        return {"": Settings.from_env(variables[""])}
    found: dict[str, Settings] = {}
    for name, own in variables.items():
        file = Path(env["CARELINE_MUNICIPALITIES"].strip()).expanduser() / f"{name}.env"
        try:
            found[name] = Settings.from_env(own)
        except SettingsError as error:
            raise SettingsError(f"{file}: {error}") from error
    _apart(found)
    return found


def _apart(found: Mapping[str, Settings]) -> None:
    taken: dict[tuple[str, str], str] = {}
    for name, one in found.items():
        for what, values in _own_things(one).items():
            for value in values - {""}:
                other = taken.setdefault((what, value), name)
                if other != name:
                    raise SettingsError(f"{other} and {name} have the same {what}: each municipality needs its own.")
    strangers = {partner for one in found.values() for partner in one.partners} - set(found)
    if strangers:
        raise SettingsError(f"CARELINE_PARTNERS names {sorted(strangers)[0]}, and there is no {sorted(strangers)[0]}.env.")


def _own_things(one: Settings) -> dict[str, set[str]]:
    """What no two may share, in words for the administrator; a secret is compared and never said."""
    return {
        "host (CARELINE_PUBLIC_URL)": {host(one)},
        "number (CARELINE_SMS_NUMBER, CARELINE_VOICE_NUMBER)": {one.sms_number, one.voice_number},
        "database (CARELINE_DATABASE_URL, CARELINE_TRACKER_URL)": {_place(one.database), _place(one.tracker)},
        "home (CARELINE_HOME)": {str(one.home.absolute())},
        "key (CARELINE_SECRET_KEY)": {key.strip() for key in one.secret_key.split(",") if key.strip()},
    }


def host(one: Settings) -> str:
    """The host name people reach a municipality by, as it is compared."""
    return (urlsplit(one.public_url).hostname or "").lower().rstrip(".")


def _place(url: str) -> str:
    """Which database a URL means, whoever opens it and however."""
    parts = urlsplit(url)
    if parts.scheme.startswith("sqlite"):
        return str(Path(parts.path.removeprefix("/")).resolve())
    return f"{(parts.hostname or 'localhost').lower()}:{parts.port or 5432}{parts.path}"


def one(env: Mapping[str, str], name: str = "") -> str:
    """The municipality that is meant: `name`, or the only one there is. Raises SettingsError where that is not said."""
    names = list(environments(env))
    if name in names:
        return name
    if names == [""]:
        raise SettingsError("There is one municipality alone here (CARELINE_MUNICIPALITIES is empty): leave --municipality out.")
    there = ", ".join(names)
    if not name:
        raise SettingsError(f"There are several municipalities ({there}): say which with --municipality NAME.")
    raise SettingsError(f"There is no municipality {name}; there are {there}.")
