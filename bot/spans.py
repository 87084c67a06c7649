"""Spans: how long each part of a turn took, for OpenTelemetry (https://opentelemetry.io/docs/specs/otel/trace/api/).

Off unless CARELINE_TELEMETRY_URL names a collector; then nothing of OpenTelemetry is even imported. A span belongs to the trace
that the log lines carry (`bot.logs`), in whatever process it is made. The id of a trace's first span follows from the trace's
own, so that a worker which finds only the trace in the database can hang its spans below the turn.

No personal data: names of parts, what came of them, and times. Of an error only the kind is said: its text may quote a message.
"""

import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from importlib.util import find_spec
from typing import Any, Literal
from urllib.parse import urlsplit

from bot import logs, municipalities
from bot.errors import SettingsError
from bot.settings import Settings

#: Where a collector takes traces, if its address says nothing else (https://opentelemetry.io/docs/specs/otlp/#otlphttp-request).
PATH = "/v1/traces"
#: Seconds a collector may take. One that is away costs nothing but its spans: nobody waits for it.
PATIENCE = 2.0
#: Milliseconds between two batches, and when stopping.
PAUSE = 2000

_provider: Any = None
_is_first: ContextVar[bool] = ContextVar("is_first", default=False)


class Open:
    """A span that has begun; one that nobody hears, where there is no collector."""

    def __init__(self, span: Any = None) -> None:
        self._span = span

    def say(self, **facts: str | int | bool) -> None:
        """Add what came of it, by short names; never what a person wrote, nor who they are."""
        if self._span is not None:
            self._span.set_attributes({f"careline.{name}": value for name, value in facts.items()})


def check(settings: Settings) -> None:
    """Raises SettingsError where a collector is named and what speaks to it is not installed."""
    if settings.telemetry_url and find_spec("opentelemetry") is None:
        raise SettingsError("CARELINE_TELEMETRY_URL is set, but OpenTelemetry is not installed: uv sync --group telemetry")


def start(part: str, settings: Settings) -> None:
    """From now on this process sends its spans, as `part`. After a fork, not before: a thread sends them.

    Raises SettingsError.
    """
    global _provider
    check(settings)
    if not settings.telemetry_url or _provider is not None:
        return
    from opentelemetry.exporter.otlp.json.http import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    exporter = OTLPSpanExporter(endpoint=_endpoint(settings.telemetry_url), timeout=PATIENCE)
    about = {"service.namespace": "careline", "service.name": part, "host.name": socket.gethostname()}
    provider = TracerProvider(resource=Resource.create(about), id_generator=_ids())
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=PAUSE))
    _provider = provider


def stop() -> None:
    """Send what is left, and no more after that."""
    global _provider
    if _provider is not None:
        _provider.shutdown()
        _provider = None


@contextmanager
def span(
    name: str, first: bool = False, within: str = "", kind: Literal["INTERNAL", "CLIENT", "SERVER"] = "INTERNAL", **facts: str
) -> Iterator[Open]:
    """Everything inside is the part of the trace at hand that is called `name`; outside of any trace nothing is noted.

    `first` of its trace, or below the span that is open here, or below the one that another process carried (`within`, see
    `carried`), or else below the first.
    """
    if _provider is None or not logs.trace():
        yield Open()
        return
    from opentelemetry import trace as api

    token = _is_first.set(first)
    try:
        started = _provider.get_tracer("careline").start_span(
            name, context=_context(first, within), kind=api.SpanKind[kind], attributes=_attributes(facts)
        )
    finally:
        _is_first.reset(token)
    # Neither the text of an error nor its lines: they may quote a person.
    with api.use_span(started, end_on_exit=True, record_exception=False, set_status_on_exception=False):
        try:
            yield Open(started)
        except BaseException as error:
            started.set_attribute("error.type", type(error).__name__)
            started.set_status(api.StatusCode.ERROR)
            raise


def carried() -> dict[str, str]:
    """The header that tells another process what it is part of (https://www.w3.org/TR/trace-context/#traceparent-header)."""
    if _provider is None:
        return {}
    from opentelemetry import trace as api

    at = api.get_current_span().get_span_context()
    return {"traceparent": f"00-{at.trace_id:032x}-{at.span_id:016x}-01"} if at.is_valid else {}


def _attributes(facts: dict[str, str]) -> dict[str, str]:
    whose = {"municipality": municipalities.current()} if municipalities.current() else {}
    return {f"careline.{name}": value for name, value in (facts | whose).items()}


def _context(first: bool, within: str) -> Any:
    """Where a new span belongs; None for below the one that is open."""
    from opentelemetry import trace as api
    from opentelemetry.context import Context

    if first:
        return Context()
    trace = int(logs.trace(), 16)
    if api.get_current_span().get_span_context().trace_id == trace:
        return None
    parts = within.split("-")
    told = len(parts) == 4 and parts[1] == logs.trace() and len(parts[2]) == 16
    parent = int(parts[2], 16) if told else _first_id(logs.trace())
    above = api.SpanContext(trace, parent, is_remote=True, trace_flags=api.TraceFlags(api.TraceFlags.SAMPLED))
    return api.set_span_in_context(api.NonRecordingSpan(above), Context())


def _first_id(trace: str) -> int:
    return int(trace[:16], 16) or 1


def _ids() -> Any:
    """What gives spans their ids: the trace's is that of the logs."""
    from opentelemetry.sdk.trace.id_generator import IdGenerator

    class Ids(IdGenerator):
        def generate_span_id(self) -> int:
            return _first_id(logs.trace()) if _is_first.get() else secrets.randbits(64) or 1

        def generate_trace_id(self) -> int:
            return int(logs.trace() or logs.new_trace(), 16)

        def is_trace_id_random(self) -> bool:
            return True

    return Ids()


def _endpoint(address: str) -> str:
    return address.rstrip("/") + PATH if urlsplit(address).path in ("", "/") else address
