"""The command `careline`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.markup import escape

from bot import municipalities
from bot.errors import CarelineError
from bot.settings import Settings, environ, ours

if TYPE_CHECKING:  # opened by the commands that need it: the others start at once
    from bot.careline import Careline, Dialogue

_console = Console(soft_wrap=True)
_ASKED = "bot.cli.municipality"
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


def _which(command: Callable[..., None]) -> Callable[..., None]:
    """For a command that does something to one municipality: where there are several, it is said which."""
    asked = click.option(
        "--municipality", default="", expose_value=False, callback=_remember, help="Which one, where several are served."
    )
    return asked(_home(command))


def _remember(context: click.Context, parameter: click.Parameter, name: str) -> None:
    context.meta[_ASKED] = name


def _env(home: Path | None) -> dict[str, str]:
    env = ours(environ())
    if home is not None:
        env["CARELINE_HOME"] = str(home)
    return env


def _settings(home: Path | None) -> Settings:
    """The settings of the municipality that is asked for; whatever follows is done for it."""
    env = _env(home)
    name = municipalities.one(env, click.get_current_context().meta[_ASKED])
    municipalities.be(name)
    return municipalities.settings(env)[name]


def _each(home: Path | None) -> Iterator[tuple[Settings, str]]:
    """The settings of each municipality, or of the one that is asked for, and what a line about it begins with."""
    env = _env(home)
    asked = click.get_current_context().meta[_ASKED]
    for name in [municipalities.one(env, asked)] if asked else list(municipalities.environments(env)):
        municipalities.be(name)
        yield municipalities.settings(env)[name], f"{name}: " if name else ""


def _on_trial(home: Path | None, port: int) -> Settings:
    """The settings that `up` runs the municipality with that is asked for."""
    from bot.up import trials

    env = environ()
    name = municipalities.one(_env(home), click.get_current_context().meta[_ASKED])
    municipalities.be(name)
    variables = trials(env, port, home or Path(env.get("CARELINE_HOME", "var")))
    return municipalities.read(variables, env)[name]


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
    _console.print("\n[bold]Careline answers.[/bold]")
    for name, own in municipalities.read(everything.trials(env, port, folder), env).items():
        if name:
            _console.print(f"{escape(own.municipality)} ({name})")
        page = own.public_url.rstrip("/") if name else address
        _console.print(f"  kiosk page  {page}/")
        if own.simulator:
            _console.print(f"  simulator   {page}/simulator")
        _console.print(f"  desk        {page}/desk")
    _console.print(f"  health      {address}/readyz\nCtrl-C stops it.")
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
        path = (training.ensure_model if if_needed else training.train)(Settings.from_env(_env(home)).home)
    _console.print(f"Trained {path}")


@main.command()
@click.option("--languages", help="Only these, comma separated.")
@click.option("--out", type=click.Path(path_type=Path), help="Where the page goes (default: evaluation.html in the home folder).")
@click.option("--folds", type=click.IntRange(2, 20), default=5, show_default=True)
@click.option(
    "--weights", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Folder with weights tuned for each fold."
)
@click.option("--untuned", is_flag=True, help="With the encoder as it was before tuning.")
@_home
@_in_a_sentence
def evaluate(languages: str | None, out: Path | None, folds: int, weights: Path | None, untuned: bool, home: Path | None) -> None:
    """Cross-validate the understanding, by language, style and topic, and write a page about it."""
    from bot.nlu import evaluate as evaluation
    from bot.training import ROOT

    folder = Settings.from_env(_env(home)).home
    folder.mkdir(parents=True, exist_ok=True)
    page = out or folder / "evaluation.html"
    codes = languages.split(",") if languages else None
    evaluation.evaluate(ROOT / "data" / "nlu", page, languages=codes, folds=folds, weights=weights, untuned=untuned)
    _console.print(f"The whole picture is in {page}")


@main.command()
@click.argument("words", nargs=-1, required=True)
@click.option("--from", "sender", default="+447700900123", show_default=True, help="The number that texts.")
@click.option("--port", type=int, default=8000, show_default=True, help="Port of the running service.")
@_which
@_in_a_sentence
def text(words: tuple[str, ...], sender: str, port: int, home: Path | None) -> None:
    """Text the running service: posts a really signed webhook and prints the answer."""
    from bot.render.segments import measure
    from webhooks.phone import send_text

    settings = _on_trial(home, port)
    for answer in send_text(settings, f"http://127.0.0.1:{port}", sender, " ".join(words)):
        size = measure(answer)
        _console.print(f"{escape(answer)}\n[dim]{size.encoding}, {size.units} units, {size.segments} segments[/dim]")


@main.command()
@click.option("--from", "sender", default="+447700900123", show_default=True, help="The number that calls; empty withholds it.")
@click.option("--port", type=int, default=8000, show_default=True, help="Port of the running service.")
@_which
@_in_a_sentence
def call(sender: str, port: int, home: Path | None) -> None:
    """Call the running service from this terminal: type keys or words; nothing is silence."""
    from bot import encryption
    from webhooks.caller import Caller, over_http

    settings = _on_trial(home, port)
    encryption.use(encryption.open_vault(settings.secret_key, settings.home))  # to read what sounds say
    post = over_http(settings, f"http://127.0.0.1:{port}")
    caller = Caller(post, sender or "anonymous", settings.voice_number, settings.twilio_account_sid)
    turn = caller.call()
    try:
        while True:
            for heard in turn.heard:
                mark = heard.voice or "espeak-ng"
                _console.print(f"{escape(heard.text)}  [dim]{escape(heard.language)} {escape(mark)}[/dim]")
            if turn.waits == "end":
                break
            if turn.waits == "dial":
                answered = click.confirm(f"Rings {', '.join(turn.numbers)}. Does somebody answer?", default=False)
                turn = caller.connect(answered)
            elif turn.waits == "record":
                turn = caller.record(click.prompt("A message of how many seconds?", type=click.IntRange(0, 180), default=20))
            else:
                typed = click.prompt(
                    {"key": "Key", "number": "Number"}.get(turn.waits, "Key or words"), default="", show_default=False
                )
                keys = typed.strip() and not set(typed.strip()) - set("0123456789*#+")
                turn = caller.press(typed.strip()) if keys else caller.say(typed) if typed.strip() else caller.wait()
    except (KeyboardInterrupt, click.Abort):
        _console.print("")
    caller.hang_up()
    _console.print("The call has ended.")


@main.command(name="import")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--report", type=click.Path(path_type=Path), help="Write what was repaired and refused as CSV.")
@click.option("--mapping", type=click.Path(path_type=Path), help="What the columns mean, for tables that follow no standard.")
@_which
@_in_a_sentence
def import_(path: Path, report: Path | None, mapping: Path | None, home: Path | None) -> None:
    """Take in a service directory: an HSDS package, as a folder, a zip or JSON."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from bot.careline import Careline
    from bot.directory.importer import import_package
    from bot.directory.mapping import read_mapping
    from bot.directory.report import written

    careline = Careline.open(_settings(home))
    careline.database.migrate()
    explained = read_mapping(mapping) if mapping else None
    stages: dict[str, Any] = {}
    columns = (TextColumn("{task.description:<10}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeElapsedColumn())
    with written(report) as result, Progress(*columns, console=_console, disable=not _console.is_terminal) as bars:

        def tell(stage: str, done: int, total: int) -> None:
            if stage not in stages:
                stages[stage] = bars.add_task(stage)
            bars.update(stages[stage], completed=done, total=max(1, total))

        import_package(careline.database, path, tell, result, explained)
    for line in result.common():
        _console.print(f"[dim]{escape(line)}[/dim]")
    with _console.status("Comparing meanings"):
        careline.refresh_meanings()
    _console.print(escape(result.summary()))


@main.command()
@click.argument("path", type=click.Path(path_type=Path))
@_which
@_in_a_sentence
def export(path: Path, home: Path | None) -> None:
    """Write the service directory as an HSDS package: tables in a folder or a .zip, or a .json file."""
    from bot.careline import Careline
    from bot.directory.export import export_directory

    written = export_directory(Careline.open(_settings(home)).database, path)
    _console.print(f"Wrote {path}: {sum(written.values())} rows of {len(written)} tables")


@main.command()
@_which
@_in_a_sentence
def check(home: Path | None) -> None:
    """Check wording, articles and training data for what is missing, outdated, too dear, hard to read or broken."""
    from bot import check as checking
    from bot import cost, look
    from bot.clock import now

    found: list[str] = []
    for settings, label in _each(home):
        local = settings.local
        if label:
            _console.print(label)
        _console.print(cost.table(settings))
        for gap in [*checking.gaps(), *checking.reviews_due(now().date(), local), *look.below_enhanced(settings.look)]:
            _console.print(f"[dim]{escape(label + gap)}[/dim]")
        found += [label + problem for problem in checking.problems(local, settings.logo)]
    for problem in found:
        _console.print(escape(problem))
    if found:
        sys.exit(1)
    _console.print("Everything is in order.")


@main.command()
@click.argument("code")
@click.option(
    "--script", default="latin", type=click.Choice(["latin", "arabic", "devanagari", "cjk"]), help="What it is written in."
)
@click.option("--name", "names", multiple=True, help="What the language is called; may be given several times.")
@click.option("--gsm7", is_flag=True, help="Its texts can stay within the letters of a cheap SMS.")
@_in_a_sentence
def language(code: str, script: str, names: tuple[str, ...], gsm7: bool) -> None:
    """Add a language: files for translators to fill, beside those of the others."""
    from bot import translating

    for path in translating.add(translating.DATA, code, script, names, gsm7):
        _console.print(f"Wrote {path}")
    _console.print("Fill them in (docs/translating.md), then run: careline check")


@main.command()
@_which
@_in_a_sentence
def db(home: Path | None) -> None:
    """Bring the database's tables to the newest version."""
    from bot.careline import Careline

    for settings, label in _each(home):
        Careline.open(settings).database.migrate()
        _console.print(f"{label}The database is up to date.")


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@_which
@_in_a_sentence
def backup(file: Path, home: Path | None) -> None:
    """Write conversations, cases, directory and staff to one file; the keys are not in it."""
    from bot import backup as saving
    from bot.careline import Careline

    counts = saving.backup(Careline.open(_settings(home)).database, file)
    _console.print(f"Wrote {sum(counts.values())} rows to {escape(str(file))}. Keep the keys elsewhere: both are needed.")


@main.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True))
@_which
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
@click.option("--role", type=click.Choice(["staff", "steward", "administrator"]), help="The first account is an administrator's.")
@click.option("--reset-second-factor", is_flag=True, help="Their phone is lost: they set up a new second factor.")
@_which
@_in_a_sentence
def user(name: str, password: str, role: str | None, reset_second_factor: bool, home: Path | None) -> None:
    """Add somebody who may sign in at the desk, or give them a new password or role."""
    from bot import audit, second_factor, staff
    from bot.careline import Careline

    careline = Careline.open(_settings(home))
    careline.database.migrate()
    with careline.database.begin() as session:
        first = not staff.colleagues(session)
        person = staff.add(session, name, password, staff.Role(role) if role else staff.Role.ADMINISTRATOR if first else None)
        if reset_second_factor:
            second_factor.reset(person)
        audit.record(session, None, "account set by command", f"staff {person.id}", person.role)
    _console.print(f"{escape(name)} may sign in at /desk as {person.role}.")


