"""9: slower, for this call, and for later ones of somebody who says yes to that."""

from bot import calls
from bot.voice.ask import understand
from bot.voice.document import Document, Heard
from bot.voice.talk import Talk


def show_slower(talk: Talk) -> Document:
    """Ask whether to remember it. Who says nothing just goes on."""
    return talk.listen([*talk.notices(), talk.say("voice.slower"), *talk.options([(talk.words("voice.remember"), 1)])], timeout=4)


def hear_slower(talk: Talk, heard: Heard) -> bool:
    """Yes keeps the speed and the language for the next calls from this number; anything else does not."""
    yes = talk.chosen(heard) == "1"
    if yes and talk.line.number is not None:
        with talk.careline.database.begin() as session:
            calls.prefer(session, talk.line.number, talk.language, slow=True)
        talk.state.kept = True
        talk.note("voice.remembered")
    talk.back()
    # Whoever says what they need instead of an answer is not made to say it twice.
    return understand(talk, heard) if heard.speech and not talk.chosen(heard) else True


def show_forget(talk: Talk) -> Document:
    """Somebody who is spoken to slowly every time presses 9 again."""
    return talk.listen([*talk.notices(), talk.say("voice.faster"), *talk.options([(talk.words("voice.forget"), 1)])], timeout=4)


def hear_forget(talk: Talk, heard: Heard) -> bool:
    """Yes forgets what was remembered."""
    if talk.chosen(heard) == "1" and talk.line.number is not None:
        with talk.careline.database.begin() as session:
            calls.forget_preference(session, talk.line.number)
        talk.state.kept = False
        talk.note("voice.forgotten")
    talk.back()
    return True
