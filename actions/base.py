"""What all actions share: from Rasa's tracker to a question, from an answer back to Rasa."""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable
from functools import cache
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from bot import filters
from bot import reply as replies
from bot.answers import Answer, Asked, Memory
from bot.careline import Careline
from bot.clock import now
from bot.settings import Settings

#: A topic less likely than this is not worth offering.
WORTH_OFFERING = 0.05
#: Topics that steer the conversation are no answer to "do you mean".
_STEERING = frozenset(
    {"greet", "thanks", "goodbye", "help", "human", "stop", "start", "change_language", "repeat", "more", "bot_identity"}
    | {"feedback_good", "feedback_bad", "wrong_information", "delete_my_data", "out_of_scope", "nlu_fallback"}
)


@cache
def careline() -> Careline:
    """What this process answers with, opened at the first question."""
    return Careline.open(Settings.from_env(os.environ))


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
        service = careline()
        answer = self.answer(service, question(service, tracker), tracker.latest_message["intent"]["name"])
        dispatcher.utter_message(json_message=replies.dump(answer.reply))
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
    place = places.find(text) or (places.find(str(sent["place"])) if sent.get("place") else None)
    asked = filters.parse(text, moment, place.span if place and place.span else None)
    return Asked(
        conversation_id=tracker.sender_id,
        text=text,
        language=str(sent.get("language") or service.settings.default_language),
        channel=sent.get("channel") or "sms",
        moment=moment,
        memory=_memory(tracker),
        place=place,
        filters=asked.filters,
        detail=asked.detail,
        topics=tuple(_likely(tracker.latest_message.get("intent_ranking") or ())),
        service=next(tracker.get_latest_entity_values("service"), None),
    )


def _memory(tracker: Tracker) -> Memory:
    slots = tracker.slots
    return Memory(
        topic=slots.get("topic"),
        place=slots.get("place"),
        current=slots.get("current"),
        shown=tuple(slots.get("shown") or ()),
        unsure=int(slots.get("unsure") or 0),
    )


def _likely(ranking: Iterable[dict[str, Any]]) -> Iterable[str]:
    for guess in ranking:
        if guess["confidence"] >= WORTH_OFFERING and guess["name"] not in _STEERING:
            yield guess["name"]
