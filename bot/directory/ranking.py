"""Which answer comes first: one function, `rank`, with all weights in one place.

tests/data/queries.yml holds what people ask and what has to come first; change a weight only with that test beside you.
"""

import math
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from bot.reply import Opening

#: A record that nobody checked for longer is stale.
STALE: Final = timedelta(days=180)
#: What opens within this time is worth waiting for.
SOON: Final = timedelta(hours=3)
#: Metres that people walk, that are near, and that are still in or around the town.
WALK: Final = 1_000
NEAR: Final = 3_000
AROUND: Final = 10_000

#: What a listing loses in `rank`. A larger number matters more; they add up.
WEIGHTS: Final = {
    "filter": 30.0,  # each filter that it does not satisfy
    "temporarily closed": 200.0,
    "another branch": 60.0,  # of a service that is shown already: only after all other services
    "not the thing": 12.0,  # the message names a thing ("dentist") that others have and this one has not
    "special": 6.0,  # it is for a thing ("library bus") that is only meant when named, and the message does not name it
    "in passing": 2.0,  # it has the thing, but only its description says so
    "unlike": 8.0,  # for each 1.0 of likeness (cosine) to the message that it lacks against the likeliest one
    "unlike at most": 2.5,
    "other group": 4.0,  # kept for women, disabled people … and the message does not say that the person is one
    "not for the group": 5.0,  # for everybody, where the message names a group that another service is there for
    "near": 2.0,  # 1 to 3 km away
    "far": 5.0,  # 3 to 10 km
    "away": 9.0,  # farther
    "each kilometre": 20.0,  # where the nearest is asked for, instead of the three above
    "placeless": 1.5,  # a telephone line or a secret address, where a place was asked for
    "other town": 12.0,  # serves named towns, and not the one asked about
    "one town": 3.0,  # the message speaks of another town, and the service does not say that it goes to several
    "side topic": 3.0,  # for each step that the topic is not the service's main one
    "opens soon": 1.0,  # within the next hours
    "closed": 2.0,
    "closed for long": 8.0,  # it does not open within the next 60 days: a winter shelter in July
    "hours unknown": 1.5,
    "stale": 2.0,
    "partly free": 0.25,  # free for some, or something besides costs
    "by income": 0.5,  # or not known
    "has a price": 1.0,
    "asks papers": 1.5,  # or does not say that it asks for none: whoever has none must not be sent there first
    "age group": 1.0,  # for the young or the old only, when nobody said how old they are
    "one place": 0.5,  # when no place was asked for: not a service for the whole town
    "same area": 1.5,  # when no place was asked for: for each better one in the same neighbourhood
}


#: Who mostly asks about a topic: a service for them is for whoever asks, unless the message says otherwise.
ASKED_BY: Final = {
    "violence_refuge": frozenset({"women"}),
    "rights_violence": frozenset({"women"}),
    "maternal_sexual_health": frozenset({"women", "pregnant"}),
    "respite_care": frozenset({"carers"}),
    "carer_support": frozenset({"carers"}),
    "rights_unpaid_carers": frozenset({"carers"}),
    "disability_support": frozenset({"disabled"}),
    "rights_disability": frozenset({"disabled"}),
    "accessible_transport": frozenset({"disabled", "older"}),
    "residential_care": frozenset({"older"}),
    "rights_older": frozenset({"older"}),
    "immigration_help": frozenset({"newcomers"}),
    "language_class": frozenset({"newcomers"}),
    "rights_migrants": frozenset({"newcomers"}),
    "youth_services": frozenset({"young"}),
    "lgbt_support": frozenset({"lgbt"}),
}


