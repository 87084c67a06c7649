"""Vectors of the utterances, shipped with them: a first start trains in a minute instead of encoding for a quarter of an hour.

`python -m bot.nlu.seed` writes the file anew after utterances have changed; what is not in it is encoded as needed, so an
old file costs time and nothing else. Kept is how a vector differs from the mean of all, four bits a number: a cosine of .99
with the true difference, for an eighth of the size.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
FOLDER: Final = Path(__file__).resolve().parents[2] / "data" / "vectors"
#: The sixteen steps lie within this many standard deviations of a vector's numbers, half of them below 0.
_REACH: Final = 2.75
_STEPS: Final = 16


def pack(moved: Floats) -> tuple[NDArray[np.uint8], NDArray[np.float16]]:
    """Half as many bytes as numbers (two steps each), and each row's step width. The number of columns must be even."""
    width = np.maximum(moved.std(axis=1, keepdims=True) * (2 * _REACH / _STEPS), 1e-6).astype(np.float16)
    steps = np.clip(np.floor(moved / width.astype(np.float32)) + _STEPS // 2, 0, _STEPS - 1).astype(np.uint8)
    return steps[:, ::2] << 4 | steps[:, 1::2], width[:, 0]


def unpack(packed: NDArray[np.uint8], width: NDArray[np.float16]) -> Floats:
    """What `pack` was given, but for rounding."""
    steps = np.empty((len(packed), 2 * packed.shape[1]), dtype=np.float32)
    steps[:, ::2], steps[:, 1::2] = packed >> 4, packed & 15
    moved: Floats = (steps - np.float32(_STEPS / 2 - 0.5)) * width[:, None].astype(np.float32)
    return moved


def write(path: Path, keys: Sequence[bytes], vectors: Floats) -> None:
    """Write vectors under their keys (16 bytes each)."""
    order = sorted(range(len(keys)), key=lambda at: keys[at])
    mean = vectors.mean(axis=0)
    packed, width = pack(vectors[order] - mean)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        np.savez(
            file,
            keys=np.frombuffer(b"".join(keys[at] for at in order), dtype=np.uint8).reshape(-1, 16),
            packed=packed,
            width=width,
            mean=mean,
        )


def read(path: Path) -> dict[bytes, Floats]:
    """The vectors of a file; nothing of one that is missing or damaged."""
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            keys, vectors = file["keys"], file["mean"] + unpack(file["packed"], file["width"])
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    except Exception:  # numpy and zipfile raise a dozen kinds; each means "compute again"
        return {}
    return {key.tobytes(): vector for key, vector in zip(keys, vectors, strict=True)}


def main() -> None:
    """Write the file for the encoder in use, from the utterances of data/nlu."""
    import os

    from bot.nlu.encoder import TunedEncoder, VectorCache, key
    from bot.nlu.utterances import read_utterances
    from bot.settings import Settings, ours

    encoder = TunedEncoder(os.cpu_count() or 1)
    texts = sorted({utterance.text for utterance in read_utterances(FOLDER.parent / "nlu")})
    cache = VectorCache(encoder, Settings.from_env(ours(os.environ)).home / "vectors", seed=None)
    path = FOLDER / cache.path.name
    write(path, [key(text) for text in texts], cache.encode(texts))
    print(f"Wrote {path}: {len(texts)} vectors, {path.stat().st_size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
