"""How somebody wants to read: carried along in the page's own forms, so that it is gone with the page."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Final

#: What each choice may be; the first is the usual one.
CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "size": ("100", "125", "150", "200", "300", "400"),
    "theme": ("auto", "light", "dark"),
    "contrast": ("usual", "more"),
    "motion": ("usual", "less"),
    "words": ("full", "easy"),
    "time": ("usual", "long", "longest"),
    "print": ("usual", "large"),
    "both": ("no", "yes"),
}
#: Those that only staff beside the person choose.
STAFF_ONLY: Final = ("print", "both")


@dataclass(frozen=True)
class Reading:
    """Text size in per cent, colours, contrast, motion, easy words, how long to wait for somebody who does nothing, size of
    print, and whether the staff's language stands beside the person's."""

    size: str = "100"
    theme: str = "auto"
    contrast: str = "usual"
    motion: str = "usual"
    words: str = "full"
    time: str = "usual"
    print: str = "usual"
    both: str = "no"

    def __str__(self) -> str:
        """As it stands in a form: "size-200 theme-dark"; what is usual is left out."""
        own = [(field.name, getattr(self, field.name)) for field in fields(self)]
        return " ".join(f"{name}-{value}" for name, value in own if value != CHOICES[name][0])

    @classmethod
    def parse(cls, text: str) -> "Reading":
        """Read what `str` wrote; whatever else stands there is ignored."""
        pairs = (part.split("-", 1) for part in text[:200].split() if "-" in part)
        return cls().changed(dict(pairs))

    def changed(self, wanted: Mapping[str, str]) -> "Reading":
        """With the choices in `wanted`, by name, that there are."""
        return replace(self, **{name: value for name in CHOICES if (value := wanted.get(name)) in CHOICES[name]})


assert {field.name for field in fields(Reading)} == set(CHOICES)

USUAL: Final = Reading()
