"""Rasa with our actions inside it: several processes behind one address, the model loaded once and shared by all of them.

    python -m actions.server [--model FILE]

Speaks what Rasa's REST channel speaks (POST /webhooks/rest/webhook) on the address of CARELINE_RASA_URL, for our own web
server only. Why not
`rasa run`: its web server (Sanic 21) is past its end of life, each of its processes would hold a model of its own, and it loads
TensorFlow, which nothing here uses. What understands and decides is Rasa's `Agent` all the same.
"""

import argparse
import asyncio
import ctypes
import gc
import logging
import os
import signal
import socket
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from bot import logs, metrics, municipalities, spans
from bot.errors import CarelineError
from bot.nlu.caller import asking
from bot.nlu.lean import without_tensorflow
from bot.settings import Settings, ours
from bot.training import model_path

_log = logging.getLogger(__name__)

#: Connections the kernel keeps waiting while all processes are at work.
BACKLOG = 512


def load(model: Path, settings: Settings) -> Any:
    """Rasa's agent with its stores and our actions. Imports Rasa, which takes seconds."""
    without_tensorflow()
    from rasa.core.agent import Agent
    from rasa.utils.endpoints import EndpointConfig

    from actions.inside import ActionsInside, check_quickly
    from bot.nlu.locks import ConversationLocks
    from bot.nlu.tracker import SealedTrackerStore

    check_quickly()
    logs.start("rasa", settings)  # again, since Rasa sets up its own when it is imported
    actions = EndpointConfig(url=settings.actions_url) if settings.actions_url else ActionsInside()
    return Agent.load(
        str(model),
        tracker_store=SealedTrackerStore(),
        lock_store=ConversationLocks(settings.home / "locks", settings.redis_url),
        action_endpoint=actions,
    )


