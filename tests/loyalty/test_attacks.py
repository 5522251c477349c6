"""What must not work: one test for each way in which somebody could try to get more than is his.

Requests are real ones, through the interface of tills or the pages of the application.
"""

import datetime as dt
import statistics
import time
from collections.abc import Callable
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from regulars.api.models import ApiKey, Scope
from regulars.customers.models import Customer
from regulars.customers.services.contacts import add_contact
from regulars.customers.services.merging import merge
from regulars.loyalty import members
from regulars.loyalty.ledger import Document, Kind, grant, write_one
from regulars.loyalty.models import Account, Alert, Correction, Sale, SaleReturn, TierChange, Transaction
from regulars.loyalty.verifying import faults
from regulars.loyalty.volume import give_all
from regulars.loyalty.volume_returns import take_all
from regulars.loyalty.watching import look
from regulars.purchases.models import Product, Store
from tests.api.test_till import Till, basket
from tests.loyalty.at_once import together
from tests.loyalty.programme_cases import basket as of_lines
from tests.loyalty.programme_cases import judged, line, rule
from tests.loyalty.selling_cases import CARD, RULES, enrolled, open_shop, publish_in_the_past
from tests.web.people import logged_in, make_user

pytestmark = pytest.mark.django_db(transaction=True)

FREE: dict[str, Any] = {"unknown_cost": "allow"}  # no margin to guard
ALL: dict[str, Any] = {"as": "discount", "worth": 100, "most_share": 100}  # points may pay all of it


@pytest.fixture
def till() -> Till:
    open_shop()
    return Till()


def points(customer: Customer) -> int:
    return members.points_of(customer).available


def give(customer: Customer, many: int) -> None:
    write_one(
        Document(members.points_unit(), Kind.GIFT, "test", "gift", "test", (grant(customer.pk, many),)),
        at=timezone.now(),
    )


def cups(price: int, count: int = 1) -> list[dict[str, Any]]:
    return [{"product_id": "cup", "quantity": "1", "price": price}] * count


