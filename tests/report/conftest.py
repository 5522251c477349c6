"""Audits to write down: a whole one, one with hostile texts, one of hardly anything, and other currencies."""

import dataclasses
import datetime as dt
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pytest

from regulars.analytics.audit import Audit, audit
from regulars.analytics.purchases import History, Notice, Reading, connect
from regulars.core.i18n import use_language
from regulars.demo.shops import generate_shop

# what people, tills and attackers put into names
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    '=HYPERLINK("http://evil.example","click")',
    "@SUM(A1)",
    "-2+3",
    "'); DROP TABLE customers;--",
    "datum['a.b[0]']",
    "evil\u202etxt.exe",
    "nul\x00bell\x07esc\x1b[31m",
    "x" * 10_000,
    "{{ 7*7 }} {% raw %} {name} %s %(a)s",
    "  two\nlines\t ",
    "\U0001f600 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 й́",
)


@pytest.fixture(scope="session")
def whole() -> Audit:
    """Two years of a coffee bar, in English: every analysis has an answer."""
    shop = generate_shop("coffee", customers=500, seed=1, language="en")
    lines = connect().create_table("lines", shop.lines)
    with use_language("en"):
        return audit(History.of_table(lines, currency="RUB"), as_of=dt.date(2025, 12, 17))


@pytest.fixture(scope="session")
def tiny() -> Audit:
    """Three customers in ten days: nearly nothing can be said."""
    start = dt.datetime(2026, 3, 1, 12)
    rows = [("anna", 0, 1050), ("anna", 4, 2000), ("boris", 2, 500), ("clara", 9, 1), (None, 3, 700)]
    lines = pa.table(
        {
            "customer_id": pa.array([who for who, _day, _amount in rows], pa.string()),
            "purchased_at": pa.array(
                [start + dt.timedelta(days=day) for _who, day, _amount in rows], pa.timestamp("us")
            ),
            "amount": pa.array([amount for _who, _day, amount in rows], pa.int64()),
        }
    )
    with use_language("en"):
        return audit(
            History.of_table(connect().create_table("lines", lines), currency="USD"), as_of=dt.date(2026, 3, 10)
        )


@pytest.fixture(scope="session")
def hostile(whole: Audit) -> Audit:
    """The coffee bar, whose customers, stores, products and files have names that try to break out."""
    customers = _renamed(whole.customers, "customer_id", unique=True)
    for column in ("first_store", "first_channel", "first_product", "first_category"):
        customers = _renamed(customers, column)
    assert whole.ltv.segments is not None
    assert whole.base.products is not None
    reading = Reading(
        files=tuple(f"/data/{name[:80]}.csv" for name in HOSTILE),
        rows_read=20,
        rows_accepted=15,
        rows_rejected=5,
        rows_repeated=0,
        rows_without_customer=1,
        notices=tuple(Notice("returns", 3, name) for name in HOSTILE),
        reject_reasons=dict.fromkeys(HOSTILE, 1),
        rejects_file=f"/data/{HOSTILE[0]}",
        columns={"customer_id": HOSTILE[1], "amount": HOSTILE[2], "store": HOSTILE[7]},
    )
    return dataclasses.replace(
        whole,
        customers=customers,
        reading=reading,
        ltv=dataclasses.replace(whole.ltv, segments=_renamed(whole.ltv.segments, "segment")),
        base=dataclasses.replace(whole.base, products=_renamed(whole.base.products, "product")),
        skipped={"check": HOSTILE[0]},
        check=None,
    )


def _renamed(table: ir.Table, column: str, *, unique: bool = False) -> ir.Table:
    """The first rows carry the hostile names; by money where there is any, so that they are shown."""
    rows: list[dict[str, Any]] = (
        table.order_by(ibis.desc(table.amount) if "amount" in table.columns else column).to_pyarrow().to_pylist()
    )
    for number, row in enumerate(rows):
        if number < len(HOSTILE) or not unique:
            row[column] = HOSTILE[number % len(HOSTILE)]
    return ibis.memtable(pa.Table.from_pylist(rows, table.schema().to_pyarrow()))


@pytest.fixture(scope="session", params=["whole", "tiny", "hostile", "JPY", "KWD", "huge"])
def any_audit(request: pytest.FixtureRequest, whole: Audit) -> Audit:
    """Every one of them."""
    if request.param in {"JPY", "KWD"}:
        return dataclasses.replace(whole, currency=request.param)
    if request.param == "huge":
        return _scaled(whole, 10**9)
    found: Audit = request.getfixturevalue(request.param)
    return found


def _scaled(audit: Audit, factor: int) -> Audit:
    """The same with all the money of the people and of the base times `factor`."""
    customers = audit.customers.mutate(
        **{name: audit.customers[name] * factor for name in ("amount", "missed_amount", "opportunity_amount")}
    )
    months = audit.base.months.mutate(revenue=audit.base.months.revenue * factor)
    base = dataclasses.replace(audit.base, revenue=audit.base.revenue * factor, months=months)
    return dataclasses.replace(audit, customers=customers, base=base)
