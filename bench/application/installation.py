"""An installation to measure: a folder of its own with the embedded PostgreSQL, and its real processes."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import psutil
from django.db import connection

from regulars.server.application import application, environment
from regulars.server.config import Config, load, write_secret
from regulars.server.database import database

_MIB = 1 << 20
_PATIENCE = 60.0
OWNER = "owner@example.com"


@dataclass(frozen=True)
class Memory:
    """Resident memory of a program with all its processes."""

    now_mib: float
    peak_mib: float

    def __str__(self) -> str:
        return f"{self.now_mib:,.0f} MiB, {self.peak_mib:,.0f} MiB at most"


@dataclass
class Program:
    """One of the application's programs, as an operator runs it."""

    process: "subprocess.Popen[bytes]"

    def memory(self) -> Memory:
        """Of it and of all that it started; peaks of several processes are added up."""
        main = psutil.Process(self.process.pid)
        everyone = [main, *main.children(recursive=True)]
        return Memory(
            sum(one.memory_info().rss for one in everyone) / _MIB, sum(_peak(one.pid) for one in everyone) / _MIB
        )

    def stop(self) -> None:
        """End it politely."""
        self.process.terminate()
        self.process.wait(_PATIENCE)


def _peak(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    return next(int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("VmHWM:"))


@dataclass
class Installation:
    """A running database, Django made ready in this process, and programs beside it."""

    config: Config  # with the address of the running database
    programs: list[Program] = field(default_factory=list)

    @contextmanager
    def program(self, name: str) -> Iterator[Program]:
        """`regulars web` or `regulars worker` until the block ends."""
        process = subprocess.Popen(
            [sys.executable, "-m", "regulars", name],
            env={**os.environ, **environment(self.config, self.config.database_url)},
        )
        program = Program(process)
        try:
            if name == "web":
                self._wait_for_web()
            yield program
        finally:
            program.stop()

    def _wait_for_web(self) -> None:
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until:
            try:
                with urlopen(f"{self.config.url}/account/login/", timeout=5):
                    return
            except HTTPError as error:
                raise RuntimeError(f"the web server answers {error.code}") from error
            except (URLError, ConnectionError, TimeoutError):
                time.sleep(0.2)
        raise RuntimeError("the web server does not start")


@contextmanager
def installed(folder: Path, *, anew: bool = True) -> Iterator[Installation]:
    """An empty installation with one owner; `anew=False` goes on with what an earlier run left there."""
    if anew:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    settings = {"REGULARS_HOME": str(folder), "REGULARS_ADDRESS": f"127.0.0.1:{_free_port()}"}
    os.environ.pop("DATABASE_URL", None)
    os.environ |= settings
    config = load()
    write_secret(config)
    with database(config) as url:
        config = replace(config, database_url=url)
        with application(config):
            _make_ready()
            yield Installation(config)


def _make_ready() -> None:
    from regulars.accounts.models import User  # noqa: PLC0415 - models need what was just made ready
    from regulars.accounts.services import create_owner  # noqa: PLC0415
    from regulars.server.setup import bring_up_to_date, make_business  # noqa: PLC0415

    bring_up_to_date()
    make_business(name="Bench", currency="RUB", time_zone="Europe/Moscow", language="en")
    if not User.objects.filter(email=OWNER).exists():
        create_owner(email=OWNER, name="Owner", language="en")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Spent:
    """What a piece of work cost: by the clock, and of the processors, where a busy machine disturbs less."""

    seconds: float = 0.0
    cpu: float = 0.0

    def __str__(self) -> str:
        return f"{self.seconds:.1f} s ({self.cpu:.1f} s of processors)"

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(self.seconds + other.seconds, self.cpu + other.cpu)


@contextmanager
def clocked(*programs: Program) -> Iterator[Spent]:
    """The clock and the processors' time of this process, of the programs and of the database."""
    spent, started, before = Spent(), time.perf_counter(), _processor_seconds(programs)
    yield spent
    spent.seconds, spent.cpu = time.perf_counter() - started, _processor_seconds(programs) - before


def _processor_seconds(programs: Sequence[Program]) -> float:
    folder = Path(os.environ["REGULARS_HOME"]) / "postgres"
    server = psutil.Process(int((folder / "postmaster.pid").read_text().split()[0]))
    everyone = [server, *server.children(), psutil.Process()]
    for program in programs:
        main = psutil.Process(program.process.pid)
        everyone += [main, *main.children(recursive=True)]
    ended = server.cpu_times()
    return sum(sum(one.cpu_times()[:2]) for one in everyone) + ended.children_user + ended.children_system


def sql(*statements: str) -> None:
    """Run statements one by one, each in a transaction of its own."""
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def value(query: str, parameters: Sequence[object] = ()) -> int:
    """The one number that a query gives."""
    with connection.cursor() as cursor:
        cursor.execute(query, list(parameters))
        row = cursor.fetchone()
    return int(row[0] or 0)
