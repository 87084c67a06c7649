"""Figures for Prometheus, by municipality where there are several, of this process; `webhooks.health` adds up all processes'
(PROMETHEUS_MULTIPROC_DIR). No personal data.

Names follow https://prometheus.io/docs/practices/naming/.
"""

import os

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from bot import municipalities

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

#: The last label of what is counted for each municipality; empty, which Prometheus takes for none, where there is one alone.
WHOSE = "municipality"

_TURNS = Counter("careline_turns_total", "Messages answered at once", ("channel", "outcome", WHOSE))
_TURN_SECONDS = Histogram("careline_turn_seconds", "Time of a turn", ("channel", WHOSE), buckets=_SECONDS)
UNDERSTANDING_SECONDS = Histogram("careline_understanding_seconds", "Time of a message inside Rasa", buckets=_SECONDS)
DIALOGUE_FAILURES = Counter("careline_dialogue_failures_total", "Messages that Rasa did not answer in time", ("reason",))
DIALOGUE_ABANDONED = Counter("careline_dialogue_abandoned_total", "Messages nobody waited for when their turn came")
ASKING = Gauge("careline_asking", "Messages that wait for Rasa at this moment", multiprocess_mode="livesum")
_REFUSED = Counter("careline_refused_total", "Webhooks with a bad signature", (WHOSE,))
_SENT = Counter("careline_sent_total", "Attempts to hand a text to the provider", (WHOSE,))
_LATE_ANSWERS = Counter("careline_late_answers_total", "Answers given later than their question", (WHOSE,))


def turn(channel: str, outcome: str, seconds: float) -> None:
    """A message was answered."""
    _TURNS.labels(channel, outcome, municipalities.current()).inc()
    _TURN_SECONDS.labels(channel, municipalities.current()).observe(seconds)


def refused() -> None:
    """A webhook had a bad signature."""
    _REFUSED.labels(municipalities.current()).inc()


def sent() -> None:
    """A text was handed to the provider, or was to be."""
    _SENT.labels(municipalities.current()).inc()


def answered_late(count: int) -> None:
    """So many answers were given later than their question."""
    _LATE_ANSWERS.labels(municipalities.current()).inc(count)


def after_fork() -> None:
    """Count in files of this process's own, not in those of the parent it was copied from."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return
    # prometheus_client notices a new process id at the next count; asking once makes it do so before many threads count at once.
    DIALOGUE_ABANDONED.inc(0)


def forget_process(pid: int) -> None:
    """A process ended: its gauges do not count any more, its counters still do."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(pid)  # type: ignore[no-untyped-call]


def exposition(registry: CollectorRegistry | None = None) -> bytes:
    """The figures of all processes that count in the same folder, or of this one alone, and those of `registry`."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        together = CollectorRegistry()
        MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        text = generate_latest(together)
    else:
        text = generate_latest()
    return text + (generate_latest(registry) if registry is not None else b"")
