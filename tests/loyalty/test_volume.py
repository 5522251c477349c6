"""Bonuses for volume: what was bought in a period, paid for once when it is over, and less when goods come back."""

import datetime as dt
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from regulars.core.errors import InputError
from regulars.customers.models import Customer
from regulars.customers.services.merging import merge
from regulars.loyalty.economics import economics
from regulars.loyalty.ledger import Document, Kind, spend, write_one
from regulars.loyalty.members import points_of, points_unit
from regulars.loyalty.models import Alert, Lot, Partner, PartnerStore, Privilege, SaleReturn, Transaction
from regulars.loyalty.overview import history
from regulars.loyalty.privileges import give_privilege
from regulars.loyalty.programme.rules import as_json, parse
from regulars.loyalty.programme.volume import Volume
from regulars.loyalty.programme.words import Words
from regulars.loyalty.returning import Coming, bring_back
from regulars.loyalty.reviewing import what_is_odd
from regulars.loyalty.verifying import faults
from regulars.loyalty.volume import give_all, way_of, would_give
from regulars.loyalty.volume_returns import take_all
from regulars.purchases.models import Line, Product, Receipt, Store
from tests.loyalty.selling_cases import CARD, RULES, enrolled, open_store, order, publish_in_the_past, sell
from tests.web.people import logged_in, make_user

MOSCOW = ZoneInfo("Europe/Moscow")
STEPS = [{"from": 1_000_000, "percent": "3"}, {"from": 5_000_000, "percent": "5"}]
DEALERS = {"id": "dealers", "title": "Dealers", "period": "month", "steps": STEPS}


def rules(**changes: Any) -> dict[str, Any]:
    return RULES | {"volume": [DEALERS | changes]}


def last_month() -> tuple[dt.datetime, dt.datetime]:
    """When it began and ended by the clock of the shop."""
    end = timezone.now().astimezone(MOSCOW).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (end - dt.timedelta(days=1)).replace(day=1), end


def bought(customer: Customer, amount: int, at: dt.datetime, code: str = "tea", store: str = "Arbat") -> Receipt:
    place = Store.objects.get_or_create(name=store)[0]
    number = Receipt.objects.count()
    receipt = Receipt.objects.create(
        key=str(number).encode(), number=str(number), customer=customer, store=place, purchased_at=at, amount=amount
    )
    Line.objects.create(receipt=receipt, position=1, product=Product.objects.get(code=code), amount=amount, quantity=1)
    return receipt


class TestData:
    @given(paid=st.integers(-(10**9), 10**12), worth=st.integers(1, 10**4))
    def test_points_are_worth_no_more_than_the_percentage(self, paid: int, worth: int) -> None:
        (volume,) = parse(rules()).volume
        points, step = volume.points(paid, worth), volume.step(paid)
        assert points >= 0
        assert points * worth * 100 <= max(0, paid) * 5
        assert (step is None) == (paid < 1_000_000)
        assert step is None or paid * step.percent - points * worth * 100_00 < worth * 100_00

    def test_it_goes_out_as_it_came_in(self) -> None:
        data = rules(when={"is": "privilege", "any_of": ["dealer"]}, on={"categories": ["Drinks"]})
        assert as_json(parse(data))["volume"] == data["volume"]

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"period": "days:30"}, "month, quarter, year"),
            ({"steps": []}, "a list of 1 to 50 steps"),
            ({"when": {"is": "store", "any_of": ["Arbat"]}}, "what a member is: answer, tier, privilege"),
            ({"when": {"not": {"is": "segment", "any_of": ["1"]}}}, "what a member is"),
            ({"id": "x" * 101}, "1 to 100 signs"),
            ({"percent": 3}, "there is no 'percent' here"),
        ],
    )
    def test_what_cannot_be_is_refused(self, changes: dict[str, Any], words: str) -> None:
        with pytest.raises(InputError, match=words):
            parse(rules(**changes))

    def test_two_of_one_id_are_refused(self) -> None:
        with pytest.raises(InputError, match="its own id"):
            parse(RULES | {"volume": [DEALERS, DEALERS]})

    def test_it_is_said_in_words(self) -> None:
        found = parse(rules(on={"categories": ["Drinks"]}, when={"is": "privilege", "any_of": ["dealer"]}))
        (sentence,) = (one for one in Words(found).for_members() if "Dealers" in one)
        assert "when a month is over" in sentence
        assert "3% from ₽10,000, 5% from ₽50,000" in sentence
        assert "“Drinks”" in sentence
        assert "dealer" in sentence


