"""Open desks: how soon a new case appears at those it concerns, and what many of them cost.

    uv run python -m benchmarks.desk --staff 200 --rate 20 --seconds 30

Starts the web server as `careline up` does, signs in `--staff` members of two teams, opens a live desk for each, and texts the
service at `--rate` signed messages a second, every second one somebody new who asks for a person. Half of those write Spanish and
belong to the first team, half English and belong to the second. Prints the time from sending the text to the row at each desk,
whether a case came to all the right desks and to no wrong one, how fast the texts were answered, and the web server's memory.
Texts are keywords, so that no Rasa is needed: what is measured is the desk.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import requests
from sqlalchemy import select
from twilio.request_validator import RequestValidator

from benchmarks.processes import free_port, memory, stop, wait_until
from bot import signed_in
from bot.careline import Careline
from bot.conversation import Conversation
from bot.escalation import Case
from bot.settings import Settings
from bot.staff import NO_PASSWORD, Membership, Staff, Team
from bot.up import DEMO
from webhooks.app import create_app

TOKEN = "a token for the benchmark"


@dataclass
class Desk:
    """One open desk: when each case appeared there."""

    cookie: str
    team: str
    seen: dict[str, float] = field(default_factory=dict)
    ready: asyncio.Event = field(default_factory=asyncio.Event)


def prepare(home: Path, staff: int) -> tuple[dict[str, str], list[Desk]]:
    """A database with two teams and everybody signed in; the environment of the web server, and the desks."""
    from bot.directory.importer import import_package

    env = {
        "CARELINE_HOME": str(home), "CARELINE_SECRET_KEY": "a key for the benchmark", "TWILIO_AUTH_TOKEN": TOKEN,
        "CARELINE_PUBLIC_URL": "http://desk.example.org", "CARELINE_SECOND_FACTOR": "optional",
    }  # fmt: skip
    careline = Careline.open(Settings.from_env(env))
    careline.database.migrate()
    import_package(careline.database, DEMO)
    app = create_app(careline)
    serializer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    desks = []
    with careline.database.begin() as session:
        teams = {"es": Team(name="Spanish", languages='["es"]'), "en": Team(name="Everything else", languages='["en"]')}
        session.add_all(teams.values())
        session.flush()
        for number in range(staff):
            language = "es" if number % 2 else "en"
            person = Staff(name=f"staff {number}", password_hash=NO_PASSWORD)
            session.add(person)
            session.flush()
            session.add(Membership(team_id=teams[language].id, staff_id=person.id))
            token = signed_in.begin(session, person.id)
            desks.append(Desk(serializer.dumps({"staff": token}), language))
    careline.database.engine.dispose()
    return env, desks


async def listen(desk: Desk, port: int) -> None:
    """Keep one desk open, and note when a case appears."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**22)
    writer.write(f"GET /desk/live HTTP/1.1\r\nHost: desk.example.org\r\nCookie: session={desk.cookie}\r\n\r\n".encode())
    name = ""
    while line := await reader.readline():
        if line.startswith(b"event: "):
            name = line[7:].strip().decode()
        elif line.startswith(b"data: ") and name in ("all", "rows"):
            desk.ready.set()
            moment = time.time()
            for row in json.loads(line[6:]):
                if row.get("status") == "open":
                    desk.seen.setdefault(row["id"], moment)


def text(port: int, number: str, body: str, message: int, session: requests.Session) -> float:
    """Text the service; returns how long the answer took."""
    form = {"From": number, "To": "+441632960000", "Body": body, "MessageSid": f"SM{message:032d}", "NumMedia": "0"}
    signature = RequestValidator(TOKEN).compute_signature("http://desk.example.org/sms", form)
    headers = {"X-Twilio-Signature": signature, "Connection": "close"}
    begun = time.time()
    response = session.post(f"http://127.0.0.1:{port}/sms", data=form, headers=headers, timeout=30)
    response.raise_for_status()
    return time.time() - begun


async def run(
    port: int, pid: int, desks: list[Desk], rate: float, seconds: float
) -> tuple[dict[str, float], list[float], list[float]]:
    """Open the desks and send the texts; returns when each new number wrote, how long answers took, and memory."""
    listening = [asyncio.create_task(listen(desk, port)) for desk in desks]
    await asyncio.wait_for(asyncio.gather(*(desk.ready.wait() for desk in desks)), 120)
    used = [memory(pid)]
    sent: dict[str, float] = {}
    answers: list[asyncio.Future[float]] = []
    loop = asyncio.get_running_loop()
    http = requests.Session()
    http.trust_env = False
    http.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=40))
    begun = time.time()
    for message in range(int(rate * seconds)):
        await asyncio.sleep(max(0.0, begun + message / rate - time.time()))
        person = message // 2
        number, words = f"+4477009{person:05d}", "persona" if person % 2 else "person"
        if message % 2 == 0:
            sent[number] = time.time()
        answers.append(loop.run_in_executor(None, text, port, number, words if message % 2 == 0 else "menu", message, http))
    took = list(await asyncio.gather(*answers))
    await asyncio.sleep(5)
    used.append(memory(pid))
    for task in listening:
        task.cancel()
    return sent, took, used


def percentile(values: list[float], share: float) -> float:
    """The value below which `share` of the values lie."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--staff", type=int, default=200)
    parser.add_argument("--rate", type=float, default=20)
    parser.add_argument("--seconds", type=float, default=30)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        env, desks = prepare(home, asked.staff)
        port = free_port()
        command = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--worker-class", "gthread"]
        command += ["--threads", "320", "--no-control-socket", "webhooks.hosts:serve()"]
        server = subprocess.Popen(command, env={**os.environ, **env}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_until(lambda: requests.get(f"http://127.0.0.1:{port}/healthz", timeout=2).ok, 60)
            bare = memory(server.pid)
            sent, took, used = asyncio.run(run(port, server.pid, desks, asked.rate, asked.seconds))
        finally:
            stop(server)
        careline = Careline.open(Settings.from_env(env))
        with careline.database.read() as session:
            cases = {case.id: talk.number for case, talk in session.execute(select(Case, Conversation).join(Conversation))}
            languages = dict(session.execute(select(Case.id, Case.language)).all())
        delays, missing, wrong = [], 0, 0
        for case_id, number in cases.items():
            for desk in desks:
                at = desk.seen.get(case_id)
                right = desk.team == languages[case_id]
                wrong += at is not None and not right
                missing += at is None and right
                if at is not None and right:
                    delays.append(at - sent[number or ""])
    print(f"{asked.staff} desks, {asked.rate:g} texts a second for {asked.seconds:g} s, {len(cases)} new cases")
    middle, most = statistics.median(delays), percentile(delays, 0.95)
    print(f"a case at its desks: p50 {middle:.2f} s, p95 {most:.2f} s, worst {max(delays):.2f} s")
    print(f"rows that did not come: {missing}; rows at a wrong desk: {wrong}")
    print(f"a text is answered: p50 {statistics.median(took):.3f} s, p95 {percentile(took, 0.95):.3f} s")
    print(f"web server: {bare:.0f} MB, with the desks open {used[0]:.0f} MB, at the end {used[1]:.0f} MB")


if __name__ == "__main__":
    main()
