"""A thirteenth language: one command, and the service runs with it while translators fill its files."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bot import translating
from bot.errors import DataError
from bot.languages import LANGUAGES, load

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for folder in ("bot", "data"):
        shutil.copytree(
            ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "nlu" if folder == "data" else "")
        )
    return tmp_path


def test_a_new_language_runs_at_once(copy: Path) -> None:
    """Its lists are empty but readable, and what it does not say yet is said in English."""
    translating.add(copy / "data", "de", "latin", ["Deutsch", "German"], gsm7=True)
    assert [language.code for language in load(copy / "data" / "languages.yml")] == [*LANGUAGES, "de"]
    code = """
from bot import crisis, filters, keywords, language
from bot.clock import now
from bot.settings import LANGUAGES
from bot.wording import Wording
assert keywords.match("5").languages[-1] == "de"
assert crisis.match("i want to die").topic == "crisis_suicide"
assert language.requested("German please", LANGUAGES) == "de"
assert filters.parse("tomorrow", now()).filters.day
words = Wording.load().words("de", "sms")
assert words("stop.done") == Wording.load().words("en", "sms")("stop.done")
"""
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=copy, env=os.environ | {"PYTHONPATH": str(copy)}, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("code", ["en", "xx", "", "../de"])
def test_what_is_no_new_language(tmp_path: Path, code: str) -> None:
    shutil.copytree(ROOT / "data" / "wording", tmp_path / "wording")
    shutil.copy(ROOT / "data" / "languages.yml", tmp_path)
    before = (tmp_path / "languages.yml").read_text("utf-8")
    with pytest.raises(DataError):
        translating.add(tmp_path, code, "latin", [])
    assert (tmp_path / "languages.yml").read_text("utf-8") == before


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- 5",
        "- {code: de}",
        "- {code: de, script: runes}",
        "- {code: en, script: latin}\n- {code: en, script: latin}",
        "a: [",
        "[]",
    ],
)
def test_a_broken_list_of_languages_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "languages.yml"
    path.write_text(text, "utf-8")
    with pytest.raises(DataError, match=r"languages\.yml"):
        load(path)
