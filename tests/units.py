"""The systemd units as they stand in deploy/systemd: what they start, with which variables. Tests start the same."""

import re
import shlex
import sys
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.training import ROOT

FOLDER = ROOT / "deploy" / "systemd"
#: Where the units take Careline to be installed.
INSTALLED = Path("/srv/careline")


@dataclass(frozen=True)
class Unit:
    """One unit file: its settings by section and name, each as often as it is said."""

    path: Path
    sections: Mapping[str, Mapping[str, list[str]]]

    def said(self, name: str, section: str = "Service") -> list[str]:
        return self.sections[section].get(name, [])

    @property
    def environment(self) -> dict[str, str]:
        """What the unit itself sets."""
        pairs = (word.partition("=") for line in self.said("Environment") for word in shlex.split(line))
        return {name: value for name, _, value in pairs}

    def commands(self, env: Mapping[str, str], instance: str = "1") -> list[list[str]]:
        """Its commands, as systemd would start them with `env` from the files it reads, in the Python of the tests."""
        known = {**self.environment, **env}
        return [
            [_here(_filled(word, known).replace("%i", instance)) for word in shlex.split(line)] for line in self.said("ExecStart")
        ]


def _filled(word: str, env: Mapping[str, str]) -> str:
    return re.sub(r"\$\{(\w+)\}", lambda found: env[found[1]], word)


def _here(word: str) -> str:
    beside = Path(sys.executable).parent
    return word.replace(f"{INSTALLED}/.venv/bin", str(beside))


def read(name: str) -> Unit:
    """The unit called `name`."""
    path = FOLDER / f"{name}.service"
    sections: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    section = ""
    for line in path.read_text("utf-8").splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            sections[section][key].append(value)
    return Unit(path, sections)


def names() -> list[str]:
    """All units there are."""
    return sorted(path.stem for path in FOLDER.glob("*.service"))
