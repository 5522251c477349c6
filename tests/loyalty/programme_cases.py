"""Baskets, members and rule sets for the tests of the programme: made by hand, and drawn by lot."""

import datetime as dt
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from regulars.loyalty.programme.basket import Basket, Line, Member
from regulars.loyalty.programme.floating import Terms
from regulars.loyalty.programme.judging import Judged, judge
from regulars.loyalty.programme.rules import RuleSet, parse

NOON = dt.datetime(2026, 3, 3, 9, tzinfo=dt.UTC)  # a Tuesday, noon in Moscow
NOVICE = Member()
FLOATING = Terms(1_000, 30, 2)  # of the rules that are drawn
POINTS = {"kind": "points_per", "points": 1, "per": 100}


def line(
    product: str = "tea", price: int = 1000, *, category: str = "Tea", quantity: str = "1", cost: int | None = None,
    raised: dt.date | None = None,
) -> Line:  # fmt: skip
    return Line(product, category, Decimal(quantity), price, cost, raised)


def basket(*lines: Line, at: dt.datetime = NOON, zone: str = "Europe/Moscow", **more: Any) -> Basket:
    facts = {"store": "Centre", "channel": "shop", **more}
    return Basket(store_zone=zone, purchased_at=at, lines=lines or (line(),), **facts)


def rule(name: str, gives: dict[str, Any] | int, **more: Any) -> dict[str, Any]:
    """A rule as JSON; a number is a fixed discount in per cent."""
    return {"id": name, "gives": {"kind": "percent_off", "percent": gives} if isinstance(gives, int) else gives, **more}


def data(*rules: dict[str, Any], groups: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    """A rule set as JSON; `more` replaces its parts, or adds to them."""
    stacking = {"choose": "best_for_customer", "percent_of": "running", "thresholds": "original"}
    spending = {"as": "discount", "worth": 1, "most_share": 100}
    return {
        "format": 1, "currency": "RUB", "rules": list(rules),
        "stacking": {**stacking, "groups": groups or {}, **more.pop("stacking", {})},
        "accrual": more.pop("accrual", {"basis": "after_discounts", "on_part_paid_with_points": False}),
        "spending": {**spending, **more.pop("spending", {})},
        **more,
    }  # fmt: skip


def rule_set(*rules: dict[str, Any], **more: Any) -> RuleSet:
    return parse(data(*rules, **more))


def judged(
    *rules: dict[str, Any], of: Basket | None = None, by: Member | None = NOVICE, points: int = 0, **more: Any
) -> Judged:  # fmt: skip
    """What the rules make of a basket of one member."""
    return judge(of or basket(), by, rule_set(*rules, **more), points)


# --- by lot ---

PRODUCTS = {"apple": "Fruit", "bread": "Bakery", "cup": "Things", "date": "Fruit", "egg": "Food"}
CATEGORIES = sorted(set(PRODUCTS.values()))
MONEY = st.integers(0, 500) | st.integers(0, 100_000)
PERCENTS = st.sampled_from(["0.01", "3", "7.5", "10", "33.33", "50", "99.99", "100"])

lines = st.builds(
    lambda product, quantity, price, cost: Line(product, PRODUCTS[product], Decimal(quantity), price, cost),
    st.sampled_from(sorted(PRODUCTS)), st.sampled_from(["1", "2", "3", "7", "0.5", "1.250"]), MONEY, st.none() | MONEY,
)  # fmt: skip
moments = st.datetimes(dt.datetime(2024, 1, 1), dt.datetime(2027, 1, 1), timezones=st.just(dt.UTC))
baskets = st.builds(
    lambda found, at, zone, store: basket(*found, at=at, zone=zone, store=store),
    st.lists(lines, min_size=1, max_size=6), moments,
    st.sampled_from(["Europe/Moscow", "America/New_York", "Asia/Kathmandu"]), st.sampled_from(["Centre", "Harbour"]),
)  # fmt: skip
members = st.builds(
    Member,
    tier=st.sampled_from(["", "silver", "gold"]),
    privileges=st.dictionaries(st.just("pensioner"), st.none() | st.dates(dt.date(2024, 1, 1), dt.date(2027, 1, 1))),
    birthday=st.none() | st.dates(dt.date(1950, 1, 1), dt.date(2010, 1, 1)),
    purchases=st.integers(0, 12),
    last_purchase_at=st.none() | moments,
    turnover=st.fixed_dictionaries({"all": MONEY, "days:30": MONEY}),
    floating=st.fixed_dictionaries({FLOATING: st.integers(0, 30)}),
    stamps=st.fixed_dictionaries({"coffee": st.integers(0, 8)}),
    segments=st.frozensets(st.sampled_from(["new", "best"])),
    card=st.frozensets(st.sampled_from(["plastic", "virtual", "paid", "corporate"])),
    answers=st.dictionaries(st.just("pet"), st.frozensets(st.sampled_from(["cat", "dog"]), min_size=1)),
)


def _texts(*options: str) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(options), min_size=1, max_size=2, unique=True).map(sorted)


