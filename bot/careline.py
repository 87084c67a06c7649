"""Everything a turn needs, opened once per process."""

import logging
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Protocol

from sqlalchemy.orm import Session

from bot import encryption, local_words, municipalities, rotation
from bot.admission import Admission
from bot.db import Database
from bot.directory.search import Likeness
from bot.errors import DataError
from bot.local_words import LocalWords
from bot.places import Places
from bot.reply import Channel, Reply
from bot.rights.articles import Rights
from bot.settings import Settings
from bot.throttle import Throttle
from bot.wording import Wording

if TYPE_CHECKING:  # numpy is not for every process
    from bot.nlu.encoder import BundledEncoder

log = logging.getLogger(__name__)

#: Seconds after which the places are read again: an import is known everywhere by then.
PLACES_LAST = 300


@dataclass(frozen=True)
class Question:
    """What the dialogue is asked.

    `text` is what the person wrote; `payload`, where there is one, stands for a meaning already known: a keyword or the
    choice that was picked ("/food"). `topic` is what the text means by the city's own words.
    """

    conversation_id: str
    text: str
    language: str
    channel: Channel
    payload: str | None = None
    place: str | None = None
    topic: str | None = None


class Dialogue(Protocol):
    """Whatever decides what a message means and what to do next: Rasa, through its adapter."""

    def respond(self, question: Question) -> Reply:
        """The reply to a question. Raises DialogueUnavailable when it is down, slow, or has nothing to say."""
        ...

    def forget(self, conversation_id: str) -> None:
        """Erase what the dialogue keeps of a conversation. Raises DialogueUnavailable."""
        ...

    def forget_before(self, moment: datetime) -> None:
        """Erase what the dialogue keeps that is older than `moment` (aware). Raises DialogueUnavailable."""
        ...


@dataclass
class Careline:
    """Settings, database, words, and what we know."""

    settings: Settings
    database: Database
    wording: Wording
    rights: Rights
    admission: Admission = field(default_factory=lambda: Admission(16))
    _places: Places | None = field(default=None, repr=False)
    _places_until: float = field(default=0, repr=False)
    _words: LocalWords = field(default_factory=LocalWords, repr=False)
    _words_version: int = field(default=0, repr=False)
    _throttle: Throttle | None = field(default=None, repr=False)
    _meanings: Likeness | None = field(default=None, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @classmethod
    def open(cls, settings: Settings, wording: Wording | None = None, rights: Rights | None = None) -> "Careline":
        """Open everything the settings name; what has been read already may be given. Raises SettingsError, DataError."""
        vault = encryption.open_vault(settings.secret_key, settings.home)
        encryption.use(vault)
        database = Database(settings.database, settings.sqlite_wait)
        rotation.use_kept_hash_key(database, vault)
        # A quarter of the requests a process takes at once never waits for the dialogue.
        admission = Admission(max(1, settings.web_threads * 3 // 4))
        return cls(settings, database, wording or Wording.load(), rights or Rights.load(local=settings.local), admission)

    def throttle(self) -> Throttle:
        """How many messages are answered, counted for this process or in Redis. Raises SettingsError."""
        with self._lock:
            if self._throttle is None:
                self._throttle = Throttle(self.settings)
            return self._throttle

    def places(self) -> Places:
        """The places of the directory, at most PLACES_LAST old, with the city's own words for them, as they are now.

        Raises DatabaseUnavailable.
        """
        with self._lock, self.database.read() as session:
            changed = self._refresh_words(session)
            if self._places is None or changed or time.monotonic() > self._places_until:
                self._places = Places.load(session, self._words.places)
                self._places_until = time.monotonic() + PLACES_LAST
            return self._places

    def words(self) -> LocalWords:
        """The words that stewards have added, as they are now. Raises DatabaseUnavailable."""
        with self._lock, self.database.read() as session:
            if self._refresh_words(session):
                self._places = None
            return self._words

    def _refresh_words(self, session: Session) -> bool:
        """Read the words again if somebody has changed them; whether that was so."""
        version = local_words.version(session)
        if version == self._words_version:
            return False
        self._words, self._words_version = local_words.load(session), version
        return True

    def meanings(self) -> Likeness | None:
        """What compares messages with services by their meaning; None where it is switched off or cannot be loaded.

        The encoder takes some 60 MB, in the process that asks for it first and from then on, once for all municipalities.
        """
        if not self.settings.search_by_meaning:
            return None
        with self._lock:
            if self._meanings is None:
                from bot.directory.vectors import Meanings  # numpy and the encoder are not for every process

                try:
                    encoder = _encoder()
                    encoder.encode(["ready"])
                except DataError as error:
                    log.warning("Searching without meanings: %s", error)
                    self.settings = replace(self.settings, search_by_meaning=False)
                    return None
                self._meanings = Meanings(encoder)
            return self._meanings

    def refresh_meanings(self) -> int:
        """Work out the vectors of services that are new or have changed, after an import; how many there were."""
        if not self.settings.search_by_meaning:
            return 0
        from bot.directory.vectors import refresh
        from bot.nlu.encoder import BundledEncoder

        return refresh(self.database, BundledEncoder(threads=os.cpu_count() or 1))


@cache
def _encoder() -> "BundledEncoder":
    from bot.nlu.encoder import BundledEncoder

    return BundledEncoder(threads=1)


def open_each(
    settings: Mapping[str, Settings], wording: Wording | None = None, rights: Rights | None = None
) -> dict[str, Careline]:
    """Open every municipality (`bot.municipalities.settings`) in this process; what has been read already may be given.

    Raises SettingsError, DataError.
    """
    wording = wording or Wording.load()
    opened: dict[str, Careline] = {}
    for name, own in settings.items():
        with municipalities.at(name):
            opened[name] = Careline.open(own, wording, rights)
    return opened
