"""An installation of its own for a test, driven as an operator does: by commands."""

import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

PASSWORD = "correct horse battery"
# names the folder of what is made once in a run of tests, whichever of its processes needs it first
SHARED = "REGULARS_TESTS_SHARED"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Installation:
    """A data folder and the commands on it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.url = f"http://127.0.0.1:{free_port()}"
        names = ("DATABASE_URL", "DJANGO_SETTINGS_MODULE", "REGULARS_SECRET_KEY")
        self.environment = {name: value for name, value in os.environ.items() if name not in names}
        self.environment |= {
            "REGULARS_HOME": str(home),
            "REGULARS_ADDRESS": self.url.removeprefix("http://"),
            "REGULARS_OWNER_PASSWORD": PASSWORD,
            "REGULARS_WEB_PROCESSES": "1",
        }

    def begin(self) -> None:
        """As `regulars init` leaves it, for a coffee bar in Moscow: done once in a run of tests, then copied."""
        words = ("--name", "Кофейня «Зерно»", "--currency", "RUB", "--time-zone", "Europe/Moscow")
        if SHARED not in os.environ:
            self.command("init", *words)
            return
        ready = Path(os.environ[SHARED]) / "begun"
        with ready.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not ready.exists():
                draft = Installation(ready.with_suffix(".draft"))
                draft.command("init", *words)
                draft.home.rename(ready)
        # with owners and rights: as root PostgreSQL is another user
        subprocess.run(["cp", "-a", f"{ready}/.", str(self.home)], check=True)

    def command(self, *arguments: str, code: int = 0) -> str:
        """What a command said; its exit code must be `code`."""
        done = subprocess.run(
            [sys.executable, "-m", "regulars", *arguments],
            capture_output=True, text=True, check=False, env=self.environment, timeout=120,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    @contextmanager
    def served(self) -> Iterator["subprocess.Popen[bytes]"]:
        """The whole application running, until the block ends."""
        process = subprocess.Popen([sys.executable, "-m", "regulars", "serve"], env=self.environment)
        try:
            self.wait_until_up(process)
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            process.wait(60)

    def wait_until_up(
        self, process: "subprocess.Popen[bytes] | None" = None, seconds: float = 60, path: str = "/account/login/"
    ) -> None:
        until = time.monotonic() + seconds
        while self.status(path) == 0:
            assert process is None or process.poll() is None, "the application ended"
            assert time.monotonic() < until, "the application does not answer"
            time.sleep(0.1)

    def status(self, path: str = "/account/login/") -> int:
        """The status that a path answers; 0 when nobody does."""
        try:
            with urlopen(self.url + path, timeout=5) as answer:
                return int(answer.status)
        except HTTPError as error:
            return error.code
        except (URLError, ConnectionError, TimeoutError):
            return 0
