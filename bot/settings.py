"""Settings: environment variables `CARELINE_…`, and Twilio's own two.

Each setting is one row of `ROWS` with its help text; `.env.example` and docs/operating.md are compared with these
rows by a test. Reading the environment happens only in `Settings.from_env`.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dotenv import dotenv_values

from bot.errors import SettingsError

LANGUAGES = ("en", "es", "fr", "pt", "nl", "ar", "ur", "ne", "sw", "tl", "zh", "ja")


def _text(value: str) -> str:
    return value.strip()


def _number(value: str) -> float:
    number = float(value)
    if number <= 0:
        raise ValueError("must be above 0")
    return number


def _whole(value: str) -> int:
    return int(value)


def _count(value: str) -> int:
    number = int(value)
    if number < 1:
        raise ValueError("must be at least 1")
    return number


def _level(value: str) -> str:
    name = value.strip().upper()
    if name not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
        raise ValueError("must be DEBUG, INFO, WARNING or ERROR")
    return name


def _flag(value: str) -> bool:
    if value.strip().lower() in {"1", "true", "yes", "on"}:
        return True
    if value.strip().lower() in {"0", "false", "no", "off", ""}:
        return False
    raise ValueError("must be true or false")


def _path(value: str) -> Path:
    return Path(value).expanduser()


def _language_list(value: str) -> tuple[str, ...]:
    codes = tuple(code.strip() for code in value.split(",") if code.strip())
    unknown = [code for code in codes if code not in LANGUAGES]
    if unknown or not codes:
        raise ValueError(f"must name languages of {', '.join(LANGUAGES)}")
    return codes


def _zone(value: str) -> ZoneInfo:
    try:
        return ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError("must be a time zone such as Europe/London") from error


def _clock_times(value: str) -> tuple[time, time]:
    opens, closes = value.split("-")
    return time.fromisoformat(opens.strip()), time.fromisoformat(closes.strip())


def environ() -> dict[str, str]:
    """The environment of this process, with what stands in .env in the working directory behind it."""
    written = {name: value for name, value in dotenv_values(".env").items() if value is not None}
    return {**written, **os.environ}


def ours(env: Mapping[str, str]) -> dict[str, str]:
    """Only the variables that are settings of ours."""
    return {name: value for name, value in env.items() if name.startswith(("CARELINE_", "TWILIO_"))}


@dataclass(frozen=True)
class Row:
    """One setting: the environment variable, the attribute of `Settings`, how it is read, and what it is for."""

    variable: str
    attribute: str
    read: Callable[[str], Any]
    default: str
    help: str


ROWS = (
    Row("CARELINE_HOME", "home", _path, "var", "Folder that holds all state: database, trained model, logs."),
    Row("CARELINE_DATABASE_URL", "database_url", _text, "", "SQLAlchemy URL, such as postgresql+psycopg2://careline@10.0.0.5/careline; empty means SQLite under the home folder."),
    Row("CARELINE_SECRET_KEY", "secret_key", _text, "", "Keys for encryption and hashing, comma separated, newest first; empty means one made and kept under the home folder."),
    Row("CARELINE_PUBLIC_URL", "public_url", _text, "", "The address the provider calls, such as https://care.example.org; signatures are computed over it."),
    Row("TWILIO_ACCOUNT_SID", "twilio_account_sid", _text, "", "The provider account."),
    Row("TWILIO_AUTH_TOKEN", "twilio_auth_token", _text, "", "The provider's token; webhooks are refused while it is empty."),
    Row("CARELINE_TWILIO_API_URL", "twilio_api_url", _text, "", "Another server that speaks Twilio's API, such as a mock; empty means Twilio itself."),
    Row("CARELINE_SMS_NUMBER", "sms_number", _text, "+441632960000", "The number texts are sent from, in E.164."),
    Row("CARELINE_RASA_URL", "rasa_url", _text, "http://127.0.0.1:5005", "Where Rasa listens, several comma separated; keep it on loopback or a closed network."),
    Row("CARELINE_TRACKER_URL", "tracker_url", _text, "", "SQLAlchemy URL of Rasa's conversation state; empty means beside the rest in PostgreSQL, or SQLite under the home folder."),
    Row("CARELINE_RASA_TIMEOUT", "rasa_timeout", _number, "6", "Seconds to wait for Rasa before the answer is promised for later; the provider gives up at 15."),
    Row("CARELINE_ACTIONS_URL", "actions_url", _text, "", "Where Rasa finds an action server of its own; empty means that actions run inside Rasa's processes."),
    Row("CARELINE_LANGUAGES", "languages", _language_list, ",".join(LANGUAGES), "Languages served, the usual ones of the line first."),
    Row("CARELINE_DEFAULT_LANGUAGE", "default_language", _text, "en", "Language when nothing else tells."),
    Row("CARELINE_MUNICIPALITY", "municipality", _text, "Port Amity", "Name of the municipality, as said to people."),
    Row("CARELINE_COUNTRY", "country", _text, "GB", "ISO 3166 code: public holidays and how phone numbers are read."),
    Row("CARELINE_TIME_ZONE", "time_zone", _zone, "Europe/London", "Time zone of opening hours."),
    Row("CARELINE_EMERGENCY_NUMBER", "emergency_number", _text, "112", "The number people call when somebody is in danger."),
    Row("CARELINE_CRISIS_NUMBER", "crisis_number", _text, "+441632960001", "A telephone line for people who think of suicide, day and night."),
    Row("CARELINE_REFUGE_NUMBER", "refuge_number", _text, "+441632960002", "A telephone line for people facing violence, day and night."),
    Row("CARELINE_CHILD_NUMBER", "child_number", _text, "+441632960003", "A telephone line for children in danger, day and night."),
    Row("CARELINE_OFFICE_NUMBER", "office_number", _text, "+441632960000", "The number where a person answers in office hours."),
    Row("CARELINE_OFFICE_HOURS", "office_hours", _clock_times, "09:00-18:00", "When a person answers, Monday to Friday except public holidays."),
    Row("CARELINE_ANSWER_HOURS", "answer_hours", _whole, "2", "Working hours within which a person answers a question handed over."),
    Row("CARELINE_SEGMENT_PRICE", "segment_price", _number, "0.04", "What one SMS segment costs, for the simulator and reports."),
    Row("CARELINE_CURRENCY", "currency", _text, "GBP", "ISO 4217 code of that price."),
    Row("CARELINE_SIMULATOR", "simulator", _flag, "false", "Show a phone at /simulator; for development only, it needs no account."),
    Row("CARELINE_SQLITE_WAIT", "sqlite_wait", _number, "5", "Seconds a process waits for another one's lock on SQLite."),
    Row("CARELINE_REDIS_URL", "redis_url", _text, "", "Redis for the conversations' locks and the task queue, such as redis://10.0.0.5/0; empty means files under the home folder."),
    Row("CARELINE_RASA_WORKERS", "rasa_workers", _count, "2", "Processes that understand messages; they share the model's memory. One for each core is a good start."),
    Row("CARELINE_WEB_WORKERS", "web_workers", _count, "1", "Processes of the web server; the simulator needs one alone."),
    Row("CARELINE_WEB_THREADS", "web_threads", _count, "24", "Requests that one web process takes at once; a quarter of them is kept for emergencies, STOP and the desk."),
    Row("CARELINE_WORKERS", "workers", _count, "1", "Processes that send what is due and answer what is owed."),
    Row("CARELINE_ALERT_URL", "alert_url", _text, "", "Where the administrator is told what is wrong: JSON with a text is posted there."),
    Row("CARELINE_ALERT_NUMBER", "alert_number", _text, "", "A number, in E.164, that gets the same as a text."),
    Row("CARELINE_LOG_LEVEL", "log_level", _level, "INFO", "What is logged: DEBUG, INFO, WARNING or ERROR; never what people wrote."),
)  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """All settings, read and checked. Times of day are local to `time_zone`, durations as the row's help says."""

    home: Path
    database_url: str
    secret_key: str
    public_url: str
    twilio_account_sid: str
    twilio_auth_token: str
    twilio_api_url: str
    sms_number: str
    rasa_url: str
    tracker_url: str
    rasa_timeout: float
    actions_url: str
    languages: tuple[str, ...]
    default_language: str
    municipality: str
    country: str
    time_zone: ZoneInfo
    emergency_number: str
    crisis_number: str
    refuge_number: str
    child_number: str
    office_number: str
    office_hours: tuple[time, time]
    answer_hours: int
    segment_price: float
    currency: str
    simulator: bool
    sqlite_wait: float
    redis_url: str
    rasa_workers: int
    web_workers: int
    web_threads: int
    workers: int
    alert_url: str
    alert_number: str
    log_level: str

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "Settings":
        """Read the settings from `env`.

        Raises SettingsError for an unknown `CARELINE_…` name or a value that cannot be read.
        """
        known = {row.variable for row in ROWS}
        unknown = sorted(name for name in env if name.startswith("CARELINE_") and name not in known)
        if unknown:
            raise SettingsError(f"Unknown setting {unknown[0]}: see .env.example for the names there are.")
        values = {row.attribute: _read(row, env.get(row.variable)) for row in ROWS}
        settings = cls(**values)
        if settings.default_language not in settings.languages:
            raise SettingsError("CARELINE_DEFAULT_LANGUAGE must be one of CARELINE_LANGUAGES.")
        return settings

    @property
    def database(self) -> str:
        """The SQLAlchemy URL in force."""
        return self.database_url or f"sqlite:///{(self.home / 'careline.db').absolute()}"

    @property
    def tracker(self) -> str:
        """The SQLAlchemy URL of Rasa's conversation state in force: beside the rest where that is no file."""
        if not self.tracker_url and self.database_url and not self.database_url.startswith("sqlite"):
            return self.database_url
        return self.tracker_url or f"sqlite:///{(self.home / 'tracker.db').absolute()}"


def _read(row: Row, value: str | None) -> Any:
    try:
        return row.read(row.default if value is None else value)
    except ValueError as error:
        raise SettingsError(f"{row.variable} is {value!r}: {error}.") from error


assert {field.name for field in fields(Settings)} == {row.attribute for row in ROWS}
