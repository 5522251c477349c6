"""What is measured of tills and of the ledger, one thing after another."""

import threading
import time

from django.db import connection
from django.utils import timezone

from bench.application.installation import Installation, value
from bench.loyalty import bare, selling
from bench.loyalty.ground import LOTS_THAT_EXPIRE, MEMBERS, baskets, open_shop
from bench.told import Told
from regulars.loyalty.expiring import expire_points
from regulars.loyalty.verifying import entries, faults

_ONE_BY_ONE = 1_000
_BATCHES = 20
_RETURNS = 300
_WARM_UP = 50
_SECONDS_OF_LOAD = 30


def rows_of(installation: Installation) -> list[tuple[str, str]]:
    """All of it."""
    open_shop()
    found = Told()
    found.append(("members, lots that expire", f"{MEMBERS:,}, {LOTS_THAT_EXPIRE:,}"))
    with installation.program("web"):
        tills = selling.Tills(installation.config.url)
        found += _receipts(installation, tills)
        found += _load(tills)
    found += _verified()
    return found


def _receipts(installation: Installation, tills: selling.Tills) -> list[tuple[str, str]]:
    selling.in_process(list(baskets(_WARM_UP, seed=1)), "warm")
    selling.by_requests(tills, list(baskets(_WARM_UP, seed=2)), "warm")
    last, seen = value("SELECT max(id) FROM loyalty_sale"), bare.Rows()
    own = selling.in_process(list(baskets(_ONE_BY_ONE, seed=3)), "own")
    seen.check(_ONE_BY_ONE)
    limit = bare.rate(bare.keep(last), installation.config.database_url)
    single = selling.by_requests(tills, list(baskets(_ONE_BY_ONE, seed=4)), "single")
    back = selling.returned(_RETURNS, "own")
    batches = selling.by_batches(tills, list(baskets(_BATCHES * selling.OF_ONE_REQUEST, seed=5)), "batch")
    return [
        ("pgbench: a bare function that writes the rows of a receipt", f"{limit:,.0f} a second"),
        ("receipts in process", f"{own:,.0f} a second; {own / limit:.2f} of pgbench"),
        ("receipts by HTTP, one in a request", f"{single:,.0f} a second; {single / limit:.2f} of pgbench"),
        (f"receipts by HTTP, {selling.OF_ONE_REQUEST} in a request",
         f"{batches:,.0f} a second; {batches / limit:.2f} of pgbench"),
        ("whole receipts taken back, in process", f"{back:,.0f} a second; {back / own:.2f} of the receipts"),
    ]  # fmt: skip


def _load(tills: selling.Tills) -> list[tuple[str, str]]:
    most = selling.reachable(tills, list(baskets(_ONE_BY_ONE, seed=6)), "most")
    count = max(200, round(most / 2 * _SECONDS_OF_LOAD))
    alone = selling.at_rate(tills, list(baskets(count, seed=7)), "alone", most / 2)
    night = _Night()
    beside = selling.at_rate(tills, list(baskets(count, seed=8)), "beside", most / 2)
    before_its_end = night.is_alive()
    night.join()
    return [
        ("tills that quote and commit, as fast as they are answered", f"{most:,.0f} a second"),
        ("at half of that: quote", str(alone.quotes)),
        ("at half of that: commit", str(alone.commits)),
        (f"the night's expiry of {LOTS_THAT_EXPIRE:,} lots, with these tills beside it",
         f"{night.seconds:,.0f} s, {LOTS_THAT_EXPIRE / night.seconds:,.0f} lots a second"
         + ("" if before_its_end else "; it ended before the tills did")),
        ("at half of the load, beside the expiry: quote", str(beside.quotes)),
        ("at half of the load, beside the expiry: commit", str(beside.commits)),
        ("p99 of commits beside the expiry, of that without it", f"{beside.commits.p99 / alone.commits.p99:.1f}"),
    ]  # fmt: skip


class _Night(threading.Thread):
    """The job that expires points, as the worker runs it."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0
        self.start()

    def run(self) -> None:
        """Time it."""
        started = time.perf_counter()
        expire_points(timezone.now())
        self.seconds = time.perf_counter() - started
        connection.close()


def _verified() -> list[tuple[str, str]]:
    count, started = entries(), time.perf_counter()
    if found := faults():
        raise RuntimeError(f"the ledger is not sound: {found[0]}")
    seconds = time.perf_counter() - started
    return [(f"verify: {count:,} entries", f"{seconds:.0f} s, {count / seconds:,.0f} entries a second")]
