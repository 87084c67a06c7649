"""The kiosk's page: what it holds, and how it becomes HTML. What it must remember stands in its own forms."""

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from babel import Locale
from flask import Response, make_response, render_template, url_for

from bot import aloud, render
from bot.clock import now
from bot.directory.search import distance
from bot.inbound import LONGEST
from bot.kiosk import Kiosk, of_topic
from bot.outbox import OutboxMessage
from bot.places import Place
from bot.render.facts import Facts
from bot.render.sketch import Spot, draw
from bot.reply import Reply, ServiceCard
from bot.topics import GROUPS, PERSON, RIGHTS
from webhooks import speech
from webhooks.current import careline
from webhooks.reading import CHOICES, STAFF_ONLY, USUAL, Reading
from webhooks.shown import Shown, Sketched, shown

#: What the button sends that shows other places.
MORE: Final = "MORE"
#: Topics after which a text to a telephone that others read could do harm.
DISCREET: Final = frozenset({"violence_refuge", "rights_violence", "crisis_violence", "crisis_child", "lgbt_support"})
#: Two distances that differ by less metres are from the same place.
_SAME_PLACE: Final = 60


@dataclass(frozen=True)
class Code:
    """A pick-up code in two groups, and the picture of its address (SVG), where this service has a public one."""

    digits: str
    picture: str | None = None


@dataclass(frozen=True)
class Page:
    """What the page shows besides its buttons.

    `language` is the one it is in, `chosen` whether the person picked it; `notice` the key of the phrase on top with its
    `params`; `assist` the token of the staff beside the person; `kept` an answer that came by a pick-up code.
    """

    language: str
    chosen: bool = False
    conversation_id: str | None = None
    place: str = ""
    asked: str = ""
    reply: Reply | None = None
    later: tuple[OutboxMessage, ...] = ()
    awaited: bool = False
    version: str = ""
    notice: str | None = None
    params: dict[str, str] = field(default_factory=dict)
    error: bool = False
    reading: Reading = USUAL
    kiosk: Kiosk | None = None
    assist: str | None = None
    kept: bool = False
    code: Code | None = None
    draft: str = ""

    @property
    def started(self) -> bool:
        """Whether there is an answer, or something was asked."""
        return bool(self.reply is not None or self.later or self.asked)


def show(page: Page, template: str = "kiosk/page.html") -> Response:
    """The page as HTML."""
    settings = careline().settings
    facts = render.facts(careline(), page.language, "kiosk")
    house = render.facts(careline(), settings.default_language, "kiosk")
    silent = page.reply is not None and page.reply == Reply()
    beside = page.assist is not None and page.reading.both == "yes" and page.language != settings.default_language
    answer = _shown(page, facts) if page.reply is not None and not silent else None
    content: dict[str, Any] = {
        "page": page,
        "words": facts.words,
        "house": house.words,
        "house_direction": house.locale.text_direction,
        "direction": facts.locale.text_direction,
        "languages": [(code, *own_name(code)) for code in languages(page.kiosk)],
        "language_name": facts.language_name,
        "greeting": lambda code: careline().wording.words(code, "kiosk")("page.hello"),
        "answer": answer,
        "answer_in_house": shown(page.reply, house) if beside and answer is not None and page.reply is not None else None,
        "silent": silent and page.asked,
        "groups": GROUPS,
        "rights": RIGHTS,
        "person": PERSON,
        "more": MORE,
        "longest": LONGEST,
        "once": secrets.token_urlsafe(16),
        "emergency": settings.emergency_number,
        "discreet": page.reply is not None and page.reply.topic in DISCREET,
        "choices": {name: values for name, values in CHOICES.items() if name not in STAFF_ONLY},
        "idle": idle(page),
        "exit": exit_address(),
        "speech": _speech(page),
        "sms": facts.phone(settings.sms_number),
    }
    response = make_response(render_template(template, **content))
    response.headers["Vary"] = "Accept-Language, Cookie"
    return response


def languages(kiosk: Kiosk | None) -> tuple[str, ...]:
    """The languages a page offers: those of its kiosk, or all."""
    served = careline().settings.languages
    own = tuple(code for code in kiosk.languages.split() if code in served) if kiosk else ()
    return own or served


def own_name(code: str) -> tuple[str, str]:
    """What speakers call their language, in its own script, and its direction (CLDR)."""
    locale = Locale.parse("fil" if code == "tl" else code)
    name = locale.languages.get(locale.language, code)
    return name[:1].upper() + name[1:], locale.text_direction


def idle(page: Page) -> int:
    """Seconds without a touch after which the page asks whether somebody is there."""
    settings = careline().settings
    usual = settings.kiosk_idle if page.kiosk else settings.page_idle
    return round(usual * {"usual": 1, "long": 3, "longest": 10}[page.reading.time])


def exit_address() -> str:
    """Where the quick exit leads."""
    return careline().settings.exit_url or url_for("device.hours")


def _speech(page: Page) -> str | None:
    """The address at which the last answer of this conversation can be heard."""
    if page.conversation_id is None or page.reply is None or not aloud.available(page.language):
        return None
    return url_for("speech.last", token=speech.token(page.conversation_id, page.language))


def _shown(page: Page, facts: Facts) -> Shown:
    assert page.reply is not None
    return shown(page.reply, facts, dict(_sketches(page, facts)))


def _sketches(page: Page, facts: Facts) -> Iterator[tuple[str, Sketched]]:
    """The sketch of the way to each service whose distance is from a place we know."""
    assert page.reply is not None
    cards = [card for card in page.reply.services if card.distance_m is not None and card.latitude is not None]
    if not cards:
        return
    origins = list(_origins(page))
    with careline().database.read() as session:
        libraries = of_topic(session, "library", now(), careline().settings)
    landmarks = [spot for spot in map(_spot, libraries) if spot is not None]
    for card in cards:
        there, here = _spot(card), _from(card, origins)
        sketch = draw(here, there, landmarks) if here is not None and there is not None else None
        if sketch is None or here is None or card.distance_m is None:
            continue
        words = facts.words
        way = words("map.way", distance=facts.distance(card.distance_m), direction=words(f"map.{sketch.point}"), place=here.name)
        yield card.id, Sketched(sketch, way, facts.distance(sketch.bar_metres))


def _origins(page: Page) -> Iterator[Spot]:
    places = careline().places()
    for text in (page.asked, page.place, page.kiosk.branch if page.kiosk else ""):
        found: Place | None = places.find(text) if text else None
        if found is not None:
            yield Spot(found.name, found.latitude, found.longitude)


def _from(card: ServiceCard, origins: Iterable[Spot]) -> Spot | None:
    """The place that the card's distance is from."""
    for origin in origins:
        if card.latitude is None or card.longitude is None or card.distance_m is None:
            continue
        place = Place(origin.name, origin.latitude, origin.longitude)
        if abs(distance(card.latitude, card.longitude, place) - card.distance_m) < _SAME_PLACE:
            return origin
    return None


def _spot(card: ServiceCard) -> Spot | None:
    if card.latitude is None or card.longitude is None:
        return None
    return Spot(card.name, card.latitude, card.longitude)