@pytest.mark.django_db
class TestGiving:
    @pytest.fixture(autouse=True)
    def shop(self) -> None:
        open_store()
        self.begin, self.end = last_month()
        self.anna = enrolled()

    def publish(self, **changes: Any) -> None:
        publish_in_the_past(rules(**changes), timezone.now() - self.begin + dt.timedelta(days=1))

    def night(self, days: float = 3.2) -> int:
        return give_all(self.end + dt.timedelta(days=days))

    def points(self, customer: Customer | None = None) -> int:
        return points_of(customer or self.anna).available

    def test_the_whole_sum_gets_the_step_that_it_reaches_once(self) -> None:
        self.publish()
        bought(self.anna, 4_000_000, self.begin)
        bought(self.anna, 1_500_000, self.end - dt.timedelta(microseconds=1))
        bought(self.anna, 9_000_000, self.begin - dt.timedelta(microseconds=1))
        bought(self.anna, 9_000_000, self.end)
        assert self.night(2.9) == 0  # tills may still tell
        assert (self.night(), self.night(), self.night(9)) == (1, 0, 0)
        assert self.points() == 5_500_000 * 5 // 100 // 100
        made = Transaction.objects.get(source="volume")
        assert made.reason == f"Dealers: {self.begin.date()} - {(self.end - dt.timedelta(days=1)).date()}, 5 %"
        assert Lot.objects.get().expires_at == self.end + dt.timedelta(days=3.2 + 365)
        assert list(faults()) == []

    def test_less_than_the_first_step_gives_nothing(self) -> None:
        self.publish()
        bought(self.anna, 999_999, self.begin)
        assert self.night() == 0

    def test_what_came_back_counts_when_it_came(self) -> None:
        self.publish()
        bought(self.anna, 1_200_000, self.begin)
        bought(self.anna, -200_001, self.begin + dt.timedelta(days=2))
        assert self.night() == 0

    def test_only_goods_of_its_scope_count(self) -> None:
        self.publish(on={"not_categories": ["Cups"], "categories": ["Drinks", "Cups"]})
        bought(self.anna, 1_100_000, self.begin)
        bought(self.anna, 7_000_000, self.begin, code="cup")
        assert self.night() == 1
        assert self.points() == 330

    def test_only_those_who_are_what_it_asks_for(self) -> None:
        self.publish(when={"is": "privilege", "any_of": ["dealer"]})
        boris = enrolled("1000000025", "Boris")
        for one in (self.anna, boris):
            bought(one, 2_000_000, self.begin)
        given = give_privilege(boris, name="dealer", proof="contract 7", until=None, by=make_user("owner"))
        Privilege.objects.filter(pk=given.pk).update(given_at=self.begin)
        assert self.night() == 1
        assert (self.points(), self.points(boris)) == (0, 600)

    def test_purchases_at_partners_are_theirs(self) -> None:
        self.publish()
        bought(self.anna, 2_000_000, self.begin, store="Cafe")
        partner = Partner.objects.create(slug="cafe", name="Cafe")
        PartnerStore.objects.create(store=Store.objects.get(name="Cafe"), partner=partner)
        assert self.night() == 0

    def test_who_is_merged_counts_as_one_and_gets_it_once(self) -> None:
        self.publish()
        boris = enrolled("1000000025", "Boris")
        bought(self.anna, 600_000, self.begin)
        bought(boris, 600_000, self.begin)
        owner = make_user("owner")
        merge(self.anna, boris, by=owner)
        assert self.night() == 1
        assert self.points() == 360
        vera = enrolled("1000000033", "Vera")
        bought(vera, 2_000_000, self.begin)
        assert self.night() == 1
        merge(self.anna, vera, by=owner)
        assert self.night() == 0

    def test_the_rules_of_the_end_of_the_period_count(self) -> None:
        publish_in_the_past(rules(), timezone.now() - self.end)  # at its end, so for the next one
        bought(self.anna, 2_000_000, self.begin)
        assert self.night() == 0

    def test_what_the_programme_costs_knows_of_it(self) -> None:
        self.publish()
        bought(self.anna, 2_000_000, self.begin)
        self.night()
        found = economics(self.end, self.end + dt.timedelta(days=9), worth=100)
        assert (found.whole.earned, found.by_tier[""].earned, found.promised.high) == (600, 600, 60_000)
        assert economics(self.begin, self.end, worth=100).whole.earned == 0

    def test_no_programme_gives_nothing(self) -> None:
        assert self.night() == 0

    def test_a_draft_says_what_the_last_period_would_have_cost(self) -> None:
        bought(self.anna, 2_000_000, self.begin)
        ((volume, outcome),) = would_give(parse(rules()), at=timezone.now())
        assert isinstance(volume, Volume)
        assert (outcome.members, outcome.points) == (1, 600)
        assert not Transaction.objects.exists()

    def test_he_sees_how_far_he_is(self) -> None:
        self.publish()
        now = timezone.now()
        assert [(one.paid, one.percent, one.missing) for one in way_of(self.anna, at=now)] == [(0, 0, 1_000_000)]
        bought(self.anna, 1_250_000, now)
        (way,) = way_of(self.anna, at=now)
        assert (way.title, way.paid, way.percent, way.next_percent, way.missing) == (
            "Dealers", 1_250_000, 3_00, 5_00, 3_750_000,
        )  # fmt: skip


