"""A municipality's own colours on the page: measured before they are shown, and written as a stylesheet.

Contrast is that of WCAG 2.2 (https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio). The grounds of the page and the text on a button
stay as they are for all (webhooks/static/careline.css), so that every colour that has enough contrast with those is readable
wherever it stands.
"""

import re
from collections.abc import Sequence
from colorsys import hls_to_rgb, rgb_to_hls
from dataclasses import dataclass
from typing import Final

#: Text and what it stands on differ at least so much (WCAG 1.4.3); the colours of the page itself reach ENHANCED (1.4.6).
ENOUGH: Final = 4.5
ENHANCED: Final = 7.0
#: What colours stand on, and under: the light page's grounds and the text on its buttons, the same of the dark one.
LIGHT: Final = ("#ffffff", "#f4f3ef")
DARK: Final = ("#14161a", "#20242b", "#0a1a24")
_BLACK, _WHITE = "#000000", "#ffffff"
_COLOUR: Final = re.compile("#?([0-9a-f]{3}|[0-9a-f]{6})")
_STEPS: Final = 50


@dataclass(frozen=True)
class Look:
    """Colours as #rrggbb: of buttons and links on the light page and on the dark one, of the bar on top and the text on it.

    Empty ones are those of the page itself.
    """

    colour: str = ""
    dark: str = ""
    band: str = ""
    band_text: str = ""


def colour(text: str) -> str:
    """A colour as #rrggbb out of "#0B4A6F", "0b4a6f" or "#fff"; empty for none. Raises ValueError."""
    told = text.strip().lower()
    if not told:
        return ""
    found = _COLOUR.fullmatch(told)
    if found is None:
        raise ValueError("must be a colour such as #0b4a6f")
    return "#" + (found[1] if len(found[1]) == 6 else "".join(digit * 2 for digit in found[1]))


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours (#rrggbb), from 1 to 21."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def of(colour: str, dark: str, band: str, band_text: str) -> Look:
    """The look made of what the settings say; what they leave out is worked out.

    Raises ValueError, which names the setting, for a colour on which text could not be read.
    """
    if dark and not colour:
        raise ValueError("CARELINE_COLOUR_DARK is the colour of the dark page: say CARELINE_COLOUR, that of the light one, too")
    if band_text and not band:
        raise ValueError("CARELINE_BAND_TEXT is the text on CARELINE_BAND, which is empty")
    if colour:
        _readable("CARELINE_COLOUR", colour, LIGHT, "the page and the text on buttons", _BLACK)
        dark = dark or _shade(colour, _WHITE, DARK, ENHANCED)
        _readable("CARELINE_COLOUR_DARK", dark, DARK, "the dark page and the text on its buttons", _WHITE)
    if band:
        band_text = band_text or max(_WHITE, _BLACK, key=lambda text: contrast(band, text))
        if contrast(band, band_text) < ENOUGH:
            raise ValueError(
                f"CARELINE_BAND_TEXT is {band_text}: on {band} it has a contrast of {contrast(band, band_text):.1f}, and text "
                f"needs {ENOUGH}. Leave it empty for black or white, whichever is read better"
            )
    return Look(colour, dark if colour else "", band, band_text if band else "")


def below_enhanced(look: Look) -> list[str]:
    """Where the look has enough contrast for most people and less than the page has by itself, a sentence each."""
    measured = [
        ("CARELINE_COLOUR", look.colour, LIGHT),
        ("CARELINE_COLOUR_DARK", look.dark, DARK),
        ("CARELINE_BAND", look.band, (look.band_text,)),
    ]
    return [
        f"{name} {one} has a contrast of {_least(one, grounds):.1f}: enough for WCAG AA; our own colours have {ENHANCED:.0f}."
        for name, one, grounds in measured
        if one and _least(one, grounds) < ENHANCED
    ]


def stylesheet(look: Look) -> str:
    """The look as CSS, for after the page's own; it steps back where somebody asks for more contrast."""
    rules: list[str] = []
    if look.colour:
        light, dark = f"{{ --strong: {look.colour}; }}", f"{{ --strong: {look.dark}; }}"
        usual = ':not([data-contrast="more"])'
        rules += [
            f"  :root{usual} {light}",
            f"  @media (prefers-color-scheme: dark) {{ :root{usual} {dark} }}",
            f'  html[data-theme="light"]{usual} {light}',
            f'  html[data-theme="dark"]{usual} {dark}',
        ]
    if look.band:
        bar = 'html:not([data-contrast="more"]) .kiosk .bar'
        rules += [
            f"  {bar} {{ background: {look.band}; color: {look.band_text}; border-block-end-color: {look.band_text};",
            "    max-inline-size: none; padding-inline: max(1rem, (100% - 50rem) / 2); }",
            f"  {bar} :is(.brand, a) {{ color: {look.band_text}; }}",
            f"  {bar} button {{ box-shadow: 0 0 0 2px {look.band_text}; }}",
            f"  {bar} :focus-visible {{ outline-color: {look.band_text}; }}",
        ]
    if not rules:
        return ""
    return "@media screen and (not (prefers-contrast: more)) {\n" + "\n".join(rules) + "\n}\n"


def _readable(name: str, colour: str, grounds: Sequence[str], what: str, towards: str) -> None:
    least = _least(colour, grounds)
    if least < ENOUGH:
        raise ValueError(
            f"{name} is {colour}: with {what} it has a contrast of {least:.1f}, and text needs {ENOUGH}. "
            f"The nearest that will do is {_shade(colour, towards, grounds, ENOUGH)}"
        )


def _least(colour: str, others: Sequence[str]) -> float:
    return min(contrast(colour, other) for other in others)


def _shade(colour: str, towards: str, grounds: Sequence[str], ratio: float) -> str:
    """The same hue, as little lighter or darker (`towards` white or black) as gives it that contrast with all `grounds`."""
    hue, lightness, saturation = rgb_to_hls(*(part / 255 for part in _parts(colour)))
    end = 1.0 if towards == _WHITE else 0.0
    for step in range(_STEPS):
        parts = hls_to_rgb(hue, lightness + (end - lightness) * step / _STEPS, saturation)
        found = "#" + "".join(f"{round(part * 255):02x}" for part in parts)
        if _least(found, grounds) >= ratio:
            return found
    return towards


def _parts(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    linear = [part / 255 / 12.92 if part / 255 <= 0.04045 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in _parts(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
