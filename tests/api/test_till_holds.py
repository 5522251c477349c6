"""Points set aside for internet orders: spent by the receipt that names them, let go, or over by themselves."""

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from regulars.accounts.models import LogEntry
from regulars.api.models import ApiKey
from regulars.customers.models import Customer
from regulars.customers.services.contacts import add_contact
from regulars.customers.services.merging import merge
from regulars.loyalty import members
from regulars.loyalty.expiring import expire_points, release_holds
from regulars.loyalty.ledger import Document, Kind, grant, write_one
from regulars.loyalty.models import Account, Alert, Hold, Lot, Sale, Settlement, Transaction
from regulars.loyalty.order_holds import let_go_by_hand
from regulars.loyalty.page_links import open_page
from regulars.loyalty.partners import Terms
from regulars.loyalty.telling import NotNow
from regulars.loyalty.till_codes import make_till_code
from regulars.loyalty.verifying import faults
from regulars.purchases.models import Product
from tests.api.test_partner import Program
from tests.api.test_till import Till, basket
from tests.loyalty.at_once import together
from tests.loyalty.coalition_cases import partner
from tests.loyalty.selling_cases import CARD, RULES, enrolled, open_shop, publish_in_the_past
from tests.web.people import make_user

pytestmark = pytest.mark.django_db(transaction=True)

FREE: dict[str, Any] = {"unknown_cost": "allow"}
OVER = dt.timedelta(days=2)


@pytest.fixture
def anna() -> Customer:
    open_shop(guard=FREE)
    Product.objects.update(cost=None)
    anna = enrolled()
    give(anna, 60)
    return anna


@pytest.fixture
def till(anna: Customer) -> Till:
    return Till()


def give(customer: Customer, many: int, expires_at: dt.datetime | None = None) -> None:
    number = str(Transaction.objects.count())
    granted = (grant(customer.pk, many, expires_at=expires_at),)
    write_one(Document(members.points_unit(), Kind.GIFT, "test", number, "test", granted), at=timezone.now())


def wish(points: int = 50, number: str = "W-1", **more: Any) -> dict[str, Any]:
    until = (timezone.now() + dt.timedelta(days=1)).replace(microsecond=0).isoformat()
    return {"number": number, "card": CARD, "points": points, "until": until} | more


def standing(customer: Customer) -> tuple[int, int]:
    found = members.points_of(customer)
    return found.available, found.held


def test_points_wait_for_the_order_and_its_receipt_spends_them(till: Till, anna: Customer) -> None:
    body = wish()
    status, held = till("till/holds", body)
    assert (status, held["state"], held["points"], standing(anna)) == (200, "open", 50, (10, 50))
    assert till("till/holds", body) == (200, held), "the same order again sets nothing more aside"
    assert till("till/holds", body | {"points": 51})[0] == 422
    assert standing(anna) == (10, 50)
    quote = till.quote(hold="W-1")[1]
    # half of 9,500 at most, by the rules
    assert (quote["points_spent"], quote["to_pay"], quote["most_points"]) == (47, 4_800, 47)
    assert (quote["balance"]["available"], quote["balance"]["held"]) == (10, 50)
    sale = till.sell(to_pay=4_800, hold="W-1")
    assert (sale[0], sale[1]["points_spent"]) == (200, 47)
    earned = sale[1]["points_earned"]
    assert standing(anna) == (60 - 47 + earned, 0), "what the rules did not let him spend is free again"
    assert sale[1]["balance"] == 13 + earned
    assert till.sell(to_pay=4_800, hold="W-1") == sale
    assert till("till/holds", body)[1]["state"] == "spent"
    assert till("till/holds/release", {"number": "W-1"})[0] == 409
    assert till.sell("18", 4_800, hold="W-1")[0] == 409, "it is spent once"
    back = till("till/returns", {"number": "r", "receipt": "17"})[1]
    assert (back["points_back"], standing(anna)) == (47, (60, 0))
    assert faults() == []


