"""A turn through POST /sms, beside Rasa's built-in Twilio channel with its default pipeline and with our model, in one run.

    uv run python -m benchmarks.sms --home .cache --messages 200 --clients 4

Ours checks the signature, stores the message, takes it once, and answers in the response. Rasa's channel does none of this; it
answers by calling the provider's API, which a stub on loopback plays here. Its default pipeline learns from the English
utterances only (benchmarks/peer_pipeline; trained once, into the home folder). Prints throughput, p50, p95, CPU time a
message, and the memory of all processes (proportional set size, MB).
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path

import requests
from twilio.request_validator import RequestValidator

from benchmarks.processes import cpu, free_port, memory, stop, wait_until
from benchmarks.service import ACCOUNT, TOKEN, service
from bot import training, up
from bot.settings import Settings, ours

MESSAGES = (
    "food in Riverside",
    "mi mama no puede bañarse sola",
    "jcherche un médecin pour mon fils",
    "a bed for tonight please",
    "me quieren echar de mi casa pueden hacerlo",
    "qui peut garder mon mari deux heures",
    "where can i learn to read, i am 70",
    "psicologo gratis",
    "aide pour payer mon loyer",
    "wheelchair transport to the hospital",
)
PIPELINE = Path(__file__).resolve().parent / "peer_pipeline"


_Figures = tuple[float, float, float, float]


class _Provider(BaseHTTPRequestHandler):
    """Takes every message, as the provider's API does."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(201)
        body = b'{"sid": "SM00000000000000000000000000000000", "status": "queued"}'
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


def main() -> None:
    """Run both and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, default=Path(".cache"), help="folder with a trained model")
    parser.add_argument("--messages", type=int, default=200)
    parser.add_argument("--clients", type=int, default=4)
    options = parser.parse_args()
    model = training.ensure_model(options.home)
    provider = ThreadingHTTPServer(("127.0.0.1", 0), _Provider)
    threading.Thread(target=provider.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        rows = [
            ("careline /sms", *_ours(Path(folder) / "ours", model, options)),
            ("rasa, its pipeline", *_rasas(Path(folder) / "default", _default(options.home), provider.server_port, options)),
            ("rasa, our model", *_rasas(Path(folder) / "rasas", model, provider.server_port, options)),
        ]
    print(f"{options.messages} messages, {options.clients} at a time, {os.cpu_count()} cores")
    print(f"{'':22}{'messages/s':>12}{'p50 ms':>9}{'p95 ms':>9}{'CPU ms':>9}{'MB':>8}")
    for name, rate, p50, p95, each, megabytes in rows:
        print(f"{name:22}{rate:12.1f}{p50:9.0f}{p95:9.0f}{each:9.1f}{megabytes:8.0f}")


def _default(home: Path) -> Path:
    """A model of Rasa's default pipeline, trained if there is none."""
    path = home.absolute() / "models" / "peer.tar.gz"
    if not path.exists():
        command = [sys.executable, "-m", "rasa", "train", "--skip-validation", "--domain", "domain.yml"]
        command += ["--config", str(PIPELINE / "config.yml")]
        command += ["--data", "data/nlu/en", "data/rules", str(PIPELINE / "stories.yml")]
        command += ["--out", str(path.parent), "--fixed-model-name", path.name.removesuffix(".tar.gz")]
        subprocess.run(command, env=training.environment(home, threads=os.cpu_count() or 1), cwd=training.ROOT, check=True)
    return path


def _environment(home: Path, port: int) -> dict[str, str]:
    return {
        **os.environ,
        "CARELINE_HOME": str(home),
        "CARELINE_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "CARELINE_SECRET_KEY": "a key for the benchmark",
        "TWILIO_AUTH_TOKEN": TOKEN,
        "TWILIO_ACCOUNT_SID": ACCOUNT,
    }


