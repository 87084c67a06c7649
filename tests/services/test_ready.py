"""/readyz tells the truth about each part: each is really made to fail, and what is said is compared with what is so."""

import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from redis import Redis

from bot import encryption, outbox
from bot.conversation import open_conversation
from bot.db import Database
from bot.directory.importer import import_package
from bot.outbox import OutboxMessage
from bot.training import ROOT
from tests import parts, servers

pytestmark = [pytest.mark.services, pytest.mark.filterwarnings("ignore")]
PARTS = {"database", "worker", "disk", "provider", "rasa", "redis"}
#: Gives the web server a disk of its own, which can be filled.
OWN_DISK = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", 'mount -t tmpfs -o size=16m none "$0" && exec "$@"')
#: Seconds within which a probe must answer, whatever hangs.
SOON = 6.0


@dataclass
class Service:
    machine: parts.Machine
    env: dict[str, str]
    postgresql: servers.PostgreSQL
    redis: servers.RedisServer

    @property
    def address(self) -> str:
        return f"http://{self.env['WEB_LISTEN']}"

    def missing(self) -> set[str] | None:
        """What is missing, by what is said: list, parts and status must say the same."""
        started = time.monotonic()
        try:
            response = requests.get(f"{self.address}/readyz", timeout=30)
        except requests.RequestException:
            return None
        assert time.monotonic() - started < SOON
        said = response.json()
        missing = set(said["missing"])
        assert missing == {name for name, works in said["parts"].items() if not works}
        assert set(said["parts"]) == PARTS
        assert response.status_code == (503 if missing else 200)
        return missing

    def becomes(self, *missing: str, seconds: float = 60) -> None:
        """Exactly this is missing, soon, and stays so."""
        parts.until(f"missing: {missing}", seconds, lambda: self.missing() == set(missing), self.machine)
        assert self.missing() == set(missing)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("ready")
    machine = parts.Machine("alone", "127.0.0.1", folder / "home")
    (machine.home / "models").mkdir(parents=True)
    shutil.copy(model, machine.home / "models" / model.name)
    with servers.postgresql() as postgresql, servers.redis() as redis:
        web, rasa = servers.free_port(), servers.free_port()
        env = {
            "CARELINE_SECRET_KEY": "a key for tests only",
            "CARELINE_PUBLIC_URL": "https://care.example.org",
            "CARELINE_DATABASE_URL": servers.new_database(postgresql.url),
            "CARELINE_REDIS_URL": redis.url,
            "CARELINE_RASA_URL": f"http://127.0.0.1:{rasa}",
            "CARELINE_RASA_WORKERS": "1",
            "CARELINE_TWILIO_API_URL": "http://127.0.0.1:9",
            "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
            "TWILIO_AUTH_TOKEN": "a token for tests only",
            "WEB_LISTEN": f"127.0.0.1:{web}",
        }
        encryption.use(encryption.Vault(["a key for tests only"]))
        database = Database(env["CARELINE_DATABASE_URL"])
        database.migrate()
        import_package(database, ROOT / "data" / "directory")
        database.engine.dispose()
        found = Service(machine, env, postgresql, redis)
        try:
            machine.start("careline-web", env, before=(*OWN_DISK, str(machine.home)))
            for unit in ("careline-rasa", "careline-worker@"):
                machine.start(unit, env)
            found.becomes(seconds=90)
            yield found
        finally:
            machine.end()


@pytest.mark.parametrize("signum", [signal.SIGSTOP, signal.SIGKILL])
def test_rasa(service: Service, signum: signal.Signals) -> None:
    rasa = service.machine.parts["careline-rasa"]
    rasa.send(signum)
    service.becomes("rasa")
    if signum == signal.SIGSTOP:
        rasa.send(signal.SIGCONT)
    else:
        rasa.process.wait(10)
        service.machine.start("careline-rasa", service.env)
    service.becomes()


def test_a_database_that_hangs(service: Service) -> None:
    service.postgresql.freeze()
    try:
        # Whether the worker lives stands in the database, so that nobody knows.
        service.becomes("database", "worker")
        for _ in range(5):
            assert service.missing() == {"database", "worker"}
        threads = Path(f"/proc/{service.machine.parts['careline-web'].pids()[-1]}/task")
        assert len(list(threads.iterdir())) < 40, "no thread more for each time it is asked"
        assert requests.get(f"{service.address}/healthz", timeout=5).ok
    finally:
        service.postgresql.freeze(signal.SIGCONT)
    service.becomes()


