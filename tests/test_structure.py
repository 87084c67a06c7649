"""Rules we care about, each as a short test."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from bot import up
from bot.settings import ROWS, Settings
from bot.topics import NEEDS, PRESSABLE, RIGHTS
from bot.training import ROOT

#: From the top down: a module may import those of its own line and of lines below.
LAYERS = (
    ("bot.cli",),
    ("bot.up", "bot.check", "bot.translating"),
    ("bot.late", "bot.crowd", "bot.reminders", "bot.voice", "bot.to_phone", "bot.aloud", "bot.retention", "bot.backup"),
    ("bot.turn", "bot.ready"),
    ("bot.answers", "bot.spoken", "bot.gate", "bot.my_data", "bot.privacy"),
    ("bot.helped", "bot.forwarding", "bot.case_search", "bot.figures", "bot.cost"),
    ("bot.render", "bot.migrations", "bot.escalation", "bot.bridge", "bot.alerts", "bot.problems", "bot.outbox", "bot.training",
     "bot.careline", "bot.calls", "bot.callback", "bot.erasure", "bot.spending", "bot.safety"),
    ("bot.case_history",),
    ("bot.conversation", "bot.inbound", "bot.wording", "bot.rights", "bot.directory", "bot.places", "bot.staff",
     "bot.second_factor", "bot.signed_in", "bot.lockout", "bot.audit", "bot.opt_out", "bot.office", "bot.replies",
     "bot.translator", "bot.local_words",
     "bot.heartbeat", "bot.nlu", "bot.pickup", "bot.synthesis", "bot.kiosk", "bot.blocked", "bot.throttle", "bot.rotation"),
    ("bot.language", "bot.letters", "bot.keywords", "bot.anger", "bot.corrections", "bot.crisis", "bot.filters", "bot.foreign",
     "bot.phone", "bot.folding", "bot.readability", "bot.reply", "bot.phrase", "bot.speech", "bot.topics",
     "bot.redaction", "bot.fraud"),
    ("bot.admission",),
    ("bot.db", "bot.encryption", "bot.settings", "bot.timetable", "bot.languages", "bot.clock", "bot.errors", "bot.logs",
     "bot.metrics", "bot.municipalities", "bot.spans", "bot.look", "bot.picture"),
)  # fmt: skip


def modules(package: str) -> dict[str, Path]:
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for path in (ROOT / package).rglob("*.py")
        if "versions" not in path.parts
    }


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names} if node.module == "bot" else set()
    return found


def layer(module: str) -> int:
    for number, names in enumerate(LAYERS):
        if any(module == name or module.startswith(f"{name}.") for name in names):
            return number
    raise AssertionError(f"{module} has no place in LAYERS")


@pytest.mark.parametrize("module", sorted(set(modules("bot")) - {"bot"}))
def test_imports_inside_bot_go_down_only(module: str) -> None:
    for name in imports(modules("bot")[module]):
        if name.startswith("bot."):
            assert layer(name) >= layer(module), f"{module} imports {name}"


@pytest.mark.parametrize("module", sorted(set(modules("bot")) - {"bot.cli"}))
def test_the_service_knows_no_framework_and_no_provider(module: str) -> None:
    roots = {name.split(".")[0] for name in imports(modules("bot")[module])}
    assert not roots & {"flask", "twilio", "webhooks", "actions"}
    if not module.startswith("bot.nlu"):
        assert not roots & {"rasa", "rasa_sdk"}


def test_the_two_edges_never_import_each_other() -> None:
    for package, other in (("actions", "webhooks"), ("webhooks", "actions")):
        for path in modules(package).values():
            assert not any(name.split(".")[0] == other for name in imports(path))


def test_every_setting_stands_in_the_example() -> None:
    example = (ROOT / ".env.example").read_text("utf-8")
    for row in ROWS:
        assert f"# {row.help}\n#{row.variable}={row.default}\n" in example
    assert len(re.findall(r"^#(CARELINE|TWILIO)_\w+=", example, re.MULTILINE)) == len(ROWS)


def _english() -> str:
    return "".join(path.read_text("utf-8") for path in sorted((ROOT / "data" / "wording" / "en").glob("*.po")))


def test_topics_intents_rules_and_wording_agree() -> None:
    domain = yaml.safe_load((ROOT / "domain.yml").read_text("utf-8"))
    intents = set(domain["intents"])
    assert len(intents) == 69
    ruled = {
        step["intent"]
        for path in (ROOT / "data" / "rules").glob("*.yml")
        for rule in yaml.safe_load(path.read_text("utf-8"))["rules"]
        for step in rule["steps"]
        if "intent" in step
    }
    assert ruled == intents | {"nlu_fallback"}
    wording = _english()
    assert all(f'msgid "topic.{intent}"' in wording for intent in intents)


def test_topics_that_can_be_pressed_are_intents() -> None:
    intents = set(yaml.safe_load((ROOT / "domain.yml").read_text("utf-8"))["intents"])
    assert intents >= PRESSABLE
    assert (len(NEEDS), len(RIGHTS)) == (32, 16)


def test_responses_are_pointers_to_wording() -> None:
    domain = yaml.safe_load((ROOT / "domain.yml").read_text("utf-8"))
    wording = _english()
    for variants in domain["responses"].values():
        for variant in variants:
            assert set(variant) == {"custom"}
            assert f'msgid "{variant["custom"]["reply"]}"' in wording


def test_phrases_named_in_the_code_exist() -> None:
    wording = _english()
    for path in [*modules("bot").values(), *modules("actions").values(), *modules("webhooks").values()]:
        for key in re.findall(r"""(?:Phrase|words)\(\s*"([a-z_.]+)"[,)]""", path.read_text("utf-8")):
            assert f'msgid "{key}"' in wording, f"{path}: {key}"


def test_rasa_imports_and_stays_silent() -> None:
    """An unbounded jax breaks this import while `rasa --version` still works; telemetry must be off."""
    from bot.training import environment

    env = environment(Path("var"))
    assert env["RASA_TELEMETRY_ENABLED"] == "false"
    code = "import rasa.core.agent, rasa.telemetry as t; print(t.is_telemetry_enabled())"
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "False"


def test_rasa_listens_on_loopback_only() -> None:
    assert Settings.from_env({}).rasa_url == "http://127.0.0.1:5005"
    assert up._inner_addresses()["CARELINE_RASA_URL"].startswith("http://127.0.0.1:")
    assert '"SANIC_HOST": "127.0.0.1"' in (ROOT / "bot" / "up.py").read_text("utf-8")


def test_default_settings_can_be_read() -> None:
    assert Settings.from_env({}).default_language == "en"


def test_the_project_says_nothing_of_local_paths() -> None:
    tracked = subprocess.run(["git", "ls-files"], capture_output=True, text=True, cwd=ROOT, check=False).stdout.split()
    here = os.fspath(ROOT)
    for name in tracked:
        path = ROOT / name
        if path.suffix in {".py", ".md", ".yml", ".toml", ".html", ".js"} and path.exists():
            assert here not in path.read_text("utf-8"), name


def test_version_is_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["license"] == "EUPL-1.2"
    assert "EUROPEAN UNION PUBLIC LICENCE v. 1.2" in (ROOT / "LICENSE").read_text("utf-8")
