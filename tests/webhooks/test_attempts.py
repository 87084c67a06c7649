"""How often something may fail before one has to wait."""

from webhooks.attempts import Attempts


def test_failures_are_forgotten_after_a_minute() -> None:
    moment = 0.0
    attempts = Attempts(limit=2, wait=60, clock=lambda: moment)
    assert [attempts.begin("ada") for _ in range(3)] == [True, True, False]
    assert attempts.begin("ben")
    moment = 61
    assert attempts.begin("ada")
    attempts.succeeded("ada")
    assert [attempts.begin("ada") for _ in range(3)] == [True, True, False]
