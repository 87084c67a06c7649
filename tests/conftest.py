"""What tests start from: settings, a database with the demo municipality, the application, and people who text it."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from xml.etree import ElementTree

import hypothesis
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import make_url
from twilio.request_validator import RequestValidator

from bot import encryption
from bot.careline import Careline
from bot.db import Database
from bot.directory.importer import import_package
from bot.rights.articles import Rights
from bot.settings import Settings
from bot.training import ROOT, ensure_model
from bot.wording import Wording
from tests import servers
from tests.fakes import FakeDialogue
from webhooks.app import create_app

TOKEN = "a token for tests only"

# How fast a machine is decides no test.
hypothesis.settings.register_profile(
    "careline", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.data_too_large]
)
hypothesis.settings.load_profile("careline")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--shared", type=Path, default=None, help="folder with larger public material (directories, intents)")
    parser.addoption("--trained", type=Path, default=ROOT / ".cache", help="home folder whose trained model is used")
    parser.addoption(
        "--database",
        default="",
        help="a PostgreSQL server's URL, or `postgresql` to start one: all tests run on it, not on SQLite",
    )
    parser.addoption("--prism", default="", help="command that runs Prism, which plays Twilio's side")
    parser.addoption("--fault-seconds", type=float, default=90, help="how long the fault runner breaks things")
    parser.addoption("--update", action="store_true", help="write golden files anew")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With --database, tests that never see a database are left out: they were run on the other one."""
    if not config.getoption("--database"):
        return
    seen = [item for item in items if "demo_database" in getattr(item, "fixturenames", ())]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(seen)])
    items[:] = seen


#: Where the database of each test's home is, if it is on a server.
_databases: dict[Path, str] = {}


def environment(home: Path) -> dict[str, str]:
    """The settings tests run with."""
    server = {"CARELINE_DATABASE_URL": _databases[home]} if home in _databases else {}
    return server | {
        "CARELINE_HOME": str(home),
        "CARELINE_SECRET_KEY": "a key for tests only",
        "CARELINE_PUBLIC_URL": "https://care.example.org",
        "TWILIO_AUTH_TOKEN": TOKEN,
        "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "CARELINE_SIMULATOR": "true",
    }


@pytest.fixture(scope="session", autouse=True)
def database_server(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of the PostgreSQL server that tests run on; empty for SQLite."""
    wanted: str = request.config.getoption("--database")
    if wanted != "postgresql":
        servers.in_use = wanted
        yield wanted
        return
    with servers.postgresql() as server:
        servers.in_use = server.url
        yield server.url


@pytest.fixture(scope="session")
def demo_database(tmp_path_factory: pytest.TempPathFactory, database_server: str) -> Iterator[str]:
    """The URL of a database with the demo municipality, made once; every test gets a copy."""
    path = tmp_path_factory.mktemp("demo") / "careline.db"
    url = servers.new_database(database_server) if database_server else f"sqlite:///{path}"
    encryption.use(encryption.Vault(["a key for tests only"]))
    database = Database(url)
    database.migrate()
    import_package(database, ROOT / "data" / "directory")
    if not database_server:
        with database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.engine.dispose()
    yield url
    if database_server:
        servers.drop_database(url)


@pytest.fixture(scope="session")
def words_and_rights() -> tuple[Wording, Rights]:
    """What is the same in every test, and takes most of its time to read."""
    return Wording.load(), Rights.load()


@pytest.fixture
def careline(
    tmp_path: Path, demo_database: str, database_server: str, words_and_rights: tuple[Wording, Rights]
) -> Iterator[Careline]:
    """Everything a turn needs, on a database of this test's own."""
    env = environment(tmp_path)
    if database_server:
        _databases[tmp_path] = servers.new_database(database_server, make_url(demo_database).database)
        env = environment(tmp_path)
    else:
        shutil.copy(demo_database.removeprefix("sqlite:///"), tmp_path / "careline.db")
    opened = Careline.open(Settings.from_env(env), *words_and_rights)
    yield opened
    opened.database.engine.dispose()
    if database_server:
        servers.drop_database(_databases.pop(tmp_path))


@pytest.fixture
def dialogue() -> FakeDialogue:
    return FakeDialogue()


@pytest.fixture
def app(careline: Careline, dialogue: FakeDialogue) -> Flask:
    app = create_app(careline, dialogue)
    app.testing = False  # errors become answers, as in the real thing
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@dataclass
class Texter:
    """Somebody with a phone. `texter("hola")` gives the texts that come back."""

    client: FlaskClient
    number: str = "+447700900123"
    ids: Iterator[int] = field(default_factory=lambda: count(1))

    def __call__(self, text: str, sid: str | None = None, **fields: str) -> list[str]:
        response = self.post({"Body": text, "MessageSid": sid or f"SM{self.number[-6:]}{next(self.ids):026d}", **fields})
        assert response.status_code == 200, response.text
        return [message.text or "" for message in ElementTree.fromstring(response.text).iter("Message")]

    def post(self, form: dict[str, str], path: str = "/sms", signature: str | None = None):  # type: ignore[no-untyped-def]
        form = {"From": self.number, "To": "+441632960000", "AccountSid": "AC" + "0" * 32, "NumMedia": "0", **form}
        form = {name: value for name, value in form.items() if value is not None}
        if signature is None:
            signature = RequestValidator(TOKEN).compute_signature(f"https://care.example.org{path}", form)
        return self.client.post(path, data=form, headers={"X-Twilio-Signature": signature})


@pytest.fixture
def texter(client: FlaskClient) -> Texter:
    return Texter(client)


@pytest.fixture
def other(client: FlaskClient) -> Texter:
    return Texter(client, number="+447700900456")


@pytest.fixture(scope="session")
def model(request: pytest.FixtureRequest) -> Path:
    """The trained model of the data at hand; trained now if there is none."""
    return ensure_model(request.config.getoption("--trained"))


@pytest.fixture
def shared(request: pytest.FixtureRequest) -> Path:
    """The folder given with --shared; the test is left out, and says so, without it."""
    folder: Path | None = request.config.getoption("--shared")
    if folder is None:
        pytest.skip("needs the larger public material: --shared FOLDER")
    return folder


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[Path, str], None]:
    """Compare a text with a golden file, or write it with --update."""

    def compare(path: Path, text: str) -> None:
        if request.config.getoption("--update"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        assert path.exists(), f"{path} is missing: write it with --update"
        assert text == path.read_text("utf-8")

    return compare
