"""A sketch of the way: where somebody is, where the place lies, and what public buildings lie around. No map is fetched."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

#: Size of the drawing, and what is left free around it.
WIDTH, HEIGHT, MARGIN = 320, 200, 44
#: Nearer than this in the drawing, two names would lie on each other.
APART: Final = 46
#: Units for a metre at most: the shortest scale bar still fits.
_CLOSEST: Final = 1.8
_METRES_PER_DEGREE: Final = 111_195
_ROUND: Final = (50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000)
#: Compass points, clockwise from the north.
POINTS: Final = ("north", "north_east", "east", "south_east", "south", "south_west", "west", "north_west")


@dataclass(frozen=True)
class Spot:
    """A named place: `latitude` and `longitude` in degrees (WGS 84)."""

    name: str
    latitude: float
    longitude: float


@dataclass(frozen=True)
class Dot:
    """A place in the drawing, in its units, x to the east and y to the south."""

    name: str
    x: int
    y: int


@dataclass(frozen=True)
class Sketch:
    """The drawing. `bar` is the length of the scale bar in its units, `bar_metres` what that stands for; `point` is the
    compass point, one of POINTS."""

    here: Dot
    there: Dot
    around: tuple[Dot, ...]
    bar: int
    bar_metres: int
    point: str


def bearing(here: Spot, there: Spot) -> str:
    """The compass point in which `there` lies."""
    east, north = _offset(here, there)
    return POINTS[round(math.degrees(math.atan2(east, north)) / 45) % 8]


def draw(here: Spot, there: Spot, landmarks: Iterable[Spot] = ()) -> Sketch | None:
    """The sketch, north at the top; None where both are the same place, or too far apart to walk or ride (40 km)."""
    east, north = _offset(here, there)
    away = math.hypot(east, north)
    if not 30 <= away <= 40_000:
        return None
    scale = min(_CLOSEST, (WIDTH - 2 * MARGIN) / max(abs(east), 1), (HEIGHT - 2 * MARGIN) / max(abs(north), 1))

    def dot(spot: Spot) -> Dot:
        x, y = _offset(here, spot)
        return Dot(spot.name, round(WIDTH / 2 + (x - east / 2) * scale), round(HEIGHT / 2 - (y - north / 2) * scale))

    drawn = [dot(here), dot(there)]
    around: list[Dot] = []
    for landmark in landmarks:
        found = dot(landmark)
        inside = MARGIN <= found.x <= WIDTH - MARGIN and 16 <= found.y <= HEIGHT - 24
        if inside and all(math.hypot(found.x - other.x, found.y - other.y) >= APART for other in [*drawn, *around]):
            around.append(found)
    metres = max([length for length in _ROUND if length * scale <= 90], default=_ROUND[0])
    return Sketch(drawn[0], drawn[1], tuple(around[:3]), max(8, round(metres * scale)), metres, bearing(here, there))


def _offset(here: Spot, there: Spot) -> tuple[float, float]:
    """Metres to the east and to the north; good enough within a town."""
    north = (there.latitude - here.latitude) * _METRES_PER_DEGREE
    east = (there.longitude - here.longitude) * _METRES_PER_DEGREE * math.cos(math.radians(here.latitude))
    return east, north
