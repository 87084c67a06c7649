"""Our actions for Rasa's own Twilio channel, which can only send words: the same answers, rendered at once."""

from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions import base, crisis, escalation, language, more, rights, search, unsure
from bot import render
from bot import reply as replies
from bot.render import sms


def _speaking(kind: type[base.CarelineAction]) -> type[base.CarelineAction]:
    class Speaking(kind):  # type: ignore[valid-type, misc]
        def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[dict[str, Any]]:
            own = CollectingDispatcher()
            events: list[dict[str, Any]] = super().run(own, tracker, domain)
            service = base.careline()
            reply = replies.load(own.messages[0]["custom"])
            dispatcher.utter_message(text=sms.render(reply, render.facts(service, service.settings.default_language, "sms")))
            return events

    Speaking.__name__ = kind.__name__
    return Speaking


ActionSearch = _speaking(search.ActionSearch)
ActionRights = _speaking(rights.ActionRights)
ActionCrisis = _speaking(crisis.ActionCrisis)
ActionMore = _speaking(more.ActionMore)
ActionUnsure = _speaking(unsure.ActionUnsure)
ActionEscalation = _speaking(escalation.ActionEscalation)
ActionLanguage = _speaking(language.ActionLanguage)