def test_nobody_else_spends_them_meanwhile(till: Till, anna: Customer) -> None:
    assert till("till/holds", wish())[0] == 200
    other = Till()
    quote = other.quote(points=60)[1]
    assert (quote["points_spent"], quote["most_points"], quote["balance"]["held"]) == (10, 10, 50)
    assert other.sell(to_pay=9_500 - 1_000, points=60)[0] == 200
    status, answer = other("till/holds", wish(20, "W-2"))
    assert status == 409, answer
    assert "asked for" in answer["detail"]
    assert till.sell("18", 4_800, hold="W-1")[0] == 200
    assert faults() == []


def test_points_go_free_when_the_order_is_dropped(till: Till, anna: Customer) -> None:
    till("till/holds", body := wish())
    for _time in range(2):
        status, answer = till("till/holds/release", {"number": "W-1"})
        assert (status, answer["state"], standing(anna)) == (200, "released", (60, 0))
    assert till.sell(to_pay=4_800, hold="W-1")[0] == 409
    assert till("till/holds", body)[1]["state"] == "released", "a number is used once"
    assert till("till/holds/release", {"number": "W-9"})[0] == 404


def test_points_go_free_by_themselves(till: Till, anna: Customer) -> None:
    till("till/holds", wish())
    Hold.objects.update(until=timezone.now() - dt.timedelta(seconds=1))
    assert till.quote(hold="W-1")[0] == 409, "the moment counts, whenever the job comes"
    assert till.sell(to_pay=4_800, hold="W-1")[0] == 409
    assert release_holds(timezone.now()) == 1
    assert (standing(anna), Hold.objects.get().state) == ((60, 0), "released")
    assert not Sale.objects.exists()


def test_what_expires_while_it_waits_is_still_his_to_spend(till: Till, anna: Customer) -> None:
    give(anna, 10, timezone.now() + dt.timedelta(hours=1))
    till("till/holds", wish(30))
    later = timezone.now() + dt.timedelta(hours=2)
    Lot.objects.filter(granted=10).update(expires_at=later - dt.timedelta(hours=1, minutes=59, seconds=59))
    expire_points(later)
    assert till.sell(to_pay=9_500 - 3_000, hold="W-1")[0] == 200
    assert sorted(Lot.objects.values_list("granted", "remaining"))[0][1] in (0, 6), "the first to expire goes first"
    assert faults() == []


def test_rules_that_let_no_point_be_spent_leave_all_of_them(anna: Customer) -> None:
    till = Till()
    till("till/holds", wish())
    free = [{"product_id": "tea", "quantity": "1", "price": 0}]
    assert till.quote(lines=free, hold="W-1")[1]["points_spent"] == 0
    assert till.sell(to_pay=0, lines=free, hold="W-1")[0] == 200
    assert (standing(anna)[1], Hold.objects.get().state) == (0, "released")


