"""All tables there are: what a new migration is compared with."""

from sqlalchemy import MetaData

from bot.db import Base


def metadata() -> MetaData:
    """The metadata of every module that has tables."""
    from bot import (  # noqa: F401  # importing defines tables
        blocked,
        conversation,
        erasure,
        escalation,
        heartbeat,
        opt_out,
        outbox,
        rotation,
        spending,
        staff,
    )
    from bot.directory import tables  # noqa: F401

    return Base.metadata
