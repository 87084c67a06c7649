"""A code that shows the answer again at any kiosk: for whoever cannot get texts, or would rather read at the library."""

from bot import pickup
from bot.render.voice import code as grouped
from bot.voice.document import Document, Heard
from bot.voice.talk import Talk


def show_code(talk: Talk) -> Document:
    """A code that shows the answer at any kiosk for a day."""
    reply = talk.reply
    assert reply is not None
    number = talk.screen.args.get("number")
    if number is None:
        number = pickup.issue(talk.careline.database, reply, talk.language)
        talk.screen.args["number"] = number
    pieces = [*talk.notices(), talk.say("voice.code_is", code=grouped(number), private=True)]
    return talk.listen([*pieces, *talk.options([(talk.words("voice.go_back"), talk.words("voice.hash"))])])


def hear_code(talk: Talk, heard: Heard) -> bool:
    """Any key goes back to the answer."""
    if heard.digits or heard.speech:
        talk.back()
        return True
    return False
