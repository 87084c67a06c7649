"""Facts in words: hours, distance, cost, dates. The same ones for every channel.

Numbers, dates and times follow CLDR (Babel) for the language and, where CLDR has it, the country.
"""

import re
from datetime import date, datetime, time, timedelta
from functools import cache

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton, format_time
from babel.numbers import format_currency, get_currency_symbol
from babel.units import format_unit

from bot.phone import directed, written
from bot.reply import Cost, DayHours, Escalation, Opening, Price, ServiceCard
from bot.settings import Settings
from bot.wording import Words

#: What is open until later than this, counted from today's midnight, is open until another day.
_TILL_MORNING = timedelta(hours=34)
_END_OF_DAY = time(23, 59)
#: Characters up to which the directory's own words about a cost are given instead of its numbers.
_SHORT_NOTE = 60


class Facts:
    """Puts facts into words for one listener, at one moment (`today`, local).

    `numeric` writes days as numbers (15/8): a name with an accent, "août", would halve what a text has room for.
    """

    def __init__(self, words: Words, settings: Settings, today: date, numeric: bool = False) -> None:
        self.words = words
        self.settings = settings
        self.today = today
        self.numeric = numeric
        self.locale = locale_of(words.language, settings.country)

    def in_numbers(self) -> "Facts":
        """The same with days as numbers."""
        return Facts(self.words, self.settings, self.today, numeric=True)

    def clock(self, moment: time) -> str:
        """A time of day: 18:00, 6:00 PM."""
        return format_time(moment, "short", locale=self.locale).replace("\u202f", " ")

    def day(self, day: date) -> str:
        """A day with its month, and the year if it is another one: 3 Nov."""
        year = "" if day.year == self.today.year else "y"
        skeleton = f"{year}Md" if self.numeric else f"{year}MMMd"
        return str(format_skeleton(skeleton, day, locale=self.locale))

    def weekday(self, day: date) -> str:
        """Monday, lundi, 星期一; in numbers, the date."""
        name = format_date(day, "EEEE", locale=self.locale)
        return self.day(day) if self.numeric and not name.isascii() else name

    def opening(self, opening: Opening) -> str:
        """Open until 18:00; opens tomorrow at 09:00."""
        if opening.state == "always":
            return self.words("opening.always")
        if opening.state == "open" and opening.until is not None:
            clock = self.clock(opening.until.time())
            if opening.until - datetime.combine(self.today, time()) > _TILL_MORNING:
                return self.words("opening.until_day", day=self.weekday(opening.until.date()), time=clock)
            return self.words("opening.until", time=clock)
        if opening.state == "open":
            return self.words("opening.now")
        if opening.state == "closed" and opening.opens is not None:
            opens = self._next(opening.opens)
            return self.words("opening.closed_today", opens=opens) if opening.closed_today else opens
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
        spans = self.words("list.comma").join(self._span(opens, closes) for opens, closes in hours.intervals)
        return self.words("hours.open", day=day, hours=spans)

    def _span(self, opens: time, closes: time) -> str:
        if opens == time() and closes in (_END_OF_DAY, time()):
            return self.words("hours.day_and_night")
        return f"{self.clock(opens)}-{self.clock(closes)}"

    def distance(self, metres: int) -> str:
        """0.8 km; 300 m; as the crow flies, from the middle of the place that was named."""
        if metres < 950:
            return str(format_unit(max(50, round(metres, -2) or 50), "meter", length="short", locale=self.locale))
        return str(format_unit(round(metres / 1000, 1), "kilometer", length="short", locale=self.locale))

    def cost(self, cost: Cost | None) -> str | None:
        """Free; £2 per day. In the directory's own words where no number says it all, if the listener reads them."""
        if cost is None:
            return None
        note = cost.note.strip().rstrip(".") if cost.note else None
        if note and len(note) <= _SHORT_NOTE and self.reads_directory:
            return note
        free = cost.amount == 0
        prices = [self._price(part) for part in cost.others if part.amount]
        by_income = any(part.amount is None for part in cost.others)
        if free and by_income:
            return self.words("cost.free_or_by_income")
        if free and (prices or not note):
            return self.words("list.comma").join([self.words("cost.free"), *prices])
        if free:
            return self.words("cost.ask")
        if cost.amount is None:
            known = self._coded("cost", cost.per or "")
            up_to = [self._price(part) for part in cost.others if part.amount and part.per != "deposit"]
            return (
                self.words("cost.up_to", cost=up_to[-1])
                if up_to
                else known or (note and self.foreign(note)) or self.words("cost.ask")
            )
        return self.words("list.comma").join([self._price(cost), *prices])

    def _price(self, part: Cost | Price) -> str:
        amount = self._money(part.amount or 0, part.currency or self.settings.currency)
        per = part.per if part.per != "free" else None
        return f"{amount} {self._coded('cost', per) or per}" if per else amount

    @property
    def reads_directory(self) -> bool:
        """Whether the listener's language is that of the directory's descriptions."""
        return self.words.language == self.settings.directory_language

    def foreign(self, text: str) -> str | None:
        """The directory's own words for a listener: with their language named if it is another one, left out of texts."""
        if self.reads_directory:
            return text
        if self.words.channel == "sms":
            return None
        return f"{self.language_name(self.settings.directory_language)}{self.words('list.colon')}{text}"

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
        # CLDR names Tagalog in few languages, Filipino in most.
        other = self.locale.languages.get("fil", code) if code == "tl" else code
        return str(self.locale.languages.get(code, other))

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
        return self.foreign(card.eligibility) if card.eligibility else None

    def checked(self, card: ServiceCard) -> str | None:
        """When somebody last checked the record; a warning if that is long ago."""
        if card.verified_on is None:
            return self.words("checked.never")
        day = self.day(card.verified_on)
        return self.words("checked.stale" if card.stale else "checked.on", day=day)

    def phone(self, number: str) -> str:
        """A telephone number as people here write it, kept in order inside texts written from the right."""
        return directed(written(number, self.settings.country), self.words.language)

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

    def away(self, escalation: Escalation) -> str:
        """Nobody is there just now, and when somebody is."""
        if escalation.opens_at is None:
            return self.words("person.away")
        opens = escalation.opens_at.astimezone(self.settings.time_zone).replace(tzinfo=None)
        clock = self.clock(opens.time())
        days = (opens.date() - self.today).days
        if days <= 1:
            return self.words("person.away_today" if days <= 0 else "person.away_tomorrow", time=clock)
        if days < 7:
            return self.words("person.away_day", day=self.weekday(opens.date()), time=clock)
        return self.words("person.away_date", day=self.day(opens.date()), time=clock)

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
