"""What tills told without a line ends alike, however it came in: shuffled, in parts, and again and again."""

import datetime as dt
import random
from typing import Any

import pytest
from django.utils import timezone

from regulars.customers.models import Customer
from regulars.loyalty import members
from regulars.loyalty.ledger import Document, Kind, grant, write_one
from regulars.loyalty.models import Lot, OfflineDocument, Posting, Sale, SaleReturn, TierChange, WaitingReturn
from regulars.loyalty.verifying import faults
from tests.loyalty.offline_cases import CAPS, OfflineTill, settle
from tests.loyalty.selling_cases import RULES, enrolled, open_shop

pytestmark = pytest.mark.django_db(transaction=True)

# everything that looks at what was bought before
HISTORY = RULES | {
    "spending": {**CAPS, "offline": {"most_points": 40, "most_receipts": 2}},
    "life": {"after_days": 0, "days": 30, "most_debt": 60},
    "tiers": {"levels": [{"id": "silver", "from": 20_000}, {"id": "gold", "from": 60_000}]},
    "rules": [
        {"id": "five", "gives": {"kind": "percent_off", "percent": 5}},
        {"id": "sum", "gives": {"kind": "percent_by_sum", "steps": [{"from": 20_000, "percent": 3}]}},
        {"id": "sixth", "gives": {"kind": "nth_free", "n": 3, "counter": "coffee"}, "on": {"products": ["cup"]}},
        {"id": "base", "gives": {"kind": "points_per", "points": 1, "per": 1_000}},
        {"id": "third", "gives": {"kind": "points_gift", "points": 25}, "when": {"is": "purchase_number", "every": 3}},
        {"id": "soon", "gives": {"kind": "points_times", "times": 2},
         "when": {"is": "repeat", "within_days": 2, "same_day": True}},
        {"id": "tier", "gives": {"kind": "points_by_tier", "times": {"silver": "1.5", "gold": 2}}},
    ],
}  # fmt: skip
DAYS = 2
HIS_CARDS = [("1000000017", 0), ("1000000025", 30), ("1000000033", 0)]


@pytest.fixture
def tills() -> list[OfflineTill]:
    open_shop(**HISTORY)
    found = [OfflineTill(), OfflineTill()]
    for one in found:
        one.fetch()
        one.age(dt.timedelta(days=DAYS))
    return found


def crowd(run: str) -> list[Customer]:
    """The same three members again, of whom one has points that expire soon."""
    found = []
    for place, (card, gift) in enumerate(HIS_CARDS):
        customer = enrolled(f"{run}{card}", name=f"{run}-{place}")
        if gift:
            until = timezone.now() + dt.timedelta(days=5)
            lots = (grant(customer.pk, gift, expires_at=until), grant(customer.pk, 10))
            write_one(
                Document(members.points_unit(), Kind.GIFT, "test", f"{run}-{place}", "test", lots), at=timezone.now()
            )
        found.append(customer)
    return found


Told = tuple[int, str, dict[str, Any]]  # the till, what it is, and the body


def queue(lot: random.Random, tills: list[OfflineTill], begin: dt.datetime) -> list[Told]:
    """What happened, in the order in which it did; cards without the name of the run."""
    told: list[Told] = []
    sold: list[tuple[int, dict[str, Any]]] = []
    spent: dict[tuple[int, str], int] = {}
    at = begin
    for number in range(14):
        # now and then two tills sell at one moment
        at += dt.timedelta(minutes=lot.choice([0, 7, 45, 150]))
        place = lot.randrange(2)
        if sold and lot.random() < 0.25:
            sale_place, sale = sold.pop(lot.randrange(len(sold)))
            lines = [{"line": 1, "quantity": "1"}] if lot.random() < 0.6 else []
            told.append((place, "returns", {
                "number": f"R{number:02}", "receipt": sale["number"], "receipt_till": tills[sale_place].snapshot.till,
                "returned_at": at.isoformat(), "lines": lines,
            }))  # fmt: skip
            continue
        card = lot.choice([*(card for card, _gift in HIS_CARDS), ""])
        key = (place, card)
        may = card and spent.get(key, 0) < 2 and lot.random() < 0.5
        goods = [(lot.choice(["tea", "cup", "new"]), lot.randint(1, 4), lot.randint(1, 300) * 100)
                 for _line in range(lot.randint(1, 3))]  # fmt: skip
        body = tills[place].sold(f"{number:02}", *goods, at=at, card=card, points=lot.randint(1, 40) if may else 0)
        spent[key] = spent.get(key, 0) + (body["points"] > 0)
        if lot.random() < 0.15:
            body["paid"] = body["paid"] * 9 // 10
        told.append((place, "receipts", body))
        sold.append((place, body))
    return told


