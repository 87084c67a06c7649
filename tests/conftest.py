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
from twilio.request_validator import RequestValidator

from bot import encryption
from bot.careline import Careline
from bot.db import Database
from bot.directory.importer import import_package
from bot.settings import Settings
from bot.training import ROOT, ensure_model
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
    parser.addoption("--prism", default="", help="command that runs Prism, which plays Twilio's side")
    parser.addoption("--update", action="store_true", help="write golden files anew")


def environment(home: Path) -> dict[str, str]:
    """The settings tests run with."""
    return {
        "CARELINE_HOME": str(home),
        "CARELINE_SECRET_KEY": "a key for tests only",
        "CARELINE_PUBLIC_URL": "https://care.example.org",
        "TWILIO_AUTH_TOKEN": TOKEN,
        "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "CARELINE_SIMULATOR": "true",
    }


@pytest.fixture(scope="session")
def demo_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with the demo municipality, made once."""
    path = tmp_path_factory.mktemp("demo") / "careline.db"
    encryption.use(encryption.Vault(["a key for tests only"]))
    database = Database(f"sqlite:///{path}")
    database.migrate()
    import_package(database, ROOT / "data" / "directory")
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.engine.dispose()
    return path


@pytest.fixture
def careline(tmp_path: Path, demo_database: Path) -> Iterator[Careline]:
    """Everything a turn needs, on a database of this test's own."""
    shutil.copy(demo_database, tmp_path / "careline.db")
    opened = Careline.open(Settings.from_env(environment(tmp_path)))
    yield opened
    opened.database.engine.dispose()


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
