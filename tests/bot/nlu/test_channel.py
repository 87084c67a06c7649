"""Rasa's channel takes messages from our own web server only. That Rasa really asks is in tests/end_to_end."""

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from bot.encryption import open_vault

pytestmark = pytest.mark.filterwarnings("ignore")  # of Rasa, in its hundreds


@pytest.fixture
def channel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    from bot.nlu import channel

    monkeypatch.setenv("CARELINE_SECRET_KEY", "the newest key,an older key")
    monkeypatch.setenv("CARELINE_HOME", str(tmp_path))
    channel._expected.cache_clear()
    yield channel
    channel._expected.cache_clear()


@pytest.mark.parametrize("shown", ["", "Bearer", "Bearer ", "Bearer abc", "Bearer é", "Bearer \udce9", "Basic abc"])
def test_a_stranger_shows_nothing_good(channel: ModuleType, shown: str) -> None:
    assert not channel.allowed(shown)


def test_our_own_processes_show_the_same(channel: ModuleType, tmp_path: Path) -> None:
    assert channel.allowed(f"Bearer {open_vault('the newest key', tmp_path).token('rasa')}")
    assert not channel.allowed(f"Bearer {open_vault('an older key', tmp_path).token('rasa')}")
    assert not channel.allowed(f"Bearer {open_vault('the newest key', tmp_path).token('sessions')}")
