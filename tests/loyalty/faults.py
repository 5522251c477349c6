"""Kill what runs, again and again, while tills sell and the night works: `make fault-campaign KILLS=300`.

Tills sell and take back over the wire, and tell each thing again until it is answered. Meanwhile points expire, days of
partners are closed and gifts are measured in the background. Web server, its processes, worker and PostgreSQL get
a kill -9 in turn, in an order and at moments drawn by lot. In the end all that was answered must be there once, every
job must be done, and the ledger must add up.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
import psycopg

from tests.loyalty.served import Client
from tests.server.installation import Installation

VICTIMS = ("web", "web process", "worker", "database")
# with the names under which one of a kind waits, and of one kind at most one is at work
JOBS = (
    ("expire_points", "expiry of points", None), ("close_days", "days of the coalition", None),
    ("measure_catalogue", "catalogue of gifts", "catalogue of gifts"),
)  # fmt: skip
DAYS = 120  # that partners have to be settled for
GIVEN = 10  # points, whenever some are given
PEOPLE = 400  # whose points expire
TILLS = 3
_PRICE = 15_200  # 16,000 less five per cent
_LONGEST = 0.4  # seconds between a moment that is worth it and the kill
_PATIENCE = 90  # seconds until something that must happen has happened

_OURS = "starts_with(task_name, 'regulars.loyalty')"

_KEEPER = """
import sys
from regulars.server.config import load
from regulars.server.database import database

with database(load()) as url:
    print(url, flush=True)
    sys.stdin.read()
"""
_INSIDE = """
import sys
from regulars.server.application import application
from regulars.server.config import load

with application(load()):
    from tests.loyalty import faults_inside
    getattr(faults_inside, sys.argv[1])(sys.argv[2])
"""


class Lost(AssertionError):
    """Something that was answered is not there, or is there twice, or a job was never done."""


@dataclass
class Till:
    """One till with one customer: it tells each thing until it is answered, and adds up what it was told."""

    client: Client
    card: str
    sales: int = 0
    returns: int = 0
    points: int = 0
    spent: int = 0
    back: int = 0
    again: int = 0
    wrong: str = ""
    stopping: threading.Event = field(default_factory=threading.Event)

    def work(self) -> None:
        """Until told to stop; of everything that was begun the answer is awaited."""
        while not self.stopping.is_set() and not self.wrong:
            self._sell()
            if self.sales % 4 == 0:
                self._take_back()
            time.sleep(0.01)

    def _sell(self) -> None:
        number, spends = str(self.sales + 1), GIVEN if self.points >= GIVEN else 0
        lines = [{"product_id": "tea", "quantity": "1", "price": 10_000},
                 {"product_id": "cup", "quantity": "2", "price": 6_000}]  # fmt: skip
        said = self._told("till/receipts", {
            "store": "Arbat", "card": self.card, "number": number, "lines": lines, "points": spends,
            "to_pay": _PRICE - 100 * spends,
        })  # fmt: skip
        self.sales += 1
        self.spent += spends
        self.points += said.get("points_earned", 0) - spends
        if said and said["balance"] != self.points:
            self.wrong = f"receipt {number} leaves {said['balance']} points, not {self.points}"

    def _take_back(self) -> None:
        said = self._told("till/returns", {
            "number": f"r{self.sales}", "receipt": str(self.sales), "lines": [{"line": 2, "quantity": "1"}]
        })  # fmt: skip
        self.returns += 1
        self.back += said.get("points_back", 0)
        self.points += said.get("points_back", 0) - said.get("points_taken", 0)

    def _told(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until:
            with suppress(OSError, HTTPException, ValueError):
                status, answer = self.client.post(path, body)
                if status == 200:
                    return dict(answer)
                if status < 500 and status != 429:
                    self.wrong = f"{path} {body}: {status} {answer}"
                    return {}
            self.again += 1
            time.sleep(0.1)
        self.wrong = f"{path} {body}: nobody answers"
        return {}


class House:
    """PostgreSQL, the web server and the worker, each kept up as a supervisor does."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.log = (installation.home / "words.log").open("ab")
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.keeper = self._keep()
        installation.environment["DATABASE_URL"] = self.address = self._address()
        installation.environment["REGULARS_WEB_PROCESSES"] = "2"

    def _keep(self) -> "subprocess.Popen[bytes]":
        environment = {name: value for name, value in self.installation.environment.items() if name != "DATABASE_URL"}
        return subprocess.Popen(
            [sys.executable, "-c", _KEEPER], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self.log,
        )  # fmt: skip

    def _address(self) -> str:
        assert self.keeper.stdout is not None
        return self.keeper.stdout.readline().decode().strip()

    def keep_up(self) -> None:
        """Start what does not run."""
        for name in ("web", "worker"):
            if name not in self.running or self.running[name].poll() is not None:
                self.running[name] = subprocess.Popen(
                    [sys.executable, "-m", "regulars", name], env=self.installation.environment, stdout=self.log,
                    stderr=self.log,
                )  # fmt: skip

    def kill(self, victim: str, lot: random.Random) -> None:
        """With -9; whoever is worth it is started again."""
        if victim == "database":
            _kill(*_servers(self.installation.home))
            self._end_keeper()
            self.keeper = self._keep()
            if self._address() != self.address:
                raise Lost("PostgreSQL does not come back to where it was")
        elif victim == "web process":
            _until(lambda: bool(self._children("web")), "the web server begins no process", self)
            _kill(lot.choice(self._children("web")))
        else:
            process = self.running[victim]
            _kill(process.pid, *self._children(victim))
            process.wait()

    def _children(self, name: str) -> list[int]:
        with suppress(psutil.NoSuchProcess):
            return [one.pid for one in psutil.Process(self.running[name].pid).children(recursive=True)]
        return []

    def _end_keeper(self) -> None:
        self.keeper.kill()
        self.keeper.communicate()

    def end(self) -> None:
        """In order."""
        for process in self.running.values():
            process.terminate()
        for process in self.running.values():
            process.wait(60)
        self.keeper.communicate(timeout=60)
        self.log.close()

    def inside(self, what: str, told: Any = None) -> Any:
        """A function of `faults_inside`, in a process of its own: there is one Django in each."""
        done = subprocess.run(
            [sys.executable, "-c", _INSIDE, what, json.dumps(told)], env=self.installation.environment, text=True,
            capture_output=True, cwd=Path(__file__).parents[2], check=False,
        )  # fmt: skip
        if done.returncode:
            raise Lost(done.stderr)
        return json.loads(done.stdout or "null")


