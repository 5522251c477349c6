"""Histories that nobody expects: the audit and all its files come out, and what they say of money stays sane."""

import datetime as dt
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from regulars.analytics.audit import Audit, audit
from regulars.analytics.base import abc_cuts
from regulars.analytics.league_cases import groups_by, levels
from regulars.analytics.opportunities import Budget
from regulars.core.i18n import use_language
from regulars.demo.shops import Shop, generate_shop
from regulars.report import write_customers, write_html, write_json, write_xlsx
from tests.analytics.purchase_rows import history

HTML = "<script>alert(1)</script>"
NAMES = ("", "   ", HTML, "A" * 20_000, "&amp;\"'", "coffee", "Coffee", " coffee", "{{x}}", "%s %(n)s {0}", "=1+1")
NAMES += ("\u202eevil", "кофе", "Ко\u0301фе", "x:y>z+w")
NAMED = ("product_id", "product", "category", "store", "staff", "channel")


@cache
def shop() -> Shop:
    return generate_shop("coffee", customers=300, seed=5, days=800, return_share=0.02, anonymous_share=0.05)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def with_(lines: pa.Table, **columns: Any) -> pa.Table:
    """The lines with these columns: one value for all, or one for each."""
    for name, values in columns.items():
        place, dtype = lines.column_names.index(name), lines.schema.field(name).type
        each = values if isinstance(values, list | pa.Array | pa.ChunkedArray) else [values] * lines.num_rows
        lines = lines.set_column(place, name, pa.array(each, dtype) if isinstance(each, list) else each)
    return lines


def amounts(lines: pa.Table, factor: int) -> pa.ChunkedArray:
    return pc.multiply(pc.abs(lines["amount"]), factor)


def strange_names(lines: pa.Table) -> pa.Table:
    some = rng()
    for name in NAMED:
        values = np.array(lines[name].to_pylist(), dtype=object)
        chosen = some.random(values.size) < 0.5
        values[chosen] = some.choice(np.array(NAMES, dtype=object), chosen.sum())
        lines = with_(lines, **{name: pa.array(values.tolist(), pa.string())})
    return lines


def half_unknown(lines: pa.Table) -> pa.Table:
    some = rng()
    for name in (*NAMED, "quantity", "discount", "cost", "receipt_id"):
        unknown = pa.array(some.random(lines.num_rows) < 0.5)
        lines = with_(lines, **{name: pc.if_else(unknown, pa.scalar(None, lines.schema.field(name).type), lines[name])})
    return lines


def one_of_ten_thousand_purchases(lines: pa.Table) -> pa.Table:
    heavy = with_(lines.take(pa.array(rng().integers(0, lines.num_rows, 10_000))), customer_id="HEAVY")
    start, step = np.datetime64("2024-01-01", "us"), np.timedelta64(6_912, "s")
    return pa.concat_tables([lines, with_(heavy, purchased_at=pa.array(start + np.arange(10_000) * step))])


def with_quantities(lines: pa.Table) -> pa.Table:
    odd = [0.0, -1.0, 1e-9, 1e12, float("nan"), float("inf"), 1.0]
    return with_(lines, quantity=rng().choice(odd, lines.num_rows).tolist())


def one_line_is_half_of_what_fits(lines: pa.Table) -> pa.Table:
    return with_(lines, amount=[2**62, *lines["amount"].to_pylist()[1:]])


def hundred_billion_fold(lines: pa.Table) -> pa.Table:
    return with_(lines, **{name: pc.multiply(lines[name], 10**11) for name in ("amount", "discount", "cost")})


