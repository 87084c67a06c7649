"""A log line is one JSON object with its trace, and holds nothing of what people wrote."""

import io
import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import logs
from bot.logs import Line


@pytest.fixture
def lines():  # type: ignore[no-untyped-def]
    """Whatever is logged while the test runs, by any logger, through our formatter."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Line("web"))
    root = logging.getLogger()
    root.addHandler(handler)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.removeHandler(handler)


def test_a_line_carries_its_trace(lines) -> None:  # type: ignore[no-untyped-def]
    trace = logs.new_trace()
    with logs.traced(trace):
        logging.getLogger("webhooks.x").error("turn", extra={"fields": {"channel": "sms", "ms": 12}})
    logging.getLogger("webhooks.x").error("after")
    first, second = lines()
    assert (first["trace"], first["channel"], first["ms"], first["part"]) == (trace, "sms", 12, "web")
    assert "trace" not in second


def test_an_error_is_where_it_was_and_not_what_it_said(lines) -> None:  # type: ignore[no-untyped-def]
    try:
        try:
            raise ValueError("my name is Ermintrude")
        except ValueError as error:
            raise RuntimeError("Ermintrude again") from error
    except RuntimeError:
        logging.getLogger("webhooks.x").exception("A message could not be handled")
        logging.getLogger("rasa.core").error("Ermintrude wrote: %s", "help")
    said = json.dumps(lines())
    assert "RuntimeError at test_logs.py" in said
    assert "from ValueError" in said
    assert "Ermintrude" not in said


@given(st.text())
def test_only_a_trace_id_is_taken_for_one(text: str) -> None:
    with logs.traced(text):
        assert logs.trace() in ("", text)
        assert logs.trace() == "" or len(text) == 32