@pytest.mark.django_db
class TestComingBack:
    """Nobody keeps a bonus for goods that came back. The month is that of now, its nights are to come."""

    @pytest.fixture(autouse=True)
    def shop(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock = monkeypatch
        open_store()
        self.now = timezone.now()
        self.begin = self.now.astimezone(MOSCOW).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        self.end = (self.begin + dt.timedelta(days=32)).replace(day=1)
        self.anna = enrolled()

    def publish(self, most_debt: int = 1000, **changes: Any) -> None:
        life = {"days": 365, "most_debt": most_debt}
        publish_in_the_past(rules(**changes) | {"rules": [], "life": life}, dt.timedelta(days=40))

    def go_to(self, days: float) -> dt.datetime:
        """The clock shows so many days after the end of the month."""
        moment = self.end + dt.timedelta(days=days)
        self.clock.setattr(timezone, "now", lambda: moment)
        return moment

    def night(self, days: float) -> tuple[int, int]:
        """Of how many is taken, and to how many is given."""
        moment = self.go_to(days)
        return take_all(moment), give_all(moment)

    def buy(self, number: str = "1", price: int = 6_000_000, code: str = "tea", card: str = CARD) -> None:
        sell(order((code, 6, price), card=card), number)

    def bring(self, number: str, units: int = 0, sale: str = "1") -> None:
        """So many of its six units, or all that are left."""
        bring_back(Coming("till:1", number, "till:1", sale, ((1, Decimal(units)),) if units else ()))

    def points(self, customer: Customer | None = None) -> int:
        return points_of(customer or self.anna).available

    def test_all_comes_back_and_the_bonus_is_gone_once(self) -> None:
        self.publish()
        self.buy()
        assert self.night(3.2) == (0, 1)
        assert self.points() == 3_000
        self.go_to(3.5)
        self.bring("r")
        assert self.points() == 3_000, "the night does it"
        assert (self.night(4.2), self.points()) == ((1, 0), 0)
        assert [self.night(days) for days in (4.2, 5.2, 40.2)] == [(0, 0)] * 3
        given, taken = Transaction.objects.filter(source="volume").order_by("pk")
        assert (taken.kind, taken.reverses, taken.settles) == ("return", given, 3_000)
        assert taken.reason == f"Dealers: {self.begin.date()} - {(self.end - dt.timedelta(days=1)).date()}, 0 %"
        assert points_of(self.anna).debt == 0
        assert economics(self.end, self.end + dt.timedelta(days=9), worth=100).whole.earned == 0
        moved = [(one.kind, one.earned) for one in history(self.anna, most=9)[0] if one.money is None]
        assert moved == [("return", -3_000), ("gift", 3_000)]
        assert faults() == []

    def test_a_part_comes_back_and_a_lower_step_is_left(self) -> None:
        self.publish()
        self.buy()
        self.night(3.2)
        self.bring("r", 2)
        assert (self.night(4.2), self.points()) == ((1, 0), 4_000_000 * 3 // 100 // 100)

    def test_two_returns_take_what_one_would(self) -> None:
        self.publish()
        self.buy()
        self.night(3.2)
        self.bring("a", 1)
        assert (self.night(4.2), self.points()) == ((1, 0), 2_500)
        assert self.night(5.2) == (0, 0)
        self.go_to(6)
        self.bring("b", 1)
        assert (self.night(6.2), self.points()) == ((1, 0), 1_200)
        self.bring("c")
        assert (self.night(7.2), self.points()) == ((1, 0), 0)
        assert Transaction.objects.filter(source="volume").count() == 4
        assert faults() == []

    def test_what_comes_back_before_the_bonus_is_written_lowers_it(self) -> None:
        """Also in the first days after the period: it is one with its sale."""
        self.publish()
        self.buy()
        self.bring("inside", 1)
        self.go_to(1)
        self.bring("after", 1)
        assert self.night(3.2) == (0, 1)
        assert self.points() == 1_200
        assert self.night(4.2) == (0, 0)

    def test_the_next_period_is_not_lowered(self) -> None:
        self.publish()
        self.buy()
        self.night(3.2)
        self.buy("2", 1_000_000)
        self.bring("r")
        assert [one.paid for one in way_of(self.anna, at=self.go_to(5))] == [1_000_000]
        self.night(4.2)
        self.end = (self.end + dt.timedelta(days=32)).replace(day=1)
        assert (self.night(3.2), self.points()) == ((0, 1), 300)

    def test_nothing_is_taken_for_goods_that_did_not_count(self) -> None:
        self.publish(on={"categories": ["Drinks"]})
        self.buy()
        self.buy("2", code="cup")
        self.night(3.2)
        self.bring("r", sale="2")
        assert (self.night(4.2), self.points()) == ((0, 0), 3_000)

    def test_a_step_that_is_still_reached_leaves_its_share(self) -> None:
        self.publish()
        self.buy(price=12_000_000)
        self.night(3.2)
        self.bring("r", 3)
        assert (self.night(4.2), self.points()) == ((1, 0), 3_000)

    def test_only_returns_take(self) -> None:
        """Nothing else that became known of the period since does: here purchases that went with an undone import."""
        self.publish()
        gone = bought(self.anna, 4_000_000, self.now)
        self.buy(price=2_400_000)
        self.night(3.2)
        assert self.points() == 3_200
        gone.lines.all().delete()
        gone.delete()
        assert self.night(4.2) == (0, 0)
        self.bring("r", 3)
        assert (self.night(5.2), self.points()) == ((1, 0), 3_200 - (720 - 360))

    def test_what_he_has_no_more_is_owed_then_forgiven_and_told(self) -> None:
        self.publish(most_debt=1_000)
        self.buy()
        self.night(3.2)
        spent = Document(points_unit(), Kind.SALE, "till:1", "s", "till:1", (spend(self.anna.pk, 2_900),))
        write_one(spent, at=timezone.now())
        self.bring("r")
        assert self.night(4.2) == (1, 0)
        told = points_of(self.anna)
        assert (told.available, told.debt) == (0, 1_000)
        assert self.night(5.2) == (0, 0)
        alert = Alert.objects.get()
        assert (alert.kind, alert.customer, alert.sale, alert.figures) == (
            "forgiven",
            self.anna,
            None,
            {"points": 1_900},
        )
        assert "for the bonus “Dealers”, and 1,900 points of it were spent before" in what_is_odd(alert)
        owner = logged_in(make_user("owner"))
        assert what_is_odd(alert) in owner.get("/programme/review/").content.decode()
        told_of = owner.get(f"/customers/{self.anna.pk}/timeline/?only=points").content.decode()
        assert "−1,100" in told_of and "Dealers: " in told_of, "no receipt tells of it"
        assert faults() == []

    def test_two_who_are_merged_keep_what_both_bought(self) -> None:
        self.publish()
        boris = enrolled("1000000025", "Boris")
        self.buy(price=2_400_000)
        self.buy("2", 2_400_000, card="1000000025")
        assert self.night(3.2) == (0, 2)
        assert (self.points(), self.points(boris)) == (720, 720)
        self.go_to(3.5)
        merge(self.anna, boris, by=make_user("owner"))
        self.bring("r", sale="2")
        assert (self.night(4.2), self.points()) == ((1, 0), 720)
        self.bring("q")
        assert (self.night(5.2), self.points()) == ((1, 0), 0)
        assert faults() == []

    def test_after_a_year_a_period_stays_as_it_is(self) -> None:
        self.publish()
        self.buy()
        self.night(3.2)
        self.go_to(300)
        self.bring("r", 2)
        assert self.night(365.9) == (1, 0)
        self.bring("s")
        assert self.night(366.1) == (0, 0)

    def test_what_came_back_before_this_was_so_counts_in_its_own_period(self) -> None:
        """Its period may be written already, and would be lowered twice."""
        self.publish()
        self.buy()
        self.night(3.2)
        self.bring("r")
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            SaleReturn.objects.update(counts_with_sale=False)
            cursor.execute("SET LOCAL session_replication_role = origin")
        assert (self.night(4.2), self.points()) == ((0, 0), 3_000)
        self.buy("2", 7_200_000)
        assert [one.paid for one in way_of(self.anna, at=self.go_to(5))] == [1_200_000]
