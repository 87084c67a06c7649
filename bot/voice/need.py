"""What do you need? Said in a few words, or found in a list with the keys."""

from typing import Final

from bot.render.text import label
from bot.topics import GROUPS, RIGHTS
from bot.voice.ask import ask, understand
from bot.voice.document import Document, Heard
from bot.voice.talk import Talk

#: The keypad's list: the groups of needs, then the rights, in the order of their keys.
LISTS: Final[dict[str, tuple[str, ...]]] = {**GROUPS, "rights": RIGHTS}
#: Entries of one page of a list; 8 leads to the next page.
PAGE: Final = 7
NEXT: Final = "8"
#: Phrases that the recognition is told to expect, at most: the provider takes 500.
HINTS: Final = 60
_hints: dict[tuple[str, tuple[str, ...]], tuple[str, ...]] = {}


def show_need(talk: Talk) -> Document:
    """The open question; the list at once where speech is not understood."""
    if not talk.understands:
        return show_groups(talk)
    pieces = [*talk.notices(), talk.say("voice.need")]
    if not talk.state.told_keys and not talk.state.failures:
        talk.state.told_keys = True
        pieces += [talk.say("voice.keys", pause=0.6), talk.say("voice.other_language", digit=8)]
    return talk.listen(pieces, words=hints(talk))


def hear_need(talk: Talk, heard: Heard) -> bool:
    """1 for the list, 8 for another language, or words."""
    if not talk.understands:
        return hear_groups(talk, heard)
    if heard.digits == "1":
        talk.go("groups")
        return True
    if heard.digits == "8":
        talk.go("languages", every=True)
        return True
    return understand(talk, heard)


def show_groups(talk: Talk) -> Document:
    """The groups of the list."""
    names = [(talk.words(f"voice.group.{group}"), number) for number, group in enumerate(LISTS, start=1)]
    pieces = [*talk.notices(), talk.say("voice.list"), *talk.options([*names, (talk.words("voice.languages"), 8)])]
    if not talk.state.told_keys:
        talk.state.told_keys = True
        pieces.append(talk.say("voice.keys"))
    return talk.listen(pieces, words=hints(talk))


def hear_groups(talk: Talk, heard: Heard) -> bool:
    """A group's key."""
    groups = list(LISTS)
    if heard.digits == "8":
        talk.go("languages", every=True)
        return True
    if heard.digits.isdigit() and 1 <= int(heard.digits) <= len(groups):
        talk.go("topics", group=groups[int(heard.digits) - 1], page=0)
        return True
    return understand(talk, heard)


def show_topics(talk: Talk) -> Document:
    """The topics of one group."""
    topics, following = _page(talk)
    labels: list[tuple[str, int | str]] = [(talk.words(f"topic.{topic}"), number) for number, topic in enumerate(topics, start=1)]
    if following is not None:
        labels.append((talk.words("voice.more_of_list"), NEXT))
    return talk.listen([*talk.notices(), *talk.options(labels)], words=hints(talk))


def hear_topics(talk: Talk, heard: Heard) -> bool:
    """A topic's key is that topic, without any need to understand words."""
    topics, following = _page(talk)
    digits = heard.digits
    if digits == NEXT and following is not None:
        talk.go("topics", group=talk.screen.args["group"], page=following)
        return True
    if digits.isdigit() and 1 <= int(digits) <= len(topics):
        topic = topics[int(digits) - 1]
        return ask(talk, talk.words(f"topic.{topic}"), payload=topic)
    return understand(talk, heard)


def _page(talk: Talk) -> tuple[tuple[str, ...], int | None]:
    return page(LISTS[talk.screen.args["group"]], talk.screen.args["page"])


def page(entries: tuple[str, ...], number: int) -> tuple[tuple[str, ...], int | None]:
    """One page of a list, and the number of the page after it; None where one page holds all. The last leads to the first."""
    if len(entries) <= PAGE + 1:
        return entries, None
    pages = [entries[start : start + PAGE] for start in range(0, len(entries), PAGE)]
    return pages[number % len(pages)], (number + 1) % len(pages)


def show_confirm(talk: Talk) -> Document:
    """Ask whether we heard right."""
    heard = talk.say("voice.heard", text=talk.screen.args["text"][:200], private=True)
    yes_no: list[tuple[str, int | str]] = [(talk.words("voice.yes"), 1), (talk.words("voice.no"), 2)]
    return talk.listen([*talk.notices(), heard, *talk.options(yes_no)])


def hear_confirm(talk: Talk, heard: Heard) -> bool:
    """Yes, no, or the same in other words."""
    digit = talk.chosen(heard)
    text = talk.screen.args["text"]
    if digit == "1":
        talk.back()
        return ask(talk, text)
    if digit == "2":
        talk.back()
        talk.note("voice.say_again")
        return True
    if heard.speech:
        talk.back()
        return understand(talk, heard)
    return False


def show_choices(talk: Talk) -> Document:
    """Not sure: up to three things that may have been meant."""
    reply = talk.reply
    assert reply is not None
    labels: list[tuple[str, int | str]] = [
        (label(choice, talk.say.facts), number) for number, choice in enumerate(reply.choices, start=1)
    ]
    pieces = [*talk.notices(), *talk.say.opening(reply), *talk.options(labels)]
    pieces += talk.options([(talk.words("voice.whole_list"), len(labels) + 1)])
    return talk.listen(pieces, words=tuple(text for text, _ in labels))


def hear_choices(talk: Talk, heard: Heard) -> bool:
    """One of them, none of them, or other words."""
    reply = talk.reply
    assert reply is not None
    digit = talk.chosen(heard)
    if digit == str(len(reply.choices) + 1):
        talk.instead("groups")
        return True
    if digit.isdigit() and 1 <= int(digit) <= len(reply.choices):
        talk.back()
        return ask(talk, digit)
    return understand(talk, heard)


def show_areas(talk: Talk) -> Document:
    """The parts of the town, for whoever cannot or will not say theirs."""
    names, following = _areas(talk)
    labels: list[tuple[str, int | str]] = [(name, number) for number, name in enumerate(names, start=1)]
    if following is not None:
        labels.append((talk.words("voice.more_of_list"), NEXT))
    return talk.listen([*talk.notices(), talk.say("voice.area"), *talk.options(labels)], words=names)


def hear_areas(talk: Talk, heard: Heard) -> bool:
    """A part of the town, by key or by name."""
    names, following = _areas(talk)
    digits = heard.digits
    if digits == NEXT and following is not None:
        talk.go("areas", page=following)
        return True
    if digits.isdigit() and 1 <= int(digits) <= len(names):
        talk.back()
        return ask(talk, names[int(digits) - 1])
    return understand(talk, heard)


def _areas(talk: Talk) -> tuple[tuple[str, ...], int | None]:
    return page(talk.careline.places().neighbourhoods(), talk.screen.args.get("page", 0))


def hints(talk: Talk) -> tuple[str, ...]:
    """Words that the recognition should expect: the needs by name, and the parts of the town."""
    areas = talk.careline.places().neighbourhoods()
    found = _hints.get((talk.language, areas))
    if found is None:
        topics = [talk.words(f"topic.{topic}") for topics in LISTS.values() for topic in topics]
        found = tuple(dict.fromkeys([*topics[:40], *areas[:19], talk.words("voice.person")]))[:HINTS]
        _hints[talk.language, areas] = found
    return found
