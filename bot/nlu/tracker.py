"""Rasa's store of conversation state, with what people wrote encrypted."""

import json
import os
from typing import Any

from rasa.core.tracker_store import SQLTrackerStore
from sqlalchemy import Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from bot import encryption
from bot.redaction import redact
from bot.settings import Settings, ours

#: Where an event holds what a person wrote.
_TEXTS = frozenset({"text", "place", "value"})


class _SealedText(TypeDecorator[str]):
    """A text column whose content is encrypted; Rasa's own column type stays as it is."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else encryption.vault().seal(redacted(value)).decode("ascii")

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else encryption.vault().open(str(value).encode("ascii"))


def redacted(event: str) -> str:
    """An event, as JSON, without what must not be kept of a text. What is no JSON is redacted as a whole."""
    try:
        return json.dumps(_redacted(json.loads(event)))
    except ValueError:
        return redact(event)


def _redacted(data: Any) -> Any:
    if isinstance(data, dict):
        return {
            key: redact(value) if key in _TEXTS and isinstance(value, str) else _redacted(value) for key, value in data.items()
        }
    return [_redacted(one) for one in data] if isinstance(data, list) else data


class SealedTrackerStore(SQLTrackerStore):
    """Rasa's SQL tracker store; the events' content, which holds texts, is encrypted with the service's keys."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        settings = Settings.from_env(ours(os.environ))
        encryption.use(encryption.open_vault(settings.secret_key, settings.home))
        self.SQLEvent.__table__.c.data.type = _SealedText()
        super().__init__(*args, **kwargs)
