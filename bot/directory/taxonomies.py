"""From a directory's own categories to our topics: Open Eligibility, 211 names, Open Referral UK, plain words.

A term with one of our topic ids as its code is that topic. Any other is looked up in data/search/topics.yml by code and
name, then by its parents'. A service that no term places is placed by the words of its name and description, so that a
directory without categories can be searched too.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from bot.directory.needs import Forms, read

#: Rank of a topic that only the words of a service tell; a term that a steward chose says more.
BY_WORDS: Final = 2
#: How many topics the words of one service may give.
_MOST: Final = 3
_DEEPEST: Final = 6

Term = Mapping[str, Any]


@cache
def known_topics() -> frozenset[str]:
    """Our topics that other taxonomies are mapped to."""
    return frozenset(read("topics"))


@cache
def _codes() -> dict[str, str]:
    return {code: topic for topic, lists in read("topics").items() for code in lists["codes"]}


@cache
def _names() -> Forms:
    return Forms({topic: lists["names"] for topic, lists in read("topics").items()})


@cache
def _words() -> Forms:
    return Forms({topic: lists["words"] for topic, lists in read("topics").items()})


def topics_of_term(term: Term, terms: Mapping[str, Term]) -> frozenset[str]:
    """The topics that a taxonomy term means; `terms` are all terms by id, for its parents. None if nothing is known."""
    seen: set[str] = set()
    current: Term | None = term
    while current is not None and len(seen) < _DEEPEST:
        found = _own(current)
        if found:
            return found
        seen.add(str(current.get("id")))
        parent = current.get("parent_id")
        current = terms.get(parent) if parent and parent not in seen else None
    return frozenset()


def _own(term: Term) -> frozenset[str]:
    for code in (term.get("code"), term.get("id")):
        parts = str(code or "").split("-")
        for end in range(len(parts), 0, -1):
            topic = _codes().get("-".join(parts[:end]))
            if topic and parts[0].isdigit() and len(parts[0]) == 3:
                return frozenset({topic})
    return _names().find(str(term.get("name") or ""))


def topics_of_words(name: str, description: str | None) -> tuple[str, ...]:
    """The topics that a service's own words tell: those of its name first; at most three."""
    named = _words().find(name)
    told = _words().find((description or "")[:500]) if not named else frozenset()
    return tuple(topic for topic in _words().labels if topic in (named or told))[:_MOST]