scopes = st.fixed_dictionaries(
    {}, optional={"products": _texts(*PRODUCTS), "categories": _texts(*CATEGORIES), "not_products": _texts(*PRODUCTS)}
)
_leaves = st.one_of(
    st.fixed_dictionaries({"is": st.just("receipt_sum"), "at_least": st.integers(1, 2000)}),
    st.fixed_dictionaries({"is": st.just("receipt_sum"), "at_least": st.integers(1, 500), "of": scopes}),
    st.fixed_dictionaries({"is": st.just("product"), "any_of": _texts(*PRODUCTS)}),
    st.fixed_dictionaries({"is": st.just("category"), "any_of": _texts(*CATEGORIES)}),
    st.fixed_dictionaries({"is": st.just("store"), "any_of": _texts("Centre", "Harbour")}),
    st.fixed_dictionaries({"is": st.just("channel"), "any_of": _texts("shop", "site")}),
    st.fixed_dictionaries(
        {
            "is": st.just("hours"), "weekdays": st.lists(st.integers(1, 7), min_size=1, unique=True).map(sorted),
            "from": st.sampled_from(["00:00", "09:00", "22:00"]), "to": st.sampled_from(["00:00", "06:00", "18:30"]),
        }
    ),
    st.fixed_dictionaries({"is": st.just("dates"), "from": st.just("2025-01-01"), "to": st.just("2025-12-31")}),
    st.fixed_dictionaries({"is": st.just("privilege"), "any_of": st.just(["pensioner"])}),
    st.fixed_dictionaries({"is": st.just("birthday"), "before": st.integers(0, 90), "after": st.integers(0, 90)}),
    st.fixed_dictionaries({"is": st.just("repeat"), "within_days": st.integers(1, 400), "same_day": st.booleans()}),
    st.fixed_dictionaries({"is": st.just("purchase_number"), "number": st.integers(1, 5)}),
    st.fixed_dictionaries({"is": st.just("purchase_number"), "every": st.integers(2, 5)}),
    st.fixed_dictionaries({"is": st.just("card"), "any_of": _texts("plastic", "virtual", "paid", "corporate")}),
    st.fixed_dictionaries({"is": st.just("tier"), "any_of": _texts("silver", "gold")}),
    st.fixed_dictionaries({"is": st.just("segment"), "any_of": _texts("new", "best")}),
    st.fixed_dictionaries({"is": st.just("answer"), "question": st.just("pet"), "any_of": _texts("cat", "dog")}),
    st.fixed_dictionaries({"is": st.just("promo_code"), "any_of": st.just(["SPRING"])}),
)  # fmt: skip
_conditions = _leaves | st.one_of(
    st.lists(_leaves, min_size=1, max_size=3).map(lambda items: {"all": items}),
    st.lists(_leaves, min_size=1, max_size=3).map(lambda items: {"any": items}),
    _leaves.map(lambda item: {"not": item}),
    st.lists(_leaves, min_size=1, max_size=2).map(lambda items: {"any": [{"all": items}, {"not": {"any": items}}]}),
)
_steps = st.lists(st.tuples(st.integers(1, 3000), PERCENTS), min_size=1, max_size=3, unique_by=lambda one: one[0]).map(
    lambda found: [{"from": start, "percent": percent} for start, percent in sorted(found)]
)
_percents = st.one_of(
    st.fixed_dictionaries({"kind": st.just("percent_off"), "percent": PERCENTS}),
    st.fixed_dictionaries(
        {"kind": st.just("percent_by_turnover"), "steps": _steps, "period": st.sampled_from(["all", "days:30"])}
    ),
    st.fixed_dictionaries(
        {
            "kind": st.just("percent_by_points"),
            "per": st.just(1_000),
            "falls": st.just(2),
            "steps": st.just([{"from": 2, "percent": 5}, {"from": 9, "percent": "12.5"}]),
        }
    ),
    st.fixed_dictionaries(
        {
            "kind": st.sampled_from(["percent_by_quantity", "percent_by_sum"]),
            "steps": st.just([{"from": 2, "percent": 5}, {"from": 9, "percent": "12.5"}]),
        }
    ),
)
_discounts = _percents | st.one_of(
    st.fixed_dictionaries({"kind": st.just("amount_off"), "amount": st.integers(1, 3000)}),
    st.fixed_dictionaries({"kind": st.just("nth_free"), "n": st.integers(2, 6), "counter": st.just("coffee")}),
)
_points = st.one_of(
    st.fixed_dictionaries({"kind": st.just("points_per"), "points": st.integers(1, 9), "per": st.integers(1, 900)}),
    st.fixed_dictionaries({"kind": st.just("points_percent"), "percent": PERCENTS}),
    st.fixed_dictionaries({"kind": st.just("points_gift"), "points": st.integers(1, 900)}),
    st.fixed_dictionaries({"kind": st.just("points_times"), "times": st.sampled_from(["1.5", "2", "3.25"])}),
    st.fixed_dictionaries({"kind": st.just("points_by_tier"), "times": st.just({"gold": "1.5", "silver": "1.25"})}),
)