def test_a_database_that_is_gone(service: Service) -> None:
    service.postgresql.stop()
    try:
        service.becomes("database", "worker")
    finally:
        service.postgresql.begin()
    service.becomes()


def test_a_database_that_takes_nothing(service: Service) -> None:
    """As a standby: it is read, and nothing can be stored."""
    engine = Database(service.env["CARELINE_DATABASE_URL"]).engine
    name = engine.url.database

    def only_read(yes: bool) -> None:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("SET default_transaction_read_only = off")
            connection.exec_driver_sql(f"ALTER DATABASE {name} SET default_transaction_read_only = {'on' if yes else 'off'}")
            others = "datname = current_database() AND pid <> pg_backend_pid()"
            connection.exec_driver_sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")

    only_read(True)
    try:
        service.becomes("database", "worker")
    finally:
        only_read(False)
        engine.dispose()
    service.becomes()


def test_redis_gone(service: Service) -> None:
    """What is owed is sent all the same: the queue only wakes the worker."""
    service.redis.stop()
    try:
        service.becomes("redis")
        database = Database(service.env["CARELINE_DATABASE_URL"])
        with database.begin() as session:
            conversation = open_conversation(session, "sms", None, "+447700900741")
            queued = outbox.put(session, conversation.id, "We open at nine.", origin="while Redis is away")
            assert queued is not None

        def tried() -> bool:
            with database.read() as session:
                return session.get_one(OutboxMessage, queued.id).attempts > 0

        parts.until("the worker tries to send it", 40, tried, service.machine)
        database.engine.dispose()
    finally:
        service.redis.begin()
    service.becomes()


def test_redis_full(service: Service) -> None:
    """It answers, and takes no lock."""
    with Redis.from_url(service.redis.url) as connection:
        connection.config_set("maxmemory-policy", "noeviction")
        connection.config_set("maxmemory", 1)
        try:
            assert connection.ping()
            service.becomes("redis")
        finally:
            connection.config_set("maxmemory", 0)
    service.becomes()


def test_the_worker(service: Service) -> None:
    worker = service.machine.parts["careline-worker@"]
    worker.send(signal.SIGKILL)
    worker.process.wait(10)
    service.becomes("worker")
    service.machine.start("careline-worker@", service.env)
    service.becomes()


def test_the_disk(service: Service) -> None:
    web = service.machine.parts["careline-web"].process.pid
    # The web server's own disk, seen from here.
    block = Path(f"/proc/{web}/root{service.machine.home}") / "block"
    with block.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(65536))
        except OSError:
            pass
    try:
        service.becomes("disk")
    finally:
        block.unlink()
    service.becomes()


@contextmanager
def _another_web(service: Service, folder: Path, **changed: str) -> Iterator[dict[str, object]]:
    """What /readyz says on a machine whose settings differ."""
    machine = parts.Machine("another", "127.0.0.1", folder / "another")
    env = {**service.env, **changed, "WEB_LISTEN": f"127.0.0.1:{servers.free_port()}"}
    machine.start("careline-web", env)
    try:
        yield parts.until("another web", 60, lambda: parts.ready(f"http://{env['WEB_LISTEN']}"), machine)
    finally:
        machine.end()


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"TWILIO_AUTH_TOKEN": ""}, ["TWILIO_AUTH_TOKEN"]),
        ({"CARELINE_TWILIO_API_URL": "", "CARELINE_PUBLIC_URL": ""}, ["CARELINE_PUBLIC_URL", "CARELINE_SMS_NUMBER"]),
    ],
)
def test_the_providers_settings(service: Service, tmp_path: Path, changed: dict[str, str], why: list[str]) -> None:
    with _another_web(service, tmp_path, **changed) as said:
        assert said["missing"] == ["provider"]
        assert said["why"] == {"provider": why}


def test_a_city_with_kiosks_alone_lacks_nothing(service: Service, tmp_path: Path) -> None:
    with _another_web(service, tmp_path, TWILIO_AUTH_TOKEN="", TWILIO_ACCOUNT_SID="") as said:
        assert said["missing"] == []
        assert said["optional"]["provider"] is False  # type: ignore[index]


def test_a_machine_with_another_key_is_told_that_rasa_refuses_it(service: Service, tmp_path: Path) -> None:
    with _another_web(service, tmp_path, CARELINE_SECRET_KEY="another key for tests only") as said:
        assert said["missing"] == ["rasa"]
