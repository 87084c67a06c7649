"""A reply as a message of the JSON API, which the kiosk page shows too."""

from typing import Any

from bot.render.facts import Facts
from bot.render.text import label, lines
from bot.reply import Reply, ServiceCard


def render(reply: Reply, facts: Facts) -> list[dict[str, Any]]:
    """The reply as the `messages` of /api/chat; none for a reply that says nothing."""
    text = "\n".join(line.text for line in lines(reply, facts))
    if not text:
        return []
    return [
        {
            "text": text,
            "topic": reply.topic,
            "urgent": reply.urgent,
            "services": [service(card, facts) for card in reply.services],
            "sources": [{"title": source.title, "url": source.url} for source in reply.sources],
            "choices": [
                {"label": label(choice, facts), "send": str(number), "topic": choice.topic}
                for number, choice in enumerate(reply.choices, start=1)
            ],
            "escalation": reply.escalation
            and {
                "status": reply.escalation.status,
                "expected_at": reply.escalation.expected_at and reply.escalation.expected_at.isoformat(),
            },
        }
    ]


def service(card: ServiceCard, facts: Facts) -> dict[str, Any]:
    """One service at one place; texts are in the listener's language, codes and dates ISO."""
    return {
        "id": card.id,
        "name": card.name,
        "organization": card.organization,
        "address": ", ".join(part for part in (card.address, card.area) if part) or None,
        "distance_m": card.distance_m,
        "phones": [facts.phone(number) for number in card.phones],
        "open_now": {"open": True, "always": True, "closed": False, "unknown": None}[card.opening.state],
        "opens": facts.opening(card.opening),
        "cost": facts.cost(card.cost),
        "languages": list(card.languages),
        "accessibility": facts.accessibility(card),
        "required_documents": [
            facts.words("documents.none") if document.lower() == "none" else document for document in card.required_documents
        ],
        "eligibility": facts.eligibility(card),
        "verified_on": card.verified_on.isoformat() if card.verified_on else None,
        "url": card.url,
    }