class TestOfOneOwner:
    """What one key sets aside is there for every till of the same owner."""

    def test_what_the_site_sets_aside_is_paid_in_the_shop(self, till: Till, anna: Customer) -> None:
        body = wish()
        held = till("till/holds", body)[1]
        shop = Till()
        assert shop.quote(hold="W-1")[1]["points_spent"] == 47
        sale = shop.sell(to_pay=4_800, hold="W-1")
        assert (sale[0], sale[1]["points_spent"], standing(anna)[1]) == (200, 47, 0)
        assert shop.sell(to_pay=4_800, hold="W-1") == sale
        assert till("till/holds", body)[1] == held | {"state": "spent"}
        assert till.sell("18", 4_800, hold="W-1")[0] == 409
        assert shop("till/holds/release", {"number": "W-1"})[0] == 409
        assert faults() == []

    def test_a_number_is_one_order_at_all_its_tills(self, till: Till, anna: Customer) -> None:
        body = wish(20)
        till("till/holds", body)
        other = Till()
        assert other("till/holds", body)[1]["state"] == "open", "of whichever key, the same order is told how it stands"
        assert other("till/holds", body | {"points": 21})[0] == 422
        assert other("till/holds/release", {"number": "W-1"})[1]["state"] == "released"
        assert till("till/holds/release", {"number": "W-1"})[1]["state"] == "released"
        assert till("till/holds", body)[1]["state"] == "released"
        assert standing(anna) == (60, 0)

    def test_many_of_its_tills_at_once_set_aside_once(self, till: Till, anna: Customer) -> None:
        tills, body = [till, Till(), Till()], wish(20)
        answers = together(6, lambda place: tills[place % 3]("till/holds", body)[0])
        assert (answers, standing(anna), Hold.objects.count()) == ([200] * 6, (40, 20), 1)

    def test_many_of_its_tills_at_once_spend_and_let_go_once(self, till: Till, anna: Customer) -> None:
        tills = [till, Till(), Till(), Till()]
        till("till/holds", wish(40))

        def act(place: int) -> int:
            if place % 2:
                return tills[place]("till/holds/release", {"number": "W-1"})[0]
            return tills[place].sell("1", 5_500, hold="W-1")[0]

        answers = together(4, act)
        is_sold = Sale.objects.exists()
        assert sorted(answers) == ([200, 409, 409, 409] if is_sold else [200, 200, 409, 409])
        assert (Hold.objects.get().state, standing(anna)[1]) == ("spent" if is_sold else "released", 0)
        assert faults() == []

    def test_tills_of_a_partner_share_theirs(self, till: Till, anna: Customer) -> None:
        site, shop, body = Program("books"), Program("books"), wish(40)
        assert site("till/holds", body)[0] == 200
        sold = basket(store="Books", hold="W-1")
        assert till("till/quote", sold | {"store": "Arbat"})[0] == 404
        quote = shop("till/quote", sold)[1]
        assert shop("till/receipts", sold | {"number": "1", "to_pay": quote["to_pay"]})[0] == 200
        assert (Settlement.objects.get(kind="redeemed").points, standing(anna)[1]) == (quote["points_spent"], 0)
        assert site("till/holds", body)[1]["state"] == "spent"
        assert faults() == []


