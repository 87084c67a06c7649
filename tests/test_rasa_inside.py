"""What takes the place of parts of Rasa says what Rasa itself would say."""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from bot.training import ROOT, environment

pytestmark = [pytest.mark.rasa, pytest.mark.filterwarnings("ignore")]

ANSWERS: tuple[Any, ...] = (
    {"events": [], "responses": []},
    {"events": [{"event": "slot", "name": "topic", "value": "food"}], "responses": [{"custom": {"topic": "food"}}]},
    {"events": [{"event": "slot", "name": "shown", "value": ["a"], "timestamp": None}], "responses": [{"text": "hello"}]},
    {"events": [{"event": "no such event"}], "responses": []},
    {"events": "none", "responses": []},
    {"events": [], "responses": ["words"]},
    {"events": [{"name": "topic"}]},
    [],
    "",
)


@pytest.mark.parametrize("answer", ANSWERS, ids=repr)
def test_the_compiled_schema_refuses_what_rasas_own_check_refuses(answer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import jsonschema_rs
    from rasa.core.actions.action import RemoteAction

    from actions.inside import check_quickly

    try:
        jsonschema.validate(answer, RemoteAction.action_response_format_spec())
        expected = True
    except jsonschema.ValidationError:
        expected = False
    monkeypatch.setattr(RemoteAction, "_validate_action_result", RemoteAction._validate_action_result)
    check_quickly()
    try:
        found = RemoteAction("action_search", None)._validate_action_result(answer)
    except jsonschema_rs.ValidationError:
        found = False
    assert found is expected


def test_rasa_loads_a_model_without_tensorflow(model: Path) -> None:
    code = (
        "import sys; from bot.nlu.lean import without_tensorflow; without_tensorflow()\n"
        "from rasa.core.agent import Agent\n"
        f"assert Agent.load({str(model)!r}).is_ready()\n"
        "print('tensorflow' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(Path("var")), cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split()[-1] == "False"


def test_a_long_conversation_is_cut_and_remembers_its_slots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from rasa.shared.core.domain import Domain
    from rasa.shared.core.events import ActionExecuted, SlotSet, UserUttered
    from rasa.shared.core.trackers import DialogueStateTracker

    from bot.nlu.tracker import KEPT, SealedTrackerStore

    monkeypatch.setenv("CARELINE_HOME", str(tmp_path))
    monkeypatch.setenv("CARELINE_SECRET_KEY", "a key for tests only")
    domain = Domain.load(str(ROOT / "domain.yml"))
    store = SealedTrackerStore(domain, url=f"sqlite:///{tmp_path / 'tracker.db'}")
    tracker = DialogueStateTracker("c1", domain.slots)
    tracker.update_with_events([ActionExecuted("action_listen"), SlotSet("place", "Riverside")], domain)
    for number in range(KEPT + 6):
        said = UserUttered(f"Ermintrude {number}", {"name": "food", "confidence": 1.0})
        listen = ActionExecuted("action_listen")
        tracker.update_with_events([said, ActionExecuted("action_search"), SlotSet("topic", f"topic {number}"), listen], domain)
    asyncio.run(store.save(tracker))
    again = asyncio.run(store.retrieve("c1"))
    assert again is not None
    assert [event.text for event in again.events if isinstance(event, UserUttered)] == [
        f"Ermintrude {number}" for number in range(6, KEPT + 6)
    ]
    for slot in ("place", "topic", "shown", "unsure"):
        assert again.get_slot(slot) == tracker.get_slot(slot)
    assert again.latest_action_name == "action_listen"
    asyncio.run(store.save(again))
    assert len(asyncio.run(store.retrieve("c1")).events) == len(again.events)  # type: ignore[union-attr]
    assert all(b"Ermintrude" not in path.read_bytes() for path in tmp_path.glob("tracker.db*"))
    store.engine.dispose()
