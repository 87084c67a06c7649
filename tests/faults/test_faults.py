"""Real processes are killed, stopped and cut off while residents write; afterwards every message is accounted for.

uv run pytest -m faults --fault-seconds 120
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

import pytest
import requests
from redis import Redis
from sqlalchemy import select
from twilio.request_validator import RequestValidator

from benchmarks.messages import mixture
from bot import encryption
from bot.conversation import Conversation, Message
from bot.db import Database
from bot.errors import DatabaseUnavailable
from bot.escalation import Case, answer, claim
from bot.outbox import RANK, OutboxMessage
from bot.settings import Settings
from bot.staff import Staff, add
from bot.training import ROOT
from tests import servers
from tests.faults.provider import Provider

pytestmark = [pytest.mark.faults, pytest.mark.filterwarnings("ignore")]
TOKEN = "a token for tests only"
#: Beginnings of what promises an answer for later, in any language: told apart by key, not by words.
PROMISES = ("later.promise", "busy.promise")


@dataclass
class Service:
    """A running service on PostgreSQL and Redis."""

    home: Path
    port: int
    database: Database
    postgresql: servers.PostgreSQL
    redis: servers.RedisServer
    provider: Provider
    promises: frozenset[str]

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def processes(self, part: str) -> list[int]:
        """Process ids of a part, the parent first."""
        supervisor = int((self.home / "supervisord.pid").read_text())
        names = {"rasa": "actions.server", "web": "gunicorn", "worker": "webhooks.worker"}
        return [pid for pid in _below(supervisor) if names[part] in _command(pid)]


def _below(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield int(child)
            yield from _below(int(child))


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode().replace("\0", " ")
    except OSError:
        return ""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Iterator[Service]:
    home = tmp_path_factory.mktemp("home")
    (home / "models").mkdir()
    shutil.copy(model, home / "models" / model.name)
    port = servers.free_port()
    provider = Provider(TOKEN, seed=1)
    with servers.postgresql(durable=True) as database_server, servers.redis() as redis:
        env = {
            "CARELINE_SECRET_KEY": "a key for tests only",
            "CARELINE_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "CARELINE_DATABASE_URL": servers.new_database(database_server.url),
            "CARELINE_REDIS_URL": redis.url,
            "CARELINE_WEB_WORKERS": "2",
            "CARELINE_WORKERS": "2",
            "CARELINE_RASA_TIMEOUT": "4",
            "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
            "TWILIO_AUTH_TOKEN": TOKEN,
            "CARELINE_TWILIO_API_URL": provider.address,
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "bot.cli", "up", "--port", str(port), "--home", str(home)],
            env={**os.environ, **env},
            cwd=ROOT,
            stdout=(home / "up.log").open("w"),
            stderr=subprocess.STDOUT,
        )
        said = home / "up.log"
        servers.wait_until(lambda: "Ctrl-C" in said.read_text() or process.poll() is not None, 240)
        assert process.poll() is None, said.read_text()
        encryption.use(encryption.Vault(["a key for tests only"]))
        settings = Settings.from_env({**env, "CARELINE_HOME": str(home)})
        database = Database(settings.database)
        yield Service(home, port, database, database_server, redis, provider, promises(settings))
        database.engine.dispose()
        process.send_signal(signal.SIGINT)
        process.wait(60)
    provider.stop()


def promises(settings: Settings) -> frozenset[str]:
    """The first words of every promise, in every language."""
    from bot.wording import Wording

    wording = Wording.load()
    texts = set()
    for language in settings.languages:
        words = wording.words(language, "sms", municipality="", emergency=settings.emergency_number, office="", office_hours="")
        texts |= {str(words(key))[:25] for key in PROMISES}
    return frozenset(texts)


@dataclass
class Residents:
    """People who text, through a provider that tries again, and sometimes sends a message three times at once."""

    service: Service
    seed: int
    answers: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    unanswered: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def write(self, person: int) -> None:
        chance = random.Random(self.seed * 1000 + person)
        texts = [text for text in mixture(400, self.seed + person) if text.kind in ("question", "crisis")]
        for number, text in enumerate(texts):
            if self._stop.is_set():
                return
            sid = f"SM{self.seed:08d}{person:08d}{number:016d}"
            copies = 3 if chance.random() < 0.15 else 1
            senders = [threading.Thread(target=self._deliver, args=(person, sid, text.words)) for _ in range(copies)]
            for sender in senders:
                sender.start()
            for sender in senders:
                sender.join()
            time.sleep(chance.uniform(0.1, 1.0))

    def _deliver(self, person: int, sid: str, words: str) -> None:
        form = {"From": f"+447700900{100 + person}", "To": "+441632960000", "Body": words, "MessageSid": sid, "NumMedia": "0"}
        address = f"{self.service.address}/sms"
        headers = {"X-Twilio-Signature": RequestValidator(TOKEN).compute_signature(address, form)}
        for _ in range(40):
            try:
                response = requests.post(address, data=form, headers=headers, timeout=15)
                if response.status_code == 200:
                    found = [message.text or "" for message in ElementTree.fromstring(response.text).iter("Message")]
                    self.answers[sid].add("".join(found))
                    return
            except requests.RequestException:
                pass
            time.sleep(1)
        self.unanswered.append(sid)


def test_every_message_is_answered_once_whatever_breaks(service: Service, request: pytest.FixtureRequest) -> None:
    seconds: float = request.config.getoption("--fault-seconds")
    seed = random.randrange(1_000_000)
    print(f"\nseed {seed}")
    chance = random.Random(seed)
    residents = Residents(service, seed)
    people = [threading.Thread(target=residents.write, args=(person,)) for person in range(6)]
    for person in people:
        person.start()
    faults: Counter[str] = Counter()
    order = chance.sample(list(FAULTS), len(FAULTS))  # each at least once, however slow the machine
    until = time.monotonic() + seconds
    while time.monotonic() < until or order or not faults["staff"]:
        assert time.monotonic() < until + 180, f"not every fault could be tried: {order}, {dict(faults)}"
        time.sleep(chance.uniform(2, 5))
        name = order.pop() if order else chance.choice(list(FAULTS))
        FAULTS[name](service, chance)
        faults[name] += 1
        if not faults["staff"]:
            faults["staff"] = _staff_answers(service)
    residents._stop.set()
    for person in people:
        person.join()
    service.provider.failing = 0.0
    servers.wait_until(lambda: _settled(service), 300)
    print(f"{len(residents.answers)} messages; {dict(faults)}")
    assert residents.unanswered == []
    _reconcile(service, residents)


def _kill(part: str) -> Callable[[Service, random.Random], None]:
    def kill(service: Service, chance: random.Random) -> None:
        found = service.processes(part)
        if found:
            try:
                os.kill(chance.choice(found[1:] or found), signal.SIGKILL)
            except ProcessLookupError:
                return

    return kill


def _stop_rasa(service: Service, chance: random.Random) -> None:
    found = service.processes("rasa")
    for pid in found:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(chance.uniform(3, 8))
    for pid in found:
        os.kill(pid, signal.SIGCONT)


FAULTS: dict[str, Callable[[Service, random.Random], None]] = {
    "web killed": _kill("web"),
    "rasa killed": _kill("rasa"),
    "worker killed": _kill("worker"),
    "rasa stopped": _stop_rasa,
    "database restarted": lambda service, chance: service.postgresql.restart(),
    "redis emptied": lambda service, chance: _empty(service),
}


def _empty(service: Service) -> None:
    Redis.from_url(service.redis.url).flushall()


def _staff_answers(service: Service) -> int:
    """A staff member takes every open case and answers it twice by the same form."""
    count = 0
    try:
        with service.database.begin() as session:
            if session.scalar(select(Staff.id)) is None:
                add(session, "nora", "a long password for tests")
            staff = session.scalars(select(Staff.id)).one()
            for case in session.scalars(select(Case).where(Case.status == "open")).all():
                if claim(session, case.id, staff):
                    for _ in range(2):
                        answer(session, case.id, staff, "I am Nora and will call you.", once="form")
                    count += 1
    except DatabaseUnavailable:
        pass
    return count


def _settled(service: Service) -> bool:
    """Whether nothing is owed any more; waits between retries are cut short."""
    try:
        with service.database.begin() as session:
            session.query(OutboxMessage).filter(OutboxMessage.status == "queued").update({"due_at": OutboxMessage.created_at})
            owed = session.scalar(select(Message.id).where(Message.state != "answered").limit(1))
            waiting = session.scalar(select(OutboxMessage.id).where(OutboxMessage.status.in_(("queued", "sending"))).limit(1))
    except DatabaseUnavailable:
        return False
    time.sleep(1)
    return owed is None and waiting is None


def _reconcile(service: Service, residents: Residents) -> None:
    with service.database.read() as session:
        stored = {message.provider_id: message for message in session.scalars(select(Message))}
        outbox = {sent.origin: sent for sent in session.scalars(select(OutboxMessage))}
        numbers = {conversation.id: conversation.number for conversation in session.scalars(select(Conversation))}
    wrong: list[str] = []
    for sid, answers in residents.answers.items():
        message = stored.get(sid)
        if message is None:
            wrong.append(f"{sid} was answered and never stored")
            continue
        later = outbox.get(f"message {message.id}")
        at_once = {text for text in answers if text and not any(text.startswith(promise) for promise in service.promises)}
        texted = service.provider.taken.get(later.id, []) if later is not None else []
        if later is not None and (later.status == "failed" or RANK[later.status] < RANK["sent"]):
            wrong.append(f"{sid}: the later answer is {later.status} ({later.error})")
        if len(at_once) + len(texted) > 1:
            wrong.append(f"{sid}: answered {len(at_once)} times at once and {len(texted)} times later")
        if not at_once and not texted and answers - {""}:
            wrong.append(f"{sid}: promised and never answered ({message.state})")
        wrong += [f"{sid}: texted to {to}" for to, _ in texted if to != numbers[message.conversation_id]]
    for origin, sent in outbox.items():
        if origin.startswith("case "):
            times = len(service.provider.taken.get(sent.id, []))
            if times != 1 and sent.status != "failed":
                wrong.append(f"{origin}: a staff message was delivered {times} times ({sent.status})")
    assert wrong == [], "\n".join(wrong)
