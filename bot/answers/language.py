"""Another language was asked for: the answer just given, once more in it."""

from dataclasses import replace

from bot.careline import Careline
from bot.conversation import Recorded
from bot.render import seen
from bot.reply import Channel, Phrase, Reply


def reply(careline: Careline, recorded: Recorded, language: str, channel: Channel) -> Reply:
    """The last answer in the language asked for; where it said nothing to be read again, the question what is needed.

    An emergency's numbers come as they are: nothing is said before them. Nor in a text, which has no room for it.
    """
    last = recorded.last_reply
    if last is None or not (last.urgent or last.services or last.article or last.choices):
        return Reply(opening=(Phrase("language.changed"),), topic="change_language")
    if last.urgent:
        return last
    continued = Phrase("language.continued")
    opening = tuple(phrase for phrase in last.opening if phrase != continued)
    again = replace(last, opening=opening if channel == "sms" else (continued, *opening))
    if last.article is not None and last.topic is not None:
        article = careline.rights.find(last.topic, language)
        if article is not None:
            again = replace(again, article=careline.rights.shown(article), sources=careline.rights.sources(article, language))
    return seen(careline, again, language, channel)
