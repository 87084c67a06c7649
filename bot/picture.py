"""A municipality's picture (CARELINE_LOGO): looked at before it is shown, because browsers of people who trust us open it.

By what it holds, not by its name: PNG, WebP, or an SVG of shapes alone. Nothing that moves (WCAG 2.2.2), loads from elsewhere
or runs.
"""

import re
import struct
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

from bot.errors import DataError

#: A kiosk on a slow line loads it with every page; and nobody sees more pixels of it.
LARGEST: Final = 256 * 1024
WIDEST: Final = 4096
_SVG: Final = "{http://www.w3.org/2000/svg}"
_SHAPES: Final = frozenset({
    "svg", "g", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "text", "tspan", "title", "desc", "defs",
    "symbol", "use", "clipPath", "mask", "linearGradient", "radialGradient", "stop", "style",
})  # fmt: skip
_ELSEWHERE: Final = re.compile(r"url\(\s*['\"]?(?!\s*['\"]?#)|@import|javascript:|expression\(", re.IGNORECASE)


@dataclass(frozen=True)
class Picture:
    """A picture that may be shown: its media type, its bytes and a tag that changes with them."""

    kind: str
    data: bytes
    tag: str


def read(path: Path) -> Picture:
    """The picture in a file. Raises DataError with a sentence that says what is wrong with it."""
    try:
        found = path.stat()
        if found.st_size > LARGEST:
            raise DataError(f"{path} has {found.st_size // 1024} KB, and a picture may have {LARGEST // 1024}.")
        return _read(path, found.st_mtime_ns, found.st_size)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error


@lru_cache(maxsize=64)
def _read(path: Path, changed: int, size: int) -> Picture:
    data = path.read_bytes()
    try:
        kind = _kind(data)
    except (ValueError, struct.error) as error:
        raise DataError(f"{path} {error if isinstance(error, ValueError) else 'is broken'}.") from error
    return Picture(kind, data, sha256(data).hexdigest()[:24])


def _kind(data: bytes) -> str:
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        _png(data)
        return "image/png"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        _webp(data)
        return "image/webp"
    if b"<svg" in data:
        _svg(data)
        return "image/svg+xml"
    raise ValueError("is neither PNG nor WebP nor SVG")


def _png(data: bytes) -> None:
    """Source: https://www.w3.org/TR/png-3/ (chunks; `acTL` makes it move)."""
    if data[12:16] != b"IHDR" or b"IEND" not in data[-16:]:
        raise ValueError("is a broken PNG")
    _measured(*struct.unpack(">II", data[16:24]))
    if b"acTL" in data[: data.find(b"IDAT")]:
        raise ValueError("moves, which nobody could stop: take a picture that stands still")


def _webp(data: bytes) -> None:
    """Source: RFC 9649, 2.3 to 2.7."""
    kind = data[12:16]
    if len(data) < 25:
        raise ValueError("is a broken WebP")
    if kind == b"VP8X":
        if data[20] & 0b10:
            raise ValueError("moves, which nobody could stop: take a picture that stands still")
        _measured(*(int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27)))
    elif kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        _measured((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    elif kind == b"VP8 ":
        _measured(*(int.from_bytes(data[at : at + 2], "little") & 0x3FFF for at in (26, 28)))
    else:
        raise ValueError("is a broken WebP")


def _measured(width: int, height: int) -> None:
    if not 0 < width <= WIDEST or not 0 < height <= WIDEST:
        raise ValueError(f"is {width} by {height} pixels; at most {WIDEST} each way")


def _svg(data: bytes) -> None:
    """Shapes, text and colours, and nothing else (https://www.w3.org/TR/SVG2/)."""
    advice = "save it as a plain SVG, or as PNG"
    if re.search(rb"<!(DOCTYPE|ENTITY)", data, re.IGNORECASE):
        raise ValueError(f"holds a DOCTYPE: {advice}")
    try:
        root = ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise ValueError(f"is a broken SVG ({error})") from error
    if root.tag != f"{_SVG}svg":
        raise ValueError("is no SVG")
    for element in root.iter():
        name = str(element.tag).removeprefix(_SVG)
        if name not in _SHAPES:
            raise ValueError(f"holds <{name.rpartition('}')[2]}>: {advice}")
        if name == "style" and _ELSEWHERE.search(element.text or ""):
            raise ValueError(f"has a style that loads something: {advice}")
        for attribute, value in element.attrib.items():
            bare = attribute.rpartition("}")[2].lower()
            if bare.startswith("on") or _ELSEWHERE.search(value) or (bare in ("href", "src") and not value.startswith("#")):
                raise ValueError(f"holds {bare}=…, which runs or loads something: {advice}")
