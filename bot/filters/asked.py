"""What a message may ask for, as data."""

from dataclasses import dataclass
from datetime import date, time
from typing import Final

from bot.reply import Detail

LANGUAGES: Final = ("en", "es", "fr", "pt", "nl", "ar", "ur", "ne", "sw", "tl", "zh", "ja")
WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
#: The time that a part of the day is asked at: when most of what opens then is open.
PARTS: Final = {"morning": time(10), "noon": time(12), "afternoon": time(15), "evening": time(18), "night": time(21)}
ACCESSIBILITY: Final = (
    "wheelchair_access", "step_free_entrance", "accessible_toilet", "hearing_loop", "large_print", "lift",
    "parking_for_disabled_people", "quiet_room", "sign_language_interpreter",
)  # fmt: skip


#: Which of the services just offered is meant.
ORDINALS: Final = ("first", "second", "third")

#: How a service reaches people who stay where they are.
WAYS: Final = ("by_phone", "at_home", "online")


@dataclass(frozen=True)
class Filters:
    """What a person asked for; the default asks for nothing.

    `day` means open at some time of that day; with `at`, open at that local time (of today if there is no day).
    `age` is in years. `languages` are ISO 639 codes, `accessibility` the directory's wordings in small letters with
    underscores: "wheelchair_access", "step_free_entrance", "accessible_toilet", "hearing_loop", "large_print", "lift",
    "parking_for_disabled_people", "quiet_room", "sign_language_interpreter". `women` asks for services kept for women,
    `no_papers` for those that ask for no document at all. `before` means that it opens before that time, `later` that with `at`
    any opening after it will do. `near` asks for the nearest, `ways` for services that reach people at home. `day_unknown` is a
    day somebody named that we cannot place in the calendar: hours must not be given for it.
    """

    day: date | None = None
    at: time | None = None
    open_now: bool = False
    free: bool = False
    women: bool = False
    age: int | None = None
    accessibility: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    no_papers: bool = False
    before: time | None = None
    later: bool = False
    near: bool = False
    ways: tuple[str, ...] = ()
    day_unknown: str | None = None


@dataclass(frozen=True)
class Asked:
    """What was found in a message.

    `detail` is the fact of a service that is asked for, "all" if there are several. `follow_up` says that the message
    holds nothing but filters, a detail, a place and words that may stand beside them: it names no need of its own.
    `which` is the one of several services it is about, from 1, where it says so ("the second one, phone?").
    """

    filters: Filters = Filters()
    detail: Detail | None = None
    follow_up: bool = False
    which: int | None = None
