"""Words: looked up in the catalogues of data/wording, by language and channel.

A catalogue is a gettext .po file; a language has one for each part of the service. `msgid` is the phrase's key, the same in
every language, English included; `msgctxt` is a channel where that channel needs its own words. Placeholders are Python's
`{name}`.
Looked for in order: this language for this channel, this language, English for this channel, English.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import PoFileError, read_po

from bot.errors import DataError
from bot.phone import directed
from bot.reply import Channel, Phrase

FOLDER = Path(__file__).resolve().parent.parent / "data" / "wording"
SOURCE_LANGUAGE = "en"

_Texts = Mapping[tuple[str | None, str], str]


class Wording:
    """All catalogues of a folder, read once."""

    def __init__(self, texts: Mapping[str, _Texts]) -> None:
        self._texts = texts

    @classmethod
    def load(cls, folder: Path = FOLDER) -> "Wording":
        """Read `folder`/<language>/*.po. Raises DataError for a file that cannot be read."""
        texts: dict[str, dict[tuple[str | None, str], str]] = {}
        for path in sorted(folder.glob("*/*.po")):
            texts.setdefault(path.parent.name, {}).update(_texts(read_catalogue(path)))
        return cls(texts)

    @property
    def languages(self) -> tuple[str, ...]:
        """Languages that have a catalogue."""
        return tuple(self._texts)

    def find(self, key: str, language: str, channel: Channel | None = None) -> str | None:
        """The raw text of a phrase, None if no catalogue has it."""
        for code in (language, SOURCE_LANGUAGE):
            texts = self._texts.get(code, {})
            for context in (channel, None):
                if (context, key) in texts:
                    return texts[context, key]
        return None

    def words(self, language: str, channel: Channel, **common: str) -> "Words":
        """The wording for one listener; `common` fills placeholders that any phrase may have."""
        return Words(self, language, channel, common)


@dataclass(frozen=True)
class Words:
    """The wording in one language for one channel."""

    wording: Wording
    language: str
    channel: Channel
    common: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, key: str, **params: str | int) -> str:
        """The phrase `key` with its placeholders filled. Raises DataError if no catalogue has it."""
        text = self.wording.find(key, self.language, self.channel)
        if text is None:
            raise DataError(f"No wording for {key!r}: add it to a catalogue in data/wording/en.")
        given = {**self.common, **params}
        return text.format(
            **{name: directed(value, self.language) if isinstance(value, str) else value for name, value in given.items()}
        )

    def has(self, key: str) -> bool:
        """Whether there is a phrase `key`."""
        return self.wording.find(key, self.language, self.channel) is not None

    def say(self, phrase: Phrase) -> str:
        """A phrase of a reply in words. A parameter that begins with "@" is itself the key of a phrase."""
        params = {
            name: self(value[1:]) if isinstance(value, str) and value.startswith("@") else value
            for name, value in phrase.params.items()
        }
        return self(phrase.key, **params)


def read_catalogue(path: Path) -> Catalog:
    """Read one .po file. Raises DataError naming it."""
    try:
        with path.open("rb") as file:
            return read_po(file, locale=path.parent.name, abort_invalid=True)
    except (OSError, PoFileError, UnicodeDecodeError, ValueError) as error:
        raise DataError(f"The catalogue {path} cannot be read: {error}.") from error


def _texts(catalogue: Catalog) -> _Texts:
    return {
        (message.context or None, str(message.id)): str(message.string)
        for message in catalogue
        if message.id and message.string and not message.fuzzy
    }
