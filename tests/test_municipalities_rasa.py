"""Two municipalities on one running stack: the real Flask, one real Rasa over HTTP for both, and each one's own state."""

import asyncio
import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from bot import encryption, municipalities
from bot.rights.articles import Rights
from bot.wording import Wording
from tests import servers, valley
from tests.valley import AMITY, VALE, Valley
from webhooks.rasa import RasaDialogue

pytestmark = [pytest.mark.rasa, pytest.mark.filterwarnings("ignore")]


@pytest.fixture
def towns(
    tmp_path: Path, model: Path, words_and_rights: tuple[Wording, Rights], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Valley]:
    made = valley.templates(tmp_path, "")
    port = servers.free_port()
    env = valley.write(tmp_path / "home", made) | {"CARELINE_RASA_URL": f"http://127.0.0.1:{port}"}
    for name in [name for name in os.environ if name.startswith(("CARELINE_", "TWILIO_"))]:
        monkeypatch.delenv(name)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(encryption, "_vaults", {})
    from bot.nlu import caller

    caller._expected.cache_clear()
    with valley.opened(env, words_and_rights) as both, rasa(model, both, f"http://127.0.0.1:{port}"):
        yield both
    caller._expected.cache_clear()


class rasa:
    """What `python -m actions.server` runs in each of its processes, in a thread."""

    def __init__(self, model: Path, both: Valley, url: str) -> None:
        self._model, self._both, self._url = model, both, url
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> None:
        self._thread.start()
        assert self._ready.wait(120)

    def __exit__(self, *error: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)
        self._loop.close()

    def _run(self) -> None:
        from aiohttp import web

        from actions import base, server

        base._opened.cache_clear()
        asyncio.set_event_loop(self._loop)
        agent = server.load(self._model, self._both.careline(AMITY).settings)

        async def serve() -> None:
            self._stop = asyncio.Event()
            runner = web.AppRunner(server.application(agent), access_log=None)
            await runner.setup()
            await web.SockSite(runner, server.listen(self._url)).start()
            self._ready.set()
            await self._stop.wait()
            await runner.cleanup()

        self._loop.run_until_complete(serve())


def states(towns: Valley, name: str) -> int:
    path = towns.careline(name).settings.home / "tracker.db"
    with sqlite3.connect(path) as connection:
        return int(connection.execute("SELECT count(*) FROM dialogue").fetchone()[0])


def test_one_rasa_answers_both_and_keeps_them_apart(towns: Valley) -> None:
    first = {name: towns.text(name, "I need something to eat for my children")[0] for name in (AMITY, VALE)}
    assert "Mill Lane" in first[VALE]
    assert "Mill Lane" not in first[AMITY]
    assert [states(towns, name) for name in (AMITY, VALE)] == [1, 1]
    # "more" is about what each conversation was about, in its own directory.
    towns.text(AMITY, "I need a doctor")
    more = {name: towns.text(name, "more")[0] for name in (AMITY, VALE)}
    assert more[AMITY] != more[VALE]
    assert "Clinic" in more[AMITY] or "Health" in more[AMITY] or "Doctor" in more[AMITY]
    assert not any(town in more[VALE] for town in ("Old Town", "Harbour", "Southmead"))
    # Languages of each: Nepali in both, Spanish in one.
    assert "Mill Lane" in towns.text(VALE, "मलाई खाना चाहियो", number="+447700900321")[0]
    assert "Abre" in towns.text(AMITY, "necesito comida para mis hijos", number="+447700900321")[0]
    # Numbers of each, where the model and not a phrase saw the danger or not.
    assert "960791" in towns.text(VALE, "I want to kill myself", number="+447700900322")[0]


def test_who_asks_is_told_by_the_token_and_by_nothing_else(towns: Valley) -> None:
    """Another's name in the message changes nothing: whose directory is read, and where the state goes, the token says."""
    towns.text(VALE, "food please")
    dialogue: RasaDialogue = towns.hosts.applications[VALE].extensions["dialogue"]
    question = {
        "sender": "somebody", "message": "/food", "input_channel": "sms",
        "metadata": {"text": "food", "language": "en", "channel": "sms", "municipality": AMITY},
    }  # fmt: skip
    with municipalities.at(VALE):
        token = encryption.vault().token("rasa")
    url = towns.careline(VALE).settings.rasa_url + "/webhooks/rest/webhook"
    shown = {"Authorization": f"Bearer {token}"}
    answered = requests.post(url, json=question, headers=shown, timeout=30)
    assert answered.status_code == 200
    assert "Mill Lane" in answered.text
    assert states(towns, VALE) == 2
    assert not (towns.careline(AMITY).settings.home / "tracker.db").exists() or states(towns, AMITY) == 0
    for wrong in ({}, {"Authorization": "Bearer " + "0" * 64}):
        assert requests.post(url, json=question, headers=wrong, timeout=30).status_code == 401
    with municipalities.at(VALE):
        dialogue.forget("somebody")
    assert states(towns, VALE) == 1
