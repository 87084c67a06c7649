"""What stands in deploy/ and compose.yml can be started: commands are really parsed, settings are known, addresses agree.

The units themselves are started by test_three_machines.py.
"""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot import encryption
from bot.db import Database
from bot.settings import ROWS
from bot.training import ROOT, environment
from tests import units

pytestmark = [pytest.mark.services, pytest.mark.filterwarnings("ignore")]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yml").read_text("utf-8"))
OURS = ("prepare", "web", "rasa", "worker")
#: What is said to `sh`, to commands of ours and to libraries, and is no setting of ours.
OTHERS = {
    "PYTHONPATH", "RASA_TELEMETRY_ENABLED", "OMP_NUM_THREADS", "OMP_WAIT_POLICY", "OPENBLAS_NUM_THREADS",
    "PROMETHEUS_MULTIPROC_DIR", "WEB_LISTEN", "RASA_LISTEN", "MPLCONFIGDIR",
}  # fmt: skip
LISTENING = {"WEB_LISTEN": "127.0.0.1:8000", "RASA_LISTEN": "http://127.0.0.1:5005"}


def words(command: Any) -> list[list[str]]:
    """The commands of a service in compose.yml; those of `sh -c` one by one."""
    if command[:2] == ["sh", "-c"]:
        return [part.split() for part in command[2].split("&&")]
    return [list(command)]


#: An option that no command has.
STRANGE = "--no-such-option"


