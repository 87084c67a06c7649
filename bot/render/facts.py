"""Facts in words: hours, distance, cost, dates. The same ones for every channel.

Numbers, dates and times follow CLDR (Babel) for the language and, where CLDR has it, the country.
"""

import re
from datetime import date, datetime, time
from functools import cache

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton, format_time
from babel.numbers import format_currency, get_currency_symbol
from babel.units import format_unit

from bot.phone import written
from bot.reply import Cost, DayHours, Escalation, Opening, ServiceCard
from bot.settings import Settings
from bot.wording import Words


class Facts:
    """Puts facts into words for one listener, at one moment (`today`, local)."""

    def __init__(self, words: Words, settings: Settings, today: date) -> None:
        self.words = words
        self.settings = settings
        self.today = today
        self.locale = locale_of(words.language, settings.country)

    def clock(self, moment: time) -> str:
        """A time of day: 18:00, 6:00 PM."""
        return format_time(moment, "short", locale=self.locale).replace("\u202f", " ")

    def day(self, day: date) -> str:
        """A day with its month, and the year if it is another one: 3 Nov."""
        skeleton = "MMMd" if day.year == self.today.year else "yMMMd"
        return str(format_skeleton(skeleton, day, locale=self.locale))

    def weekday(self, day: date) -> str:
        """Monday, lundi, 星期一."""
        return format_date(day, "EEEE", locale=self.locale)

    def opening(self, opening: Opening) -> str:
        """Open until 18:00; opens tomorrow at 09:00."""
        if opening.state == "always":
            return self.words("opening.always")
        if opening.state == "open" and opening.until is not None:
            return self.words("opening.until", time=self.clock(opening.until.time()))
        if opening.state == "open":
            return self.words("opening.now")
        if opening.state == "closed" and opening.opens is not None:
            return self._next(opening.opens)
        if opening.state == "closed":
            return self.words("opening.closed")
        return self.words("opening.unknown")

    def _next(self, opens: datetime) -> str:
        days = (opens.date() - self.today).days
        clock = self.clock(opens.time())
        if days <= 0:
            return self.words("opening.today", time=clock)
        if days == 1:
            return self.words("opening.tomorrow", time=clock)
        if days < 7:
            return self.words("opening.weekday", day=self.weekday(opens.date()), time=clock)
        return self.words("opening.date", day=self.day(opens.date()), time=clock)

    def hours_on(self, hours: DayHours) -> str:
        """Sunday: 10:00-14:00; closed on Sunday."""
        day = self.weekday(hours.day)
        if not hours.known:
            return self.words("hours.unknown")
        if not hours.intervals:
            return self.words("hours.closed", day=day)
        spans = ", ".join(f"{self.clock(opens)}-{self.clock(closes)}" for opens, closes in hours.intervals)
        return self.words("hours.open", day=day, hours=spans)

    def distance(self, metres: int) -> str:
        """0.8 km; 300 m. In miles where people count in them."""
        if metres < 950:
            return str(format_unit(max(50, round(metres, -2) or 50), "meter", length="short", locale=self.locale))
        return str(format_unit(round(metres / 1000, 1), "kilometer", length="short", locale=self.locale))

    def cost(self, cost: Cost | None) -> str | None:
        """Free; £2 per day."""
        if cost is None:
            return None
        if cost.amount is None:
            return self._coded("cost", cost.per or cost.note or "") or cost.note
        if cost.amount == 0:
            return self.words("cost.free")
        amount = self._money(cost.amount, cost.currency or self.settings.currency)
        if cost.per and cost.per != "free":
            return f"{amount} {self._coded('cost', cost.per) or cost.per}"
        return amount

    def _money(self, amount: float, currency: str) -> str:
        """An amount as the language writes it, with the sign people here know: £2.50, 2,50 £."""
        whole = amount == int(amount)
        pattern = re.sub(r"\.0+", "", self.locale.currency_formats["standard"].pattern) if whole else None
        text = str(format_currency(amount, currency, format=pattern, locale=self.locale, currency_digits=not whole))
        here = get_currency_symbol(currency, locale=locale_of("en", self.settings.country))
        return text.replace(get_currency_symbol(currency, locale=self.locale), here).replace("\u00a0", " ")

    def documents(self, card: ServiceCard) -> str | None:
        """What to bring; that no papers are asked; None where the record does not say."""
        if not card.required_documents:
            return None
        if all(document.strip().lower() in {"none", "no documents"} for document in card.required_documents):
            return self.words("documents.none")
        names = [self._coded("document", document) or document for document in card.required_documents]
        return self.words("documents.bring", documents=self.words("list.comma").join(names))

    def accessibility(self, card: ServiceCard) -> list[str]:
        """Wheelchair access, hearing loop."""
        return [self._coded("accessibility", item) or item for item in card.accessibility]

    def languages(self, card: ServiceCard) -> list[str]:
        """The languages spoken there, by name."""
        return [self.language_name(code) for code in card.languages]

    def language_name(self, code: str) -> str:
        """The name of a language in the listener's."""
        if self.words.has(f"language.{code}"):
            return self.words(f"language.{code}")
        return str(self.locale.languages.get(code, code))

    def eligibility(self, card: ServiceCard) -> str | None:
        """For whom it is."""
        known = self._coded("eligibility", card.eligibility or "")
        if known:
            return known
        if card.minimum_age is not None and card.maximum_age is not None:
            return self.words("eligibility.ages", minimum=card.minimum_age, maximum=card.maximum_age)
        if card.minimum_age is not None:
            return self.words("eligibility.from_age", age=card.minimum_age)
        if card.maximum_age is not None:
            return self.words("eligibility.to_age", age=card.maximum_age)
        return card.eligibility

    def checked(self, card: ServiceCard) -> str | None:
        """When somebody last checked the record; a warning if that is long ago."""
        if card.verified_on is None:
            return self.words("checked.never")
        day = self.day(card.verified_on)
        return self.words("checked.stale" if card.stale else "checked.on", day=day)

    def phone(self, number: str) -> str:
        """A telephone number as people here write it."""
        return written(number, self.settings.country)

    def escalation(self, escalation: Escalation) -> str:
        """Who answers, and by when."""
        if escalation.expected_at is None:
            return self.words("person.alerted")
        expected = escalation.expected_at.astimezone(self.settings.time_zone).replace(tzinfo=None)
        clock = self.clock(expected.time())
        if expected.date() == self.today:
            return self.words("person.today", time=clock)
        if (expected.date() - self.today).days == 1:
            return self.words("person.tomorrow", time=clock)
        return self.words("person.day", day=self.weekday(expected.date()), time=clock)

    def _coded(self, group: str, text: str) -> str | None:
        """A word of the directory's small vocabularies in the listener's language, None where it is free text."""
        key = f"{group}.{slug(text)}"
        return self.words(key) if self.words.has(key) else None


def slug(text: str) -> str:
    """A wording of the directory as the last part of a phrase's key: "Child's birth certificate" is childs_birth_certificate."""
    return re.sub(r"[^a-z0-9]+", "_", text.strip().lower().replace("'", "")).strip("_")


@cache
def locale_of(language: str, country: str) -> Locale:
    """The CLDR locale for a language as written in a country, or for the language alone."""
    if language == "zh":
        return Locale.parse("zh_Hans")
    try:
        return Locale.parse(f"{'fil' if language == 'tl' else language}_{country}")
    except UnknownLocaleError:
        return Locale.parse("fil" if language == "tl" else language)
