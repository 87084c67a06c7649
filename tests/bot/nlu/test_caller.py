"""Rasa takes messages from our own processes only. That Rasa really asks is in tests/end_to_end."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.encryption import open_vault
from bot.nlu import caller


@pytest.fixture(autouse=True)
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("CARELINE_SECRET_KEY", "the newest key,an older key")
    monkeypatch.setenv("CARELINE_HOME", str(tmp_path))
    caller._expected.cache_clear()
    yield
    caller._expected.cache_clear()


@pytest.mark.parametrize("shown", ["", "Bearer", "Bearer ", "Bearer abc", "Bearer é", "Bearer \udce9", "Basic abc"])
def test_a_stranger_shows_nothing_good(shown: str) -> None:
    assert caller.asking(shown) is None


def test_our_own_processes_show_the_same(tmp_path: Path) -> None:
    assert caller.asking(f"Bearer {open_vault('the newest key', tmp_path).token('rasa')}") == ""
    assert caller.asking(f"Bearer {open_vault('an older key', tmp_path).token('rasa')}") is None
    assert caller.asking(f"Bearer {open_vault('the newest key', tmp_path).token('sessions')}") is None
