"""Everything a turn needs, opened once per process."""

import threading
import time
from dataclasses import dataclass, field
from typing import Protocol

from bot import encryption
from bot.admission import Admission
from bot.db import Database
from bot.places import Places
from bot.reply import Channel, Reply
from bot.rights.articles import Rights
from bot.settings import Settings
from bot.wording import Wording

#: Seconds after which the places are read again: an import is known everywhere by then.
PLACES_LAST = 300


@dataclass(frozen=True)
class Question:
    """What the dialogue is asked.

    `text` is what the person wrote; `payload`, where there is one, stands for a meaning already known: a keyword or the
    choice that was picked ("/food").
    """

    conversation_id: str
    text: str
    language: str
    channel: Channel
    payload: str | None = None
    place: str | None = None


class Dialogue(Protocol):
    """Whatever decides what a message means and what to do next: Rasa, through its adapter."""

    def respond(self, question: Question) -> Reply:
        """The reply to a question. Raises DialogueUnavailable when it is down, slow, or has nothing to say."""
        ...

    def forget(self, conversation_id: str) -> None:
        """Erase what the dialogue keeps of a conversation. Raises DialogueUnavailable."""
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
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @classmethod
    def open(cls, settings: Settings) -> "Careline":
        """Open everything the settings name. Raises SettingsError, DataError, DatabaseUnavailable."""
        encryption.use(encryption.open_vault(settings.secret_key, settings.home))
        database = Database(settings.database, settings.sqlite_wait)
        # A quarter of a process's threads never waits for the dialogue.
        admission = Admission(max(1, settings.web_threads * 3 // 4))
        return cls(settings, database, Wording.load(), Rights.load(), admission)

    def places(self) -> Places:
        """The places of the directory, at most PLACES_LAST old. Raises DatabaseUnavailable."""
        with self._lock:
            if self._places is None or time.monotonic() > self._places_until:
                with self.database.read() as session:
                    self._places = Places.load(session)
                self._places_until = time.monotonic() + PLACES_LAST
            return self._places