@main.group()
def kiosk() -> None:
    """Machines in libraries that show the page: register, list, remove."""


@kiosk.command(name="add")
@click.argument("name")
@click.option("--branch", required=True, help="Name or id of the location it stands in, as in the directory.")
@click.option("--languages", default="", help="Only these, comma separated, in this order (default: all).")
@click.option("--printer", is_flag=True, help="There is a printer.")
@_which
@_in_a_sentence
def kiosk_add(name: str, branch: str, languages: str, printer: bool, home: Path | None) -> None:
    """Register a machine, or register it anew: prints the code to type at its address /device, and the PIN for staff."""
    from bot import kiosk as kiosks
    from bot.careline import Careline
    from bot.errors import SettingsError

    careline = Careline.open(_settings(home))
    careline.database.migrate()
    codes = tuple(code.strip() for code in languages.split(",") if code.strip())
    unknown = [code for code in codes if code not in careline.settings.languages]
    if unknown:
        raise SettingsError(f"{unknown[0]} is not among the languages served: {', '.join(careline.settings.languages)}.")
    with careline.database.begin() as session:
        made = kiosks.register(session, name, branch, codes, printer)
    _console.print(
        f"{escape(name)} is registered.\n"
        f"  At the machine, open /device and type [bold]{made.code}[/bold] (works once, for one hour).\n"
        f"  PIN for the staff beside it: [bold]{made.pin}[/bold]. Neither is shown again."
    )


