"""What we say about people's data, from the same settings that the retention job reads: the public page and the record of
processing (GDPR article 30). The words are in the catalogues; here is what stands where, with its figures.
"""

from dataclasses import dataclass, field
from typing import Literal

from bot.keywords import KeywordKind, word
from bot.phone import written
from bot.settings import Settings
from bot.wording import Words

Page = Literal["public", "record"]


@dataclass(frozen=True)
class Kind:
    """One kind of data: what it is called in the catalogues, and for how many days it is kept; None: see its words."""

    key: str
    days: int | None = None


@dataclass(frozen=True)
class Section:
    """One part of the page: a heading, paragraphs, and perhaps a table of kinds of data."""

    title: str
    paragraphs: tuple[str, ...] = ()
    rows: tuple[tuple[str, str], ...] = field(default=())


def kinds(settings: Settings) -> tuple[Kind, ...]:
    """All kinds of data there are, with the settings' days."""
    return (
        Kind("messages", settings.keep_messages_days),
        Kind("cases", settings.keep_cases_days),
        Kind("page", settings.keep_kiosk_days),
        Kind("recordings", settings.keep_recordings_days),
        Kind("stop"),
        Kind("receipts", settings.keep_receipts_days),
        Kind("logs", settings.keep_logs_days),
        Kind("backups", settings.keep_backups_days),
    )


def sections(settings: Settings, words: Words, page: Page) -> list[Section]:
    """The page in the language of `words`. Raises DataError if a phrase is missing."""
    language = words.language
    common = {
        "municipality": settings.municipality,
        "office": written(settings.office_number, settings.country),
        "contact": settings.privacy_contact or written(settings.office_number, settings.country),
        "stop": word(KeywordKind.STOP, language),
        "delete": word(KeywordKind.DELETE, language),
        "know": word(KeywordKind.KNOW, language),
        "backups": str(settings.keep_backups_days),
    }

    def say(key: str) -> str:
        return words(f"privacy.{key}", **common)

    rows = tuple((say(f"kind_{kind.key}"), _how_long(words, kind)) for kind in kinds(settings))
    kept = Section(say("kept"), (say("kept_how"),), rows)
    if page == "record":
        return [
            Section(say("record_who"), (say("record_who_text"),)),
            Section(say("record_why"), (say("record_why_text"), say("record_basis"))),
            Section(say("record_whose"), (say("record_whose_text"),)),
            kept,
            Section(say("record_recipients"), (say("record_recipients_text"), say("record_abroad"))),
            Section(say("record_security"), (say("record_security_text"),)),
        ]
    return [
        Section(say("free"), (say("free_text"),)),
        kept,
        Section(say("who"), (say("who_text"), say("who_provider"))),
        Section(say("never"), (say("never_text"), say("never_removed"))),
        Section(say("yours"), (say("yours_see"), say("yours_erase"), say("yours_stop"), say("yours_complain"))),
        Section(say("machine"), (say("machine_text"),)),
        Section(say("safe"), (say("safe_text"),)),
    ]


def _how_long(words: Words, kind: Kind) -> str:
    if kind.days is None:
        return words("privacy.until_start", start=word(KeywordKind.START, words.language))
    return words("privacy.one_day") if kind.days == 1 else words("privacy.days", days=kind.days)
