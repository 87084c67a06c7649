"""How gunicorn runs the web application (`gunicorn -c python:webhooks.server 'webhooks.app:create_app()'`).

The application is loaded once and shared by all processes (https://gunicorn.org/reference/settings/).
"""

import gc
import os
from typing import Any

from bot import logs, metrics
from bot.settings import Settings, ours

#: Pages one process may keep connected for live answers.
STREAMS = 300

_settings = Settings.from_env(ours(os.environ))

worker_class = "gthread"
# The simulator remembers what it sent in the memory of one process.
workers = 1 if _settings.simulator else _settings.web_workers
# Requests are counted in webhooks.lanes; the rest of the threads keep pages of the desk and the kiosk connected.
threads = _settings.web_threads + STREAMS
preload_app = True
graceful_timeout = 10
#: A process that does not say for this long that it lives is replaced, in seconds.
timeout = 60
#: Requests that wait for a thread; the kernel keeps the rest.
worker_connections = 1000
backlog = 2048
# Where a worker says that it lives; on a full disk it could not.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None
accesslog = None
control_socket_disable = True

logs.start("web", _settings)


def pre_fork(server: Any, worker: Any) -> None:
    """No connection to the database may cross a fork; and what the collector does not visit stays shared."""
    gc.collect()
    gc.freeze()
    server.app.wsgi().extensions["careline"].database.engine.dispose()


def post_fork(server: Any, worker: Any) -> None:
    """Each process counts for itself."""
    metrics.after_fork()


def child_exit(server: Any, worker: Any) -> None:
    """What a dead process was counting at that moment does not count any more."""
    metrics.forget_process(worker.pid)
