"""Settings of several municipalities: read, kept apart, and each mistake told with the file it is in."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from bot import encryption, municipalities, up
from bot.cli import main
from bot.errors import SettingsError
from bot.training import ROOT
from tests import valley
from tests.valley import AMITY, VALE


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return valley.write(tmp_path)


def change(env: dict[str, str], name: str, **settings: str) -> None:
    path = Path(env["CARELINE_MUNICIPALITIES"]) / f"{name}.env"
    path.write_text(path.read_text() + "".join(f"{key}='{value}'\n" for key, value in settings.items()))


def test_one_alone_is_as_it_always_was() -> None:
    found = municipalities.settings({"CARELINE_MUNICIPALITY": "Port Amity", "PATH": "/bin"})
    assert set(found) == {""}
    assert found[""].municipality == "Port Amity"
    assert municipalities.one({}) == ""
    assert municipalities.current() == ""


def test_each_has_its_own_and_the_machines(env: dict[str, str], tmp_path: Path) -> None:
    found = municipalities.settings({**env, "CARELINE_RASA_URL": "http://127.0.0.1:5999"})
    assert list(found) == [AMITY, VALE]
    assert found[VALE].languages == ("en", "pt", "ne")
    assert len(found[AMITY].languages) == 12
    assert {own.rasa_url for own in found.values()} == {"http://127.0.0.1:5999"}
    assert found[VALE].home == tmp_path / "municipalities" / VALE
    assert found[AMITY].database != found[VALE].database
    assert found[AMITY].tracker != found[VALE].tracker


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"CARELINE_SMS_NUMBER": "+441632960000"}, "port-amity and upper-vale have the same number"),
        ({"CARELINE_VOICE_NUMBER": "+441632960000"}, "port-amity and upper-vale have the same number"),
        ({"CARELINE_PUBLIC_URL": "https://AMITY.example.org:8443/"}, "port-amity and upper-vale have the same host"),
        ({"CARELINE_PUBLIC_URL": "https://amity.example.org."}, "port-amity and upper-vale have the same host"),
        ({"CARELINE_DATABASE_URL": "sqlite:///{home}/municipalities/x/../port-amity/careline.db"}, "the same database"),
        ({"CARELINE_TRACKER_URL": "sqlite:///{home}/municipalities/port-amity/tracker.db"}, "the same database"),
        ({"CARELINE_HOME": "{home}/municipalities/port-amity", "CARELINE_DATABASE_URL": "sqlite:////x/y.db",
          "CARELINE_TRACKER_URL": "sqlite:////x/z.db"}, "the same home"),
        ({"CARELINE_SECRET_KEY": "new, a key of port-amity for tests"}, "the same key"),
        ({"CARELINE_SMS_NUMBR": "1"}, "upper-vale.env: unknown setting CARELINE_SMS_NUMBR"),
        ({"CARELINE_LANGUAGES": "xx"}, "upper-vale.env: CARELINE_LANGUAGES is 'xx': must name languages"),
        ({"CARELINE_RASA_URL": "http://127.0.0.1:1"}, "upper-vale.env: CARELINE_RASA_URL belongs to the whole machine"),
        ({"CARELINE_PARTNERS": "millbrook"}, "names millbrook, and there is no millbrook.env"),
    ],
)  # fmt: skip
def test_a_mistake_names_the_file_and_the_setting(env: dict[str, str], settings: dict[str, str], says: str) -> None:
    change(env, VALE, **{key: value.format(home=env["CARELINE_HOME"]) for key, value in settings.items()})
    with pytest.raises(SettingsError, match=says) as error:
        municipalities.settings(env)
    assert "a key of" not in str(error.value)


@pytest.mark.parametrize(
    "other", ["postgresql://b@10.0.0.5:5432/care?sslmode=require", "postgresql+psycopg2://b:c@10.0.0.5/care"]
)
def test_one_postgresql_database_is_the_same_however_it_is_written(env: dict[str, str], other: str) -> None:
    change(env, AMITY, CARELINE_DATABASE_URL="postgresql+psycopg2://a@10.0.0.5/care")
    change(env, VALE, CARELINE_DATABASE_URL=other)
    with pytest.raises(SettingsError, match="the same database"):
        municipalities.settings(env)


def test_what_is_a_municipalitys_own_is_not_said_for_all(env: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="CARELINE_CRISIS_NUMBER is said by each municipality for itself"):
        municipalities.settings({**env, "CARELINE_CRISIS_NUMBER": "+441632960001"})


def test_a_value_does_not_reach_into_the_environment(env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANOTHER_SECRET", "do not tell")
    change(env, VALE, TWILIO_AUTH_TOKEN="${ANOTHER_SECRET}")
    assert municipalities.settings(env)[VALE].twilio_auth_token == "${ANOTHER_SECRET}"


@pytest.mark.parametrize("name", ["Upper Vale", "..", "-x", "ü"])
def test_names_are_plain(env: dict[str, str], name: str) -> None:
    (Path(env["CARELINE_MUNICIPALITIES"]) / f"{name}.env").write_text("")
    with pytest.raises(SettingsError, match="small letters"):
        municipalities.settings(env)


def test_an_empty_folder_is_no_deployment(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no file in it"):
        municipalities.settings({"CARELINE_MUNICIPALITIES": str(tmp_path)})


def test_whose_key_is_used_is_never_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encryption, "_vaults", {})
    for name in (AMITY, VALE):
        with municipalities.at(name):
            encryption.use(encryption.Vault([name]))
    with municipalities.at(AMITY):
        sealed = encryption.vault().seal("only here")
        assert encryption.vault().open(sealed) == "only here"
        with municipalities.at(VALE), pytest.raises(Exception, match="cannot be opened"):
            encryption.vault().open(sealed)
        assert encryption.vault().open(sealed) == "only here"
    with pytest.raises(RuntimeError):
        encryption.vault()


def test_a_trial_gives_each_an_address_and_the_files_say_the_same(env: dict[str, str], tmp_path: Path) -> None:
    for name in (AMITY, VALE):
        change(env, name, CARELINE_PUBLIC_URL="", TWILIO_AUTH_TOKEN="it's a \\ and a 'quote' and $HOME")
    own = up.trials(env, 8123, tmp_path)
    assert own[AMITY]["CARELINE_PUBLIC_URL"] == "http://127.0.0.2:8123"
    assert own[VALE]["CARELINE_TWILIO_API_URL"] == "http://127.0.0.3:8123/simulator"
    assert municipalities.settings(up._for_processes(own, env, tmp_path)) == municipalities.read(own, env)


def test_the_demo_can_be_read() -> None:
    found = municipalities.settings({"CARELINE_MUNICIPALITIES": str(ROOT / "data" / "municipalities")})
    assert [own.municipality for own in found.values()] == ["Port Amity", "Upper Vale"]
    assert {name: own.partners for name, own in found.items()} == {AMITY: (VALE,), VALE: (AMITY,)}


class TestCommands:
    @pytest.fixture(autouse=True)
    def here(self, env: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.chdir(tmp_path)
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(municipalities, "_process", "")
        monkeypatch.setattr(encryption, "_vaults", {})

    def run(self, *arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(main, arguments)
        return done.exit_code, " ".join(done.output.split())

    @pytest.mark.parametrize(
        "arguments",
        [("import", "x"), ("export", "x"), ("backup", "x"), ("user", "ada", "--password", "x" * 12), ("kiosk", "list"),
         ("erase", "+447700900123", "--yes"), ("data", "+447700900123", "x"), ("block", "+447700900123"), ("receipt", "X"),
         ("text", "food")],
        ids=" ".join,
    )  # fmt: skip
    def test_a_command_asks_which(self, arguments: tuple[str, ...]) -> None:
        code, said = self.run(*arguments)
        assert code == 1
        assert said == "There are several municipalities (port-amity, upper-vale): say which with --municipality NAME."
        assert "there are port-amity, upper-vale" in self.run(*arguments, "--municipality", "millbrook")[1]

    def test_what_makes_sense_for_all_is_done_for_all(self, tmp_path: Path) -> None:
        code, said = self.run("db")
        assert (code, said) == (0, "port-amity: The database is up to date. upper-vale: The database is up to date.")
        for name in (AMITY, VALE):
            assert (tmp_path / "municipalities" / name / "careline.db").exists()
        assert self.run("purge", "--municipality", VALE)[1].startswith("upper-vale: Erased 0 conversations")

    def test_an_import_goes_to_the_one_that_is_named(self, tmp_path: Path) -> None:
        self.run("db")
        assert self.run("import", str(valley.PACKAGES[VALE]), "--municipality", VALE)[0] == 0
        self.run("export", str(tmp_path / "vale.json"), "--municipality", VALE)
        assert "Mill Lane Food Shelf" in (tmp_path / "vale.json").read_text()
        self.run("export", str(tmp_path / "amity.json"), "--municipality", AMITY)
        assert "Mill Lane" not in (tmp_path / "amity.json").read_text()