class TestAttacks:
    """Ways to get at points of others, or at more than there are."""

    def test_to_tills_of_another_owner_they_are_not_there(self, till: Till, anna: Customer) -> None:
        till("till/holds", wish())
        thief, nobodys = Program("books"), Program("coffee")
        none = thief("till/holds/release", {"number": "W-9"})
        key = Hold.objects.get().key
        for number in ("W-1", key, "\x1fW-1", "partner:1\x1fW-1", "till:1\x1fW-1"):
            for one in (thief, nobodys):
                asked = basket(store=one.partner.name, hold=number)
                assert one("till/quote", asked)[0] == 404
                assert one("till/receipts", asked | {"number": "1", "to_pay": 4_800})[0] == 404
                status, answer = one("till/holds/release", {"number": number})
                assert (status, answer["detail"]) == (none[0], none[1]["detail"].replace("'W-9'", repr(number)))
        assert (standing(anna), Sale.objects.exists()) == ((10, 50), False)
        # its own number of the same name is another order
        body = wish(10)
        assert thief("till/holds", body)[0] == 200
        assert standing(anna) == (0, 60)
        assert nobodys("till/holds/release", {"number": "W-1"})[0] == 404
        assert thief("till/holds/release", {"number": "W-1"})[1]["points"] == 10
        assert standing(anna) == (10, 50)
        assert till("till/holds/release", {"number": "W-1"})[1]["points"] == 50
        assert thief("till/holds", body)[1]["state"] == "released"

    def test_a_number_that_looks_like_an_owners_is_only_a_number(self, till: Till) -> None:
        books = Program("books")
        forged = f"partner:{books.partner.pk}\x1fW-1"
        assert till("till/holds", wish(10, forged))[0] == 200
        assert books("till/holds/release", {"number": "W-1"})[0] == 404
        assert till("till/holds/release", {"number": forged})[1]["number"] == forged

    def test_the_code_of_his_page_sets_aside_once(self, till: Till, anna: Customer) -> None:
        now = timezone.now()
        code = make_till_code(open_page(anna, by=None, at=now), at=now)
        body = wish(card="", code=code)
        first = till("till/holds", body)
        assert first[0] == 200
        assert till("till/holds", body) == first, "told again, though the code is used up"
        assert till("till/holds", body | {"number": "W-2", "points": 5})[0] == 404
        assert till("till/holds", wish(5, "W-3", card=CARD, phone="+79161234567"))[0] == 400
        assert standing(anna) == (10, 50)

    def test_another_member_cannot_spend_them(self, till: Till, anna: Customer) -> None:
        till("till/holds", wish())
        enrolled("1000000025", name="Eve")
        for more in ({"card": "1000000025"}, {"card": ""}):
            assert till.sell(to_pay=4_800, hold="W-1", **more)[0] == 400
        assert standing(anna) == (10, 50)

    def test_the_phone_alone_sets_nothing_aside_and_spends_what_was(self, till: Till, anna: Customer) -> None:
        add_contact(anna, kind="phone", written="+79161234567", by=None)
        by_phone = {"card": "", "phone": "+79161234567"}
        assert till("till/holds", wish(**by_phone))[0] == 409
        assert standing(anna) == (60, 0)
        till("till/holds", wish())
        assert till.quote(hold="W-1", **by_phone)[1]["points_spent"] == 47
        assert till.sell(to_pay=4_800, hold="W-1", **by_phone)[0] == 200

    @pytest.mark.parametrize("points", [0, -1, 61, 10**13, 10**15, "one", 1.5])
    def test_odd_numbers_of_points_are_refused(self, till: Till, anna: Customer, points: Any) -> None:
        assert till("till/holds", wish(points))[0] in (409, 422)
        assert (standing(anna), Hold.objects.count()) == ((60, 0), 0)

    @pytest.mark.parametrize("days", [-1, 0, 31, 36_500])
    def test_they_are_not_set_aside_for_ever(self, till: Till, anna: Customer, days: int) -> None:
        until = (timezone.now() + dt.timedelta(days=days)).isoformat()
        assert till("till/holds", wish(until=until))[0] == 400
        assert till("till/holds", wish(until=timezone.now().replace(tzinfo=None).isoformat()))[0] in (400, 422)
        assert standing(anna) == (60, 0)

    def test_points_and_what_is_set_aside_are_not_both_spent(self, till: Till) -> None:
        till("till/holds", wish())
        assert till.quote(hold="W-1", points=10)[0] == 400

    def test_one_order_told_by_many_at_once_is_set_aside_once(self, till: Till, anna: Customer) -> None:
        body = wish(20)
        answers = together(6, lambda _place: till("till/holds", body)[0])
        assert (answers, standing(anna)) == ([200] * 6, (40, 20))

    def test_the_last_points_go_to_one_order(self, till: Till, anna: Customer) -> None:
        answers = together(6, lambda place: till("till/holds", wish(40, f"W-{place}"))[0])
        assert sorted(answers) == [200] + [409] * 5
        assert (standing(anna), faults()) == ((20, 40), [])

    def test_one_hold_pays_one_of_many_receipts(self, till: Till) -> None:
        till("till/holds", wish(40))
        answers = together(5, lambda place: till.sell(str(place), 5_500, hold="W-1")[0])
        assert sorted(answers) == [200] + [409] * 4
        assert (Sale.objects.get().points_spent, faults()) == (40, [])

    def test_a_receipt_and_a_release_at_one_moment_leave_one_of_them(self, till: Till) -> None:
        till("till/holds", wish(40))

        def act(place: int) -> int:
            if place:
                return till("till/holds/release", {"number": "W-1"})[0]
            return till.sell("1", 5_500, hold="W-1")[0]

        assert sorted(together(2, act)) == [200, 409]
        assert faults() == []

    def test_people_and_a_till_at_one_moment_let_go_once(self, till: Till, anna: Customer) -> None:
        till("till/holds", wish(40))
        owner = make_user("owner")

        def act(place: int) -> str:
            if place == 0:
                return till("till/holds/release", {"number": "W-1"})[1]["state"]  # type: ignore[no-any-return]
            one = Hold.objects.get()
            let_go_by_hand(one, by=owner, about=anna.pk)
            return one.state

        assert together(5, act)[0] == "released"
        assert (standing(anna), Hold.objects.get().state) == ((60, 0), "released")
        assert LogEntry.objects.filter(event="points_let_go").count() <= 1
        assert faults() == []

    def test_a_person_and_a_receipt_at_one_moment_leave_one_of_them(self, till: Till, anna: Customer) -> None:
        till("till/holds", wish(40))
        owner = make_user("owner")

        def act(place: int) -> int:
            if place:
                return till.sell("1", 5_500, hold="W-1")[0]
            try:
                let_go_by_hand(Hold.objects.get(), by=owner, about=anna.pk)
            except NotNow:
                return 409
            return 200

        assert sorted(together(2, act)) == [200, 409]
        assert LogEntry.objects.filter(event="points_let_go").exists() is not Sale.objects.exists()
        assert faults() == []

    def test_limits_hold_when_they_are_spent(self, anna: Customer) -> None:
        limit = {"of": "member", "per": "day", "spent": 30, "refuse": True}
        publish_in_the_past(RULES | {"guard": FREE, "watch": {"limits": [limit]}}, dt.timedelta(hours=1))
        till = Till()
        assert till("till/holds", wish(40))[0] == 200
        assert till.quote(hold="W-1")[0] == 409
        assert till.sell(to_pay=5_500, hold="W-1")[0] == 409
        assert standing(anna) == (20, 40)
        assert Alert.objects.filter(kind="refused").exists()

    def test_a_partner_takes_no_more_than_its_contract_lets_it(self, anna: Customer) -> None:
        till = Till()
        terms = Terms(issue_price=100_000, redeem_price=80_000, most_redeemed_a_day=10)
        partner("books", f"till:{ApiKey.objects.get().pk}", terms)
        assert till("till/holds", wish(40))[0] == 200
        quote = till.quote(store="Books", hold="W-1")[1]
        assert (quote["points_spent"], quote["most_points"]) == (10, 10)
        assert till.sell(to_pay=quote["to_pay"], store="Books", hold="W-1")[0] == 200
        assert standing(anna)[1] == 0
        till("till/holds", wish(20, "W-2"))
        assert till.quote(store="Books", hold="W-2")[1]["points_spent"] == 0
        assert Settlement.objects.filter(kind="redeemed").get().points == 10
        assert faults() == []

    def test_without_a_line_nothing_is_taken_of_it(self, till: Till) -> None:
        till("till/holds", wish())
        at = timezone.now().isoformat()
        receipt = basket(number="1", snapshot="x", purchased_at=at, paid=1, hold="W-1")
        told = till("till/offline", {"clock": at, "receipts": [receipt]})[1]
        assert told["receipts"][0]["state"] == "refused"

    def test_in_a_batch_each_is_written_as_alone(self, till: Till) -> None:
        till("till/holds", wish(40))
        receipts = [
            basket(number="0", to_pay=10_000, card=""), basket(number="1", to_pay=5_500, hold="W-1"),
            basket(number="2", to_pay=5_500, hold="W-1"), basket(number="3", to_pay=10_000, card=""),
        ]  # fmt: skip
        told = till("till/batch", {"receipts": receipts})[1]["receipts"]
        assert [bool(one["sale"]) for one in told] == [True, True, False, True]
        assert faults() == []

    def test_who_is_merged_meanwhile_has_them_still(self, till: Till, anna: Customer) -> None:
        till("till/holds", wish(40))
        kept = enrolled("1000000025", name="Anna K.")
        merge(kept, anna, by=make_user("owner"))
        assert till.sell(to_pay=5_500, card="1000000025", hold="W-1")[0] == 200
        assert (Account.objects.filter(customer=kept).count(), faults()) == (2, [])