def application(agent: Any) -> web.Application:
    """The web application around an agent."""
    app = web.Application(client_max_size=64 * 1024)

    async def alive(request: web.Request) -> web.Response:
        shown = request.headers.get("Authorization")
        if shown is not None and asking(shown) is None:  # whoever asks with another key would be refused with a message too
            return web.json_response({"status": "refused"}, status=401)
        return web.json_response({"status": "ok"})

    async def answer(request: web.Request) -> web.Response:
        municipality = asking(request.headers.get("Authorization", ""))
        if municipality is None:
            return web.json_response({"status": "refused"}, status=401)
        body = await request.json()
        if _gone(request):
            # Nobody waits for it any more, and the message will come again: work for those who do wait.
            metrics.DIALOGUE_ABANDONED.inc()
            return web.json_response([], status=503)
        sent = body["metadata"] = {**(body.get("metadata") or {}), "municipality": municipality}
        within = request.headers.get("traceparent", "")
        with (
            municipalities.at(municipality),
            logs.traced(str(sent.get("trace") or "")),
            spans.span("dialogue", within=within, kind="SERVER") as part,
        ):
            started = time.perf_counter()
            try:
                messages = await _handle(agent, body)
            except Exception:  # whatever a component raises: the caller has the message and will try again
                _log.exception("A message could not be handled")
                part.say(outcome="failed")
                return web.json_response([], status=500)
            metrics.UNDERSTANDING_SECONDS.observe(time.perf_counter() - started)
            _log.debug("answered")
            return web.json_response(messages)

    async def figures(request: web.Request) -> web.Response:
        return web.Response(body=metrics.exposition(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    app.router.add_get("/webhooks/rest/", alive)
    app.router.add_get("/metrics", figures)
    app.router.add_post("/webhooks/rest/webhook", answer)
    return app


async def _handle(agent: Any, body: dict[str, Any]) -> list[dict[str, Any]]:
    from rasa.core.channels.channel import CollectingOutputChannel, UserMessage

    channel = CollectingOutputChannel()
    message = UserMessage(
        body["message"], channel, body["sender"], input_channel=body.get("input_channel"), metadata=body.get("metadata")
    )
    await agent.handle_message(message)
    messages: list[dict[str, Any]] = channel.messages
    return messages


def _gone(request: web.Request) -> bool:
    """Whether the other side has closed the connection: asked of the kernel, without waiting."""
    found = request.transport.get_extra_info("socket") if request.transport else None
    if found is None:
        return True
    with socket.socket(fileno=os.dup(found.fileno())) as peer:
        try:
            return peer.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True


class Processes:
    """The parent: loads, forks, and replaces what dies. It never answers itself, so its memory stays as it was."""

    def __init__(self, agent: Any, listening: socket.socket, settings: Settings) -> None:
        self._agent, self._listening, self._settings = agent, listening, settings
        self._count = settings.rasa_workers
        self._children: dict[int, float] = {}
        self._stopping = False

    def run(self) -> None:
        """Keep `count` processes until told to stop."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        gc.collect()
        gc.freeze()  # the collector would otherwise write to, and so copy, every page that is shared
        while True:
            while not self._stopping and len(self._children) < self._count:
                self._fork()
            try:
                pid, status = os.wait()
            except ChildProcessError:
                return
            started = self._children.pop(pid, None)
            if started is None:
                continue
            metrics.forget_process(pid)
            if not self._stopping:
                _log.error("A process ended (%s); another takes its place", os.waitstatus_to_exitcode(status))
                if time.monotonic() - started < 1:
                    time.sleep(1)

    def _stop(self, signum: int, frame: FrameType | None) -> None:
        self._stopping = True
        for pid in list(self._children):
            try:
                os.kill(pid, signal.SIGTERM)
            except ProcessLookupError:
                continue

    def _fork(self) -> None:
        parent = os.getpid()
        pid = os.fork()
        if pid:
            self._children[pid] = time.monotonic()
            return
        code = 1
        try:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: nobody listens on our address without a parent
            if os.getppid() == parent:
                metrics.after_fork()
                spans.start("rasa", self._settings)
                asyncio.run(_serve(self._agent, self._listening))
                spans.stop()
                code = 0
        except BaseException:
            _log.exception("A process could not start")
        finally:
            os._exit(code)


async def _serve(agent: Any, listening: socket.socket) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    runner = web.AppRunner(application(agent), access_log=None)
    await runner.setup()
    # One connection at a time: whoever is free takes the next, and nobody keeps one waiting while a neighbour is idle.
    await web.SockSite(runner, listening, backlog=1).start()
    listening.listen(BACKLOG)
    await stop.wait()
    await runner.cleanup()


def listen(url: str) -> socket.socket:
    """A socket on the host and port of `url`. Raises OSError."""
    parts = urlsplit(url)
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((parts.hostname or "127.0.0.1", parts.port or 5005))
    listening.listen(BACKLOG)
    listening.setblocking(False)
    return listening


def _prepare_actions() -> None:
    """Read what actions need before the processes part, so that they share it; no connection may cross the fork."""
    from actions.base import careline

    for name in municipalities.environments(os.environ):
        with municipalities.at(name):
            service = careline()
            try:
                service.places()
            except CarelineError as error:
                _log.warning("%s", error)
            service.database.engine.dispose()


def main() -> None:
    """Load, listen, and keep the processes running."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="default: the one of the data at hand, in the home folder")
    parser.add_argument("--listen", default="", help="http://HOST:PORT (default: the first of CARELINE_RASA_URL)")
    options = parser.parse_args()
    settings = Settings.from_env(ours(os.environ))
    logs.start("rasa", settings)
    spans.check(settings)
    agent = load(options.model or model_path(settings.home), settings)
    if not settings.actions_url:
        _prepare_actions()
    try:
        listening = listen(options.listen or settings.rasa_url.split(",")[0])
    except OSError as error:
        sys.exit(f"Rasa cannot listen ({error.strerror}): is another one running?")
    _log.info("ready")
    Processes(agent, listening, settings).run()


if __name__ == "__main__":
    main()
