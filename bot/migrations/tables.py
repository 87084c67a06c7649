"""All tables there are: what a new migration is compared with."""

from sqlalchemy import MetaData

from bot.db import Base


def metadata() -> MetaData:
    """The metadata of every module that has tables."""
    from bot import alerts, conversation, escalation, heartbeat, opt_out, outbox, staff  # noqa: F401  # importing defines tables
    from bot.directory import tables  # noqa: F401

    return Base.metadata
