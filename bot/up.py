"""`careline up`: everything on one machine, on embedded defaults.

Supervisor (http://supervisord.org) keeps the processes running; this module says which there are, prepares what they
need, and waits until an answer really comes back. All state lives under the home folder.
"""

import ctypes
import fcntl
import hashlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO
from urllib.parse import urlsplit

import requests
from sqlalchemy import select

from bot import municipalities, spans, training
from bot.careline import Careline, open_each
from bot.conversation import forget
from bot.directory.importer import import_package
from bot.directory.tables import LISTING
from bot.errors import StartError
from bot.settings import ours

#: Seconds the processes may take until the first answer.
PATIENCE = 180
#: Where the demo municipality is.
DEMO = training.ROOT / "data" / "directory"
#: Where the web server listens; of several municipalities on trial, at the addresses after it too.
LOOPBACK = "127.0.0.1"

Say = Callable[[str], None]


@dataclass(frozen=True)
class Running:
    """What is running: the process that keeps the others, and what keeps a second start away."""

    supervisor: "subprocess.Popen[bytes]"
    lock: IO[str]


def start(env: Mapping[str, str], port: int, home: Path, say: Say) -> Running:
    """Start everything and return when it answers.

    Raises StartError, SettingsError, DataError or DatabaseUnavailable: one sentence on what is wrong.
    """
    home = home.absolute()
    lock = _lock(home)
    _check_port(port)
    own = trials({**env, **_inner_addresses()}, port, home)
    environment = _for_processes(own, {**env, **_inner_addresses(), **own.get("", {})}, home)
    served = open_each(municipalities.settings(environment))
    spans.check(next(iter(served.values())).settings)
    for name, careline in served.items():
        with municipalities.at(name):
            _prepare(name, careline, _package(name, env), say)
    if not training.model_path(home).exists():
        say("Training the model; this takes a few minutes the first time")
    model = training.ensure_model(home, _every_20_seconds(say))
    say("Starting")
    supervisor = _supervise(home, port, environment, model)
    running = Running(supervisor, lock)
    try:
        _await_answer(served, running, f"http://127.0.0.1:{port}", home)
    except BaseException:
        stop(running)
        raise
    return running


def stop(running: Running) -> None:
    """Stop everything cleanly; what does not stop within 20 s is killed."""
    if running.supervisor.poll() is None:
        running.supervisor.send_signal(signal.SIGTERM)
        try:
            running.supervisor.wait(20)
        except subprocess.TimeoutExpired:
            running.supervisor.kill()
    shutil.rmtree(_counts(Path(running.lock.name).parent), ignore_errors=True)
    running.lock.close()


def wait(running: Running) -> None:
    """Return when somebody presses Ctrl-C or asks the process to end. Raises StartError if the supervisor ends by itself."""

    def end(signum: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, end)
    # Whoever is started by a script in the background is told to ignore it; Ctrl-C ends us all the same.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        running.supervisor.wait()
    except KeyboardInterrupt:
        return
    raise StartError("The supervisor ended; logs/supervisord.log under the home folder says why.")


def _lock(home: Path) -> IO[str]:
    try:
        home.mkdir(parents=True, exist_ok=True)
        lock = (home / "up.lock").open("w")
    except OSError as error:
        raise StartError(f"The home folder {home} cannot be written ({error.strerror}): choose another with --home.") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise StartError(f"Careline is already running with {home}: stop it, or choose another --home.") from error
    return lock


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            raise StartError(f"Port {port} cannot be used ({error}): choose another with --port.") from error


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number


def trial(env: Mapping[str, str], port: int, home: Path, host: str = LOOPBACK) -> dict[str, str]:
    """`env` with what a trial needs: without a public address, the simulator plays the provider."""
    found = {**env, "CARELINE_HOME": str(home.absolute())}
    if not found.get("CARELINE_PUBLIC_URL"):
        found["CARELINE_PUBLIC_URL"] = f"http://{host}:{port}"
        found.setdefault("CARELINE_SIMULATOR", "true")
        found.setdefault("TWILIO_AUTH_TOKEN", _trial_token(home))
        found.setdefault("CARELINE_TWILIO_API_URL", f"http://{host}:{port}/simulator")
    return found


