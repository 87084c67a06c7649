"""The meaning of services as vectors, so that a question in Nepali finds a service described in English.

A service's vector is worked out from its name and description when the directory is imported (`refresh`), and kept with a
digest of what it was made from; one that is missing or outdated when a search needs it is worked out there and then, a few
at a time, and remembered by the process. Messages are never kept.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from bot.db import Database
from bot.directory.needs import described
from bot.directory.tables import TABLES, VECTOR
from bot.nlu.encoder import Encoder, Vectors

#: How many missing vectors one search may work out, about 10 ms each, and how many a process remembers.
_AT_ONCE: Final = 8
_REMEMBERED: Final = 2_000
_BATCH: Final = 64
#: The mean that vectors are centred on: raw cosines of this encoder lie squeezed between 0.76 and 0.95.
_MEAN_OF: Final = (
    "a doctor or clinic", "food and meals", "help with rent and housing", "a lawyer and legal advice", "care for older people",
    "child care", "learning and courses", "somebody to talk to", "money and benefits", "transport", "clothes and furniture",
    "sport, music and meeting people", "work and training", "help after violence", "a bed for the night", "the library",
)  # fmt: skip

Progress = Callable[[int, int], None]


def digest(encoder: Encoder, text: str) -> str:
    """Changes with the text and with the encoder."""
    return hashlib.sha256(f"{encoder.name} {encoder.version} {text}".encode("utf-8", "replace")).hexdigest()[:32]


def refresh(database: Database, encoder: Encoder, progress: Progress = lambda done, total: None) -> int:
    """Work out the vectors that are missing or outdated, drop those of services that are gone; how many were worked out.

    In short transactions, so that nothing waits for it and a crash loses little. Raises DatabaseUnavailable.
    """
    service = TABLES["service"].c
    with database.read() as session:
        rows = session.execute(select(service.id, service.name, service.description)).all()
        known = {row.service_id: row.digest for row in session.execute(select(VECTOR.c.service_id, VECTOR.c.digest))}
    texts = {row.id: described(row.name or "", row.description) for row in rows}
    wanted = {key: digest(encoder, text) for key, text in texts.items()}
    gone = [key for key in known if key not in wanted]
    missing = [key for key in wanted if known.get(key) != wanted[key]]
    for start in range(0, len(missing), _BATCH):
        keys = missing[start : start + _BATCH]
        vectors = encoder.encode([texts[key] for key in keys])
        values = [
            {"service_id": key, "digest": wanted[key], "vector": _packed(vector)}
            for key, vector in zip(keys, vectors, strict=True)
        ]
        with database.begin() as session:
            session.execute(delete(VECTOR).where(VECTOR.c.service_id.in_(keys)))
            session.execute(insert(VECTOR), values)
        progress(start + len(keys), len(missing))
    for start in range(0, len(gone), 500):
        with database.begin() as session:
            session.execute(delete(VECTOR).where(VECTOR.c.service_id.in_(gone[start : start + 500])))
    return len(missing)


def _packed(vector: Any) -> bytes:
    return np.asarray(vector, dtype=np.float16).tobytes()


class Meanings:
    """How like a message services are. One for each process: it holds the encoder and a bounded number of vectors."""

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder
        self._worked_out: OrderedDict[str, Vectors] = OrderedDict()
        self._mean: Vectors | None = None
        self._last: tuple[str, Vectors] | None = None

    def likeness(self, session: Session, text: str, services: Mapping[str, str]) -> dict[str, float]:
        """Centred cosines (-1 to 1) between a message and services, given as id and `described` text.

        A service whose vector is neither kept nor remembered, beyond the few that are worked out at once, is left out.
        """
        if not text.strip() or not services:
            return {}
        rows = session.execute(select(VECTOR).where(VECTOR.c.service_id.in_(list(services))))
        kept = {row.service_id: (row.digest, row.vector) for row in rows}
        vectors: dict[str, Vectors] = {}
        missing: dict[str, str] = {}
        for key, description in services.items():
            wanted = digest(self.encoder, description)
            stored = kept.get(key)
            if stored is not None and stored[0] == wanted:
                vectors[key] = np.frombuffer(stored[1], dtype=np.float16).astype(np.float32)
            elif wanted in self._worked_out:
                vectors[key] = self._worked_out[wanted]
            elif len(missing) < _AT_ONCE:
                missing[key] = description
        vectors |= self._work_out(missing)
        asked = _centred(self._message(text), self.mean)
        return {key: float(_centred(vector, self.mean) @ asked) for key, vector in vectors.items()}

    @property
    def mean(self) -> Vectors:
        """The middle of what services say."""
        if self._mean is None:
            self._mean = self.encoder.encode(_MEAN_OF).mean(axis=0)
        return self._mean

    def _message(self, text: str) -> Vectors:
        key = digest(self.encoder, text)  # the text itself is not kept
        if self._last is None or self._last[0] != key:  # a search asks twice where no service satisfies all filters
            self._last = (key, self.encoder.encode([text])[0])
        return self._last[1]

    def _work_out(self, missing: Mapping[str, str]) -> dict[str, Vectors]:
        if not missing:
            return {}
        found: Sequence[Vectors] = list(self.encoder.encode(list(missing.values())))
        for description, vector in zip(missing.values(), found, strict=True):
            self._worked_out[digest(self.encoder, description)] = vector
            while len(self._worked_out) > _REMEMBERED:
                self._worked_out.popitem(last=False)
        return dict(zip(missing, found, strict=True))


def _centred(vector: Vectors, mean: Vectors) -> Vectors:
    moved = vector - mean
    length = float(np.linalg.norm(moved))
    return moved / length if length else moved
