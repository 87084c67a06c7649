"""The first words of a call: who we are, in a few seconds, and a key for each language, said in its own voice."""

from typing import Final

from babel import Locale

from bot.calls import preference
from bot.render.voice import Piece
from bot.voice.ask import speak, understand
from bot.voice.document import Document, Heard
from bot.voice.talk import Talk

#: Languages that one page of the list may offer; 8 leads to the next, 9 speaks slower.
PAGE: Final = 7


def begin(talk: Talk) -> None:
    """Open the call: in the language somebody asked us to remember, else with the choice of one."""
    with talk.careline.database.read() as session:
        known = preference(session, talk.line.number)
    if known is not None and known.language in talk.careline.settings.languages:
        talk.state.language, talk.state.slow, talk.state.kept = known.language, known.slow, True
        talk.go("need", first=True)
        talk.note("voice.greeting")
        return
    talk.go("greeting")


def show_greeting(talk: Talk) -> Document:
    """Who we are, and the line's usual languages."""
    settings = talk.careline.settings
    pieces = [*talk.notices(), talk.say("voice.greeting", pause=0.3)]
    pieces += [_option(talk, code, number) for number, code in enumerate(settings.voice_languages, start=1)]
    if _others(talk):
        pieces.append(talk.say("voice.other_languages", digit=len(settings.voice_languages) + 1))
    return talk.listen(pieces, timeout=5)


def hear_greeting(talk: Talk, heard: Heard) -> bool:
    """A digit, the name of a language, or at once what is needed."""
    usual = talk.careline.settings.voice_languages
    digit = heard.digits
    if digit.isdigit() and 1 <= int(digit) <= len(usual):
        return speak(talk, usual[int(digit) - 1])
    if digit == str(len(usual) + 1) and _others(talk):
        talk.go("languages", page=0)
        return True
    if heard.speech:
        talk.state.language = usual[0] if talk.careline.settings.default_language not in usual else talk.language
        return understand(talk, heard)
    return False


def show_languages(talk: Talk) -> Document:
    """All languages but the usual ones, each said by itself; the usual ones too when asked for from later in the call."""
    codes, following = _page(talk)
    pieces = [*talk.notices(), *(_option(talk, code, number) for number, code in enumerate(codes, start=1))]
    if following is not None:
        pieces.append(talk.say("voice.other_languages", digit=PAGE + 1))
    return talk.listen(pieces)


def hear_languages(talk: Talk, heard: Heard) -> bool:
    """A digit, or the name of a language."""
    codes, following = _page(talk)
    if heard.digits.isdigit() and 1 <= int(heard.digits) <= len(codes):
        return speak(talk, codes[int(heard.digits) - 1])
    if heard.digits == str(PAGE + 1) and following is not None:
        talk.go("languages", page=following, every=talk.screen.args.get("every", False))
        return True
    return understand(talk, heard)


def _page(talk: Talk) -> tuple[list[str], int | None]:
    codes = list(talk.careline.settings.languages) if talk.screen.args.get("every") else _others(talk)
    pages = [codes[start : start + PAGE] for start in range(0, len(codes), PAGE)]
    number = talk.screen.args.get("page", 0) % len(pages)
    return pages[number], (number + 1) % len(pages) if len(pages) > 1 else None


def _others(talk: Talk) -> list[str]:
    settings = talk.careline.settings
    return [code for code in settings.languages if code not in settings.voice_languages]


def _option(talk: Talk, code: str, digit: int) -> Piece:
    """ "For Español, press 2", in that language and by its voice."""
    spoken = talk.state.language
    talk.state.language = code
    try:
        return talk.say("voice.language", name=own_name(code), digit=digit, pause=0.2)
    finally:
        talk.state.language = spoken


def own_name(code: str) -> str:
    """What speakers call their language (CLDR)."""
    locale = Locale.parse("fil" if code == "tl" else code)
    return str(locale.languages.get(locale.language, code))