def _ours(home: Path, model: Path, options: argparse.Namespace) -> tuple[float, float, float, float, float]:
    with service(home, model) as running:
        settings = running.opened.settings
        figures = _load(running.address, settings, options, lambda: cpu(running.pid))
        return (*figures, running.memory())


def _rasas(home: Path, model: Path, provider: int, options: argparse.Namespace) -> tuple[float, float, float, float, float]:
    port, actions = free_port(), free_port()
    home.mkdir(parents=True)
    careline = _environment(home, port) | {"CARELINE_SECRET_KEY": "a key for the benchmark"}
    # Its actions answer from the same directory, in words, as this channel can send nothing else.
    from bot.careline import Careline
    from bot.directory.importer import import_package

    opened = Careline.open(Settings.from_env(ours(careline)))
    opened.database.migrate()
    import_package(opened.database, up.DEMO)
    opened.database.engine.dispose()
    (home / "credentials.yml").write_text(
        f"twilio:\n  account_sid: {ACCOUNT}\n  auth_token: {TOKEN}\n  twilio_number: '+441632960000'\n"
    )
    (home / "endpoints.yml").write_text(
        f"action_endpoint:\n  url: http://127.0.0.1:{actions}/webhook\n"
        f"tracker_store:\n  type: SQL\n  url: sqlite:///{home.absolute()}/tracker.db\n"
    )
    env = {**training.environment(home), **careline, "SANIC_HOST": "127.0.0.1"}
    env["BENCHMARK_PROVIDER"] = f"http://127.0.0.1:{provider}"
    files = ["--credentials", str(home / "credentials.yml"), "--endpoints", str(home / "endpoints.yml")]
    where = ["--interface", "127.0.0.1", "--port", str(port), "--model", str(model)]
    commands = (
        ["-m", "rasa_sdk", "--actions", "benchmarks.peer_actions", "--port", str(actions)],
        ["-m", "benchmarks.peer", "run", *where, *files],
    )
    processes = [
        subprocess.Popen(
            [sys.executable, *command], env=env, cwd=training.ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for command in commands
    ]
    try:
        wait_until(lambda: requests.get(f"http://127.0.0.1:{port}/webhooks/twilio/", timeout=2).ok, 120)
        wait_until(lambda: requests.get(f"http://127.0.0.1:{actions}/health", timeout=2).ok, 60)
        used = lambda: sum(cpu(process.pid) for process in processes)  # noqa: E731
        figures = _load(f"http://127.0.0.1:{port}/webhooks/twilio/webhook", None, options, used)
        return (*figures, sum(memory(process.pid) for process in processes))
    finally:
        for process in processes:
            stop(process)


def _load(address: str, settings: Settings | None, options: argparse.Namespace, used: Callable[[], float]) -> _Figures:
    """Messages a second, the median and 95th percentile of their times in ms, and CPU ms of each, after a warm-up."""
    ids = count()
    local = threading.local()

    def text(number: int) -> float:
        if not hasattr(local, "session"):
            local.session = requests.Session()
            local.session.trust_env = False
        form = {
            "From": f"+447700900{number % 40 + 100}",
            "To": "+441632960000",
            "Body": MESSAGES[number % len(MESSAGES)],
            "MessageSid": f"SM{next(ids):032d}",
            "NumMedia": "0",
        }
        headers = {}
        if settings is not None:
            headers["X-Twilio-Signature"] = RequestValidator(TOKEN).compute_signature(address, form)
        started = time.perf_counter()
        response = local.session.post(address, data=form, headers=headers, timeout=60)
        assert response.ok, response.status_code
        return (time.perf_counter() - started) * 1000

    with ThreadPoolExecutor(options.clients) as pool:
        list(pool.map(text, range(20)))
        before = used()
        started = time.perf_counter()
        times = list(pool.map(text, range(options.messages)))
        seconds = time.perf_counter() - started
    each = (used() - before) * 1000 / options.messages
    return options.messages / seconds, statistics.median(times), statistics.quantiles(times, n=20)[18], each


if __name__ == "__main__":
    main()
