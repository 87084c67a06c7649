"""Two municipalities in one process, Port Amity and Upper Vale, as `careline up` and gunicorn open them."""

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from sqlalchemy import make_url, select
from twilio.request_validator import RequestValidator
from werkzeug.test import Client, TestResponse

from bot import municipalities, staff
from bot.careline import Careline, Dialogue, open_each
from bot.db import Database
from bot.directory.importer import import_package
from bot.migrations.tables import metadata
from bot.rights.articles import Rights
from bot.training import ROOT
from bot.wording import Wording
from tests import servers
from tests.desk import PASSWORD, Desk
from webhooks.hosts import Hosts

AMITY, VALE = "port-amity", "upper-vale"
PACKAGES = {AMITY: ROOT / "data" / "directory", VALE: ROOT / "data" / "municipalities" / VALE}
ADDRESSES = {AMITY: "https://amity.example.org", VALE: "https://vale.example.org"}
NUMBERS = {AMITY: "+441632960000", VALE: "+441632960700"}
ACCOUNTS = {AMITY: "AC" + "a" * 32, VALE: "AC" + "b" * 32}
OWN: Mapping[str, Mapping[str, str]] = {
    AMITY: {"CARELINE_MUNICIPALITY": "Port Amity", "CARELINE_OFFICE_NUMBER": "+441632960000", "CARELINE_PARTNERS": VALE},
    VALE: {
        "CARELINE_MUNICIPALITY": "Upper Vale", "CARELINE_LANGUAGES": "en,pt,ne", "CARELINE_VOICE_LANGUAGES": "en,pt",
        "CARELINE_PARTNERS": AMITY, "CARELINE_OFFICE_NUMBER": "+441632960701", "CARELINE_CRISIS_NUMBER": "+441632960791",
    },
}  # fmt: skip


def templates(folder: Path, server: str) -> dict[str, str]:
    """The URLs of two databases with their directories, to be copied for each test; SQLite without a `server`."""
    urls = {}
    for name, package in PACKAGES.items():
        urls[name] = servers.new_database(server) if server else f"sqlite:///{folder / name}.db"
        database = Database(urls[name])
        database.migrate()
        import_package(database, package)
        if not server:
            with database.engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        database.engine.dispose()
    return urls


def write(home: Path, made: Mapping[str, str] | None = None, server: str = "") -> dict[str, str]:
    """Settings for both below `home`, on copies of the databases `made`; returns the environment."""
    folder = home / "towns"
    folder.mkdir(parents=True)
    for name, own in OWN.items():
        variables = {
            "CARELINE_PUBLIC_URL": ADDRESSES[name], "CARELINE_SMS_NUMBER": NUMBERS[name], "CARELINE_VOICE_NUMBER": NUMBERS[name],
            "CARELINE_SECRET_KEY": f"a key of {name} for tests", "TWILIO_AUTH_TOKEN": f"a token of {name}",
            "TWILIO_ACCOUNT_SID": ACCOUNTS[name],
            "CARELINE_SIMULATOR": "true", "CARELINE_SEARCH_BY_MEANING": "false", **own,
        }  # fmt: skip
        if made and server:
            variables["CARELINE_DATABASE_URL"] = servers.new_database(server, make_url(made[name]).database)
        elif made:
            (home / "municipalities" / name).mkdir(parents=True)
            shutil.copy(made[name].removeprefix("sqlite:///"), home / "municipalities" / name / "careline.db")
        (folder / f"{name}.env").write_text("".join(f"{key}='{value}'\n" for key, value in variables.items()))
    return {"CARELINE_HOME": str(home), "CARELINE_MUNICIPALITIES": str(folder)}


@dataclass
class Valley:
    """Both, behind one WSGI application."""

    hosts: Hosts
    ids: Iterator[int] = field(default_factory=lambda: count(1))

    def careline(self, name: str) -> Careline:
        return self.hosts.carelines[name]

    @contextmanager
    def session(self, name: str) -> Iterator[Any]:
        """A transaction in the database of one, done for it."""
        with municipalities.at(name), self.careline(name).database.begin() as session:
            yield session

    def client(self) -> Client:
        """A browser, or a program: it asks any host."""
        return Client(self.hosts)

    def text(self, name: str, body: str, number: str = "+447700900123", sid: str | None = None) -> list[str]:
        """Text the number of one; the texts that come back."""
        response = self.post(name, "/sms", {"Body": body, "From": number, "MessageSid": sid or f"SM{next(self.ids):032d}"})
        assert response.status_code == 200, response.text
        return [message.text or "" for message in ElementTree.fromstring(response.text).iter("Message")]

    def post(self, name: str, path: str, form: Mapping[str, str], signed_by: str | None = None) -> TestResponse:
        """A webhook of the provider to one, signed with its own secrets, or with those of `signed_by`."""
        form = {"To": NUMBERS[name], "AccountSid": ACCOUNTS[signed_by or name], "NumMedia": "0", **form}
        validator = RequestValidator(f"a token of {signed_by or name}")
        signature = validator.compute_signature(f"{ADDRESSES[signed_by or name]}{path}", form)
        return self.client().post(path, data=form, base_url=ADDRESSES[name], headers={"X-Twilio-Signature": signature})

    def desk(self, name: str, person: str, client: Client | None = None) -> Desk:
        """Somebody who is signed in at the desk of one."""
        desk = Desk(None, ADDRESSES[name], client or self.client())
        desk.sign_in(person)
        return desk

    def everything(self, name: str) -> dict[str, list[str]]:
        """All rows of the database of one."""
        with municipalities.at(name), self.careline(name).database.engine.connect() as connection:
            return {
                table.name: sorted(json.dumps(list(row), default=str) for row in connection.execute(select(table)))
                for table in metadata().sorted_tables
                if table.name not in ("heartbeat", "staff_session")
            }


@contextmanager
def opened(
    env: Mapping[str, str], words_and_rights: tuple[Wording, Rights], dialogues: Mapping[str, Dialogue] | None = None
) -> Iterator[Valley]:
    """Both, opened as gunicorn does; `ada` is an administrator and `ben` of the staff in each."""
    carelines = open_each(municipalities.settings(env), *words_and_rights)
    valley = Valley(Hosts(carelines, dialogues))
    for name in carelines:
        with valley.session(name) as session:
            staff.add(session, "ada", PASSWORD, staff.Role.ADMINISTRATOR)
            staff.add(session, "ben", PASSWORD)
    yield valley
    for careline in carelines.values():
        careline.database.engine.dispose()
        if not careline.settings.database.startswith("sqlite"):
            servers.drop_database(careline.settings.database)
