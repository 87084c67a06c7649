"""All tables there are: what a new migration is compared with."""

from sqlalchemy import MetaData

from bot.db import Base


def metadata() -> MetaData:
    """The metadata of every module that has tables."""
    # Importing defines tables.
    from bot import callback, calls, conversation, escalation, heartbeat, kiosk, opt_out, outbox, pickup, staff  # noqa: F401

    # isort: split
    from bot import alerts, audit, bridge, case_history, lockout, signed_in  # noqa: F401  # the desk's

    # isort: split
    from bot import blocked, erasure, local_words, problems, rotation, spending  # noqa: F401  # privacy, limits, words
    from bot.directory import changes, reports, tables  # noqa: F401

    return Base.metadata
