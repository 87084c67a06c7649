"""Real processes of the service, each started as its systemd unit starts it, on an address of a machine of their own.

A machine is a network namespace with a cable to the others where the tests may make one (root), else an address of loopback.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import requests

from bot.training import ROOT
from tests import units

#: The first three numbers of the addresses of machines with a cable: for documentation, so nobody's but a test's (RFC 5737).
NETWORKS = ("198.51.100", "203.0.113", "192.0.2")


@dataclass
class Part:
    """One running unit."""

    name: str
    process: "subprocess.Popen[bytes]"
    log: Path

    def pids(self) -> list[int]:
        """The process and all below it."""
        return [self.process.pid, *_below(self.process.pid)]

    def send(self, signum: int) -> None:
        """Send a signal to all of its processes."""
        for pid in self.pids():
            try:
                os.kill(pid, signum)
            except ProcessLookupError:
                continue

    def end(self) -> None:
        """Stop it as systemd would: SIGTERM, then SIGKILL."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.send(signal.SIGKILL)
                self.process.wait(10)


def _below(pid: int) -> list[int]:
    found: list[int] = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += [int(child), *_below(int(child))]
    except FileNotFoundError:
        pass
    return found


@dataclass
class Machine:
    """A machine with an address. `namespace` is empty on loopback: no cable can be pulled there."""

    name: str
    address: str
    home: Path
    namespace: str = ""
    parts: dict[str, Part] = field(default_factory=dict)

    def start(self, unit: str, env: Mapping[str, str], before: Sequence[str] = ()) -> Part:
        """Start a unit with `env`, which takes the place of /etc/careline.env and /etc/careline.machine."""
        self.home.mkdir(parents=True, exist_ok=True)
        counts = self.home.with_name(f"{self.home.name}-counts")  # in memory on a real machine, so on no disk of its own
        counts.mkdir(exist_ok=True)
        described = units.read(unit)
        inside = ("ip", "netns", "exec", self.namespace) if self.namespace else ()
        # What only the machine of the unit has, in folders of the test.
        own = {"CARELINE_HOME": str(self.home), "PYTHONPATH": str(ROOT), "PROMETHEUS_MULTIPROC_DIR": str(counts)}
        every = {**os.environ, **described.environment, **own, **env}
        log = self.home / f"{unit.strip('@')}.log"
        (command,) = described.commands(every)
        with log.open("ab") as output:
            process = subprocess.Popen(
                [*inside, *before, *command], cwd=ROOT, env=every, stdout=output, stderr=output, stdin=subprocess.DEVNULL
            )
        self.parts[unit] = Part(unit, process, log)
        return self.parts[unit]

    def kill(self) -> None:
        """All processes end at once, without a word, and where there is a cable it is pulled."""
        if self.namespace:
            _ip("link", "set", self.namespace, "down")
        for part in self.parts.values():
            part.send(signal.SIGKILL)
            part.process.wait(10)

    def plug(self) -> None:
        """The cable is put back."""
        if self.namespace:
            _ip("link", "set", self.namespace, "up")

    def end(self) -> None:
        """Stop all parts."""
        for part in self.parts.values():
            part.end()

    def logs(self) -> str:
        """The end of each part's log."""
        return "\n".join(f"-- {self.name} {part.name}\n{part.log.read_text()[-2000:]}" for part in self.parts.values())


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


def _free_network() -> str:
    """One that this machine is not in itself, for it would be cut off from it."""
    mine = subprocess.run(["ip", "addr"], check=True, capture_output=True, text=True).stdout
    return next(network for network in NETWORKS if f" {network}." not in mine)


def may_have_cables() -> bool:
    """Whether network namespaces can be made here."""
    if os.getuid() != 0 or not shutil.which("ip"):
        return False
    name = f"try{os.getpid()}"
    if subprocess.run(["ip", "netns", "add", name], capture_output=True).returncode:
        return False
    _ip("netns", "del", name)
    return True


@contextmanager
def machines(names: Sequence[str], folder: Path) -> Iterator[tuple[str, list[Machine]]]:
    """The address of the machine that this test is on, and other machines beside it."""
    if not may_have_cables():
        found = [Machine(name, f"127.0.0.{number}", folder / name) for number, name in enumerate(names, 2)]
        try:
            yield "127.0.0.1", found
        finally:
            _end(found)
        return
    network, switch = _free_network(), f"cl{os.getpid() % 100000}"
    here = f"{network}.1"
    found = []
    try:
        _ip("link", "add", switch, "type", "bridge")
        _ip("addr", "add", f"{here}/24", "dev", switch)
        _ip("link", "set", switch, "up")
        for number, name in enumerate(names, 2):
            one = Machine(name, f"{network}.{number}", folder / name, f"{switch}-{number}")
            found.append(one)
            _plug(one, switch)
        yield here, found
    finally:
        _end(found)
        for one in found:
            subprocess.run(["ip", "netns", "del", one.namespace], capture_output=True)
        subprocess.run(["ip", "link", "del", switch], capture_output=True)


def _plug(one: Machine, switch: str) -> None:
    _ip("netns", "add", one.namespace)
    _ip("link", "add", one.namespace, "type", "veth", "peer", "name", "eth0", "netns", one.namespace)
    _ip("link", "set", one.namespace, "master", switch, "up")
    inside = ("-n", one.namespace)
    _ip(*inside, "addr", "add", f"{one.address}/24", "dev", "eth0")
    _ip(*inside, "link", "set", "eth0", "up")
    _ip(*inside, "link", "set", "lo", "up")


def _end(found: Sequence[Machine]) -> None:
    for one in found:
        one.end()


def ready(address: str) -> dict[str, object] | None:
    """What /readyz says at `address`; None where nobody answers."""
    try:
        with requests.Session() as session:
            session.trust_env = False
            found: dict[str, object] = session.get(f"{address}/readyz", timeout=15).json()
            return found
    except (requests.RequestException, ValueError):
        return None


def until(what: str, seconds: float, check, *machines: Machine):  # type: ignore[no-untyped-def]
    """What `check` gives as soon as it gives something; the ends of the logs are told where it never does."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = check()
        if found:
            return found
        time.sleep(0.2)
    raise AssertionError("\n".join([f"{what}: not within {seconds} s", *(machine.logs() for machine in machines)]))
