"""Answers as they are made and as they are read: what goes on after the first one, and what must not be said."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest

from bot import filters
from bot.answers import Answer, Asked, Memory, more, rights, search
from bot.careline import Careline
from bot.conversation import Recorded, record_inbound, record_reply
from bot.render import facts, seen
from bot.render.segments import measure
from bot.render.sms import render
from bot.render.text import card
from bot.reply import Choice, Cost, DayHours, Opening, Phrase, Price, Reply, ServiceCard

LIBRARY = ServiceCard("l", "s", "Central Library", "City", "14 Guild Square", phones=("+441632960186",))


class Person:
    """Somebody who asks; each message is recorded with its answer, as in a turn."""

    def __init__(self, careline: Careline, language: str = "en") -> None:
        self.careline = careline
        self.language = language
        self.memory = Memory()
        self.moment = datetime(2026, 11, 24, 10, tzinfo=careline.settings.time_zone)

    def __call__(self, text: str, topic: str | None = None, service: str | None = None) -> Answer:
        recorded = record_inbound(self.careline.database, "sms", text, None, "+447700900123", None)
        assert isinstance(recorded, Recorded)
        places = self.careline.places()
        place = places.find(text)
        unknown = places.unknown(text) if place is None else None
        span = place.span if place else unknown.span if unknown else None
        found = filters.parse(text, self.moment, span, "GB")
        asked = Asked(
            recorded.conversation_id, text, self.language, "sms", self.moment, self.memory, place, found.filters, found.detail,
            service=service, unknown_place=unknown.name if unknown else None,
        )  # fmt: skip
        answer = search.answer(self.careline, asked, topic) if topic else more.answer(self.careline, asked)
        self.memory = answer.memory
        record_reply(self.careline.database, recorded.message_id, answer.reply, self.language)
        return answer

    def reads(self, answer: Answer) -> str:
        return render(answer.reply, facts(self.careline, self.language, "sms"))


@pytest.fixture
def person(careline: Careline) -> Person:
    careline.settings = replace(careline.settings, search_by_meaning=False)
    return Person(careline)


def names(answer: Answer) -> list[str]:
    return [service.name for service in answer.reply.services]


def test_more_goes_on_with_what_was_asked_for(person: Person) -> None:
    first = person("free food, my kids need milk in Eastgate", "food")
    seen_before = set(first.memory.shown)
    second = person("more")
    assert not seen_before & set(second.memory.shown[len(first.memory.shown) :])
    assert second.memory.shown[: len(first.memory.shown)] == first.memory.shown
    assert not set(names(first)) & set(names(second))  # no branch before all other services


def test_more_gives_everything_once_and_then_says_so(person: Person) -> None:
    person("library in Eastgate", "library")
    shown: tuple[str, ...] = ()
    for _ in range(12):
        shown = person.memory.shown
        assert len(set(shown)) == len(shown)
        if person("more").reply.opening == (Phrase("more.end"),):
            break
    else:
        pytest.fail("it never ends")
    assert len(shown) > 5


def test_nearer_gives_the_nearest_or_says_that_it_is(person: Person) -> None:
    person("food in Riverside", "food")
    answer = person("anything nearer?")
    distances = [service.distance_m or 0 for service in answer.reply.services]
    assert distances == sorted(distances)
    assert person("nearer?").reply.opening == (Phrase("near.nearest"),)


def test_a_fact_of_the_one_that_was_picked(person: Person) -> None:
    first = person("food in Riverside", "food")
    second = first.reply.services[1]
    asked = person("the second one, phone?", service=second.id).reply
    assert (asked.services[0].id, asked.detail) == (second.id, "phone")
    assert person("number 2", service=second.id).reply.detail == "all"


def test_nearer_without_a_place_asks_for_one(person: Person) -> None:
    person("food", "food")
    assert person("nearest one?").reply.opening == (Phrase("ask.place"),)


@pytest.mark.parametrize("text", ["is it open on Eid?", "and on 31/2?", "open next week?"])
def test_a_day_we_cannot_tell_is_never_given_todays_hours(person: Person, text: str) -> None:
    person("library", "library")
    read = person.reads(person(text))
    assert "I do not know the hours" in read
    assert "01632" in read
    assert "20:00" not in read


def test_nor_in_a_first_answer(person: Person) -> None:
    read = person.reads(person("library open on eid?", "library"))
    assert "please call first" in read
    assert "Open until" not in read


def test_hours_of_the_day_that_was_asked_about(person: Person) -> None:
    assert "Sunday" in person.reads(person("library open sunday?", "library"))


@pytest.mark.parametrize("text", ["food in ZZ99", "food in zz99 9zz", "food near Wolverton"])
def test_an_unknown_place_is_said(person: Person, text: str) -> None:
    answer = person(text, "food")
    assert answer.reply.opening[0].key == "place.unknown"
    assert person.reads(answer).startswith(f"I do not know {answer.reply.opening[0].params['place']}.")
    assert answer.memory.place is None


@pytest.mark.parametrize(
    "text", ["food", "help in English", "my son in Nepal is ill", "food on Monday", "in December", "food ok2"]
)
def test_what_is_no_place_is_not_called_unknown(careline: Careline, text: str) -> None:
    assert careline.places().unknown(text) is None


def test_only_what_is_read_can_be_picked(careline: Careline) -> None:
    long = [replace(LIBRARY, id=str(n), name=f"{'Very long name ' * 6}{n}") for n in range(3)]
    choices = tuple(Choice(payload=f"/more{n}", name=service.name) for n, service in enumerate(long))
    reply = Reply(services=tuple(long), choices=choices, closing=(Phrase("more.or_person"),))
    kept = seen(careline, reply, "ne", "sms")
    read = render(reply, facts(careline, "ne", "sms"))
    assert len(kept.choices) == len(kept.services) < 3
    assert f"{len(kept.choices) + 1} Very" not in read
    assert seen(careline, reply, "ne", "kiosk") == reply


def test_a_right_offers_the_services_it_names(person: Person) -> None:
    asked = Asked("c", "four months without pay, I am a health worker", "en", "sms", person.moment)
    answer = rights.answer(person.careline, asked, "rights_care_workers")
    assert [choice.name for choice in answer.reply.choices] == ["Workers' Rights Desk", "Care Workers' Union Office"]
    read = person.reads(answer)
    assert all(card.name in read for card in answer.reply.services)


def test_a_right_after_violence_names_one_service(person: Person) -> None:
    asked = Asked("c", "he hits me, what are my rights", "en", "sms", person.moment)
    answer = rights.answer(person.careline, asked, "rights_violence")
    assert len(answer.reply.choices) == len(answer.reply.services) == 1
    read = person.reads(answer)
    assert read.lower().count("delete") == 1


@pytest.mark.parametrize(
    ("cost", "language", "said"),
    [
        (Cost(0.0), "en", "Free"),
        (Cost(0.0, note="You pay with your vouchers."), "en", "You pay with your vouchers"),
        (Cost(0.0, note="You pay with your vouchers."), "es", "Pregunta el precio"),
        (Cost(0.0, others=(Price(2.0, "GBP", "per meal"),), note="Coming in is free."), "fr", "Gratuit, 2 £ par repas"),
        (Cost(0.0, others=(Price(None, None, "sliding scale"),)), "en", "Free or by income"),
        (Cost(None, None, "sliding scale", others=(Price(120.0, "GBP", "per month"),)), "en", "By income, up to £120 per month"),
        (Cost(None, None, "sliding scale"), "en", "You pay what you can"),
        (Cost(3.0, "GBP", "per day"), "en", "£3 per day"),
    ],
)
def test_costs_are_said_whole(careline: Careline, cost: Cost, language: str, said: str) -> None:
    assert facts(careline, language, "sms").cost(cost) == said


@pytest.mark.parametrize("language", ["zh", "ja", "ar", "ur", "ne"])
def test_no_latin_punctuation_between_facts(careline: Careline, language: str) -> None:
    read = card(replace(LIBRARY, cost=Cost(0.0), opening=Opening("always")), facts(careline, language, "sms"))
    stop = facts(careline, language, "sms").words("list.stop")
    assert stop.strip() in read
    if language != "ar":
        assert ". " not in read


@pytest.mark.parametrize("language", ["ar", "ur"])
def test_numbers_keep_their_order_in_texts_from_the_right(careline: Careline, language: str) -> None:
    put = facts(careline, language, "sms")
    assert put.phone("+441632960186") == "\u200e01632 960186"
    assert "\u200e01632 960000" in put.words("office.call")
    assert "\u200e\u200e" not in card(LIBRARY, put)


def test_a_months_accent_does_not_halve_the_text(careline: Careline) -> None:
    closed = replace(LIBRARY, opening=Opening("closed", opens=datetime(2027, 8, 15, 9)), cost=Cost(0.0))
    read = render(Reply(services=(closed,), closing=(Phrase("person.offer"),)), facts(careline, "fr", "sms"))
    assert measure(read).encoding == "GSM-7"
    assert "15/08" in read


def test_day_and_night_is_said_in_words(careline: Careline) -> None:
    hours = DayHours(date(2026, 11, 29), ((time(), time(23, 59)),))
    assert facts(careline, "en", "sms").hours_on(hours) == "Sunday day and night"


def test_closed_today_opens_tomorrow(careline: Careline) -> None:
    put = facts(careline, "en", "sms")
    opening = Opening("closed", opens=datetime.combine(put.today + timedelta(days=1), time(9)), closed_today=True)
    assert put.opening(opening) == "Closed today. Opens tomorrow at 09:00"


def test_english_descriptions_stay_out_of_other_texts_and_are_labelled_elsewhere(careline: Careline) -> None:
    assert facts(careline, "en", "sms").foreign("A hot meal") == "A hot meal"
    assert facts(careline, "es", "sms").foreign("A hot meal") is None
    assert facts(careline, "es", "kiosk").foreign("A hot meal") == "inglés: A hot meal"