def refilled() -> None:
    """As if every key had waited for long enough."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM api_bucket")


def shown(*, to: Till, **more: Any) -> tuple[int, Any]:
    """Quote a basket and pay what it costs."""
    number = more.pop("number")
    return to.sell(number, to.quote(**more)[1]["to_pay"], **more)


class TestWhatAClientSays:
    """Points, discounts and costs are found here; what a till says of them has no field, or is compared."""

    @pytest.mark.parametrize(
        "more",
        [{"discount": 9_000}, {"points_earned": 99}, {"by_points": 9_000}, {"balance": 10**6}, {"customer": 1},
         {"till": "till:9"}, {"rules": []}, {"programme": 1}],
    )  # fmt: skip
    def test_discounts_points_and_names_sent_by_a_client_are_refused(self, till: Till, more: dict[str, Any]) -> None:
        enrolled()
        assert till.sell(**more)[0] == 422
        assert not Sale.objects.exists()

    @pytest.mark.parametrize("name", ["cost", "discount", "price_raised_on", "floor", "earned"])
    def test_a_cost_sent_with_a_line_is_refused(self, till: Till, name: str) -> None:
        enrolled()
        lines = [{"product_id": "tea", "quantity": "1", "price": 10_000, name: 1}]
        assert till.quote(lines=lines)[0] == 422

    def test_points_that_he_does_not_have_buy_nothing(self, till: Till) -> None:
        give(enrolled(), 10)
        status, answer = till.sell(points=90, to_pay=500)
        assert (status, answer["quote"]["points_spent"], answer["quote"]["to_pay"]) == (409, 10, 8_500)
        assert not Sale.objects.exists()

    def test_a_sum_of_his_own_is_not_taken(self, till: Till) -> None:
        enrolled()
        for told in (0, 1, 9_499, 9_501):
            assert till.sell(to_pay=told)[0] == 409
        assert not Sale.objects.exists()

    def test_a_group_of_goods_said_at_the_till_opens_no_discount_of_that_group(self) -> None:
        open_shop(rules=[rule("gifts", 50, on={"categories": ["Gifts"]})], guard=FREE)
        enrolled()
        lines = [{"product_id": "tea", "quantity": "1", "price": 10_000, "category": "Gifts"}]
        assert Till().quote(lines=lines)[1]["to_pay"] == 10_000

    @pytest.mark.parametrize("quantity", ["0", "-1", "1e30", "NaN", "Infinity", "0.0000001", "9" * 16, "", None])
    def test_odd_quantities_are_refused(self, till: Till, quantity: str | None) -> None:
        enrolled()
        lines = [{"product_id": "tea", "quantity": quantity, "price": 10_000}]
        assert till.quote(lines=lines)[0] in (400, 422)
        assert till.sell(lines=lines)[0] in (400, 422)

    @pytest.mark.parametrize("given", [-1, 10**15, 2**63, "1", 1.5, True])
    def test_odd_points_and_prices_are_refused(self, till: Till, given: Any) -> None:
        enrolled()
        lines = [{"product_id": "tea", "quantity": "1", "price": given}]
        answers = till.quote(points=given), till.quote(lines=lines), till.sell(to_pay=given)
        # some forms of a whole number are read as one; nothing is sold by any of them
        assert all(status in (200, 409, 422) for status, _answer in answers)
        assert not Sale.objects.exists()
        if not isinstance(given, str | bool):
            assert [status for status, _answer in answers] == [422] * 3

    def test_a_negative_quantity_gives_nothing_back(self, till: Till) -> None:
        anna = enrolled()
        till.sell()
        for quantity in ("-1", "0", "2", "NaN"):
            lines = [{"line": 1, "quantity": quantity}]
            assert till("till/returns", {"number": f"r{quantity}", "receipt": "17", "lines": lines})[0] in (400, 422)
        assert (points(anna), SaleReturn.objects.count()) == (9, 0)

    def test_a_huge_quantity_brings_no_more_points_than_can_be_kept(self) -> None:
        open_shop(rules=[{"id": "mad", "gives": {"kind": "points_per", "points": 10**6, "per": 1}}])
        enrolled()
        status, answer = Till().quote(lines=[{"product_id": "tea", "quantity": "999999999", "price": 10**13}])
        assert status == 400
        assert "the rules give too many" in answer["detail"]


class TestReplay:
    """A quote is no promise, and a receipt is written once."""

    def test_a_quote_of_yesterdays_rules_is_not_honoured(self, till: Till) -> None:
        enrolled()
        assert till.quote()[1]["to_pay"] == 9_500
        publish_in_the_past(RULES | {"rules": []}, dt.timedelta(seconds=1))
        assert till.sell()[1]["quote"]["to_pay"] == 10_000
        assert not Sale.objects.exists()

    def test_a_quote_of_before_a_cost_rose_is_not_honoured(self, till: Till) -> None:
        enrolled()
        assert till.quote()[1]["to_pay"] == 9_500
        Product.objects.filter(code="tea").update(cost=9_000)
        assert till.sell()[1]["quote"]["to_pay"] == 10_000

    def test_a_quote_of_another_till_and_store_buys_nothing_here(self) -> None:
        arbat = {"is": "store", "any_of": ["Arbat"]}
        open_shop(rules=[rule("here", 50, when=arbat)], guard=FREE)
        enrolled()
        there, here = Till(), Till()
        told = there.quote()[1]["to_pay"]
        assert told == 6_000
        assert here.sell(to_pay=told, store="Harbour")[1]["quote"]["to_pay"] == 10_000
        assert not Sale.objects.exists()

    def test_a_receipt_replayed_earns_once_and_at_another_till_somebody_is_told(self, till: Till) -> None:
        anna, other = enrolled(), Till()
        then = (timezone.now() - dt.timedelta(days=2)).isoformat()
        said = {"purchased_at": then, "clock": timezone.now().isoformat()}
        answers = [till.sell(**said) for _time in range(3)]
        assert answers[0] == answers[1] == answers[2]
        assert points(anna) == 9
        assert other.sell(**said)[0] == 200, "another till may have a receipt of that number"
        look(timezone.now())
        assert Alert.objects.get().kind == "same"

    def test_a_receipt_of_another_till_is_not_voided(self, till: Till) -> None:
        anna = enrolled()
        till.sell()
        assert Till()("till/voids", {"number": "v", "receipt": "17"})[0] == 400
        assert points(anna) == 9

    def test_a_return_replayed_under_other_numbers_gives_back_once(self, till: Till) -> None:
        enrolled()
        till.sell()
        answers = [till("till/returns", {"number": f"r{n}", "receipt": "17"})[0] for n in range(3)]
        assert answers == [200, 400, 400]
        assert SaleReturn.objects.get().refund == 9_500

    def test_points_cannot_be_carried_away_by_buying_and_bringing_back(self, till: Till) -> None:
        """Earn, spend what was earned, bring the first purchase back: he owes what he spent."""
        anna = enrolled()
        till.sell("1", 190_000, lines=[{"product_id": "tea", "quantity": "20", "price": 200_000}])
        assert points(anna) == 190
        shown(to=till, number="2", points=190, lines=cups(100_000))
        till("till/returns", {"number": "r", "receipt": "1"})
        told = members.points_of(anna)
        assert told.available - told.debt <= 76, "no more than the second purchase itself has earned"
        assert faults() == []


class TestCashiers:
    """Who stands at the till has a card, too."""

    def test_a_cashier_who_shows_his_own_card_is_told_of(self, till: Till) -> None:
        anna = enrolled(name="Anna Orlova")
        till.sell(cashier="Anna Orlova")
        look(timezone.now())
        told = Alert.objects.get()
        assert (told.kind, told.customer, told.subject) == ("own", anna, "Anna Orlova")
        page = logged_in(make_user("owner")).get("/programme/review/").content.decode()
        assert "A cashier&#39;s own card" in page

    def test_a_card_that_is_shown_for_everybody_is_stopped_by_a_limit(self) -> None:
        open_shop(watch={"limits": [{"of": "member", "receipts": 3, "refuse": True}]})
        anna, till = enrolled(), Till()
        then = (timezone.now() - dt.timedelta(days=2)).isoformat()
        answers = [till.sell(str(n), purchased_at=then) for n in range(5)]
        assert [status for status, _answer in answers] == [200] * 3 + [409] * 2
        assert "the limit of the programme: 3 receipts in a day with one card" in answers[3][1]["detail"]
        assert points(anna) == 27

    def test_a_limit_is_not_passed_by_many_tills_or_a_batch(self) -> None:
        open_shop(watch={"limits": [{"of": "member", "receipts": 3, "refuse": True}]})
        anna, tills = enrolled(), [Till() for _time in range(2)]
        then = (timezone.now() - dt.timedelta(days=2)).isoformat()
        for till in tills:
            told = [basket(number=str(n), to_pay=9_500, purchased_at=then) for n in range(4)]
            assert till("till/batch", {"receipts": told})[0] == 200
        assert (Sale.objects.count(), points(anna)) == (3, 27)

    def test_a_card_of_his_own_gets_no_points_by_hand_from_one_person(self) -> None:
        open_shop()
        anna, clerk = enrolled(), make_user("marketer")
        add_contact(anna, kind="email", written=clerk.email, by=None)
        client = logged_in(clerk)
        sent = {"points": "5", "reason": "me", "key": "k"}
        assert client.post(f"/customers/{anna.pk}/points/", sent).status_code == 302
        correction = Correction.objects.get()
        client.post(f"/programme/review/corrections/{correction.pk}/", {"decision": "yes"})
        assert points(anna) == 0


class TestEnumeration:
    """Trying cards and phones until one is somebody's."""

    def test_trying_cards_costs_as_much_as_many_requests(self, till: Till) -> None:
        enrolled()
        answers = [till("till/member", {"card": str(5_000_000_000 + n)})[0] for n in range(20)]
        assert (answers[0], answers[-1]) == (404, 429)
        assert answers.count(404) <= 13

    def test_trying_cards_in_a_batch_or_a_quote_costs_the_same(self, till: Till) -> None:
        enrolled()
        tried = [basket(card=str(5_000_000_000 + n), number=str(n), to_pay=0) for n in range(20)]
        assert till("till/batch", {"receipts": tried})[0] == 200
        assert till("till/member", {"card": CARD})[0] == 429
        refilled()
        assert [till.quote(card=str(5_000_000_000 + n))[0] for n in range(20)][-1] == 429

    @pytest.mark.parametrize("path", ["member", "quote"])
    def test_a_stranger_a_customer_and_a_shared_phone_are_answered_alike_by_the_same_statements(
        self, till: Till, path: str
    ) -> None:
        _people()
        bodies = [{"phone": one} if path == "member" else basket(card="", phone=one) for one in _STRANGERS]
        till(f"till/{path}", bodies[0])  # the first request reads the rules, and notes that the key is used
        seen = []
        for body in bodies:
            with CaptureQueriesContext(connection) as made:
                seen.append((till(f"till/{path}", body), [_shape(one["sql"]) for one in made.captured_queries]))
        assert seen[0][0] == (404, {"detail": "No member has this card or phone."})
        for answer, statements in seen[1:]:
            assert (answer, statements) == seen[0]

    def test_how_long_a_search_takes_tells_nothing_of_who_is_a_customer(self) -> None:
        open_shop()
        _people()
        taken: dict[str, list[float]] = {phone: [] for phone in _STRANGERS}
        for _round in range(150):
            for phone in _STRANGERS:
                begin = time.perf_counter()
                with pytest.raises(members.NoMember):
                    members.find(phone=phone)
                taken[phone].append(time.perf_counter() - begin)
        middle = [statistics.median(one) for one in taken.values()]
        assert max(middle) < 1.5 * min(middle)

    def test_a_name_is_not_read_by_giving_a_card_to_a_known_phone(self, till: Till) -> None:
        vera = Customer.objects.create(name="Vera Sokolova", given_name="Vera")
        add_contact(vera, kind="phone", written="+79161234567", by=None)
        assert till("till/members", {"phone": "+79161234567"})[1]["name"] == ""

    def test_ids_that_could_be_counted_through_are_not_told(self, till: Till) -> None:
        anna = enrolled()
        told = till("till/member", {"card": CARD})[1]
        assert set(told) == {"name", "balance", "tier", "tier_ends_on"}
        assert "customer" not in till.sell()[1]
        assert str(anna.pk) not in told.values()


