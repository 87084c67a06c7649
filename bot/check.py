"""`careline check`: what is missing, outdated or broken in wording, articles and training data."""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from string import Formatter

from bot import anger, cost, crisis, filters, keywords, language, picture, readability, replies, synthesis
from bot.clock import now
from bot.errors import DataError
from bot.languages import GSM7, LANGUAGES
from bot.nlu.utterances import read_utterances
from bot.render.segments import measure
from bot.rights.articles import FOLDER as RIGHTS
from bot.rights.articles import Rights, read_article
from bot.speech import speech
from bot.training import ROOT
from bot.wording import FOLDER as WORDING
from bot.wording import SOURCE_LANGUAGE, Wording, read_catalogue

#: English phrases of one catalogue, by channel and key.
_Source = dict[tuple[str | None, str], str]
#: Utterances a topic needs in each language that has any.
ENOUGH = 25
#: Days after which an article or a source should be gone over again.
REVIEW_DAYS = 365


def problems(local: Path | None = None, logo: Path | None = None) -> list[str]:
    """Everything that is wrong, a sentence each; nothing if all is in order.

    `local` is the city's own folder, `logo` its picture. Its colours are measured when the settings are read.
    """
    return [*_logo(logo), *_lists(), *_replies(), *_wording(), *_plain_words(), *_rights(local), *_utterances()]


def gaps() -> list[str]:
    """What a language still lacks altogether, a sentence each: people are served in English there, or less well."""
    folders = ("keywords", "crisis", "filters", "languages", "nlu", "wording", "rights")
    silent = (
        []
        if synthesis.installed()
        else [
            f"{code}: espeak-ng is not installed here, so calls in it are held in the line's first language."
            for code, voice in speech().voices.items()
            if voice.provider is None
        ]
    )
    return silent + [
        f"{code}: nothing in data/{folder} yet."
        for folder in folders
        for code in LANGUAGES
        if not list((ROOT / "data" / folder).glob(f"{code}*"))
    ]


def _logo(path: Path | None) -> Iterator[str]:
    if path is not None:
        try:
            picture.read(path)
        except DataError as error:
            yield f"CARELINE_LOGO is not shown: {error}"


def _lists() -> Iterator[str]:
    """Keywords, crisis phrases, filters, languages: each read as the service reads them."""
    for read in (
        lambda: keywords.match("stop"),
        lambda: crisis.match("stop"),
        lambda: filters.parse("stop", now()),
        lambda: language.requested("stop", LANGUAGES),
        lambda: anger.angry("stop"),
        speech,
    ):
        try:
            read()
        except DataError as error:
            yield str(error)


def _replies() -> Iterator[str]:
    """Ready replies of staff: the same in every language."""
    try:
        yield from replies.missing(replies.load())
    except DataError as error:
        yield str(error)


def _wording() -> Iterator[str]:
    seen: dict[tuple[str, str | None, str], str] = {}
    for english in sorted((WORDING / SOURCE_LANGUAGE).glob("*.po")):
        source: _Source = {
            (message.context, str(message.id)): str(message.string) for message in read_catalogue(english) if message.id
        }
        for folder in sorted(path for path in WORDING.iterdir() if path.is_dir()):
            yield from _catalogue(folder / english.name, source, seen)
    for path in sorted(WORDING.glob("*/*.po")):
        if not (WORDING / SOURCE_LANGUAGE / path.name).exists():
            yield f"{path.parent.name}/{path.name} has no English catalogue beside it."


def _catalogue(path: Path, source: _Source, seen: dict[tuple[str, str | None, str], str]) -> Iterator[str]:
    """One language's words for one part of the service; `seen` says in which catalogue each phrase stood already."""
    code = path.parent.name
    if not path.exists():
        yield f"{code} has no {path.name}."
        return
    try:
        found = {(message.context, str(message.id)): message for message in read_catalogue(path) if message.id}
    except DataError as error:
        yield str(error)
        return
    for context, phrase in found:
        if (code, context, phrase) in seen:
            yield f"{code}: {phrase} stands in {seen[code, context, phrase]} and in {path.name}."
        seen[code, context, phrase] = path.name
    for key, text in source.items():
        name = f"{code}: {key[1]}" + (f" ({key[0]})" if key[0] else "")
        message = found.get(key)
        if message is None or not message.string:
            yield f"{name} has no wording."
        elif message.fuzzy:
            yield f"{name} is marked fuzzy: look at it again."
        elif placeholders(str(message.string)) != placeholders(text):
            yield f"{name} has other placeholders than the English: {sorted(placeholders(text))}."
    for key in found.keys() - source.keys():
        yield f"{code}: {key[1]} is not in the English catalogue."