def of_run(run: str, one: Told) -> Told:
    """The same document for the members and numbers of this run."""
    place, kind, body = one
    body = body | {"number": f"{run}-{body['number']}"}
    body |= {"receipt": f"{run}-{body['receipt']}"} if "receipt" in body else {}
    body |= {"card": run + body["card"]} if body.get("card") else {}
    return place, kind, body


def send(tills: list[OfflineTill], told: list[Told], *, more: bool) -> None:
    for place in range(len(tills)):
        mine = [one for one in told if one[0] == place]
        answers = tills[place].tell(
            *(body for _place, kind, body in mine if kind == "receipts"),
            returns=[body for _place, kind, body in mine if kind == "returns"], more=more,
        )  # fmt: skip
        assert {one["state"] for one in answers} <= {"waits", "written"}, answers


def state(run: str, crowd: list[Customer]) -> list[Any]:
    """All that there is of these members, without the names of the run."""
    found: list[Any] = []
    for one in crowd:
        balance = members.points_of(one)
        lots = Lot.objects.filter(account__customer=one).order_by("account__unit", "available_at", "granted", "id")
        postings = Posting.objects.filter(account__customer=one).order_by("account__unit", "seq")
        found += [
            (balance.available, balance.pending, balance.debt),
            [(lot.account.unit.slug, lot.granted, lot.remaining, _day(lot.expires_at)) for lot in lots],
            [(posting.seq, posting.amount, posting.lot_id is None) for posting in postings],
            list(TierChange.objects.filter(customer=one).order_by("id").values_list("tier", "turnover")),
        ]
    figures = ("to_pay", "discount", "by_points", "points_spent", "points_earned", "balance")
    for sale in Sale.objects.filter(number__startswith=f"{run}-").order_by("till", "number"):
        lines = sale.lines.order_by("position").values_list("discount", "by_points", "earned", "returned")
        stamps = [one[:3] for one in sale.stamps]
        name = (sale.till, sale.number.removeprefix(run))
        found.append([*name, *(getattr(sale, figure) for figure in figures), stamps, list(lines)])
    for back in SaleReturn.objects.filter(number__startswith=f"{run}-").order_by("till", "number"):
        name = (back.till, back.number.removeprefix(run))
        found.append([*name, back.refund, back.points_back, back.points_taken, back.lines])
    return found


def _day(moment: dt.datetime | None) -> dt.date | None:
    return moment and moment.date()


def in_parts(lot: random.Random, told: list[Told]) -> list[list[Told]]:
    """Shuffled, some of it twice, and cut anywhere."""
    told = told + lot.sample(told, len(told) // 2)
    lot.shuffle(told)
    cuts = sorted(lot.sample(range(1, len(told)), 3))
    return [told[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(told)], strict=True)]


@pytest.mark.parametrize("seed", range(4))
def test_told_in_any_order_in_any_parts_and_again_it_ends_alike(seed: int, tills: list[OfflineTill]) -> None:
    lot = random.Random(seed)
    begin = timezone.now() - dt.timedelta(days=DAYS) + dt.timedelta(minutes=10)
    happened = queue(lot, tills, begin)
    states = []
    for run in ("A", "B", "C"):
        crowd_ = crowd(run)
        told = [of_run(run, one) for one in happened]
        for part in [told] if run == "A" else in_parts(lot, told):
            send(tills, part, more=True)
            assert settle() == 0, "nothing is written while more is coming"
        send(tills, told, more=False)
        assert settle() == len(told)
        send(tills, told[::-1], more=False)
        assert settle() == 0
        states.append(state(run, crowd_))
    assert states[0] == states[1] == states[2]
    assert len(states[0]) == 3 * 4 + len(happened)
    assert (OfflineDocument.objects.count(), WaitingReturn.objects.count(), faults()) == (0, 0, [])
    sales = Sale.objects.filter(number__startswith="A-")
    assert sum(one.points_spent for one in sales) > 0 and any(one.stamps for one in sales)


def test_a_queue_that_is_written_in_the_order_of_telling_would_end_otherwise(tills: list[OfflineTill]) -> None:
    """Otherwise the test above would prove nothing: the third purchase is another one."""
    begin = timezone.now() - dt.timedelta(days=1)
    ends = []
    for run, order in (("A", [0, 1, 2]), ("B", [2, 0, 1])):
        (anna, _bob, _vera) = crowd(run)
        sold = [
            tills[0].sold(f"{run}-{place}", ("cup", 1, 10_000 * (place + 1)), at=begin + dt.timedelta(hours=place),
                          card=f"{run}{HIS_CARDS[0][0]}")
            for place in range(3)
        ]  # fmt: skip
        for place in order:
            tills[0].told(sold[place])
        sales = Sale.objects.filter(customer=anna).order_by("purchased_at")
        ends.append([one.points_earned for one in sales])
    assert ends[0] != ends[1]