_STRANGERS = ("+79160000001", "+79160000002", "+79160000003", "+79160000004")


def _people() -> None:
    """Of the strangers' phones the first is nobody's, the second a customer's, the third two people's, the last that
    of somebody who was merged."""
    customers = [Customer.objects.create(name=f"C{number}") for number in range(5)]
    for customer, phone in zip(customers, (*_STRANGERS[1:3], *_STRANGERS[2:4], None), strict=True):
        if phone:
            add_contact(customer, kind="phone", written=phone, by=None)
    merge(kept=customers[4], gone=customers[3], by=None)


def _shape(sql: str) -> str:
    """A statement without its values."""
    return "".join("#" if sign.isdigit() else sign for sign in sql).replace("#", "")


class TestKeys:
    """A key is whole, alive and for tills."""

    @pytest.mark.parametrize(
        "bent",
        [
            lambda key: key[:-1] + ("A" if key[-1] != "A" else "B"), lambda key: key[:-1], lambda key: key + "A",
            lambda key: key.swapcase(), lambda key: key[:10], lambda _key: "rg_", lambda _key: "",
            lambda key: f"{key}\0", lambda key: key.replace("rg_", ""),
        ],
    )  # fmt: skip
    def test_a_key_that_was_tampered_with_opens_nothing(self, till: Till, bent: Callable[[str], str]) -> None:
        enrolled()
        till.key = bent(till.key)
        assert till("till/member", {"card": CARD})[0] == 401
        assert till.sell()[0] == 401
        assert not Sale.objects.exists()

    @pytest.mark.parametrize(
        "change", [{"revoked_at": dt.datetime.now(dt.UTC)}, {"expires_at": dt.datetime.now(dt.UTC)}]
    )
    def test_a_key_that_was_revoked_or_is_over_opens_nothing(self, till: Till, change: dict[str, Any]) -> None:
        enrolled()
        assert till.quote()[0] == 200
        ApiKey.objects.update(**change)
        assert till.quote()[0] == 401

    def test_a_key_is_not_kept_where_it_can_be_read(self, till: Till) -> None:
        row = str(ApiKey.objects.values().get())
        assert till.key not in row
        assert till.key[10:] not in row

    def test_other_keys_open_no_till_and_a_till_opens_nothing_else(self, till: Till) -> None:
        others = Till(*(set(Scope) - {Scope.TILL}))
        assert others.quote()[0] == 403
        assert till("customers", {}, method="get")[0] == 403
        assert till("receipts", {}, method="get")[0] == 403


