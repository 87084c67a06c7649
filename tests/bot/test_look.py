"""A municipality's colours and picture: what can be read is taken, what cannot is refused with what would do."""

import re
import struct
import zlib
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import look, picture
from bot.errors import DataError, SettingsError
from bot.settings import Settings
from bot.training import ROOT

COLOURS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ("#000000", "#ffffff", 21.0),
        ("#777777", "#ffffff", 4.48),
        ("#767676", "#ffffff", 4.54),
        ("#0000ff", "#ffffff", 8.59),
        ("#ff0000", "#ff0000", 1.0),
    ],
)
def test_contrast_as_the_standard_reckons_it(one: str, other: str, ratio: float) -> None:
    assert look.contrast(one, other) == pytest.approx(ratio, abs=0.01)
    assert look.contrast(other, one) == look.contrast(one, other)


def test_the_grounds_are_those_of_the_page() -> None:
    """What colours are measured against stands in the stylesheet, and nothing else does."""
    css = (ROOT / "webhooks" / "static" / "careline.css").read_text("utf-8")
    light, dark = css.split("prefers-color-scheme: dark")[:2]

    def told(part: str) -> list[str]:
        return [look.colour(found) for found in re.findall(r"--(?:ground|raised|on-strong): (#\w+)", part)]

    assert set(told(light)) == set(look.LIGHT)
    assert told(dark) == list(look.DARK)


