"""How fast the kiosk's page is: its first size, its load on a slow line with a slow processor, and many kiosks at once.

uv run python benchmarks/kiosk.py                          the page itself, with answers from the directory
uv run python benchmarks/kiosk.py --address URL            a running service, with its Rasa
"""

import argparse
import gzip
import json
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import requests

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

#: 2 Mbit/s down, half a Mbit/s up, 40 ms there and back; a processor a quarter as fast.
LINE = {"offline": False, "latency": 40, "downloadThroughput": 250_000, "uploadThroughput": 62_500}
SLOWER = 4


def first_page(address: str, chromium: str) -> dict[str, Any]:
    """Bytes as sent and milliseconds until everything is there, in a browser that has never been here."""
    from playwright.sync_api import sync_playwright

    loads: list[dict[str, Any]] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for _ in range(5):
            context = browser.new_context()
            page = context.new_page()
            cdp = context.new_cdp_session(page)
            cdp.send("Network.enable")
            cdp.send("Network.emulateNetworkConditions", LINE)
            cdp.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
            sizes: list[float] = []
            cdp.on("Network.loadingFinished", lambda event, sizes=sizes: sizes.append(event["encodedDataLength"]))
            page.goto(address, wait_until="load")
            timing = page.evaluate(
                """() => {
                  const page = performance.getEntriesByType('navigation')[0];
                  const paint = performance.getEntriesByName('first-contentful-paint')[0];
                  return {load: page.loadEventEnd, usable: page.domContentLoadedEventEnd, paint: paint ? paint.startTime : null};
                }"""
            )
            loads.append({**timing, "bytes": sum(sizes), "requests": len(sizes)})
            context.close()
        browser.close()
    return {name: round(statistics.median(load[name] for load in loads if load[name] is not None)) for name in loads[0]}


def many(address: str, kiosks: int, turns: int) -> dict[str, Any]:
    """Milliseconds from pressing a picture to the whole answer, `kiosks` at once, each with a pause to read in between."""
    times: list[float] = []
    failures: list[int] = []
    lock = threading.Lock()
    topics = ("food", "health_clinic", "shelter", "home_care", "legal_aid", "library")

    def somebody(number: int) -> None:
        with requests.Session() as session:
            session.trust_env = False
            time.sleep(number / kiosks * 4)
            for turn in range(turns):
                form = {"topic": topics[(number + turn) % len(topics)], "shown_in": "en", "place": "Riverside"}
                began = time.perf_counter()
                answer = session.post(address, data=form, timeout=30)
                taken = (time.perf_counter() - began) * 1000
                with lock:
                    times.append(taken)
                    if answer.status_code != 200 or 'class="card"' not in answer.text:
                        failures.append(answer.status_code)
                time.sleep(4)

    threads = [threading.Thread(target=somebody, args=(number,)) for number in range(kiosks)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    cuts = statistics.quantiles(times, n=100)
    return {"kiosks": kiosks, "answers": len(times), "failed": len(failures), "p50": round(cuts[49]), "p95": round(cuts[94])}


SERVER = """
import sys
sys.path.insert(0, {root!r})
from bot.careline import Careline
from bot.directory.importer import import_package
from bot.settings import Settings
from bot.training import ROOT
from tests.browser.conftest import DirectoryDialogue
from webhooks.app import create_app

careline = Careline.open(Settings.from_env({{"CARELINE_HOME": {home!r}, "CARELINE_SECRET_KEY": "a key for a benchmark"}}))
careline.database.migrate()
import_package(careline.database, ROOT / "data" / "directory")
application = create_app(careline, DirectoryDialogue(careline))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--address", help="a running service; without it one is started, without Rasa")
    parser.add_argument("--kiosks", type=int, default=50)
    parser.add_argument("--turns", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = None
        address = options.address
        if address is None:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                port = free.getsockname()[1]
            (Path(folder) / "served.py").write_text(SERVER.format(root=str(ROOT), home=folder))
            command = [sys.executable, "-m", "gunicorn", "--chdir", folder, "--bind", f"127.0.0.1:{port}"]
            command += ["--worker-class", "gthread", "--threads", "16", "--log-level", "error", "served:application"]
            server = subprocess.Popen(command, cwd=ROOT)
            address = f"http://127.0.0.1:{port}/"
        try:
            _wait(address)
            html = requests.get(address, timeout=10, headers={"Accept-Encoding": "identity"})
            print(json.dumps({"html_bytes": len(html.content), "html_gzipped": len(gzip.compress(html.content))}))
            chromium = shutil.which("chromium")
            if chromium:
                print(json.dumps({"first page, 2 Mbit/s, processor slowed 4 times": first_page(address, chromium)}))
            print(json.dumps(many(address, options.kiosks, options.turns)))
        finally:
            if server is not None:
                server.terminate()
                server.wait()


def _wait(address: str) -> None:
    for _ in range(120):
        try:
            if requests.get(address, timeout=2).ok:
                return
        except requests.RequestException:
            time.sleep(0.5)
    raise SystemExit(f"Nothing answers at {address}.")


if __name__ == "__main__":
    main()