class TestMassAssignment:
    """Fields that a body or a form does not have."""

    @pytest.mark.parametrize(
        ("path", "body"),
        [
            ("till/members", {"phone": "+79161234567", "balance": {"available": 10**6}}),
            ("till/members", {"phone": "+79161234567", "tier": "gold", "id": 1}),
            ("till/members", {"phone": "+79161234567", "debt_limit": 10**6}),
            ("till/member", {"card": CARD, "name": "Mine"}),
            ("till/returns", {"number": "r", "receipt": "17", "refund": 10**6}),
            ("till/returns", {"number": "r", "receipt": "17", "lines": [{"line": 1, "quantity": "1", "refund": 9}]}),
            ("till/voids", {"number": "r", "receipt": "17", "receipt_till": "till:1"}),
            ("till/batch", {"receipts": [], "corrections": [{"points": 9}]}),
        ],
    )
    def test_a_field_that_is_not_there_is_refused(self, till: Till, path: str, body: dict[str, Any]) -> None:
        enrolled()
        till.sell()
        before = (Account.objects.count(), Transaction.objects.count(), TierChange.objects.count())
        assert till(path, body)[0] == 422
        assert (Account.objects.count(), Transaction.objects.count(), TierChange.objects.count()) == before

    def test_a_correction_cannot_be_posted_as_agreed(self) -> None:
        open_shop()
        anna, owner = enrolled(), make_user("owner")
        client = logged_in(make_user("marketer"))
        sent = {"points": "5000", "reason": "x", "key": "k", "state": "done", "needs_two": "", "decided_by": owner.pk,
                "asked_by": owner.pk, "transaction": 1}  # fmt: skip
        assert client.post(f"/customers/{anna.pk}/points/", sent).status_code == 302
        made = Correction.objects.get()
        assert (made.state, made.needs_two, made.decided_by) == ("waiting", True, None)
        assert points(anna) == 0