@pytest.mark.parametrize(
    ("env", "says"),
    [
        ({"CARELINE_COLOUR": "#ffd200"}, "CARELINE_COLOUR is #ffd200: .* contrast of 1.3, and text needs 4.5. The nearest"),
        ({"CARELINE_COLOUR": "#777"}, "CARELINE_COLOUR is #777777"),
        ({"CARELINE_COLOUR": "blue"}, "must be a colour such as #0b4a6f"),
        ({"CARELINE_COLOUR": "#0b4a6f", "CARELINE_COLOUR_DARK": "#0b4a6f"}, "CARELINE_COLOUR_DARK is #0b4a6f"),
        ({"CARELINE_COLOUR_DARK": "#a9d8f5"}, "say CARELINE_COLOUR, that of the light one, too"),
        ({"CARELINE_BAND": "#ffd200", "CARELINE_BAND_TEXT": "#fff"}, "CARELINE_BAND_TEXT is #ffffff: on #ffd200"),
        ({"CARELINE_BAND_TEXT": "#fff"}, "CARELINE_BAND, which is empty"),
        ({"CARELINE_BAND": "red; } body { display: none"}, "must be a colour"),
        ({"CARELINE_LOGO": "arms.gif"}, "must be a file that ends in"),
    ],
)
def test_a_colour_that_nobody_could_read_is_refused_in_a_sentence(env: dict[str, str], says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        Settings.from_env(env)


def test_the_nearest_colour_that_is_offered_will_do() -> None:
    with pytest.raises(SettingsError) as error:
        Settings.from_env({"CARELINE_COLOUR": "#ff6600"})
    offered = re.findall("#[0-9a-f]{6}", str(error.value))[-1]
    assert Settings.from_env({"CARELINE_COLOUR": offered}).look.colour == offered


@given(COLOURS)
def test_text_can_be_read_on_any_bar(band: str) -> None:
    made = look.of("", "", band, "")
    assert look.contrast(made.band, made.band_text) >= look.ENOUGH


@given(COLOURS, COLOURS)
def test_every_look_that_is_taken_can_be_read_everywhere(colour: str, dark: str) -> None:
    for given_dark in ("", dark):
        try:
            made = look.of(colour, given_dark, "", "")
        except ValueError:
            continue
        assert min(look.contrast(made.colour, ground) for ground in look.LIGHT) >= look.ENOUGH
        assert min(look.contrast(made.dark, ground) for ground in look.DARK) >= look.ENOUGH


def test_a_look_is_a_stylesheet_that_steps_back_for_more_contrast() -> None:
    css = look.stylesheet(Settings.from_env({"CARELINE_COLOUR": "#1B4332", "CARELINE_BAND": "e9b000"}).look)
    assert css.startswith("@media screen and (not (prefers-contrast: more))")
    assert css.count("--strong: #1b4332;") == 2
    assert "background: #e9b000; color: #000000;" in css
    assert css.count("{") == css.count("}")
    assert look.stylesheet(look.Look()) == ""


def test_what_is_enough_and_less_than_ours_is_said() -> None:
    (said,) = look.below_enhanced(Settings.from_env({"CARELINE_COLOUR": "#b3261e"}).look)
    assert "CARELINE_COLOUR #b3261e" in said
    assert look.below_enhanced(Settings.from_env({"CARELINE_COLOUR": "#1b4332"}).look) == []


def png(width: int = 2, height: int = 2, extra: bytes = b"") -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + extra + chunk(b"IDAT", zlib.compress(b"\0" * 14)) + chunk(b"IEND", b"")


def webp(kind: bytes, rest: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", 12 + len(rest)) + b"WEBP" + kind + struct.pack("<I", len(rest)) + rest


SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">{}</svg>'
GOOD = [
    ("arms.png", png(), "image/png"),
    ("arms.png", SVG.format('<path d="M0 0h9"/>').encode(), "image/svg+xml"),
    ("arms.svg", SVG.format('<use href="#a"/><g fill="url(#b)"/><style>path{fill:red}</style>').encode(), "image/svg+xml"),
    ("arms.webp", webp(b"VP8L", b"\x2f" + struct.pack("<I", 9 | 9 << 14)), "image/webp"),
    ("arms.webp", webp(b"VP8X", b"\0\0\0\0" + (63).to_bytes(3, "little") * 2), "image/webp"),
]
BAD = [
    (b"", "neither PNG nor WebP nor SVG"),
    (b"GIF89a", "neither PNG nor WebP nor SVG"),
    (b"<html><script>alert(1)</script></html>", "neither PNG nor WebP nor SVG"),
    (b"\x89PNG\r\n\x1a\n", "broken PNG"),
    (png(width=9000), "9000 by 2 pixels"),
    (png(extra=b"\0\0\0\0acTL"), "moves"),
    (webp(b"VP8X", b"\x02\0\0\0" + b"\x3f\0\0" * 2), "moves"),
    (webp(b"VP9X", b""), "broken WebP"),
    (webp(b"VP8X", b"") + b"", "broken"),
    (SVG.format("<script>alert(1)</script>").encode(), "holds <script>"),
    (SVG.format('<path onload="alert(1)"/>').encode(), "holds onload="),
    (SVG.format('<use href="https://x.example/a.svg#a"/>').encode(), "holds href="),
    (SVG.format('<use xlink:href="data:image/svg+xml,x"/>').encode(), "holds href="),
    (SVG.format('<path fill="url(https://x.example/a)"/>').encode(), "holds fill="),
    (SVG.format("<style>@import 'https://x.example/a.css'</style>").encode(), "a style that loads"),
    (SVG.format("<foreignObject/>").encode(), "holds <foreignObject>"),
    (SVG.format("<image href='#a'/>").encode(), "holds <image>"),
    (SVG.format("<animate/>").encode(), "holds <animate>"),
    (b"<!DOCTYPE svg [<!ENTITY a 'a'>]>" + SVG.format("&a;").encode(), "DOCTYPE"),
    (b"<svg", "broken SVG"),
    (b"<svg></svg>", "no SVG"),
    (png() + b"\0" * picture.LARGEST, "KB, and a picture may have 256"),
]


@pytest.mark.parametrize(("name", "data", "kind"), GOOD)
def test_pictures_that_are_shown(tmp_path: Path, name: str, data: bytes, kind: str) -> None:
    (tmp_path / name).write_bytes(data)
    found = picture.read(tmp_path / name)
    assert (found.kind, found.data) == (kind, data)


@pytest.mark.parametrize(("data", "says"), BAD, ids=[says for _, says in BAD])
def test_pictures_that_are_not(tmp_path: Path, data: bytes, says: str) -> None:
    path = tmp_path / "arms.svg"
    path.write_bytes(data)
    with pytest.raises(DataError, match=re.escape(says)):
        picture.read(path)


def test_a_picture_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        picture.read(tmp_path / "none.png")


@given(st.binary(max_size=200), st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBP", b"<svg"]))
def test_any_file_is_read_or_refused(data: bytes, start: bytes) -> None:
    with suppress(ValueError, struct.error):
        assert picture._kind(start + data).startswith("image/")
