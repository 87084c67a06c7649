"""`careline up` as a city starts it: the real Rasa, actions, worker and SQLite; Twilio's side is a server made from its own
OpenAPI description (`--prism COMMAND`), to which the real client library talks."""

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests
from sqlalchemy import func, select

from bot import encryption, erasure
from bot.conversation import Conversation, Message, person_hash
from bot.db import Database
from bot.errors import CarelineError
from bot.outbox import OutboxMessage
from bot.render.segments import measure
from bot.render.sms import BUDGET
from bot.settings import Settings
from bot.training import ROOT
from webhooks.phone import send_text
from webhooks.twilio import TwilioSender

#: Pipes and sockets of processes that were killed are closed when they are.
pytestmark = [pytest.mark.end_to_end, pytest.mark.filterwarnings("ignore")]
DESCRIPTION = ROOT / "tests" / "data" / "twilio_messages.json"
ACCOUNT = "AC" + "0" * 32


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(what: str, check, seconds: float = 60):  # type: ignore[no-untyped-def]
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            found = check()
            if found:
                return found
        except (requests.RequestException, CarelineError):
            pass
        time.sleep(0.3)
    raise AssertionError(f"{what}: not within {seconds} s")


@pytest.fixture(scope="module")
def provider(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a Prism mock made from Twilio's description of creating a message."""
    command = request.config.getoption("--prism")
    if not command:
        pytest.skip("needs Prism (npm @stoplight/prism-cli): --prism 'COMMAND'")
    port = free_port()
    process = subprocess.Popen(
        [*shlex.split(command), "mock", "--dynamic", "--host", "127.0.0.1", "--port", str(port), str(DESCRIPTION)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    wait_for("Prism", lambda: requests.get(address, timeout=2).status_code)
    yield address
    process.terminate()
    process.wait(10)


@dataclass
class Service:
    """A running service."""

    process: "subprocess.Popen[str]"
    home: Path
    port: int
    settings: Settings
    database: Database
    seconds: float

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def text(self, words: str, number: str = "+447700900123") -> str:
        (answer,) = send_text(self.settings, self.address, number, words)
        return answer

    def missing(self) -> list[str]:
        return list(requests.get(f"{self.address}/readyz", timeout=10).json()["missing"])

    def pid(self, name: str) -> int:
        said = subprocess.run(
            [sys.executable, "-m", "supervisor.supervisorctl", "-c", str(self.home / "supervisord.conf"), "pid", name],
            capture_output=True,
            text=True,
            check=True,
        )
        return int(said.stdout)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, model: Path, provider: str) -> Iterator[Service]:
    home = tmp_path_factory.mktemp("home")
    (home / "models").mkdir()
    shutil.copy(model, home / "models" / model.name)
    port = free_port()
    env = {
        "CARELINE_SECRET_KEY": "a key for tests only",
        "CARELINE_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "TWILIO_ACCOUNT_SID": ACCOUNT,
        "TWILIO_AUTH_TOKEN": "a token for tests only",
        "CARELINE_TWILIO_API_URL": provider,
        "CARELINE_RASA_TIMEOUT": "3",
    }
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "bot.cli", "up", "--port", str(port), "--home", str(home)],
        env={**os.environ, **env, "PYTHONUNBUFFERED": "1"},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    said: list[str] = []
    for line in process.stdout:
        said.append(line)
        if "Ctrl-C" in line:
            break
    seconds = time.monotonic() - started
    assert process.poll() is None, "".join(said)
    assert f"http://127.0.0.1:{port}/desk" in "".join(said)
    reader = threading.Thread(target=process.stdout.read, daemon=True)
    reader.start()
    settings = Settings.from_env({**env, "CARELINE_HOME": str(home)})
    encryption.use(encryption.Vault(["a key for tests only"]))
    database = Database(settings.database)
    print(f"\nup with a trained model: {seconds:.1f} s")
    yield Service(process, home, port, settings, database, seconds)
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        process.wait(40)
    reader.join(10)
    process.stdout.close()
    database.engine.dispose()


@pytest.mark.parametrize(
    ("words", "number", "expected"),
    [
        ("free fod near riverside pls", "+447700900201", ("Riverside", "Call 01632")),
        ("mi mama no puede bañarse sola, ayuda?", "+447700900202", ("Gratis", "Tel. 01632")),
        ("jcherche un medecin pr mon fils a Eastgate svp", "+447700900203", ("Gratuit", "01632")),
    ],
)
def test_a_texted_question_gets_a_true_answer(service: Service, words: str, number: str, expected: tuple[str, ...]) -> None:
    answer = service.text(words, number)
    for part in expected:
        assert part in answer
    size = measure(answer)
    assert size.segments <= BUDGET[size.encoding]


def test_the_json_api_keeps_its_contract(service: Service) -> None:
    body = requests.post(f"{service.address}/api/chat", json={"text": "food in Eastgate"}, timeout=20).json()
    (message,) = body["messages"]
    assert body["language"] == "en"
    assert message["topic"] == "food"
    assert message["services"][0]["phones"]
    again = {"text": message["choices"][1]["send"], "conversation": body["conversation"]}
    body = requests.post(f"{service.address}/api/chat", json=again, timeout=20).json()
    assert body["messages"][0]["services"][0]["name"] == message["services"][1]["name"]


def test_rasa_stopped_in_the_middle_is_told_and_answered_later(service: Service) -> None:
    rasa = service.pid("rasa")
    os.killpg(rasa, signal.SIGSTOP)
    try:
        assert "112" in service.text("where is the nearest library", "+447700900301")
        assert "01632 960001" in service.text("i want to kill myself", "+447700900302")
        assert "no more texts" in service.text("STOP", "+447700900303")
    finally:
        os.killpg(rasa, signal.SIGCONT)

    def sent() -> str | None:
        with service.database.read() as session:
            row = session.scalar(select(OutboxMessage).where(OutboxMessage.status == "sent"))
            return row.text if row else None

    assert "Library" in wait_for("the late answer", sent, 60)
    with service.database.read() as session:
        assert session.scalar(select(func.count()).select_from(OutboxMessage)) == 1
        assert session.scalar(select(func.count()).select_from(Message).where(Message.state != "answered")) == 0


@pytest.mark.parametrize("name", ["worker", "web", "rasa"])
def test_a_process_that_dies_is_missed_and_comes_back(service: Service, name: str) -> None:
    before = service.pid(name)
    os.kill(before, signal.SIGKILL)
    if name == "rasa":
        wait_for(f"{name} is named", lambda: name in service.missing(), 15)
    wait_for(f"{name} has a new process", lambda: service.pid(name) not in (0, before), 30)
    wait_for("all is well", lambda: service.missing() == [], 90)
    assert wait_for("an answer", lambda: service.text("food in Riverside", "+447700900401"), 60)


@pytest.mark.parametrize(
    ("arguments", "env", "says"),
    [
        (["--port", "{port}", "--home", "{new}"], {}, "Port {port} cannot be used"),
        (["--home", "{home}"], {}, "already running"),
        (["--home", "{new}"], {"CARELINE_PROT": "1"}, "Unknown setting CARELINE_PROT"),
        (["--home", "/proc/nowhere"], {}, "/proc/nowhere"),
    ],
)
def test_what_cannot_start_says_why_in_a_sentence(
    service: Service, tmp_path: Path, arguments: list[str], env: dict[str, str], says: str
) -> None:
    names = {"port": str(service.port), "home": str(service.home), "new": str(tmp_path / "new")}
    command = [sys.executable, "-m", "bot.cli", "up", *(argument.format(**names) for argument in arguments)]
    done = subprocess.run(command, env={**os.environ, **env}, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert says.format(**names) in done.stderr
    assert "Traceback" not in done.stderr


def test_logs_and_files_hold_nothing_of_what_was_written(service: Service) -> None:
    service.text("my neighbour Ermintrude needs a wheelchair ramp", "+447700900577")
    kept = {path: path.read_bytes() for path in service.home.rglob("*") if path.is_file() and "models" not in path.parts}
    for path, content in kept.items():
        assert b"Ermintrude" not in content, path
        assert b"7700900577" not in content, path
    assert any(path.name.startswith("tracker.db") for path in kept)


def test_rasa_refuses_whoever_shows_no_token(service: Service) -> None:
    rows = Path(f"/proc/{service.pid('rasa')}/environ").read_text().split("\0")
    (address,) = (row.partition("=")[2] for row in rows if row.startswith("CARELINE_RASA_URL="))
    assert address.startswith("http://127.0.0.1:")
    url = f"{address}/webhooks/rest/webhook"
    body = {"sender": "a stranger", "message": "hello"}
    for headers in ({}, {"Authorization": "Bearer abc"}):
        assert requests.post(url, json=body, headers=headers, timeout=10).status_code == 401
    assert service.text("food in Riverside", "+447700900402")


def test_the_providers_copies_are_erased_through_its_api(service: Service, provider: str) -> None:
    """Twilio's client against its own description: each call has the shape that the provider takes."""
    sender = TwilioSender(replace(service.settings, voice_number="+441632960009"))  # calls and texts each have a number
    assert sender.erase("+447700900501", None) in (True, False)
    before = datetime(2026, 10, 1, tzinfo=UTC)
    assert sender.erase("+447700900501", before) in (True, False)
    assert sender.erase_call("CA" + "0" * 32) in (True, False)
    assert sender.erase_recording("RE" + "0" * 32)


def test_delete_my_data_leaves_nothing_in_any_store(service: Service) -> None:
    number = "+447700900502"
    service.text("my neighbour Ermintrude needs help at home", number)
    assert "1 Yes" in service.text("delete my data", number)
    answer = service.text("1", number)
    receipt = re.search(r"receipt: (\w{8})", answer)
    assert receipt
    with service.database.read() as session:
        found = erasure.progress(session, receipt[1])
        assert found is not None
        assert found.left == {"provider"}, "the dialogue's part is done at once"
        person = person_hash(number)
        assert session.scalar(select(func.count()).select_from(Conversation).where(Conversation.person_hash == person)) == 0


def test_ctrl_c_stops_all_of_it(service: Service) -> None:
    pids = [service.pid(name) for name in ("web", "rasa", "worker")]
    service.process.send_signal(signal.SIGINT)
    assert service.process.wait(40) == 0
    for pid in pids:
        assert not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text().split()[2]
