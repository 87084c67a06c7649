"""Settings: environment variables `CARELINE_…`, and Twilio's own two; of several municipalities, see `bot.municipalities`.

Each setting is one row of `ROWS` with its help text; `.env.example` and docs/operating.md are compared with these
rows by a test. Reading the environment happens only in `Settings.from_env`.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dotenv import dotenv_values
from limits import parse_many

from bot import look, timetable
from bot.errors import SettingsError
from bot.languages import LANGUAGES
from bot.look import Look
from bot.timetable import Timetable


def _text(value: str) -> str:
    return value.strip()


def _address(value: str) -> str:
    address = value.strip()
    if address and not re.match("https?://[^/]", address):
        raise ValueError("must be an address such as http://10.0.0.5:4318")
    return address


def _number(value: str) -> float:
    number = float(value)
    if number <= 0:
        raise ValueError("must be above 0")
    return number


def _whole(value: str) -> int:
    return int(value)


def _not_negative(value: str) -> float:
    number = float(value)
    if number < 0:
        raise ValueError("must be 0 or more")
    return number


def _days(value: str) -> int:
    days = int(value)
    if not 1 <= days <= 3650:
        raise ValueError("must be from 1 to 3650")
    return days


def _limits(value: str) -> str:
    parse_many(value)
    return value.strip()


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


def _folder(value: str) -> Path | None:
    return _path(value) if value.strip() else None


def _picture(value: str) -> Path | None:
    path = _folder(value)
    if path is not None and path.suffix.lower() not in {".svg", ".png", ".webp"}:
        raise ValueError("must be a file that ends in .png, .webp or .svg")
    return path


def _language_list(value: str) -> tuple[str, ...]:
    codes = tuple(code.strip() for code in value.split(",") if code.strip())
    unknown = [code for code in codes if code not in LANGUAGES]
    if unknown or not codes:
        raise ValueError(f"must name languages of {', '.join(LANGUAGES)}")
    return codes


def _numbers(value: str) -> tuple[str, ...]:
    numbers = tuple(number.strip() for number in value.split(",") if number.strip())
    if any(not number.startswith("+") or not number[1:].isdigit() for number in numbers):
        raise ValueError("must be telephone numbers such as +441632960010, separated by commas")
    return numbers


def _greeted(value: str) -> tuple[str, ...]:
    codes = _language_list(value)
    if len(codes) > 3:
        raise ValueError("may name three languages: the greeting would take more than twelve seconds")
    return codes


def _share(value: str) -> float:
    share = float(value)
    if not 0 <= share <= 1:
        raise ValueError("must be between 0 and 1")
    return share


def _zone(value: str) -> ZoneInfo:
    try:
        return ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError("must be a time zone such as Europe/London") from error


def _names(value: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in value.split(",") if name.strip())


def _one_of(*words: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value.strip() not in words:
            raise ValueError(f"must be {' or '.join(repr(word) for word in words)}")
        return value.strip()

    return read


def _roles(value: str) -> tuple[tuple[str, str], ...]:
    pairs = [tuple(part.strip() for part in pair.rsplit("=", 1)) for pair in value.split(",") if pair.strip()]
    if any(len(pair) != 2 or pair[1] not in ("staff", "steward", "administrator") for pair in pairs):
        raise ValueError("must be pairs like care-team=staff, with a role of staff, steward or administrator")
    return tuple((pair[0], pair[1]) for pair in pairs)


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
    Row("CARELINE_MUNICIPALITIES", "municipalities", _folder, "", "Folder with a file of settings for each municipality, such as lower-vale.env, where several are served; empty means that this is the only one."),
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
    Row("CARELINE_LOGO", "logo", _picture, "", "A picture (PNG, WebP, or SVG of shapes alone; 256 KB) shown on the page beside the municipality's name; empty means none."),
    Row("CARELINE_COLOUR", "colour", look.colour, "", "Colour of buttons and links on the page, such as #0b4a6f: with white it needs a contrast of 4.5; empty means ours."),
    Row("CARELINE_COLOUR_DARK", "colour_dark", look.colour, "", "The same on the dark page, a light colour; empty means a lighter shade of it."),
    Row("CARELINE_BAND", "band", look.colour, "", "Colour of the bar on top of the page, such as #ffd200; empty means that of the page."),
    Row("CARELINE_BAND_TEXT", "band_text", look.colour, "", "Colour of the text on that bar, with a contrast of 4.5; empty means black or white, whichever is read better."),
    Row("CARELINE_PARTNERS", "partners", _names, "", "Other municipalities of this deployment to which a case may be handed with consent, comma separated; each must name the other."),
    Row("CARELINE_COUNTRY", "country", _text, "GB", "ISO 3166 code: public holidays and how phone numbers are read."),
    Row("CARELINE_TIME_ZONE", "time_zone", _zone, "Europe/London", "Time zone of opening hours."),
    Row("CARELINE_EMERGENCY_NUMBER", "emergency_number", _text, "112", "The number people call when somebody is in danger."),
    Row("CARELINE_CRISIS_NUMBER", "crisis_number", _text, "+441632960001", "A telephone line for people who think of suicide, day and night."),
    Row("CARELINE_REFUGE_NUMBER", "refuge_number", _text, "+441632960002", "A telephone line for people facing violence, day and night."),
    Row("CARELINE_CHILD_NUMBER", "child_number", _text, "+441632960003", "A telephone line for children in danger, day and night."),
    Row("CARELINE_OFFICE_NUMBER", "office_number", _text, "+441632960000", "The number where a person answers in office hours."),
    Row("CARELINE_OFFICE_HOURS", "office_hours", timetable.parse, "09:00-18:00", "When a person answers: 09:00-18:00 for Monday to Friday, or a timetable like mon-fri 09:00-12:30 13:30-18:00; sat 10:00-12:00; [ne] tue 10:00-12:00; 2026-12-24 closed."),
    Row("CARELINE_ANSWER_HOURS", "answer_hours", _whole, "2", "Working hours within which a person answers a question handed over."),
    Row("CARELINE_VOICE_NUMBER", "voice_number", _text, "+441632960000", "The number people call; everybody we connect sees it instead of the caller's, in E.164."),
    Row("CARELINE_VOICE_LANGUAGES", "voice_languages", _greeted, "en,es,fr", "Languages the telephone offers in its first words, at most three; the others follow with one key."),
    Row("CARELINE_STAFF_PHONES", "staff_phones", _numbers, "", "Telephones that ring when a caller wants a person in office hours, comma separated; empty means calls become messages."),
    Row("CARELINE_CALL_MINUTES", "call_minutes", _number, "6", "Minutes a talk usually takes, to tell callers how long they will wait."),
    Row("CARELINE_EMERGENCY_TRANSFER", "emergency_transfer", _text, "", "A number to which a caller in a medical or other emergency is put through, if your provider may reach one; empty means the emergency number is said."),
    Row("CARELINE_CONFIDENCE", "confidence", _share, "0.5", "Speech understood with less than this, from 0 to 1, is asked about before it is answered."),
    Row("CARELINE_LOOKUP", "lookup", _flag, "false", "Ask the provider whether a number takes texts (Twilio Lookup, at a price) instead of asking the caller."),
    Row("CARELINE_PERSON_TOPICS", "person_topics", _names, "rights_complaint", "Topics that always bring a person, besides an answer: ids of topics, comma separated."),
    Row("CARELINE_QUIET_MINUTES", "quiet_minutes", _number, "45", "Minutes after which the bot answers again when whoever took a conversation says nothing."),
    Row("CARELINE_DUTY_NUMBER", "duty_number", _text, "", "A telephone that is texted, without a word about anybody, when a crisis waits at the desk; in E.164."),
    Row("CARELINE_SECOND_LINE_NUMBER", "second_line_number", _text, "", "A telephone that is texted too when nobody has taken a crisis after two rings; in E.164."),
    Row("CARELINE_RING_MINUTES", "ring_minutes", _number, "5", "Minutes after which an untaken crisis rings again."),
    Row("CARELINE_ASK_HELPED", "ask_helped", _flag, "true", "Ask once, after a person's answer, whether it helped."),
    Row("CARELINE_SECOND_FACTOR", "second_factor", _one_of("", "required", "optional"), "", "Second factor at the desk: required or optional; empty means required, but optional while the simulator is on."),
    Row("CARELINE_OIDC_ISSUER", "oidc_issuer", _text, "", "The city's own identity provider (OpenID Connect), such as https://login.example.org; empty means none."),
    Row("CARELINE_OIDC_CLIENT_ID", "oidc_client_id", _text, "", "Our id at that provider."),
    Row("CARELINE_OIDC_CLIENT_SECRET", "oidc_client_secret", _text, "", "Our secret at that provider."),
    Row("CARELINE_OIDC_CLAIM", "oidc_claim", _text, "preferred_username", "The claim that names the account at the desk."),
    Row("CARELINE_OIDC_ROLES", "oidc_roles", _roles, "", "Which groups of the provider may in, and as what: care-team=staff,it=administrator; empty means only accounts made here."),
    Row("CARELINE_TRANSLATOR_URL", "translator_url", _text, "", "A LibreTranslate server of your own that helps staff to read and write other languages; empty means none."),
    Row("CARELINE_TRANSLATOR_KEY", "translator_key", _text, "", "Its key, if it asks for one."),
    Row("CARELINE_BRIDGE", "bridge", _one_of("", "webhook", "chatwoot"), "", "A desk of the city's own that cases go to as well: webhook or chatwoot; empty means none."),
    Row("CARELINE_BRIDGE_URL", "bridge_url", _text, "", "Where that desk takes them: the webhook's address, or Chatwoot's."),
    Row("CARELINE_BRIDGE_SECRET", "bridge_secret", _text, "", "The secret both sides sign with."),
    Row("CARELINE_CHATWOOT_ACCOUNT", "chatwoot_account", _text, "", "Chatwoot's account number."),
    Row("CARELINE_CHATWOOT_INBOX", "chatwoot_inbox", _text, "", "The number of the API inbox that cases go to."),
    Row("CARELINE_CHATWOOT_TOKEN", "chatwoot_token", _text, "", "The access token of a Chatwoot user or bot."),
    Row("CARELINE_SEARCH_BY_MEANING", "search_by_meaning", _flag, "true", "Compare messages with services by their meaning as well; takes 60 MB in the action server."),
    Row("CARELINE_DIRECTORY_LANGUAGE", "directory_language", _text, "en", "Language the directory's descriptions are written in."),
    Row("CARELINE_SEGMENT_PRICE", "segment_price", _number, "0.04", "What one SMS segment costs, for the simulator and reports."),
    Row("CARELINE_CURRENCY", "currency", _text, "GBP", "ISO 4217 code of that price."),
    Row("CARELINE_SIMULATOR", "simulator", _flag, "false", "Show a phone at /simulator; for development only, it needs no account."),
    Row("CARELINE_KIOSK_IDLE", "kiosk_idle", _number, "150", "Seconds without a touch after which a registered kiosk asks whether somebody is there; a minute later all is erased."),
    Row("CARELINE_PAGE_IDLE", "page_idle", _number, "900", "The same, in seconds, for the page in any other browser."),
    Row("CARELINE_EXIT_URL", "exit_url", _text, "", "Where the quick exit leads, such as a page about the weather; empty means our own page of library opening hours."),
    Row("CARELINE_LIVE_CONNECTIONS", "live_connections", _whole, "6", "Pages that one web process keeps connected for live answers; the others ask every few seconds."),
    Row("CARELINE_LOCAL", "local", _folder, "", "Folder of the city's own rights articles and contacts, over ours; empty for none."),
    Row("CARELINE_SQLITE_WAIT", "sqlite_wait", _number, "5", "Seconds a process waits for another one's lock on SQLite."),
    Row("CARELINE_KEEP_MESSAGES_DAYS", "keep_messages_days", _days, "30", "Days messages by text and telephone, and the answers to them, are kept."),
    Row("CARELINE_KEEP_CASES_DAYS", "keep_cases_days", _days, "90", "Days a conversation is kept that a person helped with, from when the case was closed, or opened if nobody closed it."),
    Row("CARELINE_KEEP_KIOSK_DAYS", "keep_kiosk_days", _days, "1", "Days a conversation on the page is kept that nobody ended."),
    Row("CARELINE_KEEP_RECORDINGS_DAYS", "keep_recordings_days", _days, "30", "Days recordings of calls are kept, the provider's copies too."),
    Row("CARELINE_KEEP_RECEIPTS_DAYS", "keep_receipts_days", _days, "365", "Days a receipt for erased data can be looked up; it names nobody."),
    Row("CARELINE_KEEP_LOGS_DAYS", "keep_logs_days", _days, "14", "Days technical logs are kept; they hold no texts and no numbers."),
    Row("CARELINE_KEEP_BACKUPS_DAYS", "keep_backups_days", _days, "14", "Days backups are kept: what was erased may still be in one for so long."),
    Row("CARELINE_PRIVACY_CONTACT", "privacy_contact", _text, "", "Whom people write to about their data, such as the data protection officer's e-mail; said on the privacy page."),
    Row("CARELINE_LIMIT_NUMBER", "limit_number", _limits, "120 per 10 minute; 1000 per day", "Messages answered for one number; danger and STOP always are."),
    Row("CARELINE_LIMIT_ADDRESS", "limit_address", _limits, "300 per minute", "Messages answered for one network address of a page or program; loopback is not counted."),
    Row("CARELINE_LIMIT_LINE", "limit_line", _limits, "50000 per hour", "Messages answered on the whole line."),
    Row("CARELINE_DAILY_CAP", "daily_cap", _not_negative, "1000", "What texts may cost in a day; the administrator is warned at 80 %, and past it only danger, STOP and staff are texted as usual. 0 means no cap."),
    Row("CARELINE_ADMINISTRATOR_NUMBER", "administrator_number", _text, "", "A number that is texted when something needs the administrator, in E.164; empty means only the log says so."),
    Row("CARELINE_PROXIES", "proxies", _whole, "0", "How many proxies in front of the web server are ours: the last so many addresses in X-Forwarded-For are trusted."),
    Row("CARELINE_REDIS_URL", "redis_url", _text, "", "Redis for the conversations' locks, the task queue and the counting of limits, such as redis://10.0.0.5/0; empty means files under the home folder."),
    Row("CARELINE_RASA_WORKERS", "rasa_workers", _count, "2", "Processes that understand messages; they share the model's memory. One for each core is a good start."),
    Row("CARELINE_WEB_WORKERS", "web_workers", _count, "1", "Processes of the web server; the simulator needs one alone."),
    Row("CARELINE_WEB_THREADS", "web_threads", _count, "24", "Requests that one web process takes at once; a quarter of them is kept for emergencies, STOP and the desk."),
    Row("CARELINE_WORKERS", "workers", _count, "1", "Processes that send what is due and answer what is owed."),
    Row("CARELINE_ALERT_URL", "alert_url", _text, "", "Where the administrator is told what is wrong: JSON with a text is posted there."),
    Row("CARELINE_TELEMETRY_URL", "telemetry_url", _address, "", "A collector on your own network that traces are sent to (OpenTelemetry, OTLP over HTTP), such as http://10.0.0.5:4318; times and parts only, nothing of what people wrote. Needs `uv sync --group telemetry`; empty means none."),
    Row("CARELINE_LOG_LEVEL", "log_level", _level, "INFO", "What is logged: DEBUG, INFO, WARNING or ERROR; never what people wrote."),
)  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """All settings, read and checked. Times of day are local to `time_zone`, durations as the row's help says."""

    home: Path
    municipalities: Path | None
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
    logo: Path | None
    colour: str
    colour_dark: str
    band: str
    band_text: str
    partners: tuple[str, ...]
    country: str
    time_zone: ZoneInfo
    emergency_number: str
    crisis_number: str
    refuge_number: str
    child_number: str
    office_number: str
    office_hours: Timetable
    answer_hours: int
    voice_number: str
    voice_languages: tuple[str, ...]
    staff_phones: tuple[str, ...]
    call_minutes: float
    emergency_transfer: str
    confidence: float
    lookup: bool
    person_topics: tuple[str, ...]
    quiet_minutes: float
    duty_number: str
    second_line_number: str
    ring_minutes: float
    ask_helped: bool
    second_factor: str
    oidc_issuer: str
    oidc_client_id: str
    oidc_client_secret: str
    oidc_claim: str
    oidc_roles: tuple[tuple[str, str], ...]
    translator_url: str
    translator_key: str
    bridge: str
    bridge_url: str
    bridge_secret: str
    chatwoot_account: str
    chatwoot_inbox: str
    chatwoot_token: str
    search_by_meaning: bool
    directory_language: str
    segment_price: float
    currency: str
    simulator: bool
    kiosk_idle: float
    page_idle: float
    exit_url: str
    live_connections: int
    local: Path | None
    sqlite_wait: float
    keep_messages_days: int
    keep_cases_days: int
    keep_kiosk_days: int
    keep_recordings_days: int
    keep_receipts_days: int
    keep_logs_days: int
    keep_backups_days: int
    privacy_contact: str
    limit_number: str
    limit_address: str
    limit_line: str
    daily_cap: float
    administrator_number: str
    proxies: int
    redis_url: str
    rasa_workers: int
    web_workers: int
    web_threads: int
    workers: int
    alert_url: str
    telemetry_url: str
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
        try:
            _ = settings.look
        except ValueError as error:
            raise SettingsError(f"{error}.") from error
        if not set(settings.voice_languages) <= set(settings.languages):
            settings = replace(settings, voice_languages=_served(settings))
        return settings

    @property
    def look(self) -> Look:
        """The colours of the page. Raises ValueError where text could not be read on one; `from_env` has made sure of that."""
        return look.of(self.colour, self.colour_dark, self.band, self.band_text)

    @property
    def recordings(self) -> Path:
        """The folder of recorded prompts: <language>/<phrase>.wav or .mp3."""
        return self.home / "recordings"

    @property
    def sounds(self) -> Path:
        """The folder of synthesised speech; it may be emptied at any time."""
        return self.home / "sounds"

    @property
    def database(self) -> str:
        """The SQLAlchemy URL in force."""
        return self.database_url or f"sqlite:///{(self.home / 'careline.db').absolute()}"

    @property
    def needs_second_factor(self) -> bool:
        """Whether everybody at the desk must have a second factor."""
        return self.second_factor == "required" or (self.second_factor == "" and not self.simulator)

    @property
    def tracker(self) -> str:
        """The SQLAlchemy URL of Rasa's conversation state in force: beside the rest where that is no file."""
        if not self.tracker_url and self.database_url and not self.database_url.startswith("sqlite"):
            return self.database_url
        return self.tracker_url or f"sqlite:///{(self.home / 'tracker.db').absolute()}"


def _served(settings: Settings) -> tuple[str, ...]:
    """The greeting's languages among those served; the line's first where none is left."""
    kept = tuple(code for code in settings.voice_languages if code in settings.languages)
    return kept or (settings.default_language,)


def _read(row: Row, value: str | None) -> Any:
    try:
        return row.read(row.default if value is None else value)
    except ValueError as error:
        raise SettingsError(f"{row.variable} is {value!r}: {error}.") from error


assert {field.name for field in fields(Settings)} == {row.attribute for row in ROWS}