@dataclass(frozen=True)
class Candidate:
    """A listing with what its rank depends on.

    `unmet` counts the filters it does not satisfy. `lacking` and `passing` are shares (0 to 1) of the things named in
    the message: those it has not, and those only its description has; `not_for_group` is the share of the groups named that
    it is not there for. `unlike` is how much less like the message it is than the likeliest candidate, as a difference of
    cosines. `opening` is None until the hours are looked up: `rank` is then what it loses at least. `has`, `tells` (by its
    description only) and `groups` are what these are worked out from. `cost` is 0 free, 1 partly, 2 by income or unknown, 3 a
    price.
    """

    id: str
    service_id: str
    area: str | None
    distance: float | None
    topic_rank: int
    city_wide: bool
    other_town: bool
    closed_for_now: bool
    age_group: bool
    asks_papers: bool
    verified_on: date | None
    cost: int
    opening: Opening | None = None
    one_town: bool = False
    unmet: int = 0
    lacking: float = 0.0
    passing: float = 0.0
    unlike: float = 0.0
    special: bool = False
    other_group: bool = False
    not_for_group: float = 0.0
    branch: bool = False
    has: frozenset[str] = frozenset()
    tells: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()

    @property
    def order(self) -> tuple[float, int, str]:
        """What settles a draw: the nearer, the one checked last, the id; so the same question has the same answer."""
        checked = 0 if self.verified_on is None else self.verified_on.toordinal()
        return (math.inf if self.distance is None else self.distance, -checked, self.id)


def rank(candidate: Candidate, near: bool, now: datetime, nearest: bool = False, later: bool = False) -> float:
    """How far a listing is from being the best answer: 0 is best. All that decides the order is here and in WEIGHTS.

    First what was asked for (filters, the thing named, the likeness of meaning), then for whom it is, then how easily it
    can be used: near, open, free, without papers, checked lately. With a place, its distance counts in walking classes: a
    five minutes longer walk matters less than an open door; with `nearest` every kilometre counts. Without a place,
    services for the whole town come first, and `search` adds "same area" so that the others are spread over it. `now` is
    the local time, without zone; with `later` another time was asked about, and what is open now says nothing.
    """
    weights = WEIGHTS
    loss = weights["filter"] * candidate.unmet
    loss += weights["temporarily closed"] * candidate.closed_for_now
    loss += weights["another branch"] * candidate.branch
    loss += weights["not the thing"] * candidate.lacking + weights["in passing"] * candidate.passing
    loss += weights["special"] * candidate.special
    loss += min(weights["unlike at most"], weights["unlike"] * candidate.unlike)
    loss += weights["other group"] * candidate.other_group + weights["not for the group"] * candidate.not_for_group
    loss += weights["side topic"] * max(0, candidate.topic_rank - 1)
    loss += weights["age group"] * (candidate.age_group and not candidate.other_group)
    loss += weights["asks papers"] * candidate.asks_papers
    loss += weights["one town"] * candidate.one_town
    loss += weights["stale"] * (candidate.verified_on is None or now.date() - candidate.verified_on > STALE)
    loss += (0.0, weights["partly free"], weights["by income"], weights["has a price"])[candidate.cost]
    loss += 0.0 if later else _opening_loss(candidate.opening, now)
    if not near:
        return loss + weights["one place"] * (not candidate.city_wide)
    loss += weights["other town"] * candidate.other_town
    return loss + _distance_loss(candidate.distance, nearest)


def _distance_loss(metres: float | None, nearest: bool) -> float:
    if metres is None:
        return WEIGHTS["placeless"]
    if nearest:
        return WEIGHTS["each kilometre"] * metres / 1000
    for limit, name in ((WALK, None), (NEAR, "near"), (AROUND, "far")):
        if metres < limit:
            return WEIGHTS[name] if name else 0.0
    return WEIGHTS["away"]


def _opening_loss(state: Opening | None, now: datetime) -> float:
    if state is None or state.state in {"open", "always"}:
        return 0.0
    if state.state == "unknown":
        return WEIGHTS["hours unknown"]
    if state.opens is None:
        return WEIGHTS["closed for long"]
    return WEIGHTS["opens soon" if state.opens - now <= SOON else "closed"]