class TestSplitting:
    """One basket as many receipts."""

    def test_a_basket_cut_in_pieces_earns_no_more_than_whole(self, till: Till) -> None:
        """Points are per thousand, rounded down on each receipt: who splits, loses."""
        anna = enrolled()
        whole = till.quote(lines=cups(1_990, 4))[1]["points_earned"]
        for n in range(4):
            assert shown(to=till, number=str(n), lines=cups(1_990))[0] == 200
        assert points(anna) <= whole

    @pytest.mark.parametrize(
        "given",
        [
            {"gives": {"kind": "points_gift", "points": 50}, "when": {"is": "receipt_sum", "at_least": 40_000}},
            {"gives": {"kind": "percent_by_sum", "steps": [{"from": 40_000, "percent": 10}]}},
            {"gives": {"kind": "amount_off", "amount": 5_000}, "when": {"is": "receipt_sum", "at_least": 40_000}},
            {"gives": {"kind": "percent_by_quantity", "steps": [{"from": 4, "percent": 10}]}},
        ],
        ids=lambda one: str(one["gives"]["kind"]),
    )
    def test_pieces_below_a_threshold_do_not_reach_it(self, given: dict[str, Any]) -> None:
        open_shop(rules=[{"id": "big"} | given], guard=FREE)
        anna, till = enrolled(), Till()
        whole = till.quote(lines=cups(10_000, 4))[1]
        assert whole["discount"] or whole["points_earned"]
        paid = [shown(to=till, number=str(n), lines=cups(10_000))[1]["to_pay"] for n in range(4)]
        assert (paid, points(anna)) == ([10_000] * 4, 0)

    def test_a_gift_for_each_receipt_is_bounded_by_a_limit_of_the_day(self) -> None:
        gift = {"id": "gift", "gives": {"kind": "points_gift", "points": 50}}
        open_shop(rules=[gift], guard=FREE, watch={"limits": [{"of": "member", "earned": 100, "refuse": True}]})
        anna, till = enrolled(), Till()
        then = (timezone.now() - dt.timedelta(days=2)).isoformat()
        statuses = [till.sell(str(n), 1_000, lines=cups(1_000), purchased_at=then)[0] for n in range(6)]
        assert (statuses, points(anna)) == ([200] * 2 + [409] * 4, 100)

    @pytest.mark.parametrize(
        ("when", "most"),
        [({"is": "purchase_number", "number": 1}, 1), ({"is": "repeat", "within_days": 4}, 0)],
    )
    def test_a_first_purchase_and_a_repeat_are_not_made_by_cutting_one(self, when: dict[str, Any], most: int) -> None:
        open_shop(rules=[{"id": "x", "gives": {"kind": "points_gift", "points": 50}, "when": when}], guard=FREE)
        anna, till = enrolled(), Till()
        noon = timezone.now().astimezone(ZoneInfo("Europe/Moscow")).replace(hour=12) - dt.timedelta(days=2)
        for n in range(4):
            moment = (noon + dt.timedelta(minutes=n)).isoformat()
            assert shown(to=till, number=str(n), lines=cups(10_000), purchased_at=moment)[0] == 200
        assert points(anna) == 50 * most

    def test_cutting_a_line_in_two_changes_no_discount(self) -> None:
        for price in (1, 9, 10, 11, 99, 10_001):
            whole = judged(rule("five", 5), of=of_lines(line(price=2 * price)))
            parts = judged(rule("five", 5), of=of_lines(line(price=price), line(price=price)))
            assert whole.to_pay == parts.to_pay