@kiosk.command(name="list")
@_which
@_in_a_sentence
def kiosk_list(home: Path | None) -> None:
    """Every registered machine."""
    from bot import kiosk as kiosks
    from bot.careline import Careline

    with Careline.open(_settings(home)).database.read() as session:
        for one in kiosks.all_kiosks(session):
            state = "in use" if one.token_hash else "waits for its code"
            printer = "printer" if one.printer else "no printer"
            _console.print(escape(f"{one.name}: {one.branch}, {one.languages or 'all languages'}, {printer}, {state}"))


@kiosk.command(name="remove")
@click.argument("name")
@_which
@_in_a_sentence
def kiosk_remove(name: str, home: Path | None) -> None:
    """Forget a machine; its browser becomes an ordinary one."""
    from bot import kiosk as kiosks
    from bot.careline import Careline
    from bot.errors import CarelineError

    with Careline.open(_settings(home)).database.begin() as session:
        if not kiosks.remove(session, name):
            raise CarelineError(f"No kiosk is called {name!r}.")
    _console.print(f"{escape(name)} is forgotten.")


def _number(careline: Careline, number: str) -> str:
    """The number in E.164. Raises CarelineError if it is none."""
    from bot.phone import normalised

    found = normalised(number, careline.settings.country)
    if found is None:
        raise CarelineError(f"{number} is no telephone number.")
    return found


