"""The provider's side for the fault runner: takes texts, fails in every way a provider does, and reports back out of order."""

import json
import random
import threading
import time
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import requests
from twilio.request_validator import RequestValidator


class Provider:
    """A server on loopback that speaks enough of Twilio's API. `taken` holds what it accepted, by our reference."""

    def __init__(self, token: str, seed: int, host: str = "127.0.0.1") -> None:
        self.taken: dict[str, list[tuple[str, str]]] = defaultdict(list)
        self.failing = 0.3
        self._token = token
        self._chance = random.Random(seed)
        self._count = 0
        self._lock = threading.Lock()
        self._session = requests.Session()
        self._session.trust_env = False
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                provider._take(self, {name: values[0] for name, values in form.items()})

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer((host, 0), Handler)
        self.server.daemon_threads = True
        self.address = f"http://{host}:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self._session.close()

    def _take(self, handler: BaseHTTPRequestHandler, form: dict[str, str]) -> None:
        with self._lock:
            trouble = self._chance.random() < self.failing
            kind = self._chance.choice(("500", "429", "hang up"))
            self._count += 1
            sid = f"SM{self._count:032x}"
        if trouble and kind == "hang up":
            handler.close_connection = True
            return
        if trouble:
            _answer(handler, int(kind), {"code": 20429 if kind == "429" else 20500, "message": "trouble", "status": int(kind)})
            return
        reference = parse_qs(urlsplit(form.get("StatusCallback", "")).query).get("message", ["alert"])[0]
        with self._lock:
            self.taken[reference].append((form["To"], form["Body"]))
        if form.get("StatusCallback"):
            threading.Thread(target=self._report, args=(form["StatusCallback"], sid), daemon=True).start()
        _answer(handler, 201, {"sid": sid, "status": "queued"})

    def _report(self, address: str, sid: str) -> None:
        """All statuses in any order, each until it is taken."""
        statuses = ["sending", "sent", "delivered"]
        self._chance.shuffle(statuses)
        for status in statuses:
            form = {"MessageSid": sid, "MessageStatus": status, "AccountSid": "AC" + "0" * 32}
            signature = RequestValidator(self._token).compute_signature(address, form)
            for _ in range(30):
                try:
                    if requests.post(address, data=form, headers={"X-Twilio-Signature": signature}, timeout=15).status_code < 500:
                        break
                except requests.RequestException:
                    pass
                time.sleep(1)


def _answer(handler: BaseHTTPRequestHandler, status: int, body: dict[str, object]) -> None:
    content = json.dumps(body).encode()
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)