class TestClocks:
    """The day and the hour are those of the shop's wall, whatever zone a till writes."""

    def test_a_day_ends_at_the_shops_midnight(self) -> None:
        open_shop(watch={"limits": [{"of": "member", "receipts": 2, "refuse": True}]})
        zone = ZoneInfo("Asia/Vladivostok")
        Store.objects.filter(name="Arbat").update(time_zone=zone.key)
        enrolled()
        till = Till()
        midnight = (timezone.now() - dt.timedelta(days=3)).astimezone(zone).replace(
            hour=0, minute=0, second=0, microsecond=0
        )  # fmt: skip
        second = dt.timedelta(seconds=1)
        moments = [midnight - second, midnight - 2 * second, midnight, midnight + second]
        zones = [dt.UTC, dt.timezone(dt.timedelta(hours=14)), zone, dt.timezone(-dt.timedelta(hours=11))]
        for number, (moment, written) in enumerate(zip(moments, zones, strict=True)):
            assert till.sell(str(number), purchased_at=moment.astimezone(written).isoformat())[0] == 200
        for moment in (midnight - 3 * second, midnight + dt.timedelta(hours=23, minutes=59)):
            for written in zones:
                told = moment.astimezone(written).isoformat()
                assert till.sell(f"more {told}", purchased_at=told)[0] == 409

    def test_a_happy_hour_is_not_had_by_writing_another_zone(self) -> None:
        hour = {"is": "hours", "from": "09:00", "to": "10:00"}
        open_shop(rules=[rule("early", 50, when=hour)], guard=FREE)
        enrolled()
        till, moscow = Till(), ZoneInfo("Europe/Moscow")
        noon = (timezone.now() - dt.timedelta(days=2)).astimezone(moscow).replace(hour=12, minute=0)
        as_if = noon.astimezone(dt.UTC).isoformat()
        assert noon.astimezone(dt.UTC).hour == 9
        assert till.quote(purchased_at=as_if)[1]["to_pay"] == 10_000
        nine = noon.replace(hour=9).astimezone(dt.timezone(dt.timedelta(hours=14))).isoformat()
        assert till.quote(purchased_at=nine)[1]["to_pay"] == 6_000

    def test_a_moment_without_a_zone_or_to_come_is_refused(self, till: Till) -> None:
        enrolled()
        now = timezone.now()
        for moment in (now.replace(tzinfo=None), now + dt.timedelta(hours=1), now - dt.timedelta(days=36)):
            assert till.sell(purchased_at=moment.isoformat())[0] in (400, 422)
        assert not Sale.objects.exists()

    @pytest.mark.parametrize(
        ("utc", "holds"),
        [
            ("2026-10-25T00:30", True), ("2026-10-25T01:30", True), ("2026-10-24T23:59", False),
            ("2026-10-25T02:00", False), ("2026-03-29T00:59", False), ("2026-03-29T01:00", False),
        ],
    )  # fmt: skip
    def test_an_hour_that_comes_twice_counts_twice_and_one_that_is_skipped_never(self, utc: str, holds: bool) -> None:
        """Riga: at 01:00 UTC on the last Sundays of March and October three o'clock is skipped, or comes again."""
        at = dt.datetime.fromisoformat(utc).replace(tzinfo=dt.UTC)
        found = judged(
            rule("night", 50, when={"is": "hours", "from": "03:00", "to": "04:00"}),
            of=of_lines(at=at, zone="Europe/Riga"),
        )
        assert (found.discount > 0) is holds

    def test_a_programme_is_that_of_the_moment_to_the_second(self, till: Till) -> None:
        enrolled()
        change = timezone.now() - dt.timedelta(days=1)
        publish_in_the_past(RULES | {"rules": []}, dt.timedelta(days=1))
        before, after = change - dt.timedelta(seconds=5), change + dt.timedelta(seconds=5)
        assert till.quote(purchased_at=before.isoformat())[1]["to_pay"] == 9_500
        assert till.quote(purchased_at=after.isoformat())[1]["to_pay"] == 10_000


