"""A reply as one text. Every channel that shows words starts here, so that their facts are the same."""

from dataclasses import dataclass

from bot.directory.needs import service_groups
from bot.render.facts import Facts, slug
from bot.reply import Choice, Reply, ServiceCard
from bot.topics import DISCREET


@dataclass(frozen=True)
class Line:
    """A piece of the answer. `weight` says how early it is left out when room is short; 0 never is.

    `number` is the one that the piece offers to choose by.
    """

    text: str
    weight: int = 0
    number: int | None = None


#: A lower age limit up to here is for grown-up people in general.
ADULT = 18

REMARK = 10
ALTERNATIVES = 6
EXPLANATION = 5
WHERE = 5
QUESTION = 4
EXTRA = 3
SOURCE = 2


def lines(reply: Reply, facts: Facts, brief: bool = False) -> list[Line]:
    """The reply's pieces, in the order they are read. `brief` leaves out of a service what is least needed at once."""
    say = facts.words.say
    result = [Line(say(phrase)) for phrase in reply.opening]
    if reply.article is not None:
        result += _article(reply, facts)
    if reply.detail == "all" and reply.services:
        result += _everything(reply.services[0], facts, brief)
    elif reply.detail is not None and reply.services:
        result.append(Line(detail(reply, facts)))
    elif reply.services:
        first, *_ = reply.services
        if reply.article is None and not reply.urgent:
            result.append(Line(card(first, facts, brief)))
            result += _eligibility(first, facts)
            result += [
                Line(f"{number} {_brief(service, facts)}", ALTERNATIVES + number, number)
                for number, service in enumerate(reply.services[1:], start=2)
            ]
        else:
            result.append(Line(contact(first, facts)))
            if not reply.urgent and reply.topic not in DISCREET:
                result.append(Line(_where(first, facts), WHERE))
            # In danger the second one is there for what the message names: somebody who fetches whoever cannot walk.
            weight = SOURCE if reply.urgent else EXTRA
            result += [Line(_reached(second, facts), weight, 2) for second in reply.services[1:2] if second.phones]
    else:
        result += [
            Line(f"{number} {label(choice, facts)}", number=number) for number, choice in enumerate(reply.choices, start=1)
        ]
    if reply.escalation is not None:
        result.append(Line(facts.escalation(reply.escalation)))
        if reply.escalation.expected_at is not None and not reply.escalation.staffed and not reply.urgent:
            result.append(Line(facts.away(reply.escalation), QUESTION))
    closing = [say(phrase) for phrase in reply.closing]
    result += [Line(text, QUESTION if text != closing[-1] else 0) for text in closing]
    return [line for line in result if line.text]


def label(choice: Choice, facts: Facts) -> str:
    """What a choice is called."""
    if choice.phrase is not None:
        return facts.words.say(choice.phrase)
    return choice.name or ""


def card(service: ServiceCard, facts: Facts, brief: bool = False) -> str:
    """A service in one paragraph: name, where, open, cost, what to bring, phone, date checked.

    `brief` leaves out the date, unless it is a warning.
    """
    place = ", ".join(dict.fromkeys(part for part in (service.name, service.address, service.area) if part))
    if service.distance_m is not None:
        place += f" ({facts.distance(service.distance_m)})"
    phone = facts.phone(service.phones[0]) if service.phones else None
    parts = [
        place,
        facts.hours_on(service.hours_on) if service.hours_on else facts.opening(service.opening),
        facts.cost(service.cost),
        facts.documents(service),
        facts.words("phone.call", number=phone) if phone else None,
        facts.checked(service) if service.stale or not brief else None,
    ]
    return facts.words("list.stop").join(part.rstrip(".") for part in parts if part) + facts.words("list.stop").rstrip()


def contact(service: ServiceCard, facts: Facts) -> str:
    """Where to turn: a service's name and telephone."""
    return facts.words("help.at", name=_reached(service, facts))


