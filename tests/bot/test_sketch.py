"""The sketch of the way: right directions, nothing outside the drawing, names that do not lie on each other."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.render.sketch import APART, HEIGHT, MARGIN, POINTS, WIDTH, Spot, bearing, draw

CITY_HALL = Spot("City Hall", 50.50089, -2.29699)
#: Degrees of latitude and of longitude around City Hall, within 30 km.
near = st.tuples(st.floats(-0.2, 0.2), st.floats(-0.3, 0.3))


def at(north: float, east: float, name: str = "there") -> Spot:
    return Spot(name, CITY_HALL.latitude + north, CITY_HALL.longitude + east)


@pytest.mark.parametrize(
    ("north", "east", "point"),
    [(1, 0, "north"), (1, 1.57, "north_east"), (0, 1, "east"), (-1, 1.57, "south_east"), (-1, 0, "south"),
     (-1, -1.57, "south_west"), (0, -1, "west"), (1, -1.57, "north_west")],
)  # fmt: skip
def test_directions(north: float, east: float, point: str) -> None:
    assert bearing(CITY_HALL, at(north / 100, east / 100)) == point


@given(near, st.lists(near, max_size=8))
def test_everything_stands_inside(there: tuple[float, float], around: list[tuple[float, float]]) -> None:
    sketch = draw(CITY_HALL, at(*there), [at(*one) for one in around])
    if sketch is None:
        return
    for dot in (sketch.here, sketch.there, *sketch.around):
        assert MARGIN - 1 <= dot.x <= WIDTH - MARGIN + 1
        assert 0 <= dot.y <= HEIGHT
    dots = [sketch.here, sketch.there, *sketch.around]
    for one in sketch.around:
        assert all(one is other or math.hypot(one.x - other.x, one.y - other.y) >= APART for other in dots)
    assert sketch.point in POINTS
    assert 0 < sketch.bar <= WIDTH


@given(near)
def test_north_is_up_and_east_is_right(there: tuple[float, float]) -> None:
    sketch = draw(CITY_HALL, at(*there))
    if sketch is not None:
        assert (sketch.there.y <= sketch.here.y) == (there[0] >= 0) or sketch.there.y == sketch.here.y
        assert (sketch.there.x >= sketch.here.x) == (there[1] >= 0) or sketch.there.x == sketch.here.x


def test_nothing_to_draw_in_the_same_house_or_another_country() -> None:
    assert draw(CITY_HALL, CITY_HALL) is None
    assert draw(CITY_HALL, at(3, 0)) is None