def trials(env: Mapping[str, str], port: int, home: Path) -> dict[str, dict[str, str]]:
    """The variables of each municipality (`bot.municipalities.environments`) with what a trial needs.

    Without a public address the first is at 127.0.0.2, the next at 127.0.0.3: all of 127.0.0.0/8 is this machine (RFC 1122).
    Raises SettingsError.
    """
    found = municipalities.environments({**env, "CARELINE_HOME": str(home.absolute())})
    hosts = [LOOPBACK] if set(found) == {""} else [f"127.0.0.{2 + number}" for number in range(len(found))]
    return {
        name: trial(own, port, Path(own["CARELINE_HOME"]), host) for (name, own), host in zip(found.items(), hosts, strict=True)
    }


def _for_processes(own: Mapping[str, Mapping[str, str]], env: Mapping[str, str], home: Path) -> dict[str, str]:
    """The environment of all processes. The files of several municipalities are written anew, with what the trial added."""
    machine = {**env, "CARELINE_HOME": str(home)}
    if set(own) == {""}:
        return machine
    folder = home / "settings"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    for name, variables in own.items():
        path = folder / f"{name}.env"
        path.touch(mode=0o600)
        lines = [f"{key}={_quoted(value)}" for key, value in variables.items() if key not in municipalities.MACHINE]
        path.write_text("\n".join([*lines, f"CARELINE_HOME={_quoted(variables['CARELINE_HOME'])}", ""]))
    return {**machine, "CARELINE_MUNICIPALITIES": str(folder)}


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _package(name: str, env: Mapping[str, str]) -> Path | None:
    """The directory that an empty database begins with: the demo's, or the folder beside the municipality's file, if any."""
    if not name:
        return DEMO
    folder = Path(env["CARELINE_MUNICIPALITIES"].strip()).expanduser() / name
    return folder if folder.is_dir() else None


def _prepare(name: str, careline: Careline, package: Path | None, say: Say) -> None:
    """Bring the tables to the newest version, and load `package` where there is no directory yet."""
    careline.database.migrate()
    with careline.database.read() as session:
        fresh = session.scalar(select(LISTING.c.topic).limit(1)) is None
    if fresh and package is not None:
        say(f"Loading the directory of {name}" if name else "Loading the demo municipality")
        import_package(careline.database, package)
        careline.refresh_meanings()
    elif fresh:
        say(f"{name} has no directory yet: careline import PATH --municipality {name}")


def _inner_addresses() -> dict[str, str]:
    """Where Rasa listens: a free port on loopback."""
    return {"CARELINE_RASA_URL": f"http://127.0.0.1:{_free_port()}"}


def _trial_token(home: Path) -> str:
    path = home / "trial-token"
    if not path.exists():
        home.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(16))
    return path.read_text()


def _every_20_seconds(say: Say) -> Callable[[float], None]:
    said = 0.0

    def progress(seconds: float) -> None:
        nonlocal said
        if seconds - said >= 20:
            said = seconds
            say(f"  training, {seconds:.0f} s")

    return progress


def _port_of(url: str) -> str:
    return url.removesuffix("/webhook").rsplit(":", 1)[1]