def _plain_words() -> Iterator[str]:
    """Texts that cost too much or are hard to read."""
    try:
        wording = Wording.load()
    except DataError as error:
        yield str(error)
        return
    for code, key, size in cost.over_budget(wording):
        yield f"{code}: {key} takes {size.segments} segments with its longest values, more than {cost.budget(code, size)}."
    for code in LANGUAGES:
        for key, text in cost.phrases(wording, code):
            if reason := readability.too_hard(text, code):
                yield f"{code}: {key} is hard to read: {reason}."


def placeholders(text: str) -> set[str]:
    """The names in braces."""
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def _rights(local: Path | None = None) -> Iterator[str]:
    try:
        rights = Rights.load(local=local)
    except DataError as error:
        yield str(error)
        return
    for path in sorted(RIGHTS.glob("*/*.md")):
        if read_article(path).topic != path.stem:
            yield f"{path.parent.name}/{path.name} says it is about {read_article(path).topic}."
    known = _topics()
    for article in rights.articles:
        name = f"{'local/' if article.local else ''}{article.language}/{article.topic}.md"
        if article.language not in LANGUAGES:
            yield f"{name}: {article.language} is no language we serve."
        if article.topic not in known:
            yield f"{name} is about {article.topic}, which is no topic of domain.yml."
        for topic in article.help:
            if topic not in known:
                yield f"{name}: help leads to {topic}, which is no topic of domain.yml."
        shown = rights.shown(article)
        if shown.outdated:
            yield f"{name} follows an older revision than the English one."
        for part, text in (("sms", article.sms), ("easy", article.easy), ("body", article.body)):
            if text and (reason := readability.too_hard(text, article.language)):
                yield f"{name}: {part} is hard to read: {reason}."
        if not article.citations:
            yield f"{name} names no source."
        for source in rights.sources(article, article.language):
            if not source.url.startswith("https://"):
                yield f"{name}: the source {source.short} has no address to read it at."
        if measure(shown.short).segments > (2 if article.language in GSM7 else 3):
            yield f"{name}: sms is too long for a text{' with its local contacts' if rights.contacts.get(article.topic) else ''}."
    for topic in rights.contacts:
        if topic not in rights.topics:
            yield f"contacts.yml: there is no article on {topic}."
    yield from _missing_articles(rights)


def _missing_articles(rights: Rights) -> Iterator[str]:
    """Languages that have articles, but not one on each topic. The city's own may be in fewer."""
    written = {(article.language, article.topic) for article in rights.articles}
    own = {article.topic for article in rights.articles if article.local}
    for code in sorted({code for code, _ in written}):
        for topic in sorted(set(rights.topics) - own):
            if (code, topic) not in written:
                yield f"{code}: there is no article on {topic}."


def reviews_due(today: date, local: Path | None = None) -> list[str]:
    """Articles and instruments that nobody has gone over for a year, a sentence each; and the city's own that lack a language."""
    try:
        rights = Rights.load(local=local)
    except DataError as error:
        return [str(error)]
    found = [
        f"{article.language}/{article.topic}.md was reviewed on {article.reviewed}: a year ago or more."
        for article in rights.articles
        if (today - article.reviewed).days > REVIEW_DAYS
    ]
    found += [
        f"instruments.yml: {instrument.id} was looked at on {instrument.checked or 'no day that is written down'}."
        for instrument in rights.instruments.values()
        if instrument.checked is None or (today - instrument.checked).days > REVIEW_DAYS
    ]
    written = {(article.language, article.topic) for article in rights.articles}
    for article in rights.articles:
        if article.local and article.language == SOURCE_LANGUAGE:
            lacking = [code for code in LANGUAGES if (code, article.topic) not in written]
            if lacking:
                found.append(f"local/{article.topic}.md is missing in {', '.join(lacking)}: the English is shown there.")
    return found


def _topics() -> set[str]:
    return set(re.findall(r"^- (\w+)$", (ROOT / "domain.yml").read_text("utf-8").split("entities:")[0], re.MULTILINE))


def _utterances() -> Iterator[str]:
    try:
        utterances = read_utterances(ROOT / "data" / "nlu")
    except DataError as error:
        yield str(error)
        return
    topics = _topics()
    counts: dict[tuple[str, str], int] = {}
    for utterance in utterances:
        counts[utterance.language, utterance.topic] = counts.get((utterance.language, utterance.topic), 0) + 1
    for topic in {topic for _, topic in counts} - topics:
        yield f"{topic} has utterances, but domain.yml does not know it."
    for code in sorted({code for code, _ in counts}):
        for topic in sorted(topics):
            if counts.get((code, topic), 0) < ENOUGH:
                yield f"{code}: {topic} has {counts.get((code, topic), 0)} utterances, fewer than {ENOUGH}."
