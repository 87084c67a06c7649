"""How gunicorn runs the web application (`gunicorn -c python:webhooks.server 'webhooks.hosts:serve()'`).

The application is loaded once and shared by all processes (https://gunicorn.org/reference/settings/).
"""

import gc
import os
from typing import Any

from flask import Flask

from bot import logs, metrics, municipalities, spans

#: Pages one process may keep connected for live answers.
STREAMS = 300

_each = municipalities.settings(os.environ)
#: What is the machine's is the same in all.
_settings = next(iter(_each.values()))

worker_class = "gthread"
# The simulator remembers what it sent in the memory of one process.
workers = 1 if any(own.simulator for own in _each.values()) else _settings.web_workers
# Requests are counted in webhooks.lanes; the rest of the threads keep pages of the desk and the kiosk connected. Each
# municipality has its own, so that a flood in one takes no place from another; a thread costs nothing until it is needed.
threads = (_settings.web_threads + STREAMS) * len(_each)
preload_app = True
graceful_timeout = 10
#: A process that does not say for this long that it lives is replaced, in seconds.
timeout = 60
#: Requests that wait for a thread; the kernel keeps the rest.
worker_connections = 1000 * len(_each)
backlog = 2048
# Where a worker says that it lives; on a full disk it could not.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None
accesslog = None
control_socket_disable = True

logs.start("web", _settings)
spans.check(_settings)


def pre_fork(server: Any, worker: Any) -> None:
    """No connection to the database may cross a fork; and what the collector does not visit stays shared."""
    gc.collect()
    gc.freeze()
    served = server.app.wsgi()
    opened = served.extensions["carelines"] if isinstance(served, Flask) else served.carelines
    for careline in opened.values():
        careline.database.engine.dispose()


def post_fork(server: Any, worker: Any) -> None:
    """Each process counts for itself, and sends its own spans."""
    metrics.after_fork()
    spans.start("web", _settings)


def worker_exit(server: Any, worker: Any) -> None:
    """What it has not sent yet."""
    spans.stop()


def child_exit(server: Any, worker: Any) -> None:
    """What a dead process was counting at that moment does not count any more."""
    metrics.forget_process(worker.pid)
