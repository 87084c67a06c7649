"""A walk through every branch of every menu of a call: no dead end, and 0 reaches a person or a message from everywhere."""

import json
from collections import deque
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from sqlalchemy import select

from bot.calls import Call
from bot.careline import Careline
from bot.topics import NEEDS, RIGHTS
from tests.callers import answers, caller
from tests.fakes import FakeDialogue
from webhooks.app import create_app
from webhooks.caller import Caller, Turn

ZONE = ZoneInfo("Europe/London")
OFFICE = "0 1 6, 3 2, 9 6 0, 0 0 0"
KEYS = "1234567890*#"
WORDS = ("food", "hmm", "perhaps", "zero", "stop", "I want to die", "español")

Signature = str


@dataclass
class Walk:
    """What was met: each place of the call, what it said, and where each action led."""

    careline: Careline
    phone: Caller
    turns: dict[Signature, Turn] = field(default_factory=dict)
    edges: dict[Signature, dict[str, Signature]] = field(default_factory=dict)
    topics: set[str] = field(default_factory=set)
    serial: int = 100

    def state(self) -> dict[str, Any]:
        with self.careline.database.read() as session:
            call = session.scalars(select(Call).where(Call.provider_id == self.phone.id)).one()
        found: dict[str, Any] = json.loads(call.state)
        return found

    def restore(self, state: dict[str, Any], turn: Turn) -> None:
        """Put the call back where it was; its documents go on being counted, so that no message is taken for an old one."""
        self.serial += 10
        with self.careline.database.begin() as session:
            call = session.scalars(select(Call).where(Call.provider_id == self.phone.id)).one()
            call.state, call.serial = json.dumps(state), self.serial
        self.phone.turn = replace(turn, action=f"/voice/turn/{self.serial}")

    def signature(self, state: dict[str, Any], turn: Turn) -> Signature:
        """Where the call is, without what makes no difference to the ways on."""
        name, args = state["stack"][-1]
        where = {key: value for key, value in args.items() if key in ("group", "page", "every", "purpose", "whole", "busy")}
        reply = reply_of(state)
        kind = [bool(reply.get(part)) for part in ("services", "article", "urgent")] if name in ("result", "answer") else []
        if name == "result":
            kind.append(args["position"] > 0)
        if name == "person":
            kind.append(state["tries"] > 0)
        return json.dumps([name, where, kind, state["failures"], turn.waits])


def reply_of(state: dict[str, Any]) -> dict[str, Any]:
    """The answer that is being told."""
    told = [args["reply"] for _, args in state["stack"] if "reply" in args]
    return dict(told[-1]) if told else {}


def act(phone: Caller, action: str) -> Turn:
    kind, _, value = action.partition(" ")
    match kind:
        case "press":
            return phone.press(value)
        case "say":
            return phone.say(value)
        case "mumble":
            return phone.say(value, confidence=0.2)
        case "wait":
            return phone.wait()
        case "connect":
            return phone.connect(value == "yes")
        case "record":
            return phone.record(int(value))
    raise AssertionError(action)


def actions(turn: Turn) -> list[str]:
    match turn.waits:
        case "key":
            return [f"press {key}" for key in KEYS] + ["wait"]
        case "words":
            return [f"press {key}" for key in KEYS] + ["wait", "mumble food"] + [f"say {words}" for words in WORDS]
        case "number":
            return ["press 07700900456", "press 12", "press 0", "press *", "wait"]
        case "record":
            return ["record 20", "record 0", "wait"]
        case "dial":
            return ["connect yes", "connect no"]
    return []


def walk(careline: Careline, number: str) -> Walk:
    dialogue = FakeDialogue(answers(careline))
    app = create_app(careline, dialogue)
    app.testing = True
    found = Walk(careline, caller(app.test_client(), number))
    turn = found.phone.call()
    state = found.state()
    queue = deque([(state, turn)])
    found.turns[found.signature(state, turn)] = turn
    while queue:
        state, turn = queue.popleft()
        here = found.signature(state, turn)
        found.edges[here] = {}
        for action in actions(turn):
            # Slow speech changes no way on: it is walked from the first menu alone.
            if action == "press 9" and state["stack"][-1][0] != "need":
                continue
            found.restore(state, turn)
            then = act(found.phone, action)
            after = found.state()
            found.topics.add(reply_of(after).get("topic") or "")
            there = found.signature(after, then)
            assert "something is not working" not in then.text, (here, action)
            found.edges[here][action] = there
            if there not in found.turns:
                assert len(found.turns) < 400, "the call goes on for ever"
                found.turns[there] = then
                queue.append((after, then))
    return found


def top(signature: Signature) -> str:
    return str(json.loads(signature)[0])


@pytest.mark.parametrize(
    ("when", "number"),
    [
        ("2026-11-24T10:00", "+447700900123"),  # a Tuesday morning: somebody is there
        ("2026-11-22T23:00", "anonymous"),  # a Sunday night: nobody is
    ],
    ids=["by day", "by night from a withheld number"],
)
def test_every_branch_of_every_menu(careline: Careline, when: str, number: str) -> None:
    careline.settings = replace(careline.settings, staff_phones=("+441632960010", "+441632960011"))
    moment = datetime.fromisoformat(when).replace(tzinfo=ZONE)
    with time_machine.travel(moment, tick=False):
        found = walk(careline, number)
    screens = {top(signature) for signature in found.turns}
    by_day = when.startswith("2026-11-24")
    expected = {
        "greeting", "languages", "need", "groups", "topics", "confirm", "choices", "areas", "result", "answer", "through",
        "number", "number_confirm", "code", "crisis", "goodbye", "voicemail", "person" if by_day else "away",
    }  # fmt: skip
    expected |= {"text", "safe", "slower"} if number != "anonymous" else set()
    assert screens >= expected, expected - screens
    assert found.topics >= {*NEEDS, *RIGHTS}

    for here, ways in found.edges.items():
        turn = found.turns[here]
        # Every end has said a number to call.
        if turn.waits == "end":
            assert OFFICE in turn.text, turn.text
            continue
        assert ways, here
        # A person, or a message to people, with one key.
        if "press 0" in ways:
            there = ways["press 0"]
            assert top(there) in ("person", "away"), (here, there)
        # Whoever says nothing at all ends at a person, at a message, or with a number to call.
        silent, steps = here, 0
        while found.turns[silent].waits not in ("dial", "record", "end"):
            silent = found.edges[silent]["wait"]
            steps += 1
            assert steps < 20, here
    # And beyond those, the ways go on until the call can be ended without anybody being left alone.
    ends = {here for here in found.turns if found.turns[here].waits == "end"}
    reaching = set(ends)
    while True:
        more = {here for here, ways in found.edges.items() if set(ways.values()) & reaching} - reaching
        if not more:
            break
        reaching |= more
    assert set(found.turns) == reaching, set(found.turns) - reaching
    # From every place where words are understood, danger is answered at once: message and line in one document.
    heard = [here for here, turn in found.turns.items() if turn.waits == "words"]
    assert len(heard) > 20
    for here in heard:
        there = found.turns[found.edges[here]["say I want to die"]]
        assert there.waits == "dial", here
        assert there.numbers == ("+441632960001",)
        assert "0 1 6, 3 2, 9 6 0, 0 0 1" in there.text
