"""The API against its own description: whatever schemathesis can think of, one call at a time and in conversations."""

from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis.stateful import run_state_machine_as_test

from bot.reply import Choice, Phrase, Reply
from tests.fakes import FakeDialogue
from tests.unpacked import unpacked

#: Schemathesis is a version ahead of what Rasa pins in places.
pytestmark = pytest.mark.filterwarnings("ignore")
SINGLE = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
STATEFUL = settings(max_examples=10, stateful_step_count=6, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture
def schema(app: Flask, dialogue: FakeDialogue) -> Any:
    """The description as the running application gives it, with answers that offer something to go on from."""
    dialogue.answer = Reply(
        opening=(Phrase("unsure.choose"),), choices=(Choice("/food", Phrase("topic.food"), topic="food"),), topic=None
    )
    return schemathesis.openapi.from_wsgi("/openapi.json", unpacked(app))


def test_every_operation_keeps_to_its_description(schema: Any) -> None:
    operations = [result.ok() for result in schema.get_all_operations()]
    assert "/api/chat" in {operation.path for operation in operations}
    for operation in operations:

        @SINGLE
        @given(case=operation.as_strategy())
        def check(case: Any) -> None:
            case.call_and_validate()

        check()


def test_conversations_of_any_shape_keep_to_it(schema: Any) -> None:
    """A later call uses the conversation that an earlier one began."""
    run_state_machine_as_test(schema.as_state_machine(), settings=STATEFUL)
