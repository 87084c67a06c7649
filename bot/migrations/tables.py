"""All tables there are: what a new migration is compared with."""

from sqlalchemy import MetaData

from bot.db import Base


def metadata() -> MetaData:
    """The metadata of every module that has tables."""
    from bot import alerts, audit, case_history, conversation, escalation, heartbeat, lockout, opt_out, outbox, signed_in, staff  # noqa: F401  # importing defines tables  # noqa: F401  # the desk's
    from bot.directory import tables  # noqa: F401

    return Base.metadata
