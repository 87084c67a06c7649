"""What all actions share: from Rasa's tracker to a question, from an answer back to Rasa."""

import os
from abc import ABC, abstractmethod
from dataclasses import replace
from functools import cache
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from bot import filters, logs, municipalities, spans
from bot import reply as replies
from bot.answers import Answer, Asked, Memory
from bot.careline import Careline
from bot.clock import now
from bot.nlu.unsure import crisis_share, offer
from bot.reply import Phrase

#: From this share of crisis topics on, an answer to another topic says whom to call in danger.
MAYBE_DANGER = 0.15


def careline() -> Careline:
    """What this process answers with for the municipality at hand, opened at the first question."""
    return _opened(municipalities.current())


@cache
def _opened(name: str) -> Careline:
    return Careline.open(municipalities.settings(os.environ)[name])


class CarelineAction(Action, ABC):
    """One behaviour. Subclasses say their `action` name and what they answer."""

    action: str

    def name(self) -> str:
        """The name domain.yml calls it by."""
        return self.action

    @abstractmethod
    def answer(self, service: Careline, asked: Asked, topic: str) -> Answer:
        """The answer to what is asked; `topic` is the intent Rasa decided on."""

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[dict[str, Any]]:
        """Answer, hand the reply over as data, and remember what it was about."""
        # Inside Rasa's processes it is known; an action server of its own is told with the message.
        sent = tracker.latest_message.get("metadata") or {}
        with (
            municipalities.at(municipalities.current() or str(sent.get("municipality") or "")),
            logs.traced(logs.trace() or str(sent.get("trace") or "")),
            spans.span(self.action),
        ):
            return self._run(dispatcher, tracker)

    def _run(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> list[dict[str, Any]]:
        service = careline()
        answer = self.answer(service, question(service, tracker), tracker.latest_message["intent"]["name"])
        reply = answer.reply
        if not reply.urgent and crisis_share(_ranking(tracker)) >= MAYBE_DANGER:
            reply = replace(reply, closing=(Phrase("page.danger"), *reply.closing))
        dispatcher.utter_message(json_message=replies.dump(reply))
        memory = answer.memory
        return [
            SlotSet("topic", memory.topic),
            SlotSet("place", memory.place),
            SlotSet("current", memory.current),
            SlotSet("shown", list(memory.shown)),
            SlotSet("unsure", float(memory.unsure)),
        ]


def question(service: Careline, tracker: Tracker) -> Asked:
    """What the person asks, from the tracker and what our web server sent with the message."""
    sent: dict[str, Any] = tracker.latest_message.get("metadata") or {}
    text = str(sent.get("text") or "")
    moment = now().astimezone(service.settings.time_zone)
    places = service.places()
    memory = _memory(tracker)
    beside = places.find(str(sent["place"])) if sent.get("place") else None
    if beside is not None and beside.name == memory.place:
        beside = None  # a page sends its place every time: it is asked about anew only when it has changed
    place = places.find(text) or beside
    unknown = places.unknown(text) if place is None else None
    span = place.span if place and place.span else unknown.span if unknown else None
    asked = filters.parse(text, moment, span, service.settings.country)
    return Asked(
        conversation_id=tracker.sender_id,
        text=text,
        language=str(sent.get("language") or service.settings.default_language),
        channel=sent.get("channel") or "sms",
        moment=moment,
        memory=memory,
        place=place,
        filters=asked.filters,
        detail=asked.detail,
        topics=tuple(offer(_ranking(tracker))),
        service=next(tracker.get_latest_entity_values("service"), None),
        unknown_place=unknown.name if unknown else None,
        meant=service.words().meant(text),
    )


def _ranking(tracker: Tracker) -> list[dict[str, Any]]:
    """The topics the model holds likely, best first; none for the payload of a choice."""
    ranking: list[dict[str, Any]] = tracker.latest_message.get("intent_ranking") or []
    return ranking if len(ranking) > 1 else []


def _memory(tracker: Tracker) -> Memory:
    slots = tracker.slots
    return Memory(
        topic=slots.get("topic"),
        place=slots.get("place"),
        current=slots.get("current"),
        shown=tuple(slots.get("shown") or ()),
        unsure=int(slots.get("unsure") or 0),
    )
