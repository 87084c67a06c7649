"""Kiosks: registered by a steward, opened once, and known by a token of which only a hash is kept."""

from datetime import timedelta

import pytest
import time_machine
from click.testing import CliRunner

from bot import kiosk as kiosks
from bot.careline import Careline
from bot.cli import main
from bot.clock import now
from bot.errors import CarelineError
from tests.conftest import environment


def test_a_code_makes_one_browser_the_kiosk(careline: Careline) -> None:
    with careline.database.begin() as session:
        made = kiosks.register(session, "East 1", "eastgate library", ("ne", "ur"), printer=True)
        token = kiosks.enrol(session, f" {made.code[:4]}-{made.code[4:].lower()} ")
        assert token is not None
        found = kiosks.of_token(session, token)
        assert found is not None
        assert (found.branch, found.languages, found.printer) == ("Eastgate Library", "ne ur", True)
        assert kiosks.enrol(session, made.code) is None
        secrets = (found.code_hash, found.token_hash, found.pin_hash)
        assert not any(secret in str(secrets) for secret in (made.code, made.pin, token))


def test_a_code_lasts_an_hour(careline: Careline) -> None:
    with careline.database.begin() as session:
        made = kiosks.register(session, "East 1", "Eastgate Library")
        with time_machine.travel(now() + timedelta(minutes=61)):
            assert kiosks.enrol(session, made.code) is None


@pytest.mark.parametrize("token", [None, "", "x", "0" * 400])
def test_no_other_token_is_a_kiosk(careline: Careline, token: str | None) -> None:
    with careline.database.begin() as session:
        kiosks.register(session, "East 1", "Eastgate Library")
        assert kiosks.of_token(session, token) is None


def test_registering_anew_ends_the_old_browser_and_pin(careline: Careline) -> None:
    with careline.database.begin() as session:
        first = kiosks.register(session, "East 1", "Eastgate Library")
        token = kiosks.enrol(session, first.code)
        second = kiosks.register(session, "East 1", "Central Library")
        assert kiosks.of_token(session, token) is None
        (kiosk,) = kiosks.all_kiosks(session)
        assert kiosk.branch == "Central Library"
        assert kiosks.opens(kiosk, second.pin)
        assert not kiosks.opens(kiosk, "")
        assert not kiosks.opens(kiosk, second.pin + "0")


def test_a_branch_must_be_in_the_directory(careline: Careline) -> None:
    with careline.database.begin() as session, pytest.raises(CarelineError, match="no locations called 'Moon Library'"):
        kiosks.register(session, "Moon 1", "Moon Library")


def test_what_is_in_the_house(careline: Careline) -> None:
    with careline.database.begin() as session:
        kiosks.register(session, "East 1", "Eastgate Library")
        (kiosk,) = kiosks.all_kiosks(session)
        house = kiosks.services(session, kiosk.location_id, now(), careline.settings)
        libraries = kiosks.of_topic(session, "library", now(), careline.settings)
    assert "Eastgate Library" in [card.name for card in house]
    assert {"Central Library", "Eastgate Library", "Harbour Library"} <= {card.name for card in libraries}
    assert all(card.hours_on is not None for card in libraries)


def test_the_command(careline: Careline, monkeypatch: pytest.MonkeyPatch) -> None:
    home = careline.settings.home
    for name, value in environment(home).items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(main, ["kiosk", *arguments, "--home", str(home)])
        return result.exit_code, result.output

    code, output = run("add", "East 1", "--branch", "Eastgate Library", "--languages", "en,ne", "--printer")
    assert (code, "/device" in output) == (0, True)
    assert "East 1: Eastgate Library, en ne, printer, waits for its code" in run("list")[1]
    assert run("add", "East 2", "--branch", "Eastgate Library", "--languages", "xx")[0] == 1
    assert run("remove", "East 1")[0] == 0
    assert run("remove", "East 1")[0] == 1