def test_an_offline_till_cannot_tell_a_spending_twice_by_two_numbers(till: Till) -> None:
    give(enrolled(), 40)
    told = [basket(number=str(n), points=40, to_pay=5_500, lines=cups(10_000)) for n in range(2)]
    answers = till("till/batch", {"receipts": told})[1]["receipts"]
    assert [bool(one["sale"]) for one in answers] == [True, False]
    assert faults() == []


class TestPointsHiddenInOrders:
    """What is set aside is there when a return takes points: nobody may owe anything here."""

    DEAR: ClassVar = [{"product_id": "cup", "quantity": "1", "price": 1_000_000}]

    @pytest.fixture
    def anna(self) -> Customer:
        open_shop(guard=FREE, life={"days": 365, "late_days": 30}, spending=ALL)
        Product.objects.update(cost=None)
        return enrolled()

    def test_what_a_return_takes_cannot_be_hidden_in_an_order(self, anna: Customer) -> None:
        till, until = Till(), (timezone.now() + dt.timedelta(days=1)).isoformat()
        for time_ in range(2):
            assert till.sell(f"s{time_}", 950_000, lines=self.DEAR)[0] == 200
            for number, many in (("a", 600), ("b", 350)):
                body = {"number": f"{number}{time_}", "card": CARD, "points": many, "until": until}
                assert till("till/holds", body)[0] == 200
            part = {"number": f"p{time_}", "receipt": f"s{time_}", "lines": [{"line": 1, "quantity": "0.2"}]}
            back = till("till/returns", part)[1]
            assert (back["points_taken"], back["points_forgiven"]) == (190, 0)
            states = [till("till/holds/release", {"number": f"{one}{time_}"})[1]["state"] for one in "ba"]
            assert states == ["released", "released"]
            assert points(anna) == 760, "the newest order paid for it, what it did not need is free"
            back = till("till/returns", {"number": f"r{time_}", "receipt": f"s{time_}"})[1]
            assert (back["points_taken"], back["points_forgiven"], points(anna)) == (760, 0, 0)
        assert faults() == []

    def test_an_order_that_lost_its_points_is_not_paid_with_them(self, anna: Customer) -> None:
        till, until = Till(), (timezone.now() + dt.timedelta(days=1)).isoformat()
        assert till.sell("s", 950_000, lines=self.DEAR)[0] == 200
        give(anna, 100)
        assert till("till/holds", {"number": "old", "card": CARD, "points": 100, "until": until})[0] == 200
        assert till("till/holds", {"number": "new", "card": CARD, "points": 950, "until": until})[0] == 200
        assert till("till/returns", {"number": "r", "receipt": "s"})[1]["points_taken"] == 950
        assert till.sell("t", 0, lines=cups(95_000), hold="new")[0] == 409
        assert till.quote(hold="old")[1]["points_spent"] == 95, "what it did not need to take still waits"
        assert faults() == []

    def test_a_release_a_return_and_a_receipt_at_one_moment_give_no_point_twice(self, anna: Customer) -> None:
        till, until = Till(), (timezone.now() + dt.timedelta(days=1)).isoformat()
        for time_ in range(3):
            assert till.sell(f"s{time_}", 950_000, lines=self.DEAR)[0] == 200
            body = {"number": f"h{time_}", "card": CARD, "points": 950, "until": until}
            assert till("till/holds", body)[0] == 200
            acts = [
                ("till/returns", {"number": f"r{time_}", "receipt": f"s{time_}"}),
                ("till/holds/release", {"number": f"h{time_}"}),
                ("till/receipts", {"store": "Arbat", "card": CARD, "lines": cups(100_000), "number": f"t{time_}",
                                   "to_pay": 0, "hold": f"h{time_}"}),
            ]  # fmt: skip
            answers = together(3, lambda place, acts=acts: till(*acts[place])[0])  # type: ignore[misc]
            assert answers[0] == 200
            assert set(answers) <= {200, 409}
            assert points(anna) == 0
        assert faults() == []


