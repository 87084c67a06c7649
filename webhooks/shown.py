"""A reply as a page shows it: the same facts as every other channel, laid out as cards and buttons."""

from collections.abc import Mapping
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markupsafe import Markup

from bot.phone import written
from bot.render.facts import Facts
from bot.render.sketch import Sketch
from bot.render.text import detail, label
from bot.reply import Reply, ServiceCard

#: What a page has a button for.
_BUTTONS = frozenset({"person.offer", "more.or_person"})

_markdown = MarkdownIt("commonmark", {"html": False}).disable(["image", "heading", "lheading"])


@dataclass(frozen=True)
class Phone:
    """A number as people write it, and as a telephone wants it."""

    label: str
    number: str


@dataclass(frozen=True)
class Sketched:
    """A sketch of the way, the way in words, and what the scale bar says."""

    sketch: Sketch
    way: str
    bar: str


@dataclass(frozen=True)
class Card:
    """A service in words. `more` is what to send to hear more of it; `facts` are sentences that stand on their own,
    `description` is the directory's own text, in its own language."""

    id: str
    name: str
    organization: str
    address: str | None
    distance: str | None
    opens: str
    open_now: bool | None
    facts: tuple[str, ...]
    description: str | None
    checked: str
    stale: bool
    phones: tuple[Phone, ...]
    url: str | None
    more: str | None
    map: str | None
    sketch: Sketched | None


@dataclass(frozen=True)
class Link:
    """Where a statement can be read; only a web address becomes a link."""

    title: str
    url: str | None


@dataclass(frozen=True)
class Button:
    """A choice, and what to send for it."""

    label: str
    send: str


@dataclass(frozen=True)
class Shown:
    """A whole answer. `more`: there are other places."""

    urgent: bool
    opening: tuple[str, ...]
    title: str | None
    body: Markup | None
    easy: str | None
    cards: tuple[Card, ...]
    choices: tuple[Button, ...]
    closing: tuple[str, ...]
    sources: tuple[Link, ...]
    more: bool


def shown(reply: Reply, facts: Facts, sketches: Mapping[str, Sketched] | None = None) -> Shown:
    """The reply for a page; `sketches` of the way by the id of the service."""
    say = facts.words.say
    opening = [say(phrase) for phrase in reply.opening]
    if reply.detail not in (None, "all") and reply.services:
        opening.append(detail(reply, facts))
    closing = [say(phrase) for phrase in reply.closing if phrase.key not in _BUTTONS]
    if reply.escalation is not None:
        away = not reply.escalation.staffed and reply.escalation.expected_at is not None and not reply.urgent
        closing = [facts.escalation(reply.escalation), *([facts.away(reply.escalation)] if away else []), *closing]
    article = reply.article
    if article is not None and article.outdated:
        closing.append(facts.words("article.outdated"))
    sends = {choice.name: str(number) for number, choice in enumerate(reply.choices, start=1) if choice.name}
    names = {service.name for service in reply.services}
    return Shown(
        urgent=reply.urgent,
        opening=tuple(opening),
        title=article.title if article else None,
        body=Markup(_markdown.render(article.body)) if article else None,  # Markdown with HTML off
        easy=article.easy if article else None,
        cards=tuple(
            _card(service, facts, sends.get(service.name), (sketches or {}).get(service.id)) for service in reply.services
        ),
        choices=tuple(
            Button(label(choice, facts), str(number))
            for number, choice in enumerate(reply.choices, start=1)
            if choice.name is None or choice.name not in names
        ),
        closing=tuple(closing),
        sources=tuple(Link(source.title, web(source.url)) for source in reply.sources),
        more=any(phrase.key == "more.or_person" for phrase in reply.closing),
    )


def _card(service: ServiceCard, facts: Facts, more: str | None, sketch: Sketched | None) -> Card:
    words = facts.words
    cost = facts.cost(service.cost)
    spoken = facts.languages(service)
    between = words("list.comma")
    sentences = [
        words("page.cost", cost=cost) if cost and cost != words("cost.free") else cost,
        facts.documents(service),
        facts.eligibility(service),
        words("page.spoken", languages=between.join(spoken)) if spoken else None,
        between.join(facts.accessibility(service)),
    ]
    return Card(
        id=service.id,
        name=service.name,
        organization=service.organization,
        address=", ".join(part for part in (service.address, service.area) if part) or None,
        distance=facts.distance(service.distance_m) if service.distance_m is not None else None,
        opens=facts.opening(service.opening),
        open_now={"open": True, "always": True, "closed": False, "unknown": None}[service.opening.state],
        facts=tuple(sentence for sentence in sentences if sentence),
        description=service.description,
        checked=facts.checked(service) or "",
        stale=service.stale or service.verified_on is None,
        phones=tuple(Phone(written(number, facts.settings.country), number) for number in service.phones),
        url=web(service.url),
        more=more,
        map=_map(service),
        sketch=sketch,
    )


def _map(service: ServiceCard) -> str | None:
    """The place as an address that a map on the person's own device opens (RFC 5870); nobody is asked before they press."""
    if service.latitude is None or service.longitude is None:
        return None
    at = f"{service.latitude:.5f},{service.longitude:.5f}"
    return f"geo:{at}?q={at}"


def web(url: str | None) -> str | None:
    """The address if it is one of the web; a directory may hold anything."""
    return url if url and url.startswith(("https://", "http://")) else None
