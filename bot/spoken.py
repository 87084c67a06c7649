"""The language a message is answered in, and what is said to somebody whose language we do not write."""

from dataclasses import dataclass

from bot import escalation, foreign, language, staff
from bot.careline import Careline
from bot.conversation import Recorded, remember_language
from bot.foreign import Foreign
from bot.inbound import Inbound
from bot.keywords import Keyword
from bot.reply import Phrase


@dataclass(frozen=True)
class Spoken:
    """What a message says about languages.

    `language` is the one to answer in. `asked_for`: the message does nothing but ask for it. `apology` is what to say first to
    somebody whose language is not served, `only_named`: the message does nothing but name that one, `unserved`: its code.
    """

    language: str
    asked_for: bool = False
    apology: tuple[Phrase, ...] = ()
    only_named: bool = False
    unserved: str | None = None

    @property
    def writes(self) -> str:
        """The language the person writes, and a colleague should speak."""
        return self.unserved or self.language


def of(careline: Careline, inbound: Inbound, recorded: Recorded, keyword: Keyword | None) -> Spoken:
    """Asked for > chosen on the page > used before > detected > the line's; kept for the next message.

    Raises DatabaseUnavailable.
    """
    asked_for = named = written = None
    if not inbound.pressed:
        asked_for = language.requested(inbound.text, careline.settings.languages)
        if _may_be_unserved(careline, inbound, recorded, keyword):
            served = careline.settings.languages
            named = foreign.asked(inbound.text, served)
            written = named or foreign.written(inbound.text, served, first=recorded.language is None)
    spoken = asked_for or _answered_in(careline, inbound, recorded, keyword, written)
    if asked_for or (spoken != recorded.language and inbound.text):
        # Whoever presses a button in a page's language may still write in another one.
        chosen = asked_for is not None or (spoken == inbound.language and not inbound.pressed)
        remember_language(careline.database, recorded.conversation_id, spoken, chosen=chosen)
    apology = _apology(careline, written, recorded, spoken)
    return Spoken(spoken, asked_for is not None, apology, named is not None, written.code if written is not None else None)


def of_stranger(careline: Careline, inbound: Inbound) -> str:
    """The language of a message that is not taken in, as far as it can be told from itself."""
    settings = careline.settings
    if inbound.language in settings.languages:
        return str(inbound.language)
    return language.choose(
        inbound.text, remembered=None, chosen=False, served=settings.languages, default=settings.default_language
    )


def _may_be_unserved(careline: Careline, inbound: Inbound, recorded: Recorded, keyword: Keyword | None) -> bool:
    if keyword is not None and recorded.language in keyword.languages:
        return False  # "hindi" is a Tagalog no
    return inbound.language not in careline.settings.languages


def _answered_in(
    careline: Careline, inbound: Inbound, recorded: Recorded, keyword: Keyword | None, unserved: Foreign | None
) -> str:
    settings = careline.settings
    if inbound.language in settings.languages:
        return str(inbound.language)
    if unserved is not None:
        nearest = foreign.nearest(unserved, settings.languages, settings.default_language)
        return recorded.language if recorded.language_chosen and recorded.language else nearest
    if keyword is not None:
        # One word says little: it only decides for somebody we have never heard.
        own = [code for code in settings.languages if code in keyword.languages]
        default = settings.default_language
        return recorded.language or (default if default in own or not own else own[0])
    return language.choose(
        inbound.text,
        remembered=recorded.language,
        chosen=recorded.language_chosen,
        served=settings.languages,
        default=settings.default_language,
    )


def _apology(careline: Careline, unserved: Foreign | None, recorded: Recorded, spoken: str) -> tuple[Phrase, ...]:
    """That their language is not served, unless we have just said so."""
    if unserved is None:
        return ()
    said = recorded.last_reply.opening if recorded.last_reply is not None else ()
    if any(phrase.key == escalation.UNSERVED and phrase.params.get("code") == unserved.code for phrase in said):
        return ()
    return sorry(careline, unserved, spoken)


def sorry(careline: Careline, unserved: Foreign, spoken: str) -> tuple[Phrase, ...]:
    """That we do not write a language, said in `spoken`, and how to reach one of us who speaks it, if there is one.

    Its code is kept with the words, for whoever takes the case. Raises DatabaseUnavailable.
    """
    names: dict[str, str | int] = {
        "language": foreign.name(unserved.code, spoken),
        "told": foreign.name_for(unserved.code, spoken),
    }
    apology = Phrase(escalation.UNSERVED, {**names, "code": unserved.code})
    with careline.database.read() as session:
        there = staff.speak(session, unserved.code)
    return (apology, Phrase("language.speaker", names)) if there else (apology,)