class TestBonusForGoodsThatWentBack:
    """A share for volume is that of goods that were kept."""

    DEAR: ClassVar = [{"product_id": "cup", "quantity": "4", "price": 2_000_000}]

    @pytest.fixture
    def anna(self, monkeypatch: pytest.MonkeyPatch) -> Customer:
        self.clock, moscow = monkeypatch, timezone.now().astimezone(ZoneInfo("Europe/Moscow"))
        self.first = moscow.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        steps = [{"from": 1_000_000, "percent": 3}, {"from": 2_000_000, "percent": 5}]
        monthly = [{"id": "dealers", "period": "month", "steps": steps}]
        open_shop(rules=[], guard=FREE, spending=ALL, volume=monthly, life={"days": 365, "most_debt": 500})
        return enrolled()

    def night(self, months: int, days: float) -> tuple[int, int]:
        """So many days after the end of so many months, that of now is the first: of how many is taken, and given."""
        end = self.first
        for _month in range(months):
            end = (end + dt.timedelta(days=32)).replace(day=1)
        moment = end + dt.timedelta(days=days)
        self.clock.setattr(timezone, "now", lambda: moment)
        return take_all(moment), give_all(moment)

    def test_buying_and_bringing_back_month_after_month_leaves_nothing(self, anna: Customer) -> None:
        till = Till()
        for month in range(1, 4):
            assert till.sell(f"s{month}", 2_000_000, lines=self.DEAR)[0] == 200
            assert self.night(month, 3.2) == (0, 1)
            parts = [("2", "a"), ("1", "b"), ("1", "c")]
            for days, (many, name) in enumerate(parts, 4):
                refilled()
                body = {"number": f"{name}{month}", "receipt": f"s{month}", "lines": [{"line": 1, "quantity": many}]}
                answers = [till("till/returns", body)[0] for _again in range(2)]
                assert answers == [200, 200]
                self.night(month, days + 0.2)
            told = members.points_of(anna)
            assert (told.available, told.debt) == (0, 0)
        assert not Alert.objects.exists()
        assert faults() == []

    def test_what_was_spent_is_owed_and_the_next_bonus_pays_it(self, anna: Customer) -> None:
        till = Till()
        assert till.sell("s", 2_000_000, lines=self.DEAR)[0] == 200
        self.night(1, 3.2)
        assert shown(to=till, number="spends", points=390, lines=cups(40_000))[0] == 200
        assert till("till/returns", {"number": "r", "receipt": "s"})[0] == 200
        self.night(1, 4.2)
        told = members.points_of(anna)
        assert (told.available, told.debt) == (0, 390)
        refilled()
        assert till.sell("t", 2_000_000, lines=self.DEAR)[0] == 200
        assert self.night(2, 3.2) == (0, 1)
        told = members.points_of(anna)
        assert (told.available, told.debt) == (610, 0)
        assert faults() == []

    def test_a_return_is_not_dated_out_of_the_reach_of_the_night(self, anna: Customer) -> None:
        """Its sale says when it counts; the till's word for the day of the return moves nothing."""
        till = Till()
        assert till.sell("s", 2_000_000, lines=self.DEAR)[0] == 200
        sold_at = Sale.objects.get().purchased_at
        self.night(1, 3.2)
        back = {"number": "r", "receipt": "s", "returned_at": sold_at.isoformat(), "clock": timezone.now().isoformat()}
        assert till("till/returns", back)[0] in (200, 400)
        back["returned_at"] = (timezone.now() - dt.timedelta(days=1)).isoformat()
        assert till("till/returns", back | {"number": "q"})[0] in (200, 400)
        assert SaleReturn.objects.count() == 1
        self.night(1, 4.2)
        assert points(anna) == 0

    def test_two_nights_at_one_moment_take_once(self, anna: Customer) -> None:
        till = Till()
        assert till.sell("s", 2_000_000, lines=self.DEAR)[0] == 200
        self.night(1, 3.2)
        body = {"number": "r", "receipt": "s", "lines": [{"line": 1, "quantity": "2"}]}
        assert till("till/returns", body)[0] == 200
        moment = timezone.now() + dt.timedelta(days=1)
        assert sorted(together(3, lambda _place: take_all(moment))) == [0, 0, 1]
        assert self.night(1, 5.2) == (0, 0)
        assert points(anna) == 300
        assert faults() == []