def _rules(gives: st.SearchStrategy[Any], groups: list[str]) -> st.SearchStrategy[list[dict[str, Any]]]:
    one = st.fixed_dictionaries(
        {"id": st.sampled_from("abcdefghijklmnop"), "gives": gives, "order": st.integers(0, 4)},
        optional={"when": _conditions, "on": scopes, "group": st.sampled_from(groups)},
    )
    return st.lists(one, max_size=5)


def _unique(rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One rule of each id, and one that counts stamps."""
    found: dict[str, dict[str, Any]] = {}
    for one in rules:
        counts = [other for other in found.values() if other["gives"]["kind"] == "nth_free"]
        if not (one["gives"]["kind"] == "nth_free" and counts):
            found.setdefault(one["id"], one)
    return list(found.values())


_guards = st.none() | st.fixed_dictionaries(
    {
        "line": PERCENTS.filter(lambda one: one != "100"), "receipt": st.sampled_from(["0", "10", "25.5"]),
        "categories": st.dictionaries(st.sampled_from(CATEGORIES), st.sampled_from([None, "0", "40"]), max_size=2),
    },
    optional={"unknown_cost": st.sampled_from(["allow", "no_discount"])},
)  # fmt: skip


_limits = st.fixed_dictionaries(
    {"of": st.sampled_from(["member", "cashier", "till", "shop"]), "receipts": st.integers(1, 10**6)},
    optional={
        "per": st.sampled_from(["day", "hour"]), "earned": st.integers(1, 9_999), "spent": st.integers(1, 9_999),
        "refuse": st.booleans(),
    },
)  # fmt: skip
_watches = st.fixed_dictionaries(
    {},
    optional={
        "limits": st.lists(_limits, max_size=3), "same_minutes": st.integers(0, 1_440), "alone": st.integers(0, 9_999),
    },
)  # fmt: skip
_is_member = st.sampled_from(
    [
        {"is": "privilege", "any_of": ["dealer"]}, {"is": "tier", "any_of": ["gold"]},
        {"is": "answer", "question": "pet", "any_of": ["cat"]},
    ]
)  # fmt: skip
_volumes = st.lists(
    st.fixed_dictionaries(
        {"id": st.sampled_from("uvw"), "steps": _steps},
        optional={
            "period": st.sampled_from(["month", "quarter", "year"]), "on": scopes, "title": st.just("Dealers"),
            "when": _is_member | _is_member.map(lambda one: {"all": [{"not": one}]}),
        },
    ),
    max_size=2, unique_by=lambda one: one["id"],
)  # fmt: skip


@st.composite
def rule_data(draw: st.DrawFn) -> dict[str, Any]:
    """Any rule set as JSON."""
    free = _rules(_discounts, ["one", "two"])
    by_line = _rules(_percents, ["each"])
    rules = _unique([*draw(free), *draw(by_line), *draw(_rules(_points, ["points"]))])
    found = data(
        *rules,
        groups={"one": "receipt", "two": "receipt", "each": "line", "points": "receipt"},
        stacking={
            "choose": draw(st.sampled_from(["best_for_customer", "priority"])),
            "percent_of": draw(st.sampled_from(["original", "running"])),
            "thresholds": draw(st.sampled_from(["original", "running"])),
            "multipliers": draw(st.sampled_from(["multiply", "greatest"])),
        },
        accrual={
            "basis": draw(st.sampled_from(["before_discounts", "after_discounts"])),
            "on_part_paid_with_points": draw(st.booleans()),
        },
        spending={
            "as": draw(st.sampled_from(["discount", "payment"])), "worth": draw(st.sampled_from([1, 7, 100])),
            "most_share": draw(st.sampled_from(["0", "30", "99.5", "100"])), "on": draw(scopes),
        },
        price_watch_days=draw(st.integers(0, 20)),
    )  # fmt: skip
    if (guard := draw(_guards)) is not None:
        found["guard"] = guard
    if (caps := draw(st.none() | st.fixed_dictionaries({"most_points": st.integers(1, 9_999)}, optional={
        "most_receipts": st.integers(1, 1_000)
    }))) is not None:  # fmt: skip
        found["spending"]["offline"] = caps
    found |= draw(st.fixed_dictionaries({}, optional={"watch": _watches, "volume": _volumes}))
    if draw(st.booleans()):
        found["never_discounted"] = {"products": ["egg"]}
    return found
