"""The two kinds of processes of the application: those that answer pages and those that work behind."""

import sys
from collections.abc import Sequence

from regulars.server.config import Config
from regulars.server.supervisor import Child


def web_command(config: Config) -> Sequence[str]:
    """The web server as a command."""
    host, _colon, port = config.address.rpartition(":")
    return (
        sys.executable, "-m", "granian", "--interface", "wsgi", "--host", host, "--port", port,
        "--workers", str(config.web_processes), "--blocking-threads", "4", "--no-ws", "--log-level", "warning",
        "--respawn-failed-workers", "--workers-kill-timeout", "10",
        "regulars.server.wsgi:application",
    )  # fmt: skip


def worker_command() -> Sequence[str]:
    """The worker as a command."""
    return sys.executable, "-m", "regulars", "worker"


def all_processes(config: Config) -> list[Child]:
    """What `regulars serve` keeps running."""
    return [Child("web", web_command(config)), Child("worker", worker_command())]
