"""How long a caller waits after each thing they do: whole calls through POST /voice, with the real Rasa.

    uv run python -m benchmarks.voice --home .cache --calls 30 --clients 2

Prints p50 and p95 of the answer time, in ms, for turns that look something up (words, a topic's key) and for all others, and
the time to fetch a sound made by espeak-ng, new and kept. The aim is a p95 below 1,000 ms.
"""

import argparse
import os
import shutil
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

from benchmarks.processes import free_port
from bot import encryption, training, up
from bot.settings import Settings, ours
from webhooks.caller import Caller, Turn, over_http

SAID = (
    ("1", "food in Riverside"),
    ("2", "mi mama no puede bañarse sola"),
    ("3", "je cherche un médecin pour mon fils"),
    ("1", "a bed for tonight please"),
    ("1", "where can i learn to read, i am 70"),
    ("2", "me quieren echar de mi casa pueden hacerlo"),
)
Times = dict[str, list[float]]


def main() -> None:
    """Make the calls and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, default=Path(".cache"), help="folder with a trained model")
    parser.add_argument("--calls", type=int, default=30)
    parser.add_argument("--clients", type=int, default=2)
    options = parser.parse_args()
    model = training.ensure_model(options.home)
    with tempfile.TemporaryDirectory() as folder:
        times = _measure(Path(folder), model, options.calls, options.clients)
    print(f"{options.calls} calls, {options.clients} at a time, {os.cpu_count()} cores")
    print(f"{'':28}{'turns':>7}{'p50 ms':>9}{'p95 ms':>9}")
    turns = times["keys and menus"] + times["looked up"]
    for name, found in [("all turns", turns), *times.items()]:
        print(f"{name:28}{len(found):7}{statistics.median(found):9.0f}{statistics.quantiles(found, n=20)[18]:9.0f}")


def _measure(home: Path, model: Path, calls: int, clients: int) -> Times:
    port = free_port()
    env = {
        **os.environ,
        "CARELINE_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "CARELINE_SECRET_KEY": "a key for the benchmark",
        "TWILIO_AUTH_TOKEN": "a token for the benchmark",
        "CARELINE_HOME": str(home),
    }
    (home / "models").mkdir(parents=True)
    shutil.copy(model, home / "models" / model.name)
    running = up.start(env, port, home, lambda text: None)
    try:
        settings = Settings.from_env(ours(env))
        encryption.use(encryption.open_vault(settings.secret_key, settings.home))
        address = f"http://127.0.0.1:{port}"
        times: Times = defaultdict(list)
        for number in range(3):
            _call(settings, address, number, defaultdict(list))  # warm
        with ThreadPoolExecutor(clients) as pool:
            list(pool.map(lambda number: _call(settings, address, number, times), range(calls)))
        _sounds(settings, address, times)
        return times
    finally:
        up.stop(running)


def _call(settings: Settings, address: str, number: int, times: Times) -> None:
    phone = Caller(over_http(settings, address), f"+447700900{number % 40 + 100}", settings.voice_number)

    def timed(kind: str, act: Callable[[], Turn]) -> Turn:
        started = time.perf_counter()
        turn = act()
        times[kind].append((time.perf_counter() - started) * 1000)
        return turn

    key, words = SAID[number % len(SAID)]
    timed("keys and menus", phone.call)
    timed("keys and menus", lambda: phone.press(key))
    timed("looked up", lambda: phone.say(words))
    timed("keys and menus", lambda: phone.press("*"))
    timed("looked up", lambda: phone.say("Riverside"))
    timed("keys and menus", lambda: phone.press("0"))
    timed("keys and menus", lambda: phone.press("3"))
    timed("keys and menus", lambda: phone.press("1"))
    timed("keys and menus", lambda: phone.press("1"))
    timed("looked up", lambda: phone.press("1"))
    phone.hang_up()


def _sounds(settings: Settings, address: str, times: Times) -> None:
    phone = Caller(over_http(settings, address), "anonymous", settings.voice_number)
    phone.call()
    phone.press("4")
    turn = phone.press("5")  # Nepali
    with requests.Session() as session:
        session.trust_env = False
        for kind in ("sound, new", "sound, kept"):
            for heard in turn.heard:
                started = time.perf_counter()
                session.get(address + heard.sound, timeout=20).raise_for_status()
                times[kind].append((time.perf_counter() - started) * 1000)


if __name__ == "__main__":
    main()
