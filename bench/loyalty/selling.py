"""Receipts by the ways that a till has: in process, by a request each, by a hundred in a request."""

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from statistics import median, quantiles
from typing import Any
from urllib.parse import urlsplit

from django.db import connection

from bench.loyalty.ground import Basket
from regulars.api.models import Scope
from regulars.api.services import make_key
from regulars.insights.selectors.membership import segments_of
from regulars.loyalty.returning import Coming, bring_back
from regulars.loyalty.selling import commit, quote

OF_ONE_REQUEST = 100
_OF_ONE_KEY = 250  # each till asks for two things a receipt, and a key may ask six hundred times at once
_THREADS = 4


@dataclass(frozen=True)
class Times:
    """Milliseconds that half of all, and all but one in a hundred, took at most."""

    p50: float
    p99: float

    def __str__(self) -> str:
        return f"p50 {self.p50:.1f} ms, p99 {self.p99:.1f} ms"


def times(seconds: Sequence[float]) -> Times:
    """Of what was clocked."""
    return Times(median(seconds) * 1_000, quantiles(seconds, n=100)[98] * 1_000)


class Tills:
    """Keys that requests come from, one after another: a single one would be told to wait."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._host, self._port = address.hostname or "", address.port
        self._asked = 0
        self._key = ""
        self._lock = threading.Lock()
        self._local = threading.local()

    def reconnect(self) -> None:
        """The server closes a connection on which nothing was asked for some time: begin another."""
        self._local.connection = http.client.HTTPConnection(self._host, self._port, timeout=60)

    def post(self, path: str, body: Any) -> Any:
        """Send it, over the connection of this thread; every refusal is ours."""
        if not hasattr(self._local, "connection"):
            self.reconnect()
        headers = {"Authorization": f"Bearer {self._next_key()}", "Content-Type": "application/json"}
        self._local.connection.request("POST", f"/api/v1/till/{path}", json.dumps(body), headers)
        answer = self._local.connection.getresponse()
        said = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{answer.status}: {said[:500]!r}")
        return json.loads(said)

    def _next_key(self) -> str:
        with self._lock:
            if self._asked % _OF_ONE_KEY == 0:
                self._key = make_key(name=f"bench {time.time():.3f}", scopes=[Scope.TILL], by=None)
            self._asked += 1
            return self._key


def in_process(baskets: Sequence[Basket], name: str) -> float:
    """Receipts a second when a program commits them itself; their sums were quoted before."""
    orders = [one.order("till:bench") for one in baskets]
    sums = [quote(one, segments=segments_of).judged.to_pay for one in orders]
    started = time.perf_counter()
    for n, (order, to_pay) in enumerate(zip(orders, sums, strict=True)):
        commit(order, f"{name} {n}", to_pay=to_pay, segments=segments_of)
    return len(orders) / (time.perf_counter() - started)


def returned(count: int, name: str) -> float:
    """Returns a second, in process, each of a whole receipt of those that `in_process` wrote under this name."""
    started = time.perf_counter()
    for n in range(count):
        bring_back(Coming("till:bench", f"back {name} {n}", "till:bench", f"{name} {n}"))
    return count / (time.perf_counter() - started)


def by_requests(tills: Tills, baskets: Sequence[Basket], name: str) -> float:
    """Receipts a second over one connection, each a request, the next when the last is answered."""
    bodies = _priced(baskets, name)
    tills.reconnect()
    started = time.perf_counter()
    for body in bodies:
        tills.post("receipts", body)
    return len(bodies) / (time.perf_counter() - started)


def by_batches(tills: Tills, baskets: Sequence[Basket], name: str) -> float:
    """Receipts a second, a hundred in a request."""
    bodies = iter(_priced(baskets, name))
    tills.reconnect()
    started = time.perf_counter()
    while batch := list(islice(bodies, OF_ONE_REQUEST)):
        told = tills.post("batch", {"receipts": batch, "returns": []})
        if wrong := [one["detail"] for one in told["receipts"] if one["detail"]]:
            raise RuntimeError(f"a receipt was refused: {wrong[0]}")
    return len(baskets) / (time.perf_counter() - started)


def _priced(baskets: Iterable[Basket], name: str) -> list[dict[str, Any]]:
    return [
        one.body() | {"number": f"{name} {n}", "to_pay": quote(one.order("?"), segments=segments_of).judged.to_pay}
        for n, one in enumerate(baskets)
    ]


@dataclass(frozen=True)
class Answered:
    """How long quotes and commits took that came at a steady rate, counted from the moment when they were due."""

    quotes: Times
    commits: Times


def at_rate(tills: Tills, baskets: Sequence[Basket], name: str, per_second: float) -> Answered:
    """Quote and commit each basket, so many a second, whether the last was answered or not."""
    quotes, commits = [], []

    def sell(n: int, basket: Basket, due: float) -> None:
        time.sleep(max(0.0, due - time.perf_counter()))
        quoted = tills.post("quote", basket.body())
        at = time.perf_counter()
        tills.post("receipts", basket.body() | {"number": f"{name} {n}", "to_pay": quoted["to_pay"]})
        quotes.append(at - due)
        commits.append(time.perf_counter() - at)

    started = time.perf_counter() + 0.1
    _together([(n, one, started + n / per_second) for n, one in enumerate(baskets)], sell)
    return Answered(times(quotes), times(commits))


def reachable(tills: Tills, baskets: Sequence[Basket], name: str) -> float:
    """Quotes with their commits a second when several tills ask as fast as they are answered."""

    def sell(n: int, basket: Basket) -> None:
        quoted = tills.post("quote", basket.body())
        tills.post("receipts", basket.body() | {"number": f"{name} {n}", "to_pay": quoted["to_pay"]})

    started = time.perf_counter()
    _together(list(enumerate(baskets)), sell)
    return len(baskets) / (time.perf_counter() - started)


def _together(work: Sequence[tuple[Any, ...]], do: Callable[..., None]) -> None:
    """Several threads; the database connection of each is closed by itself."""

    def closing(arguments: tuple[Any, ...]) -> None:
        try:
            do(*arguments)
        finally:
            connection.close()

    with ThreadPoolExecutor(_THREADS) as pool:
        for done in [pool.submit(closing, one) for one in work]:
            done.result()