def _opened(settings: Settings) -> Careline:
    """Everything, with the tables at the newest version."""
    from bot.careline import Careline

    careline = Careline.open(settings)
    careline.database.migrate()
    return careline


def _dialogue(careline: Careline) -> Dialogue:
    from webhooks.rasa import RasaDialogue

    settings = careline.settings
    return RasaDialogue(settings.rasa_url, settings.rasa_timeout, settings.tracker)


@main.command()
@_which
@_in_a_sentence
def purge(home: Path | None) -> None:
    """Erase everything whose time is over now; the worker does so every day."""
    from bot import retention

    for settings, label in _each(home):
        careline = _opened(settings)
        gone = retention.purge(careline, _dialogue(careline), Settings.from_env(_env(home)).home / "logs")
        _console.print(
            f"{label}Erased {gone.conversations} conversations, {gone.messages} older messages, {gone.recordings} recordings, "
            f"{gone.receipts} receipts, {gone.files} files. The worker erases the copies elsewhere."
        )


@main.command()
@_which
@_in_a_sentence
def rotate(home: Path | None) -> None:
    """Seal everything anew with the newest key of CARELINE_SECRET_KEY."""
    from bot import encryption, rotation

    for settings, label in _each(home):
        careline = _opened(settings)
        with _console.status("Sealing anew") as status:
            rows = rotation.rotate(
                careline.database,
                encryption.vault(),
                careline.settings.tracker,
                lambda done: status.update(f"Sealing anew: {done} rows"),
            )
        _console.print(
            f"{label}Sealed {rows} rows anew. The older keys can go from CARELINE_SECRET_KEY, once no backup needs them."
        )


@main.command()
@click.argument("number")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_which
@_in_a_sentence
def erase(number: str, yes: bool, home: Path | None) -> None:
    """Erase all that is kept of NUMBER, for somebody who asks staff to; prints the receipt."""
    from bot import erasure

    careline = _opened(_settings(home))
    found = _number(careline, number)
    if not yes:
        click.confirm(f"Erase all that is kept of {found}?", abort=True)
    with careline.database.begin() as session:
        receipt = erasure.erase_number(session, found)
    _console.print(f"Erased here. Receipt {receipt}. The worker erases the copies elsewhere.")


@main.command()
@click.argument("code")
@_which
@_in_a_sentence
def receipt(code: str, home: Path | None) -> None:
    """How far the erasure with this receipt has come."""
    from bot import erasure

    with _opened(_settings(home)).database.read() as session:
        found = erasure.progress(session, code)
    if found is None:
        raise CarelineError(f"There is no receipt {code}.")
    left = f"still to be erased: {', '.join(sorted(found.left))}" if found.left else f"done {found.done_at:%Y-%m-%d %H:%M} UTC"
    _console.print(f"Asked for {found.requested_at:%Y-%m-%d %H:%M} UTC; {left}.")


@main.command()
@click.argument("number")
@click.argument("path", type=click.Path(path_type=Path))
@_which
@_in_a_sentence
def data(number: str, path: Path, home: Path | None) -> None:
    """Write all that is kept of NUMBER into a file, for the person it belongs to."""
    from bot import my_data

    careline = _opened(_settings(home))
    with careline.database.read() as session:
        everything = my_data.everything(session, _number(careline, number))
    path.touch(mode=0o600)
    path.write_bytes(my_data.as_file(everything))
    _console.print(f"Wrote {path}. Give it to nobody but the person themselves, and erase it afterwards.")


@main.command()
@click.argument("number")
@click.option("--undo", is_flag=True, help="Answer the number again.")
@_which
@_in_a_sentence
def block(number: str, undo: bool, home: Path | None) -> None:
    """Answer NUMBER no more, unless it writes of danger."""
    from bot import blocked

    careline = _opened(_settings(home))
    found = _number(careline, number)
    with careline.database.begin() as session:
        if undo:
            known = blocked.unblock(session, found)
            _console.print("It is answered again." if known else "It was not blocked.")
        else:
            blocked.block(session, found)
            _console.print("It is answered no more. `--undo` takes that back.")


if __name__ == "__main__":
    os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")
    main()
