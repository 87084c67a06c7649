"""The command `careline`."""

import os
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from bot.errors import CarelineError
from bot.settings import Settings, environ, ours

_console = Console(soft_wrap=True)
_home = click.option("--home", type=click.Path(path_type=Path), help="Folder that holds all state (default: var).")


def _in_a_sentence(command: Callable[..., None]) -> Callable[..., None]:
    """Errors of ours end the command with one sentence and exit code 1."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except CarelineError as error:
            Console(stderr=True, soft_wrap=True).print(f"[red]{escape(str(error))}[/red]")
            sys.exit(1)
        except OSError as error:
            Console(stderr=True, soft_wrap=True).print(f"[red]{escape(error.strerror or str(error))}: {error.filename}[/red]")
            sys.exit(1)

    return run


def _settings(home: Path | None) -> Settings:
    env = ours(environ())
    if home is not None:
        env["CARELINE_HOME"] = str(home)
    return Settings.from_env(env)


@click.group()
def main() -> None:
    """Careline answers people's questions about care services and rights, and leads to a person."""


@main.command()
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True, help="Port of the web server.")
@_home
@_in_a_sentence
def up(port: int, home: Path | None) -> None:
    """Start everything and wait until it answers."""
    from bot import up as everything

    env = environ()
    folder = home or Path(env.get("CARELINE_HOME", "var"))
    try:
        running = everything.start(env, port, folder, lambda text: _console.print(escape(text)))
    except KeyboardInterrupt:
        sys.exit(130)
    address = f"http://127.0.0.1:{port}"
    _console.print(f"\n[bold]Careline answers.[/bold]\n  kiosk page  {address}/")
    if Settings.from_env(ours(everything.trial(env, port, folder))).simulator:
        _console.print(f"  simulator   {address}/simulator")
    _console.print(f"  desk        {address}/desk\n  health      {address}/readyz\nCtrl-C stops it.")
    try:
        everything.wait(running)
    finally:
        _console.print("Stopping")
        everything.stop(running)


@main.command()
@click.option("--if-needed", is_flag=True, help="Only where there is no model of the data at hand.")
@_home
@_in_a_sentence
def train(home: Path | None, if_needed: bool) -> None:
    """Train the model, whether or not there is one."""
    from bot import training

    with _console.status("Training"):
        path = (training.ensure_model if if_needed else training.train)(_settings(home).home)
    _console.print(f"Trained {path}")


@main.command()
@click.option("--languages", help="Only these, comma separated.")
@click.option("--out", type=click.Path(path_type=Path), help="Where the page goes (default: evaluation.html in the home folder).")
@click.option("--folds", type=click.IntRange(2, 20), default=5, show_default=True)
@_home
@_in_a_sentence
def evaluate(languages: str | None, out: Path | None, folds: int, home: Path | None) -> None:
    """Cross-validate the understanding, by language, style and topic, and write a page about it."""
    from bot.nlu import evaluate as evaluation
    from bot.training import ROOT

    folder = _settings(home).home
    folder.mkdir(parents=True, exist_ok=True)
    page = out or folder / "evaluation.html"
    codes = languages.split(",") if languages else None
    evaluation.evaluate(ROOT / "data" / "nlu", page, languages=codes, folds=folds)
    _console.print(f"The whole picture is in {page}")


@main.command()
@click.argument("words", nargs=-1, required=True)
@click.option("--from", "sender", default="+447700900123", show_default=True, help="The number that texts.")
@click.option("--port", type=int, default=8000, show_default=True, help="Port of the running service.")
@_home
@_in_a_sentence
def text(words: tuple[str, ...], sender: str, port: int, home: Path | None) -> None:
    """Text the running service: posts a really signed webhook and prints the answer."""
    from bot.render.segments import measure
    from bot.up import trial

    env = environ()
    folder = home or Path(env.get("CARELINE_HOME", "var"))
    from webhooks.phone import send_text

    settings = Settings.from_env(ours(trial(env, port, folder)))
    for answer in send_text(settings, f"http://127.0.0.1:{port}", sender, " ".join(words)):
        size = measure(answer)
        _console.print(f"{escape(answer)}\n[dim]{size.encoding}, {size.units} units, {size.segments} segments[/dim]")


@main.command(name="import")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--report", type=click.Path(path_type=Path), help="Write what was repaired and refused as CSV.")
@_home
@_in_a_sentence
def import_(path: Path, report: Path | None, home: Path | None) -> None:
    """Take in a service directory: an HSDS package, as a folder, a zip or JSON."""
    from bot.careline import Careline
    from bot.directory.importer import import_package

    careline = Careline.open(_settings(home))
    careline.database.migrate()
    result = import_package(careline.database, path)
    if report is not None:
        report.write_text(result.as_csv(), "utf-8")
    _console.print(escape(result.summary()))


@main.command()
@click.argument("path", type=click.Path(path_type=Path))
@_home
@_in_a_sentence
def export(path: Path, home: Path | None) -> None:
    """Write the service directory as an HSDS package into a folder."""
    from bot.careline import Careline
    from bot.directory.export import export_package

    export_package(Careline.open(_settings(home)).database, path)
    _console.print(f"Wrote {path}")


@main.command()
@_in_a_sentence
def check() -> None:
    """Check wording, articles and training data for what is missing, outdated or broken."""
    from bot import check as checking

    for gap in checking.gaps():
        _console.print(f"[dim]{escape(gap)}[/dim]")
    found = checking.problems()
    for problem in found:
        _console.print(escape(problem))
    if found:
        sys.exit(1)
    _console.print("Everything is in order.")


@main.command()
@_home
@_in_a_sentence
def db(home: Path | None) -> None:
    """Bring the database's tables to the newest version."""
    from bot.careline import Careline

    Careline.open(_settings(home)).database.migrate()
    _console.print("The database is up to date.")


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@_home
@_in_a_sentence
def backup(file: Path, home: Path | None) -> None:
    """Write conversations, cases, directory and staff to one file; the keys are not in it."""
    from bot import backup as saving
    from bot.careline import Careline

    counts = saving.backup(Careline.open(_settings(home)).database, file)
    _console.print(f"Wrote {sum(counts.values())} rows to {escape(str(file))}. Keep the keys elsewhere: both are needed.")


@main.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True))
@_home
@_in_a_sentence
def restore(file: Path, home: Path | None) -> None:
    """Read a back-up into a new database."""
    from bot import backup as saving
    from bot.careline import Careline

    counts = saving.restore(Careline.open(_settings(home)).database, file)
    _console.print(f"Restored {sum(counts.values())} rows.")


@main.command()
@click.argument("name")
@click.password_option(help="At least 12 characters.")
@_home
@_in_a_sentence
def user(name: str, password: str, home: Path | None) -> None:
    """Add somebody who may sign in at the desk, or give them a new password."""
    from bot import staff
    from bot.careline import Careline

    careline = Careline.open(_settings(home))
    careline.database.migrate()
    with careline.database.begin() as session:
        staff.add(session, name, password)
    _console.print(f"{escape(name)} may sign in at /desk.")


if __name__ == "__main__":
    os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")
    main()
