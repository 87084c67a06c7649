"""How somebody wants to read: what stands in the form is read back, and nothing else gets into the page."""

from hypothesis import given
from hypothesis import strategies as st

from webhooks.reading import CHOICES, Reading

readings = st.builds(Reading, **{name: st.sampled_from(values) for name, values in CHOICES.items()})


@given(readings)
def test_what_is_written_is_read(reading: Reading) -> None:
    assert Reading.parse(str(reading)) == reading


@given(st.text())
def test_anything_else_is_the_usual(text: str) -> None:
    reading = Reading.parse(text)
    assert all(getattr(reading, name) in values for name, values in CHOICES.items())


def test_only_what_there_is() -> None:
    assert str(Reading.parse("size-9000 size-200 theme-purple theme-dark both-yes x- -x")) == "size-200 theme-dark both-yes"
    assert str(Reading()) == ""