ODD: dict[str, Callable[[pa.Table], pa.Table]] = {
    "gifts": lambda lines: with_(lines, amount=0, discount=0, cost=0),
    "gifts but one": lambda lines: with_(lines, amount=[100] + [0] * (lines.num_rows - 1)),
    "one price": lambda lines: with_(lines, amount=1_000, discount=0, cost=500),
    "one product": lambda lines: with_(lines, product_id="p", product="P", category="C"),
    "one place": lambda lines: with_(lines, store="s", staff="z", channel="c"),
    "one day": lambda lines: with_(lines, purchased_at=dt.datetime(2025, 5, 5, 12)),
    "no names": lambda lines: with_(lines, **dict.fromkeys((*NAMED, "quantity", "discount", "cost", "receipt_id"))),
    "half unknown": half_unknown,
    "strange names": strange_names,
    "one customer of 10,000 purchases": one_of_ten_thousand_purchases,
    "cost above prices": lambda lines: with_(lines, cost=amounts(lines, 3)),
    "discounts above amounts": lambda lines: with_(lines, discount=amounts(lines, 5)),
    "every line twice": lambda lines: pa.concat_tables([lines, lines]),
    "strange quantities": with_quantities,
    "one huge line": one_line_is_half_of_what_fits,
    "huge money": hundred_billion_fold,
    "midnight": lambda lines: with_(lines, purchased_at=pc.floor_temporal(lines["purchased_at"], unit="day")),
    "two customers": lambda lines: with_(lines, customer_id=rng().choice(["x", "y"], lines.num_rows).tolist()),
    "strangers": lambda lines: with_(lines, customer_id=[f"u{number}" for number in range(lines.num_rows)]),
}


def check(found: Audit, folder: Path, language: str) -> None:
    with use_language(language):
        write_html(found, folder / "a.html")
        write_json(found, folder / "a.json")
        write_xlsx(found, folder / "a.xlsx")
        write_customers(found, folder / "a.csv")
    assert HTML not in (folder / "a.html").read_text()

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    json.loads((folder / "a.json").read_text(), parse_constant=refuse)
    ids = [one.id for one in found.reasons.findings]
    assert len(ids) == len(set(ids))
    for one in found.reasons.findings:
        if one.money is not None:
            assert np.isfinite(one.money.value) and one.money.low <= one.money.value <= one.money.high
        if one.people is not None:
            people = one.people.customer_id.to_pyarrow()
            assert len(people) == len(people.unique()) == one.customers


@pytest.mark.slow
@pytest.mark.parametrize("name", ODD)
def test_an_odd_history_has_an_audit(name: str, tmp_path: Path) -> None:
    lines = ODD[name](shop().lines)
    check(audit(history(lines), as_of=shop().truth.end, budget=Budget(100_000, 500)), tmp_path, "ru")


@pytest.mark.parametrize(
    "as_of",
    [
        dt.date(2024, 1, 2),
        pytest.param(dt.date(2025, 1, 10), marks=pytest.mark.slow),
        # four years after the last purchase
        dt.date(2030, 3, 1),
    ],
)
def test_any_day_has_an_audit(as_of: dt.date, tmp_path: Path) -> None:
    check(audit(history(shop().lines), as_of=as_of), tmp_path, "en")


# --- the places where they went wrong, in every run ---


def test_gifts_alone_have_an_audit(tmp_path: Path) -> None:
    lines = ODD["gifts but one"](shop().lines.slice(0, 2_000))
    check(audit(history(lines), as_of=shop().truth.end), tmp_path, "en")


def test_classes_of_money_that_nearly_fills_64_bits_are_those_of_a_hundredth_of_it() -> None:
    amounts = np.array([5, 3, 1, 1], dtype=np.int64) * 10**17
    small = abc_cuts(amounts // 10**15)
    assert abc_cuts(amounts) == (small[0] * 10**15, small[1] * 10**15)


def test_a_long_name_takes_no_room_of_its_own_in_every_case() -> None:
    values = pa.chunked_array([["b" * 10_000_000, "a", None, "a"] * 10, ["c"] * 3])
    assert levels(values).tolist() == [2, 0, 1, 0] * 10 + [3] * 3
    groups = groups_by("staff", pa.chunked_array([["x"] * 40 + ["y" * 10_000_000] * 30 + [None] * 50]))
    assert [len(key) for key in groups.key] == [1, 10_000_000]
    assert groups.members.sum(axis=0).tolist() == [[40.0, 30.0]]
