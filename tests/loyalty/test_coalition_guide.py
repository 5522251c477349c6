"""The example of the explanation, sold as it is told there."""

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from regulars.core.money import format_money
from regulars.loyalty.ledger import Document, Kind, grant, spend, take_back, write_one
from regulars.loyalty.members import points_unit
from regulars.loyalty.models import Settlement
from regulars.loyalty.partners import Terms
from regulars.loyalty.returning import Coming, bring_back
from regulars.loyalty.selling import Order
from regulars.loyalty.settling import close_days
from regulars.loyalty.verifying import faults
from tests.loyalty.coalition_cases import judge_now, later, nets, partner, today
from tests.loyalty.selling_cases import enrolled, open_shop, order, sell

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "explanation" / "coalition.md"
ROW = re.compile(r"^\| \**(?:[^|]*?)\** \|([^|]*)\|([^|]*)\|([^|]*)\|([^|]*)\|$", re.MULTILINE)


def said(amount: int) -> str:
    money = format_money(abs(amount), "RUB", exact=True)
    return f"{'pays' if amount > 0 else 'gets'} {money}" if amount else ""


OWED = re.compile(r"^\| ([A-Z][^|]*) \|([^|]*)\|([^|]*)\|([^|]*)\|$", re.MULTILINE)


@pytest.mark.django_db
def test_the_example_of_a_debt_comes_true() -> None:
    open_shop()
    for till, (slug, terms) in enumerate({
        "coffee": Terms(100_000, 80_000), "books": Terms(90_000, 70_000), "toys": Terms(90_000, 70_000),
    }.items()):  # fmt: skip
        partner(slug, f"till:{till}", terms)
    anna, known = enrolled().pk, dict[str, int]()

    def write(till: int, kind: Kind, move: dict[str, Any], reverses: str = "") -> None:
        number = str(len(known))
        document = Document(
            points_unit(), kind, f"till:{till}", number, f"till:{till}", (move,), reverses=known.get(reverses)
        )
        known[number] = write_one(document, at=timezone.now()).transaction

    steps = [
        lambda: write(0, Kind.SALE, grant(anna, 100)),
        lambda: write(1, Kind.SALE, spend(anna, 70)),
        lambda: write(0, Kind.RETURN, take_back(100), "0"),
        lambda: write(2, Kind.SALE, grant(anna, 90)),
        lambda: write(2, Kind.RETURN, take_back(90), "3"),
    ]
    rows = OWED.findall(GUIDE.read_text(encoding="utf-8").partition("## Points that a member owes")[2])
    assert len(rows) == len(steps)
    for (what, *cells), step in zip(rows, steps, strict=True):
        before = last.pk if (last := Settlement.objects.order_by("id").last()) else 0
        step()
        moved = dict.fromkeys(("coffee", "books", "toys"), 0)
        for slug, amount in Settlement.objects.filter(pk__gt=before).values_list("partner__slug", "amount"):
            moved[slug] += amount
        assert [cell.strip() for cell in cells] == [said(amount) for amount in moved.values()], what
    assert faults() == []


@pytest.mark.django_db
def test_the_example_of_the_explanation_comes_true() -> None:
    open_shop(rules=[{"id": "base", "gives": {"kind": "points_per", "points": 1, "per": 1000}}])
    partner("coffee", "till:1", Terms(100_000, 80_000))
    partner("books", "till:2", Terms(90_000, 70_000))
    enrolled()

    def asked(till: str, many: int, price: int, points: int = 0) -> Order:
        return order(("tea", many, price), till=till, store=till, points=points)

    sold = sell(asked("till:1", 3, 120_000))
    sell(asked("till:2", 1, 20_000, points=50))
    bring_back(Coming("till:1", "r", "till:1", sold.number, ((1, Decimal(1)),)))
    close_days(at=later(days=1))
    judge_now()
    rows = [[cell.replace("*", "").strip() for cell in row] for row in ROW.findall(GUIDE.read_text(encoding="utf-8"))]
    steps, day = [row for row in rows if row[0].isdigit()], rows[-1]
    happened = list(Settlement.objects.order_by("id").values_list("points", "partner__slug", "amount"))
    assert len(steps) == len(happened) == 4
    for (points, coffee, books, you), (moved, slug, amount) in zip(steps, happened, strict=True):
        assert int(points) == abs(moved)
        assert {"coffee": coffee, "books": books} == {"coffee": "", "books": "", slug: said(amount)}
        assert you == said(-amount).replace("pays", "pay").replace("gets", "get")
    net = nets(today())
    assert day[1:3] == [said(net["coffee"]), said(net["books"])]
    assert day[3] == said(net["operator"]).replace("pays", "pay").replace("gets", "get")