def _servers(home: Path) -> list[int]:
    main = int((home / "postgres" / "postmaster.pid").read_text().split()[0])
    return [main, *(one.pid for one in psutil.Process(main).children())]


def _kill(*processes: int) -> None:
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


class Night:
    """The background work: there is always some, and a worker that was killed leaves its own behind."""

    def __init__(self, address: str, opened: dict[str, Any]) -> None:
        self.address, self.people, self.unit, self.rounds = address, opened["people"], opened["unit"], 0

    def ask(self, query: str, *values: Any) -> Any:
        """The first column of the first row; PostgreSQL may be about to come back."""
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                with psycopg.connect(self.address, autocommit=True) as connection:
                    row = connection.execute(query, values).fetchone()
                    return row and row[0]
            except psycopg.OperationalError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)

    def falls(self) -> None:
        """Points of many people are over, and all jobs are asked for."""
        self.rounds += 1
        documents = [
            {"unit": self.unit, "kind": "sale", "source": "given", "number": f"{self.rounds} {one}", "actor": "given",
             "reason": "", "movements": [{"do": "grant", "customer": one, "amount": GIVEN, "expires_at": "%s"}]}
            for one in self.people
        ]  # fmt: skip
        at, over = self.ask("SELECT array[now() - interval '1 hour', now() - interval '1 second']")
        told = json.dumps(documents).replace("%s", over.isoformat())
        self.ask("SELECT loyalty_write(%s, %s)", told, at)
        for job, name, lock in JOBS:
            self._ask_for(f"regulars.loyalty.jobs.{job}", name, lock)

    def _ask_for(self, task: str, name: str, lock: str | None, queue: str = "default") -> None:
        self.ask(
            """INSERT INTO procrastinate_jobs (queue_name, task_name, queueing_lock, lock, args)
            VALUES (%s, %s, %s, %s, '{"timestamp": 0}') ON CONFLICT DO NOTHING RETURNING id""",
            queue, task, name, lock,
        )  # fmt: skip

    def is_under_way(self) -> bool:
        """Whether a job is at work."""
        return bool(self.ask(f"SELECT count(*) FROM procrastinate_jobs WHERE status = 'doing' AND {_OURS}"))

    def goes_on(self) -> None:
        """As if the time had passed after which a worker that says nothing counts as gone."""
        self.ask("UPDATE procrastinate_workers SET last_heartbeat = last_heartbeat - interval '1 hour' RETURNING 1")
        self._ask_for("regulars.foundation.jobs.take_stalled_jobs_again", "stalled", None, queue="care")

    def is_over(self) -> bool:
        """Whether no job waits."""
        return not self.ask(
            f"SELECT count(*) FROM procrastinate_jobs WHERE {_OURS} AND status IN ('todo', 'doing') "
            "AND (scheduled_at IS NULL OR scheduled_at <= now())"
        )


