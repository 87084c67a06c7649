"""Logs: one JSON object a line, with the trace of the message it is about, and nothing of what people wrote.

The trace is a random id made when a message comes in; it goes with the message to Rasa and its actions, so that one
search finds all lines of a turn. What others' code logs is cut to where and what kind: its texts may quote a message.
"""

import json
import logging
import re
import secrets
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType

from bot import municipalities
from bot.settings import Settings

_trace: ContextVar[str] = ContextVar("trace", default="")
_OURS = ("bot", "webhooks", "actions", "gunicorn", "__main__")
#: Libraries that would write a line for each message, some with its text and number.
_CHATTY = (
    "huey", "twilio", "rasa", "rasa_sdk", "aiohttp", "sqlalchemy", "urllib3", "apscheduler", "matplotlib", "alembic",
    "opentelemetry",
)  # fmt: skip
_TRACE = re.compile("[0-9a-f]{32}")


def new_trace() -> str:
    """A trace id as W3C Trace Context writes it: 32 hexadecimal digits (https://www.w3.org/TR/trace-context/#trace-id)."""
    return secrets.token_hex(16)


def trace() -> str:
    """The trace of what this thread or task is at work on; empty outside a turn."""
    return _trace.get()


@contextmanager
def traced(trace_id: str) -> Iterator[None]:
    """Everything logged inside belongs to this trace; what is no trace id counts as none."""
    token = _trace.set(trace_id if _TRACE.fullmatch(trace_id) else "")
    try:
        yield
    finally:
        _trace.reset(token)


class Line(logging.Formatter):
    """One record as one line of JSON. Fields of our own go in `extra={"fields": {…}}`."""

    def __init__(self, part: str) -> None:
        super().__init__()
        self._part = part

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        own = record.name.split(".")[0] in _OURS
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "part": self._part,
            "process": record.process,
            "logger": record.name,
            "event": record.getMessage() if own else f"{record.module}:{record.lineno}",
        }
        if municipalities.current():
            line["municipality"] = municipalities.current()
        if _trace.get():
            line["trace"] = _trace.get()
        line |= getattr(record, "fields", {})
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = where(record.exc_info[1], record.exc_info[2])
        return json.dumps(line, ensure_ascii=False, default=str)


def where(error: BaseException, trace_back: TracebackType | None = None) -> str:
    """An error's kind and where it came from; never its message, which may quote what a person wrote."""
    frames = traceback.extract_tb(trace_back or error.__traceback__)[-4:]
    said = f"{type(error).__name__} at " + " < ".join(f"{frame.filename.split('/')[-1]}:{frame.lineno}" for frame in frames[::-1])
    cause = error.__cause__ or error.__context__
    return f"{said}, from {type(cause).__name__}" if cause is not None else said


def start(part: str, settings: Settings) -> None:
    """Log this process's lines to standard error, as `part`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Line(part))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.ERROR if name in ("rasa", "opentelemetry") else logging.WARNING)
    _quiet_structlog()


def _quiet_structlog() -> None:
    """Rasa logs texts through structlog at debug level; unset, structlog would print them."""
    import structlog

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL), cache_logger_on_first_use=True)
