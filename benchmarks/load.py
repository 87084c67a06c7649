"""Texts a running service, as many people at once, through really signed webhooks; in a process of its own.

    python -m benchmarks.load --address http://127.0.0.1:8000/sms --token TOKEN --clients 8 --seconds 60
    python -m benchmarks.load --address … --token … --rate 40 --seconds 60 --out run.json

With --clients each sends its next text when it has its answer (the most there is); with --rate texts come when they
come, whether or not
earlier ones are answered (a town). Prints messages a second and times by kind. An answer that is not 200, or takes over
15 s, counts as failed: the provider would have given up.
"""

import argparse
import asyncio
import base64
import hashlib
import hmac
import json
import random
import statistics
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from benchmarks.messages import mixture

#: The provider waits so long for an answer, in seconds.
PATIENCE = 15.0


def signature(token: str, address: str, form: dict[str, str]) -> str:
    """Twilio's signature (https://www.twilio.com/docs/usage/security#validating-requests)."""
    signed = address + "".join(name + form[name] for name in sorted(form))
    return base64.b64encode(hmac.new(token.encode(), signed.encode(), hashlib.sha1).digest()).decode()


@dataclass
class Result:
    """Times in ms by kind of message, in the order they came; what failed, by reason."""

    times: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    failed: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    later: int = 0
    seconds: float = 0.0
    start: float = 0.0
    ids: list[str] = field(default_factory=list)

    def summary(self) -> dict[str, object]:
        """The figures."""
        every = [time for times in self.times.values() for time in times]
        return {
            "messages": len(every),
            "seconds": round(self.seconds, 1),
            "rate": round(len(every) / self.seconds, 1) if self.seconds else 0,
            "p50": _quantile(every, 50),
            "p95": _quantile(every, 95),
            "p99": _quantile(every, 99),
            "kinds": {
                kind: {"n": len(times), "p50": _quantile(times, 50), "p95": _quantile(times, 95)}
                for kind, times in self.times.items()
            },
            "later": self.later,
            "failed": dict(self.failed),
        }


def _quantile(times: list[float], percent: int) -> float | None:
    if len(times) < 2:
        return round(times[0], 1) if times else None
    return round(statistics.quantiles(times, n=100, method="inclusive")[percent - 1], 1)


class Town:
    """People who text one address. Each has a number; texts of one person come one after another."""

    def __init__(self, address: str, token: str, people: int = 400, seed: int = 1, first: int = 0) -> None:
        self._address, self._token = address, token
        parts = urlsplit(address)
        self._host, self._port, self._path = parts.hostname or "127.0.0.1", parts.port or 80, parts.path or "/"
        self._texts = mixture(4000, seed)
        self._people = people
        self._chance = random.Random(seed)
        self._count = first
        self._run = f"{random.getrandbits(48):012x}"
        self.result = Result()

    async def clients(self, count: int, seconds: float) -> Result:
        """`count` at once for `seconds`."""
        until = time.perf_counter() + seconds
        self.result.start = time.perf_counter()

        async def one(client: int) -> None:
            connection = _Connection(self._host, self._port)
            while time.perf_counter() < until:
                await self._text(connection)
            connection.close()

        await asyncio.gather(*(one(client) for client in range(count)))
        self.result.seconds = time.perf_counter() - self.result.start
        return self.result

    async def rate(self, rate: float, seconds: float) -> Result:
        """`rate` a second, at random moments (a Poisson process), for `seconds`."""
        free: list[_Connection] = []
        waiting: set[asyncio.Task[None]] = set()
        self.result.start = time.perf_counter()
        due = self.result.start

        async def one() -> None:
            connection = free.pop() if free else _Connection(self._host, self._port)
            await self._text(connection)
            free.append(connection)

        while due < self.result.start + seconds:
            due += self._chance.expovariate(rate)
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            task = asyncio.create_task(one())
            waiting.add(task)
            task.add_done_callback(waiting.discard)
        sent = time.perf_counter() - self.result.start
        await asyncio.gather(*waiting)
        self.result.seconds = sent
        return self.result

    async def _text(self, connection: "_Connection") -> None:
        number = self._count
        self._count += 1
        text = self._texts[number % len(self._texts)]
        sid = f"SM{self._run}{number:020x}"
        form = {
            "From": f"+447700900{number % self._people:03d}" if self._people <= 1000 else f"+4477009{number % self._people:05d}",
            "To": "+441632960000",
            "AccountSid": "AC" + "0" * 32,
            "Body": text.words,
            "MessageSid": sid,
            "NumMedia": "0",
        }
        body = urlencode(form).encode()
        head = (
            f"POST {self._path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(body)}\r\nX-Twilio-Signature: {signature(self._token, self._address, form)}\r\n\r\n"
        )
        started = time.perf_counter()
        try:
            status, answer = await asyncio.wait_for(connection.ask(head.encode() + body), PATIENCE)
        except (TimeoutError, OSError, asyncio.IncompleteReadError, ValueError) as error:
            connection.close()
            self.result.failed[type(error).__name__] += 1
            return
        self.result.ids.append(sid)
        if status != 200:
            self.result.failed[str(status)] += 1
            return
        self.result.times[text.kind].append((time.perf_counter() - started) * 1000)
        self.result.later += b"will come here soon" in answer or b"Many people are writing" in answer


class _Connection:
    """One kept-alive connection, without more of HTTP than this needs: the generator must cost little."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        for fresh in (self._streams is None, True):
            if fresh:
                self.close()
                self._streams = await asyncio.open_connection(self._host, self._port)
            assert self._streams is not None
            reader, writer = self._streams
            try:
                writer.write(request)
                await writer.drain()
                return await self._answer(reader)
            except (OSError, asyncio.IncompleteReadError):
                if fresh:
                    raise
        raise OSError("no answer")

    async def _answer(self, reader: asyncio.StreamReader) -> tuple[int, bytes]:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        lines = head.split("\r\n")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:]) if name}
        if "content-length" in fields:
            content = await reader.readexactly(int(fields["content-length"]))
        elif fields.get("transfer-encoding", "").lower() == "chunked":
            content = b""
            while size := int(await reader.readline(), 16):
                content += (await reader.readexactly(size + 2))[:-2]
            await reader.readline()
        else:
            content = b""
        if fields.get("connection", "").lower() == "close":
            self.close()
        return int(lines[0].split()[1]), content

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


def main() -> None:
    """Run as told, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--address", required=True, help="the webhook, as it is signed and called")
    parser.add_argument("--token", required=True)
    parser.add_argument("--clients", type=int, default=0)
    parser.add_argument("--rate", type=float, default=0)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--warm", type=float, default=0, help="seconds of the same before, which do not count")
    parser.add_argument("--people", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, help="every time, as JSON")
    options = parser.parse_args()

    async def run() -> Result:
        town = Town(options.address, options.token, options.people, options.seed)
        if options.warm:
            await town.clients(options.clients or 4, options.warm)
            town.result = Result()
        if options.rate:
            return await town.rate(options.rate, options.seconds)
        return await town.clients(options.clients or 4, options.seconds)

    result = asyncio.run(run())
    print(json.dumps(result.summary()))
    if options.out:
        options.out.write_text(json.dumps({"summary": result.summary(), "times": result.times, "ids": result.ids}))


if __name__ == "__main__":
    main()