def check(command: list[str], home: Path) -> None:
    """A command is one there is, and takes the options it is given; nothing is started."""
    name, *arguments = Path(command[0]).name, *command[1:]
    run = [sys.executable, *arguments, STRANGE]
    if name == "careline":
        run = [sys.executable, "-m", "bot.cli", *arguments, STRANGE]
    elif name == "gunicorn":
        run = [sys.executable, "-m", "gunicorn", "--check-config", *arguments]
    env = environment(home) | {"PROMETHEUS_MULTIPROC_DIR": str(home)}
    done = subprocess.run(run, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120)
    said = done.stderr.strip()
    if name == "gunicorn":
        assert done.returncode == 0, said
    else:
        # All the rest was understood, or something else would be complained of first.
        assert said.endswith(
            (f"unrecognized arguments: {STRANGE}", f"No such option: {STRANGE}", f"No such option '{STRANGE}'.")
        ), said


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tables that `careline-prepare` makes."""
    folder = tmp_path_factory.mktemp("home")
    encryption.use(encryption.Vault(["a key for tests only"]))
    database = Database(f"sqlite:///{folder / 'careline.db'}")
    database.migrate()
    database.engine.dispose()
    return folder


COMMANDS = [(name, command) for name in units.names() for command in units.read(name).commands(LISTENING, "lower-vale")]
COMMANDS += [(f"compose {name}", command) for name in OURS for command in words(COMPOSE["services"][name]["command"])]


@pytest.mark.parametrize(("name", "command"), COMMANDS, ids=[f"{name}-{number}" for number, (name, _) in enumerate(COMMANDS)])
def test_every_command_is_one_there_is(name: str, command: list[str], home: Path) -> None:
    check(command, home)


@pytest.mark.parametrize(
    "wrong",
    [["careline", "trian"], ["careline", "train", "--if-neded"], ["python", "-m", "webhooks.worker", "--town", "x"],
     ["python", "-m", "webhooks.wroker"], ["gunicorn", "-c", "python:webhooks.none", "webhooks.hosts:serve()"]],
)  # fmt: skip
def test_a_command_there_is_not_is_refused(wrong: list[str], home: Path) -> None:
    with pytest.raises(AssertionError):
        check(wrong, home)


def test_every_variable_is_a_setting() -> None:
    known = {row.variable for row in ROWS} | OTHERS
    for name in units.names():
        assert set(units.read(name).environment) <= known
    for name in OURS:
        assert set(COMPOSE["services"][name]["environment"]) <= known


def test_units_differ_only_in_what_they_start() -> None:
    """What is hardened in one is hardened in all, and all read the same two files."""
    own = {
        "Environment",
        "ExecStart",
        "Type",
        "RemainAfterExit",
        "TimeoutStartSec",
        "TimeoutStopSec",
        "KillMode",
        "Restart",
        "RestartSec",
    }
    common = []
    for name in units.names():
        unit = units.read(name)
        common.append({key: values for key, values in unit.sections["Service"].items() if key not in own})
        assert unit.said("EnvironmentFile") == ["/etc/careline.env", "-/etc/careline.machine"]
        wanted = [] if name == "careline-prepare" else ["careline-prepare.service"]
        assert [word for word in unit.said("Wants", "Unit")[0].split() if word.startswith("careline")] == wanted
    assert all(one == common[0] for one in common)


def test_compose_addresses_agree() -> None:
    services = COMPOSE["services"]
    settings = services["web"]["environment"]
    assert settings["CARELINE_RASA_URL"] == "http://rasa:5005"
    assert services["rasa"]["command"][-2:] == ["--listen", "http://0.0.0.0:5005"]
    assert settings["CARELINE_REDIS_URL"].startswith("redis://redis:6379/")
    assert settings["CARELINE_DATABASE_URL"].endswith("@database/careline")
    assert services["database"]["environment"]["POSTGRES_USER"] == "careline"
    (published,) = services["web"]["ports"]
    assert published == "127.0.0.1:8000:8000", "the proxy reaches it, nobody else"
    assert "0.0.0.0:8000" in services["web"]["command"]
    assert [name for name, one in services.items() if "ports" in one] == ["web"]


def test_compose_parts_reach_each_other_and_only_those_that_must_reach_outside() -> None:
    services = COMPOSE["services"]
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    for name, one in services.items():
        assert "inside" in one.get("networks", []), f"{name} would not find the database"
    assert {name for name, one in services.items() if "outside" in one["networks"]} == {"web", "worker"}


def test_compose_and_units_take_memory_for_figures_and_one_home() -> None:
    inside = COMPOSE["services"]["web"]
    counts, home = inside["environment"]["PROMETHEUS_MULTIPROC_DIR"], inside["environment"]["CARELINE_HOME"]
    assert any(one.startswith(f"{counts}:") for one in inside["tmpfs"])
    assert inside["volumes"] == [f"state:{home}"]
    unit = units.read("careline-web")
    assert unit.environment["PROMETHEUS_MULTIPROC_DIR"] == f"/run/{unit.said('RuntimeDirectory')[0]}"
    assert unit.environment["CARELINE_HOME"] == f"/var/lib/{unit.said('StateDirectory')[0]}"


def test_the_dockerfile_has_what_compose_starts() -> None:
    text = (ROOT / COMPOSE["services"]["web"]["build"]["dockerfile"]).read_text("utf-8")
    assert "COPY --from=ghcr.io/astral-sh/uv:latest" not in text, "a version is named, so that tomorrow's build is today's"
    copied = re.findall(r"^COPY ((?!--from).*) \./$", text, re.MULTILINE)[0].split()
    assert all((ROOT / name).is_file() for name in copied)
    left_out = (ROOT / ".dockerignore").read_text("utf-8").split()
    needed = {
        "actions",
        "bot",
        "webhooks",
        "data",
        "config.yml",
        "domain.yml",
        "pyproject.toml",
        "uv.lock",
        "README.md",
        "LICENSE",
    }
    assert not needed & set(left_out)
    assert {".env", ".git", "var"} <= set(left_out), "no secrets and no state in an image"


def test_compose_with_its_own_command(tmp_path: Path) -> None:
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]) and not subprocess.run([*command, "version"], capture_output=True).returncode:
            break
    else:
        pytest.skip("no docker compose here")
    for name in ("compose.yml",):
        (tmp_path / name).write_text((ROOT / name).read_text("utf-8"))
    (tmp_path / ".env").write_text("CARELINE_SECRET_KEY=x\nPOSTGRES_PASSWORD=letters\n")
    done = subprocess.run([*command, "config"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    read = yaml.safe_load(done.stdout)
    assert read["services"]["web"]["environment"]["CARELINE_DATABASE_URL"].endswith("careline:letters@database/careline")
    assert read["services"]["web"]["environment"]["CARELINE_SECRET_KEY"] == "x"
    (tmp_path / ".env").write_text("CARELINE_SECRET_KEY=x\n")
    refused = subprocess.run([*command, "config"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert refused.returncode != 0
    assert "POSTGRES_PASSWORD" in refused.stderr


def verified(folder: Path) -> str:
    """What systemd says of the units in `folder`, laid out as on a machine."""
    root = folder / "root"
    shutil.copytree("/usr/lib/systemd/system", root / "usr/lib/systemd/system", symlinks=True)
    shutil.copytree(folder / "units", root / "etc/systemd/system", dirs_exist_ok=True)
    for name in ("python", "gunicorn", "careline"):
        command = root / units.INSTALLED.relative_to("/") / ".venv/bin" / name
        command.parent.mkdir(parents=True, exist_ok=True)
        command.write_text("#!/bin/sh\n")
        command.chmod(0o755)
    names = [f"{path.stem}1.service" if path.stem.endswith("@") else path.name for path in (folder / "units").iterdir()]
    run = ["systemd-analyze", "verify", "--man=no", f"--root={root}", *sorted(names)]
    done = subprocess.run(run, capture_output=True, text=True, timeout=60)
    return "\n".join(line for line in (done.stdout + done.stderr).splitlines() if "careline" in line)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
def test_units_with_systemds_own_command(tmp_path: Path) -> None:
    shutil.copytree(units.FOLDER, tmp_path / "good" / "units")
    assert verified(tmp_path / "good") == ""
    shutil.copytree(units.FOLDER, tmp_path / "bad" / "units")
    broken = tmp_path / "bad" / "units" / "careline-web.service"
    broken.write_text(broken.read_text().replace("NoNewPrivileges=true", "NoNewPrivilege=true"))
    assert "NoNewPrivilege" in verified(tmp_path / "bad")


def test_the_dashboard_asks_for_figures_there_are() -> None:
    """Each name in a panel's query is one that the code gives."""
    board = json.loads((ROOT / "deploy" / "grafana.json").read_text("utf-8"))
    asked = set(re.findall(r"careline_\w+", json.dumps([panel.get("targets") for panel in board["panels"]])))
    code = "".join(path.read_text("utf-8") for folder in ("bot", "webhooks") for path in (ROOT / folder).rglob("*.py"))
    given = set(re.findall(r'"(careline_\w+)"', code))
    assert asked
    assert {re.sub(r"_(bucket|sum|count)$", "", name) for name in asked} <= given


def test_the_dashboards_queries_with_prometheus_own_command(tmp_path: Path) -> None:
    if not shutil.which("promtool"):
        pytest.skip("no promtool here")
    board = json.loads((ROOT / "deploy" / "grafana.json").read_text("utf-8"))
    queries = [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]
    assert queries
    # Grafana fills its own variables in before Prometheus sees a query.
    filled = [query.replace("$__rate_interval", "5m").replace("$municipality", "x") for query in queries]
    rules = [{"record": f"panel:{number}", "expr": query} for number, query in enumerate(filled)]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    done = subprocess.run(["promtool", "check", "rules", str(file)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
