"""The whole service as `careline up` starts it, with a provider on loopback, for benchmarks to text and to look into."""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from benchmarks.processes import children, cpu, free_port, memory
from bot import training, up
from bot.careline import Careline
from bot.settings import Settings, ours

TOKEN = "a token for the benchmark"
ACCOUNT = "AC" + "0" * 32
#: A word of the command by which a process is known to belong to a part.
PARTS = {"rasa": "actions.server", "web": "gunicorn", "worker": "webhooks.worker"}


class Provider:
    """Takes every text, as Twilio's API does; `texts` counts them by the number they went to."""

    def __init__(self) -> None:
        self.texts: Counter[str] = Counter()
        lock = threading.Lock()
        provider = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                with lock:
                    provider.texts[form.get("To", [""])[0]] += 1
                    sid = f"SM{sum(provider.texts.values()):032x}"
                body = json.dumps({"sid": sid, "status": "queued"}).encode()
                self.send_response(201)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Close the server."""
        self._server.shutdown()
        self._server.server_close()


@dataclass(frozen=True)
class Service:
    """A running service. `address` is its SMS webhook; `pid` the process above all others; `opened` reads its database."""

    address: str
    pid: int
    opened: Careline
    provider: Provider

    def processes(self) -> dict[str, list[int]]:
        """Process ids by part."""
        found: dict[str, list[int]] = {part: [] for part in PARTS}
        for pid in _below(self.pid):
            command = Path(f"/proc/{pid}/cmdline").read_bytes().decode().replace("\0", " ")
            for part, word in PARTS.items():
                if word in command:
                    found[part].append(pid)
        return found

    def cpu(self) -> dict[str, float]:
        """Seconds of processor time by part; a process that was replaced no longer counts."""
        tops = {part: [pid for pid in pids if _parent(pid) == self.pid] for part, pids in self.processes().items()}
        return {part: sum(cpu(pid) for pid in pids) for part, pids in tops.items()}

    def memory(self) -> float:
        """Megabytes of all processes (proportional set size)."""
        return memory(self.pid)

    def load(self, *arguments: str) -> dict[str, Any]:
        """What `benchmarks.load` measures, in a process of its own."""
        command = [sys.executable, "-m", "benchmarks.load", "--address", self.address, "--token", TOKEN, *arguments]
        said = subprocess.run(command, cwd=training.ROOT, stdout=subprocess.PIPE, check=True).stdout
        found: dict[str, Any] = json.loads(said)
        return found


@contextmanager
def service(home: Path, model: Path, more: Mapping[str, str] | None = None) -> Iterator[Service]:
    """`careline up` in `home` with the `model`, on settings of a real service and `more`; stopped at the end."""
    port = free_port()
    provider = Provider()
    (home / "models").mkdir(parents=True)
    shutil.copy(model, home / "models" / model.name)
    env = {
        **os.environ,
        "CARELINE_HOME": str(home),
        "CARELINE_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "CARELINE_SECRET_KEY": "a key for the benchmark",
        "CARELINE_TWILIO_API_URL": provider.address,
        "TWILIO_AUTH_TOKEN": TOKEN,
        "TWILIO_ACCOUNT_SID": ACCOUNT,
        **(more or {}),
    }
    running = up.start(env, port, home, lambda text: None)
    try:
        yield Service(
            f"http://127.0.0.1:{port}/sms", running.supervisor.pid, Careline.open(Settings.from_env(ours(env))), provider
        )
    finally:
        up.stop(running)
        provider.stop()


def _below(pid: int) -> Iterator[int]:
    for child in children(pid):
        yield child
        yield from _below(child)


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
