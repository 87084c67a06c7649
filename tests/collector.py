"""A collector for traces that runs as a process of its own: takes OTLP over HTTP as JSON, and writes each span as a line.

    python -m tests.collector PORT FILE

As much of https://opentelemetry.io/docs/specs/otlp/#otlphttp as a real one has: POST /v1/traces, gzip or plain, and an answer.
Everything it was sent stands in FILE with ".raw" too, to look for what must not be there.
"""

import gzip
import json
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock
from typing import Any


def spans(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The spans of an ExportTraceServiceRequest, each with the part that sent it."""
    for resource in body["resourceSpans"]:
        about = _attributes(resource["resource"])
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                yield {
                    "part": about["service.name"],
                    "name": span["name"],
                    "trace": span["traceId"],
                    "id": span["spanId"],
                    "parent": span.get("parentSpanId", ""),
                    "kind": span.get("kind"),
                    "facts": _attributes(span),
                    "events": span.get("events", []),
                    "seconds": (int(span["endTimeUnixNano"]) - int(span["startTimeUnixNano"])) / 1e9,
                }


def _attributes(holder: dict[str, Any]) -> dict[str, Any]:
    return {one["key"]: next(iter(one["value"].values())) for one in holder.get("attributes", [])}


def main() -> None:
    port, file, lock = int(sys.argv[1]), Path(sys.argv[2]), Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            found = list(spans(json.loads(body))) if self.path == "/v1/traces" else []
            with lock, file.open("a") as lines, file.with_suffix(".raw").open("ab") as raw:
                raw.write(str(self.headers).encode() + body + b"\n")
                lines.writelines(json.dumps(span) + "\n" for span in found)
            self.send_response(200 if self.path == "/v1/traces" else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *args: object) -> None:
            pass

    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    main()
