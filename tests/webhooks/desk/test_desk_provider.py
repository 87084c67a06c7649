"""Signing in through the city's own identity provider: a real one, in a process of its own on loopback."""

import json
import os
import socket
import subprocess
import sys
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from flask import Flask
from sqlalchemy import select

from bot.careline import Careline
from bot.staff import Staff
from bot.training import ROOT
from tests.desk import ADDRESS, Desk
from webhooks.app import create_app

CLIENT, SECRET = "careline", "a secret between the two"


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "tests.provider", str(port), CLIENT, SECRET]
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            if process.poll() is not None:
                pytest.fail("the provider did not start")
            try:
                if get(f"{address}/keys").ok:
                    break
            except requests.ConnectionError:
                time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait(10)


def get(url: str, **options: object) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.get(url, timeout=10, **options)  # type: ignore[arg-type]


@pytest.fixture
def desk(careline: Careline, issuer: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Desk]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    def make(roles: tuple[tuple[str, str], ...] = (), **changes: str) -> Desk:
        values = {"oidc_issuer": issuer, "oidc_client_id": CLIENT, "oidc_client_secret": SECRET, **changes}
        careline.settings = replace(careline.settings, oidc_roles=roles, **values)
        return Desk(create_app(careline))

    return make


def come_in(desk: Desk, status: int = 200, **claims: object) -> str:
    """Press the button, be sent to the provider, be known there as `claims`, and be sent back."""
    assert "Sign in with your city account" in desk.get("/desk/sign-in")
    away = desk.client.get("/desk/sign-in/provider", base_url=ADDRESS)
    assert away.status_code == 302
    who = urlsafe_b64encode(json.dumps(claims).encode()).decode()
    sent = get(away.headers["Location"], cookies={"who": who}, allow_redirects=False)
    assert sent.status_code == 302, sent.text
    back = urlsplit(sent.headers["Location"])
    assert f"{back.scheme}://{back.netloc}" == ADDRESS
    response = desk.client.get(f"{back.path}?{back.query}", base_url=ADDRESS, follow_redirects=True)
    assert response.status_code == status, response.text
    desk.page = response.text
    return f"{back.path}?{back.query}"


def accounts(careline: Careline) -> dict[str, str]:
    with careline.database.read() as session:
        return {one.name: one.role for one in session.scalars(select(Staff))}


def test_an_account_is_found_by_name_once_and_then_by_subject(desk: Callable[..., Desk], careline: Careline) -> None:
    come_in(desk(), sub="17", preferred_username="ada")
    renamed = desk()
    come_in(renamed, sub="17", preferred_username="ada.married")
    assert "<h1>Cases</h1>" in renamed.page
    assert "ada</a>" in renamed.page
    thief = desk()
    come_in(thief, status=403, sub="18", preferred_username="ada")  # the name belongs to somebody else's subject
    assert "no account for you here" in thief.page


def test_somebody_without_an_account_does_not_get_in(desk: Callable[..., Desk], careline: Careline) -> None:
    stranger = desk()
    come_in(stranger, status=403, sub="99", preferred_username="stranger")
    assert "no account for you here" in stranger.page
    assert "<h1>Sign in</h1>" in stranger.get()


def test_groups_stand_for_roles(desk: Callable[..., Desk], careline: Careline) -> None:
    roles = (("care", "staff"), ("it", "administrator"))
    come_in(desk(roles), sub="5", preferred_username="eve", groups=["care", "it"])
    assert accounts(careline)["eve"] == "administrator"
    come_in(desk(roles), sub="5", preferred_username="eve", groups=["care"])
    assert accounts(careline)["eve"] == "staff"
    come_in(desk(roles), status=403, sub="5", preferred_username="eve", groups=["canteen"])
    come_in(desk(roles), status=403, sub="6", preferred_username="fay", groups=[])
    assert "fay" not in accounts(careline)


def test_who_comes_from_the_provider_has_no_password(desk: Callable[..., Desk], app: Flask) -> None:
    come_in(desk((("care", "staff"),)), sub="7", preferred_username="gus", groups=["care"])
    assert "do not belong together" in Desk(app).sign_in("gus", "none", status=403)


def test_an_answer_is_good_once_and_for_the_browser_that_asked(desk: Callable[..., Desk]) -> None:
    first = desk()
    path = come_in(first, sub="17", preferred_username="ada")
    again = first.client.get(path, base_url=ADDRESS)
    assert again.status_code == 403
    other = desk()
    other.get("/desk/sign-in")
    assert other.client.get(path, base_url=ADDRESS).status_code == 403


def test_a_forged_answer_opens_nothing(desk: Callable[..., Desk]) -> None:
    mallory = desk()
    away = mallory.client.get("/desk/sign-in/provider", base_url=ADDRESS)
    asked = parse_qs(urlsplit(away.headers["Location"]).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["nonce"]
    forged = mallory.client.get(f"/desk/sign-in/provider/back?code=guess&state={asked['state'][0]}", base_url=ADDRESS)
    assert forged.status_code == 403
    assert "did not work" in forged.text


def test_a_wrong_secret_of_ours_is_said(desk: Callable[..., Desk]) -> None:
    come_in(desk(oidc_client_secret="another"), status=403, sub="17", preferred_username="ada")


def test_a_provider_that_is_down_is_said(desk: Callable[..., Desk]) -> None:
    desk_ = desk(oidc_issuer="http://127.0.0.1:9")
    response = desk_.client.get("/desk/sign-in/provider", base_url=ADDRESS)
    assert response.status_code == 503
