"""Kill a till's server and its database amid receipts, again and again: `make fault-campaign KILLS=300`.

A process sells one receipt after another and says which ones are written; it, or PostgreSQL, gets a kill -9 at a moment
drawn by lot. The next process tells the last receipt again, as a till does that has no answer. In the end all that was
said to be written must be there once, with its points, and the ledger must add up.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.server.installation import Installation

_SELLER = """
import itertools, sys
from regulars.server.application import application
from regulars.server.config import load

with application(load()):
    from tests.loyalty.selling_cases import enrolled, open_shop, order, sell
    from regulars.loyalty.models import Programme
    if not Programme.objects.exists():
        open_shop()
        enrolled()
    print("ready", flush=True)
    for number in itertools.count(int(sys.argv[1])):
        sell(order(("tea", 1, 10_000), ("cup", 2, 6_000)), str(number), to_pay=int(sys.argv[2]))
        print(number, flush=True)
"""
_CHECKER = """
import sys
from regulars.server.application import application
from regulars.server.config import load

with application(load()):
    from tests.loyalty.faults import check
    check(int(sys.argv[1]))
"""
_PRICE = 15_200  # 16,000 less five per cent
_LONGEST = 0.4  # seconds between the first receipt and the kill


class Lost(AssertionError):
    """Something that was said to be written is not there, or is there twice."""


def campaign(kills: int, seed: int) -> tuple[int, Counter[str]]:
    """So many kills; how many receipts were written, and what was killed how often."""
    lot, written, killed = random.Random(seed), 0, Counter[str]()
    with TemporaryDirectory(prefix="regulars-test-") as home:
        installation = Installation(Path(home))
        installation.command("init", "--name", "Faults", "--currency", "RUB", "--time-zone", "Europe/Moscow")
        for _kill in range(kills):
            what = lot.choice(("server", "server", "database"))
            written = _sell_until_killed(installation, written, what, lot.uniform(0, _LONGEST))
            killed[what] += 1
        _run(installation, _CHECKER, str(written))
    return written, killed


def _sell_until_killed(installation: Installation, written: int, what: str, after: float) -> int:
    """The number of the last receipt that the process said to be written."""
    seller = subprocess.Popen(
        [sys.executable, "-c", _SELLER, str(written + 1), str(_PRICE)], env=installation.environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert seller.stdout is not None and seller.stderr is not None
    if seller.stdout.readline() != "ready\n":
        raise AssertionError(seller.stderr.read())
    time.sleep(after)
    if what == "database":
        _kill_database(installation.home)
    else:
        seller.kill()
    # of what it said before it fell nothing is lost on the way
    said, _errors = seller.communicate(timeout=60)
    numbers = [int(line) for line in said.splitlines() if line.isdigit()]
    return max([written, *numbers])


def _run(installation: Installation, script: str, *arguments: str) -> None:
    # of its own, because a process has one database
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], env=installation.environment, text=True, capture_output=True,
        cwd=Path(__file__).parents[2], check=False,
    )  # fmt: skip
    if done.returncode:
        raise Lost(done.stderr)


def _kill_database(home: Path) -> None:
    main = int((home / "postgres" / "postmaster.pid").read_text().split()[0])
    children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(main)], capture_output=True, text=True, check=False)
    for process in (main, *map(int, children.stdout.split())):
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def check(written: int) -> None:
    """Inside the application: `Lost` where the database is not what was said."""
    from django.db.models import Count, Sum

    from regulars.loyalty.members import points_of
    from regulars.loyalty.models import Sale
    from regulars.loyalty.verifying import faults
    from regulars.purchases.models import Receipt

    numbers = sorted(int(one) for one in Sale.objects.values_list("number", flat=True))
    # the last one may be written without that its process could say so
    if numbers not in (list(range(1, written + 1)), list(range(1, written + 2))):
        raise Lost(f"{written} were said to be written, there are {numbers}")
    bought = Receipt.objects.aggregate(count=Count("pk"), money=Sum("amount"))
    if bought != {"count": len(numbers), "money": _PRICE * len(numbers)}:
        raise Lost(f"{len(numbers)} sales, but receipts are {bought}")
    sale = Sale.objects.select_related("customer").latest("pk")
    earned = Sale.objects.aggregate(n=Sum("points_earned"))["n"]
    if sale.customer is None or points_of(sale.customer).available != earned:
        raise Lost(f"{earned} points were earned")
    if found := faults():
        raise Lost("\n".join(map(str, found)))


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