def _reached(service: ServiceCard, facts: Facts) -> str:
    return f"{service.name}, {facts.phone(service.phones[0])}" if service.phones else service.name


def _where(service: ServiceCard, facts: Facts) -> str:
    """Where a place is that was named with its telephone, when it is open, and that it asks for no papers."""
    papers = facts.documents(service) if _no_papers(service) else None
    parts = [service.area, facts.opening(service.opening), papers]
    stop = facts.words("list.stop")
    return stop.join(part.rstrip(".") for part in parts if part) + stop.rstrip()


def _no_papers(service: ServiceCard) -> bool:
    return bool(service.required_documents) and all(one.strip().lower() == "none" for one in service.required_documents)


def detail(reply: Reply, facts: Facts) -> str:
    """The one fact of the first service that was asked for."""
    service = reply.services[0]
    unknown, comma = facts.words("detail.unknown"), facts.words("list.comma")
    hours = facts.hours_on(service.hours_on) if service.hours_on else facts.opening(service.opening)
    known = {
        "hours": hours,
        "cost": _priced(service, facts),
        "phone": comma.join(facts.phone(number) for number in service.phones),
        "documents": facts.documents(service),
        "address": ", ".join(part for part in (service.address, service.area) if part),
        "languages": comma.join(facts.languages(service)),
        "accessibility": comma.join(facts.accessibility(service)),
        "eligibility": facts.eligibility(service),
    }
    stop = facts.words("list.stop")
    parts = [f"{service.name}{facts.words('list.colon')}{known[reply.detail or 'hours'] or unknown}"]
    if service.phones and reply.detail in ("hours", "cost", "documents", "eligibility"):
        parts.append(facts.words("phone.call", number=facts.phone(service.phones[0])))
    return stop.join(part.rstrip(".") for part in parts) + stop.rstrip()


def _priced(service: ServiceCard, facts: Facts) -> str | None:
    """The price, and what the directory adds to it in its own words."""
    note = facts.foreign(service.cost.note) if service.cost and service.cost.note else None
    parts = [facts.cost(service.cost), note]
    return facts.words("list.stop").join(dict.fromkeys(part.rstrip(".") for part in parts if part)) or None


def _everything(service: ServiceCard, facts: Facts, brief: bool) -> list[Line]:
    """All that is known of a service, the most useful first."""
    comma = facts.words("list.comma")
    more = (
        facts.foreign(service.description) if service.description else None,
        facts.eligibility(service),
        comma.join(facts.languages(service)),
        comma.join(facts.accessibility(service)),
    )
    result = [Line(card(service, facts, brief))]
    stop = facts.words("list.stop").rstrip()
    result += [Line(f"{text.rstrip('.')}{stop}", EXPLANATION + number) for number, text in enumerate(more) if text]
    return result


def _article(reply: Reply, facts: Facts) -> list[Line]:
    assert reply.article is not None
    result = [Line(reply.article.short)]
    if reply.article.outdated:
        result.append(Line(facts.words("article.outdated"), QUESTION))
    if reply.sources:
        result.append(Line(facts.words("article.source", source=reply.sources[0].short), SOURCE))
    return result


def _eligibility(service: ServiceCard, facts: Facts) -> list[Line]:
    """For whom it is; where it is kept for a group or an age, that is among the last things left out."""
    if slug(service.eligibility or "") == "for_everyone":
        return []
    text = facts.eligibility(service)
    ages = service.maximum_age is not None or (service.minimum_age or 0) > ADULT
    kept_for = ages or bool(service_groups().find(service.eligibility or "") - {"everyone"})
    return [Line(f"{text.rstrip('.')}{facts.words('list.stop').rstrip()}", SOURCE if kept_for else REMARK)] if text else []


def _brief(service: ServiceCard, facts: Facts) -> str:
    where = facts.distance(service.distance_m) if service.distance_m is not None else service.area
    return f"{service.name}, {where}" if where else service.name
