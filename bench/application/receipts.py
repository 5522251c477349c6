"""Batches of receipts through the API against COPY of the same rows into tables that hold as many."""

import datetime as dt
import http.client
import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from bench.application.copying import copy_of, into, out_of
from bench.application.installation import Installation, Program, Spent, clocked, value
from regulars.api.models import Scope
from regulars.api.services import make_key
from regulars.customers.models import Customer
from regulars.purchases.models import Product, Receipt, Store

OF_ONE_REQUEST = 1_000
_LINES = 5
_REQUESTS = 20
_SEED = 7


@dataclass(frozen=True)
class Sent:
    """What one day's receipts cost, batch by batch."""

    api: Spent
    copy: Spent
    receipts: int
    lines: int


def sent(installation: Installation, web: Program) -> Sent:
    """Write receipts of known customers for known products, a thousand in a request."""
    key = make_key(name=f"bench {time.time():.0f}", scopes=[Scope.WRITE_PURCHASES], by=None)
    last = value("SELECT max(id) FROM purchases_receipt")
    bodies = list(_bodies())
    address = urlsplit(installation.config.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=300)
    with clocked(web) as api:
        for body in bodies:
            _post(connection, body, key)
    receipts = value("SELECT count(*) FROM purchases_receipt WHERE id > %s", [last])
    lines = value("SELECT count(*) FROM purchases_line WHERE receipt_id > %s", [last])
    return Sent(api, _copied(last), receipts, lines)


def _post(connection: http.client.HTTPConnection, body: bytes, key: str) -> None:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    connection.request("POST", "/api/v1/receipts", body, headers)
    answer = connection.getresponse()
    said = answer.read()
    if answer.status != 201:
        raise RuntimeError(f"{answer.status}: {said[:500]!r}")


def _bodies() -> Iterator[bytes]:
    chance = random.Random(_SEED)
    newest = Receipt.objects.latest("purchased_at").purchased_at
    day = newest.replace(hour=8, minute=0, second=0, microsecond=0) + dt.timedelta(days=1)
    codes = list(Product.objects.values_list("code", flat=True)[:5_000])
    stores = list(Store.objects.values_list("name", flat=True))
    highest = value("SELECT max(id) FROM customers_customer")
    for batch in range(_REQUESTS):
        drawn = chance.sample(range(1, highest + 1), OF_ONE_REQUEST)
        keys = Customer.objects.filter(pk__in=drawn).values_list("external_id", flat=True)
        found = [
            _receipt(chance, f"{batch}-{n}", key, codes, stores, day + dt.timedelta(seconds=n))
            for n, key in enumerate(keys)
        ]
        yield json.dumps({"receipts": found}).encode()


def _receipt(
    chance: random.Random, number: str, key: str | None, codes: list[str], stores: list[str], at: dt.datetime
) -> dict[str, Any]:
    lines = [{"product_id": chance.choice(codes), "amount": chance.randint(100, 90_000)} for _n in range(_LINES)]
    return {
        "customer": key, "purchased_at": at.isoformat(), "number": f"bench-{number}", "store": chance.choice(stores),
        "lines": lines,
    }  # fmt: skip


def _copied(last: int) -> Spent:
    """The same rows a thousand receipts at once, each a transaction, as the requests were."""
    highest, spent = value("SELECT max(id) FROM purchases_receipt"), Spent()
    for start in range(last, highest, OF_ONE_REQUEST):
        for table, column in (("purchases_receipt", "id"), ("purchases_line", "receipt_id")):
            bound = f"{column} > {start} AND {column} <= {start + OF_ONE_REQUEST}"
            rows = list(out_of(f"SELECT * FROM {table} WHERE {bound}"))
            if rows:
                spent += into(copy_of(table), rows)
    return spent
