"""STOP and START."""

import logging

from bot import opt_out
from bot.careline import Careline
from bot.errors import DatabaseUnavailable
from bot.inbound import Inbound
from bot.keywords import Keyword, KeywordKind
from bot.reply import Phrase, Reply

_log = logging.getLogger(__name__)

#: Payload of the choice that stops all texts.
PAYLOAD = "/opt_out"


def reply(careline: Careline, inbound: Inbound, keyword: Keyword | None) -> Reply | None:
    """The answer to a message that stops or starts, which is done; None to every other. Raises DatabaseUnavailable."""
    kind = keyword.kind if keyword is not None else None
    if inbound.provider_stopped or kind is KeywordKind.STOP:
        return stop(careline, inbound)
    if kind not in (KeywordKind.START, KeywordKind.YES):
        return None
    with careline.database.begin() as session:
        stopped = inbound.number is not None and opt_out.stopped(session, inbound.number)
        if kind is KeywordKind.YES and not stopped:
            return None  # a plain yes; from somebody who stopped us it is the provider's word for START
        if inbound.number is not None:
            opt_out.start(session, inbound.number)
    return Reply(opening=(Phrase("start.done"),), topic="start")


def stop(careline: Careline, inbound: Inbound) -> Reply:
    """Nothing is sent to this number any more. Raises DatabaseUnavailable."""
    if inbound.number is not None:
        with careline.database.begin() as session:
            opt_out.stop(session, inbound.number, source="provider" if inbound.provider_stopped else "word")
    return Reply(opening=(Phrase("stop.done"),), topic="stop")


def hear(careline: Careline, inbound: Inbound) -> None:
    """Whoever writes of danger after STOP wants an answer: to this, from us and from a person; nothing else begins again."""
    if inbound.number is None:
        return
    try:
        with careline.database.begin() as session:
            opt_out.start(session, inbound.number, ("answers",))
    except DatabaseUnavailable as error:  # the numbers to call are said all the same
        _log.error("%s", error)
