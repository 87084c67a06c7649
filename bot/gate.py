"""Before a message is taken in: whether it is answered at all.

Danger, STOP and START always are. A blocked number, a machine that answers us, and whoever sends far more than a person can
are not, and nothing of that is stored.
"""

from dataclasses import dataclass
from ipaddress import ip_address

from bot import blocked, crisis, keywords, spending
from bot.careline import Careline
from bot.keywords import KeywordKind
from bot.reply import Phrase, Reply
from bot.throttle import Verdict

#: Keywords that are always answered.
ALWAYS = (KeywordKind.STOP, KeywordKind.START, KeywordKind.HUMAN)


@dataclass(frozen=True)
class Refusal:
    """What somebody is told whose message is not taken in; nothing at all where the reply is empty."""

    reply: Reply


def refuse(
    careline: Careline, text: str, number: str | None, address: str | None, provider_id: str | None = None
) -> Refusal | None:
    """Why a message is not answered; None if it is. Raises DatabaseUnavailable.

    `number` is who wrote, or `address` the network address of a page, which is not counted on loopback. A message that the
    provider sends again under the same `provider_id` is counted once.
    """
    throttle = careline.throttle()
    if provider_id is not None and throttle.seen(provider_id):
        return None
    who = number or (address if address and not _loopback(address) else None)
    if who is None:
        return None
    if crisis.match(text) is not None:
        return _refusal(throttle.danger(who))
    keyword = keywords.match(text)
    if keyword is not None and keyword.kind in ALWAYS:
        return _refusal(throttle.danger(who))
    if number is None:
        return _refusal(throttle.address(who))
    with careline.database.read() as session:
        if blocked.blocked(session, number):
            return Refusal(Reply())
        over = spending.exhausted(session, careline.settings)
    if keyword is None and text and throttle.repeated(number, text):
        return Refusal(Reply())
    if over:
        return _refusal(throttle.told(number))
    return _refusal(throttle.number(number))


def _refusal(verdict: Verdict) -> Refusal | None:
    if verdict == "answer":
        return None
    return Refusal(Reply(opening=(Phrase("limit.reached"),)) if verdict == "say" else Reply())


def _loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