def campaign(kills: int, seed: int) -> tuple[int, Counter[str]]:
    """So many kills; how many receipts were answered, and what was killed how often."""
    lot, killed = random.Random(seed), Counter[str]()
    with TemporaryDirectory(prefix="regulars-test-") as home, _house(Path(home)) as house:
        opened = house.inside("open_up")
        tills = [Till(Client(house.installation, key), card) for key, card in opened["tills"]]
        night = Night(house.address, opened)
        _until(lambda: house.installation.status("/api/v1/products") != 0, "the application does not answer", house)
        with _at_work(tills):
            for victim in _in_turn(kills, lot):
                _kill_one(house, night, victim, lot)
                killed[victim] += 1
                _stop_when_wrong(tills)
            _until(night.is_over, "jobs are not done", house)
        _stop_when_wrong(tills)
        told = [(one.card, one.sales, one.returns, one.points, one.spent, one.back) for one in tills]
        house.inside("check", {"tills": told, "expired": GIVEN * PEOPLE * night.rounds})
        return sum(one.sales for one in tills), killed


@contextmanager
def _house(home: Path) -> Iterator[House]:
    installation = Installation(home)
    installation.begin()
    house = House(installation)
    try:
        yield house
    except Lost as lost:
        said = (home / "words.log").read_text(errors="replace")[-4_000:]
        raise Lost(f"{lost}\n{said}") from None
    finally:
        house.end()


@contextmanager
def _at_work(tills: list[Till]) -> Iterator[None]:
    threads = [threading.Thread(target=one.work) for one in tills]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for till in tills:
            till.stopping.set()
        for thread in threads:
            thread.join()


def _in_turn(kills: int, lot: random.Random) -> Iterator[str]:
    """Each of the victims once before any comes again."""
    for number in range(kills):
        if number % len(VICTIMS) == 0:
            deck = lot.sample(VICTIMS, len(VICTIMS))
        yield deck[number % len(VICTIMS)]


def _kill_one(house: House, night: Night, victim: str, lot: random.Random) -> None:
    if victim in ("worker", "database"):
        night.falls()
        _until(night.is_under_way, "no job begins", house)
    time.sleep(lot.uniform(0, _LONGEST))
    house.kill(victim, lot)
    if victim in ("worker", "database"):
        night.goes_on()
    # a web server ends by itself when its processes fall twice within seconds: who keeps it up starts it again
    _until(lambda: house.installation.status("/api/v1/products") != 0, "the application does not answer", house)


def _until(is_so: Callable[[], bool], otherwise: str, house: House) -> None:
    until = time.monotonic() + _PATIENCE
    while not is_so():
        house.keep_up()
        if time.monotonic() > until:
            raise Lost(otherwise)
        time.sleep(0.02)


def _stop_when_wrong(tills: list[Till]) -> None:
    for till in tills:
        if till.wrong:
            raise Lost(till.wrong)


def main() -> None:
    """A campaign of its own, and what it found."""
    parser = argparse.ArgumentParser(prog="python -m tests.loyalty.faults")
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seed", type=int, default=None)
    given = parser.parse_args()
    seed = random.SystemRandom().randrange(2**32) if given.seed is None else given.seed
    print(f"seed {seed}")
    written, killed = campaign(given.kills, seed)
    print(f"{written:,} receipts, killed: {dict(killed)}; nothing was lost, nothing is there twice")


if __name__ == "__main__":
    main()