def _supervise(home: Path, port: int, env: Mapping[str, str], model: Path) -> "subprocess.Popen[bytes]":
    python = sys.executable
    each = municipalities.settings(env)
    settings = next(iter(each.values()))  # what is read of it here is the machine's
    hosts = sorted({LOOPBACK} | {host for host in map(municipalities.host, each.values()) if host.startswith("127.")})
    listening = " ".join(f"--bind {host}:{port}" for host in hosts)
    commands = {
        "rasa": f"{python} -m actions.server --model {model}",
        "web": f"{python} -m gunicorn -c python:webhooks.server {listening} 'webhooks.hosts:serve()'",
    }
    for name in each:
        worker = f"{python} -m webhooks.worker"
        commands[f"worker-{name}" if name else "worker"] = f"{worker} --municipality {name}" if name else worker
    if settings.actions_url:
        commands["actions"] = f"{python} -m rasa_sdk --actions actions --port {_port_of(settings.actions_url)}"
    (home / "logs").mkdir(exist_ok=True)
    sections = [
        "[supervisord]",
        "nodaemon=true",
        f"logfile={_escaped(home)}/logs/supervisord.log",
        f"pidfile={_escaped(home)}/supervisord.pid",
        f"childlogdir={_escaped(home)}/logs",
        # A socket only this user can open, for `supervisorctl -c supervisord.conf status`.
        "[unix_http_server]",
        f"file={_escaped(home)}/supervisor.sock",
        "chmod=0600",
        "[supervisorctl]",
        f"serverurl=unix://{_escaped(home)}/supervisor.sock",
        "[rpcinterface:supervisor]",
        "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface",
    ]
    for name, command in commands.items():
        sections += [
            f"[program:{name}]",
            f"command={_escaped(command)}",
            *_several(settings.workers if name.startswith("worker") else 1),
            f"directory={_escaped(training.ROOT)}",
            "autorestart=true",
            "startsecs=2",
            "startretries=1000000",
            "stopasgroup=true",
            "killasgroup=true",
            "redirect_stderr=true",
            f"stdout_logfile={_escaped(home)}/logs/{name}.log",
            "stdout_logfile_maxbytes=5MB",
            "stdout_logfile_backups=2",
        ]
    config = home / "supervisord.conf"
    config.write_text("\n".join(sections) + "\n")
    variables = {**env, **training.environment(home), **ours(env), "SANIC_HOST": "127.0.0.1", **_figures(home)}
    return subprocess.Popen(
        [python, "-m", "supervisor.supervisord", "-n", "-c", str(config)],
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C reaches us alone, and we stop the others in order
        preexec_fn=_end_with_parent,
    )


def _escaped(text: object) -> str:
    return str(text).replace("%", "%%")


def _several(count: int) -> tuple[str, ...]:
    return ("process_name=%(program_name)s_%(process_num)s", f"numprocs={count}") if count > 1 else ()


def _figures(home: Path) -> dict[str, str]:
    """Where the processes keep what they count, for /metrics: in memory, since a full disk would stop whoever counts."""
    folder = _counts(home)
    shutil.rmtree(folder, ignore_errors=True)  # counts of an earlier start that was killed
    folder.mkdir(mode=0o700)
    return {"PROMETHEUS_MULTIPROC_DIR": str(folder)}


def _counts(home: Path) -> Path:
    memory = Path("/dev/shm")
    name = hashlib.sha256(str(home).encode()).hexdigest()[:12]
    return memory / f"careline-{name}" if os.access(memory, os.W_OK) else home / "metrics"


def _end_with_parent() -> None:
    """Ask the kernel to end the supervisor if we die without a word (prctl PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def _await_answer(served: Mapping[str, Careline], running: Running, address: str, home: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    missing = "web"
    with requests.Session() as session:
        session.trust_env = False
        while time.monotonic() < deadline:
            if running.supervisor.poll() is not None:
                log = home / "logs" / "supervisord.log"
                raise StartError(f"The processes cannot be started: {training.last_lines(log)}")
            try:
                parts = session.get(f"{address}/readyz", timeout=5).json()
                # What the provider still needs is said by /readyz; the rest works without.
                missing = ", ".join(part for part in parts["missing"] if not part.startswith("provider"))
                if not missing and all(_answers(name, careline, session, address) for name, careline in served.items()):
                    return
            except (requests.RequestException, ValueError, KeyError):
                pass
            time.sleep(0.5)
    logs = {name: training.last_lines(home / "logs" / f"{name.replace(' ', '-')}.log", 1) for name in missing.split(", ")}
    said = " ".join(f"{name}: {line}" for name, line in logs.items())
    raise StartError(f"No answer after {PATIENCE} s; missing: {missing}. {said}")


def _answers(name: str, careline: Careline, session: requests.Session, address: str) -> bool:
    """Whether a real question gets an answer; the trial conversation is erased again."""
    host = {"Host": urlsplit(careline.settings.public_url).netloc}
    body = session.post(f"{address}/api/chat", json={"text": "food"}, headers=host, timeout=20).json()
    with municipalities.at(name):
        forget(careline.database, body["conversation"])
    return any(message["topic"] == "food" for message in body["messages"])
