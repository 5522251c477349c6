"""What the programme owed at the end of a day: points, money, deferred revenue, certificates."""

import datetime as dt
import html
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone

from regulars.analytics.estimate import Estimate
from regulars.customers.models import Customer
from regulars.foundation.models import Business
from regulars.loyalty import liability
from regulars.loyalty.breakage import FEWEST_DECIDED, spent_share
from regulars.loyalty.certificate_deals import Deal, sell_certificates
from regulars.loyalty.certificates import make_certificates
from regulars.loyalty.deferring import Amount, Deferred, Promised, flow, promised_at, revenue_at
from regulars.loyalty.expected import keep_shares, stood
from regulars.loyalty.expiring import expire_points
from regulars.loyalty.ledger import Document, Kind, give_back, grant, hold, spend, take, write, write_one
from regulars.loyalty.liability import Worth, points_at, worth_at
from regulars.loyalty.members import points_unit
from regulars.loyalty.models import Lot, Sale, SpentShare
from regulars.loyalty.returning import Coming, bring_back
from regulars.loyalty.revenue import allocate
from regulars.web import programme_liability
from tests.loyalty.coalition_cases import partner
from tests.loyalty.selling_cases import enrolled, open_shop, order, sell
from tests.web.people import logged_in, make_user

pytestmark = pytest.mark.django_db

PAGE = "/programme/liability/"
PARTS = ("points", "money", "revenue", "certificates")
# a point for each ten kopecks, worth one: the figures of the standard's example
STANDARD: dict[str, Any] = {
    "spending": {"as": "discount", "worth": 1, "most_share": 50},
    "rules": [{"id": "base", "gives": {"kind": "points_per", "points": 1, "per": 10}}],
}


def text_of(answer: Any, status: int = 200) -> str:
    assert answer.status_code == status, answer.content.decode()[:2000]
    return html.unescape(answer.content.decode()).replace("\xa0", " ")


def sold_as_in_the_standard(**changes: Any) -> tuple[Customer, Sale]:
    """Goods for 100,000 that give 10,000 points."""
    open_shop(**STANDARD | changes)
    anna = enrolled()
    sale = sell(order(("tea", 1, 100_000)), "1")
    assert sale.points_earned == 10_000
    return anna, sale


def use(customer: Customer, points: int, number: str, *, at: dt.datetime | None = None) -> None:
    document = Document(points_unit(), Kind.SALE, "t", number, "t", (spend(customer.pk, points),))
    write_one(document, at=at or timezone.now())


def decided(spent: int, *, of: int = 100, now: dt.datetime | None = None, first_card: int = 2_000_000_000) -> None:
    """Enough members whose points are over: so many of each were spent."""
    unit, now = points_unit(), now or timezone.now()
    then = now - dt.timedelta(days=10)
    people = [enrolled(str(first_card + n)) for n in range(FEWEST_DECIDED)]
    life = {"available_at": then, "expires_at": now - dt.timedelta(days=1)}
    write([Document(unit, Kind.GIFT, "g", str(one.pk), "t", (grant(one.pk, of, **life),)) for one in people], at=then)
    write([Document(unit, Kind.SALE, "g", str(one.pk), "t", (spend(one.pk, spent),)) for one in people], at=then)
    expire_points(now)


def test_the_example_of_the_standard_comes_out_of_the_real_ledger() -> None:
    anna, _sale = sold_as_in_the_standard()
    decided(95)
    use(anna, 4_500, "1")
    found = revenue_at(timezone.now())
    assert found is not None and found.likely is not None
    assert found.promised == Promised(paid=100_000, points=10_000, alive=5_500, lapsed=0)
    assert (found.likely.expected, found.likely.part, found.likely.earned) == (9_500, 8_676, 4_110)
    assert found.likely.left == 8_676 - 4_110


def far(days: int) -> dt.datetime:
    """A moment to come: the ledger's clock is whoever writes."""
    return timezone.now() + dt.timedelta(days=days)


def test_both_years_of_the_example_come_out_of_real_postings() -> None:
    """IFRS 15, example 52: 8,676 is the points' part for good; 4,110 in the first year, 3,493 in the second."""
    anna, _sale = sold_as_in_the_standard(life={"days": 3_000})
    decided(95)
    assert keep_shares(timezone.now()) == 1
    use(anna, 4_500, "1", at=far(10))
    first = revenue_at(far(11))
    use(anna, 4_000, "2", at=far(400))
    decided(99, now=far(405), first_card=2_100_000_000)
    assert keep_shares(far(410)) == 1
    second, between_years = revenue_at(far(411)), revenue_at(far(200))
    assert first is not None and second is not None and between_years is not None
    assert second.promised == Promised(paid=100_000, points=10_000, alive=1_500, lapsed=0)
    assert first.likely == between_years.likely == Deferred(expected=9_500, part=8_676, earned=4_110)
    assert second.likely == Deferred(expected=9_700, part=8_676, earned=4_110 + 3_493)
    assert 100_000 - second.likely.part == 91_324
    assert not second.is_early and second.low.part == second.high.part == 8_676, "what was split once is no estimate"


def test_a_new_estimate_splits_new_sales_and_no_old_ones() -> None:
    sold_as_in_the_standard(life={"days": None})
    _keep_lasting("0.5", far(0))
    _keep_lasting("0.9", far(3))
    _sold_again("2", far(4))
    found = revenue_at(far(4))
    assert found is not None and found.likely is not None
    halves, nines = (allocate(100_000, [Fraction(100_000), Fraction(n)])[1] for n in (5_000, 9_000))
    assert found.likely.part == halves + nines and found.likely.expected == 18_000
    # before the new one stood, nothing of it was known
    before = revenue_at(far(2))
    assert before is not None and before.likely == Deferred(5_000, halves, 0)


def test_what_was_kept_stays_and_nothing_slips_in_before_it() -> None:
    open_shop()
    decided(25)
    now = timezone.now()
    assert (keep_shares(now), keep_shares(now)) == (1, 0), "the first of a day stands"
    kept = SpentShare.objects.get()
    assert (kept.lasts, kept.share, kept.members, kept.points) == (False, Decimal("0.25"), FEWEST_DECIDED, 3_000)
    decided(75, first_card=2_100_000_000)
    assert stood(timezone.now())[False].value == 0.25
    for change in (
        lambda: SpentShare.objects.update(share=1), lambda: SpentShare.objects.all().delete(),
        lambda: _keep_lasting("0.5", far(-3), lasts=False), _emptied,
    ):  # fmt: skip
        with pytest.raises(DatabaseError), transaction.atomic():
            change()
    assert keep_shares(far(-3)) == 0, "too late for a day before"
    assert SpentShare.objects.get().share == Decimal("0.25")


def _emptied() -> None:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE loyalty_spentshare")


def _keep_lasting(share: str, at: dt.datetime, *, lasts: bool = True) -> None:
    day, one = at.astimezone(Business.current().zone).date(), Decimal(share)
    SpentShare.objects.create(
        unit=points_unit(), lasts=lasts, estimated_on=day, share=one, low=one, high=one, members=30, points=100
    )


def _sold_again(number: str, at: dt.datetime) -> None:
    """The same goods once more, on another day."""
    sale = sell(order(("tea", 1, 100_000)), number)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE loyalty_sale SET purchased_at = %s, recorded_at = %s WHERE id = %s", [at, at, sale.pk])
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")


def test_before_the_first_estimate_its_sales_are_split_by_the_first_one() -> None:
    sold_as_in_the_standard(life={"days": None})
    _keep_lasting("0.95", far(2))
    early, later = revenue_at(far(1)), revenue_at(far(3))
    assert early is not None and later is not None and early.is_early and later.is_early
    # the split is known by then, what will be spent is not
    assert early.likely is None and (early.low.part, early.high.part) == (8_676, 8_676)
    assert later.likely is not None and later.likely.part == 8_676


def test_revenue_between_days_adds_up_to_what_is_deferred_at_both_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    anna, _sale = sold_as_in_the_standard(life={"days": 3_000})
    decided(95)
    keep_shares(timezone.now())
    use(anna, 4_500, "1", at=far(10))
    use(anna, 4_000, "2", at=far(400))
    decided(99, now=far(405), first_card=2_100_000_000)
    keep_shares(far(410))
    begin = timezone.now().astimezone(Business.current().zone).date()
    later = far(420)
    monkeypatch.setattr(timezone, "now", lambda: later)
    days = [begin + dt.timedelta(days=n) for n in (0, 100, 101, 420)]
    first, second = flow(*days[:2]), flow(*days[2:])
    assert first is not None and second is not None
    assert [one.likely for one in (first.begin, first.added, first.earned, first.end)] == [0, 8_676, 4_110, 4_566]
    assert [one.likely for one in (second.begin, second.added, second.earned, second.end)] == [4_566, 0, 3_493, 1_073]
    for one in (first, second):
        assert one.begin.likely is not None and one.earned.low <= (one.earned.likely or 0) <= one.earned.high


def test_while_the_share_is_not_known_the_flow_is_told_between_two_figures() -> None:
    anna, _sale = sold_as_in_the_standard()
    use(anna, 4_500, "1")
    day = timezone.now().astimezone(Business.current().zone).date()
    found = flow(day.replace(day=1), day)
    assert found is not None and found.begin == Amount(0, 0, 0)
    assert (found.earned.likely, found.end) == (None, Amount(None, 0, 5_000))
    assert found.added.high == 9_091 and found.earned.high == 4_091


def test_while_nobody_knows_the_share_it_lies_between_nothing_and_all() -> None:
    anna, _sale = sold_as_in_the_standard()
    use(anna, 4_500, "1")
    found = revenue_at(timezone.now())
    assert found is not None and found.likely is None and found.shares[False].value is None
    # all 10,000: 100,000 x 10,000 / 110,000 = 9,091, of which 45 per cent are earned
    assert (found.low.left, found.high.part, found.high.earned, found.high.left) == (0, 9_091, 4_091, 5_000)
    worth = worth_at(timezone.now())
    assert worth == Worth(5_500, 1, None) and (worth.most, worth.likely) == (5_500, None)


def test_what_came_back_was_not_paid_and_its_points_are_no_promise() -> None:
    sold_as_in_the_standard()
    sell(order(("tea", 2, 60_000)), "2")
    before = timezone.now()
    bring_back(Coming("till:1", "3", "till:1", "1"))
    assert promised_at(timezone.now()) == Promised(paid=60_000, points=6_000, alive=6_000, lapsed=0)
    assert promised_at(before) == Promised(paid=160_000, points=16_000, alive=16_000, lapsed=0)


def test_points_that_returns_keep_alive_again_and_again_are_a_promise_of_their_sale() -> None:
    """Spent, given back after their time, spent of the new time, and given back after that, too."""
    anna, _sale = sold_as_in_the_standard(life={"days": 5})
    unit = points_unit()
    for number, (spent, back, until) in {"1": (2, 10, 20), "2": (12, 25, 30)}.items():
        gone = Document(unit, Kind.SALE, "t", f"s{number}", "t", (spend(anna.pk, 4_000),))
        written = write_one(gone, at=far(spent)).transaction
        moves = (give_back(4_000, late_until=far(until)),)
        write_one(Document(unit, Kind.RETURN, "t", f"r{number}", "t", moves, reverses=written), at=far(back))
    assert Lot.objects.filter(origin__origin__isnull=False).count() == 1
    found = revenue_at(far(26))
    assert found is not None
    assert found.promised == Promised(paid=100_000, points=10_000, alive=4_000, lapsed=6_000)


def test_what_comes_back_for_points_that_were_owed_is_not_less_spent() -> None:
    """He owed them, has earned them since, and the goods come back: the points are new, and expire unspent."""
    open_shop()
    unit, now = points_unit(), timezone.now()
    people = [enrolled(str(2_000_000_000 + n)) for n in range(FEWEST_DECIDED)]
    for one in people:
        owed = Document(unit, Kind.SALE, "t", f"s{one.pk}", "t", (spend(one.pk, 10, owe=True),))
        sale = write_one(owed, at=now).transaction
        write_one(Document(unit, Kind.GIFT, "t", f"g{one.pk}", "t", (grant(one.pk, 10),)), at=now)
        back = Document(
            unit, Kind.RETURN, "t", f"r{one.pk}", "t", (give_back(10, expires_at=far(1)),), reverses=sale
        )  # fmt: skip
        write_one(back, at=now)
    expire_points(far(2))
    share = spent_share(far(3))
    assert share is not None and share.value == 0


def test_points_without_a_purchase_and_those_taken_by_hand_are_told_apart() -> None:
    anna, _sale = sold_as_in_the_standard()
    unit, now = points_unit(), timezone.now()
    write_one(Document(unit, Kind.CORRECTION, "t", "1", "t", (take(anna.pk, 1_000),)), at=now)
    write_one(Document(unit, Kind.GIFT, "t", "2", "t", (grant(anna.pk, 700),)), at=now)
    assert promised_at(timezone.now()) == Promised(paid=100_000, points=10_000, alive=9_000, lapsed=1_000)
    worth = worth_at(timezone.now())
    assert worth is not None and worth.points == 9_700
    # long after: nothing of the receipt lives, all that is left has lapsed
    over = promised_at(now + dt.timedelta(days=400))
    assert (over.alive, over.lapsed, over.redeemed) == (0, 10_000, 0)
    assert (over.deferred(1.0, 9_091).left, over.deferred(0.0, 0).left, over.deferred(0.0, 9_091).left) == (0, 0, 0)


def test_receipts_without_points_of_strangers_and_of_partners_promise_nothing() -> None:
    open_shop(**STANDARD)
    enrolled()
    partner("books", "till:2")
    theirs = sell(order(("tea", 1, 100_000), till="till:2", store=""), "1")
    assert theirs.points_earned == 10_000
    sell(order(("tea", 1, 50_000), card=""), "2")
    assert promised_at(timezone.now()) == Promised(0, 0, 0, 0)
    found = revenue_at(timezone.now())
    assert found is not None and found.high.left == 0


def test_expected_is_never_less_than_was_spent_nor_more_than_can_be() -> None:
    one = Promised(paid=1_000, points=100, alive=10, lapsed=30)
    assert (one.redeemed, one.expected(0.1), one.expected(0.65), one.expected(1.0)) == (60, 60, 65, 70)
    # a debt: more was spent than ever was promised
    assert Promised(0, 0, 50, 0).redeemed == 0
    assert Promised(0, 100, 100, 0).deferred(1.0, 0).left == 0


def test_the_worth_is_at_most_all_and_likely_at_the_share() -> None:
    found = Worth(1_000, 100, Estimate(0.5, 0.4, 0.6))
    assert found.most == 100_000
    assert found.likely == Estimate(50_000, 40_000, 60_000)


def test_the_share_is_what_was_known_on_the_day() -> None:
    open_shop()
    decided(25)
    assert spent_share(timezone.now() - dt.timedelta(days=2)) is None
    now = spent_share()
    assert now is not None and now.value == pytest.approx(0.25)


def test_what_is_set_aside_is_told_as_it_was() -> None:
    anna, _sale = sold_as_in_the_standard()
    before, unit = timezone.now(), points_unit()
    hold(anna.pk, unit, 300, key="k", at=timezone.now(), until=timezone.now() + dt.timedelta(hours=1))
    found, held = points_at(timezone.now())
    assert (held, found.outstanding.available, found.is_balanced) == (300, 10_000, True)
    assert points_at(before)[1] == 0


def test_before_there_were_rules_nobody_knows_what_a_point_is_worth() -> None:
    open_shop()
    then = timezone.now() - dt.timedelta(days=60)
    assert worth_at(then) is None and revenue_at(then) is None


@pytest.fixture
def owner() -> Client:
    sold_as_in_the_standard()
    return logged_in(make_user("owner"))


def test_the_page_adds_nothing_up_and_each_part_comes_by_itself(owner: Client) -> None:
    page = text_of(owner.get(PAGE))
    for part in PARTS:
        assert f'hx-get="{PAGE}{part}/?day=' in page
    assert "figures of this moment" in page and "10,000" not in page
    assert "You owe 10,000 points" in text_of(owner.get(f"{PAGE}points/"))
    assert "not known yet: ₽100 is the most" in text_of(owner.get(f"{PAGE}money/"))
    revenue = text_of(owner.get(f"{PAGE}revenue/"))
    assert "Members paid ₽1,000" in revenue and "They gave 10,000 points" in revenue and "between these" in revenue
    assert "Nothing is owed on gift certificates" in text_of(owner.get(f"{PAGE}certificates/"))
    assert owner.get(f"{PAGE}other/").status_code == 404
    assert owner.post(PAGE).status_code == 405


def test_a_day_before_shows_what_was_known_by_then(owner: Client) -> None:
    today = timezone.now().astimezone(Business.current().zone).date()
    days = {"day": (today - dt.timedelta(days=1)).isoformat()}
    assert "figures of this moment" not in text_of(owner.get(PAGE, days))
    assert "You owe 0 points" in text_of(owner.get(f"{PAGE}points/", days))
    assert "nothing of what was paid is deferred" in text_of(owner.get(f"{PAGE}revenue/", days))
    long_ago = {"day": (today - dt.timedelta(days=90)).isoformat()}
    for part in ("money", "revenue"):
        assert "No rules were valid on this day" in text_of(owner.get(f"{PAGE}{part}/", long_ago))


def test_the_page_shows_revenue_of_the_month_and_the_year_or_since_a_day(owner: Client) -> None:
    usual = text_of(owner.get(f"{PAGE}revenue/"))
    assert "Deferred at the beginning" in usual and "Became revenue" in usual and usual.count('scope="col"') == 3
    day = timezone.now().astimezone(Business.current().zone).date()
    since = {"since": (day - dt.timedelta(days=3)).isoformat()}
    assert f"since={since['since']}" in text_of(owner.get(PAGE, since))
    assert text_of(owner.get(f"{PAGE}revenue/", since)).count('scope="col"') == 2
    late = {"since": day.isoformat(), "day": (day - dt.timedelta(days=1)).isoformat()}
    for address in (PAGE, f"{PAGE}revenue/"):
        assert "is after" in text_of(owner.get(address, late), 422)
        assert "'<b>' is no day" in text_of(owner.get(address, {"since": "<b>"}), 422)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("yesterday", "'yesterday' is no day"), ("2026-02-30", "'2026-02-30' is no day"),
        ("9999-12-31", "is still to come"), ("0001-01-01", "is too far away"), ("<b>", "'<b>' is no day"),
        ("1' OR '1", "is no day"),
    ],
)  # fmt: skip
def test_a_bad_or_future_day_is_named_on_the_page_and_in_its_parts(owner: Client, typed: str, said: str) -> None:
    page = owner.get(PAGE, {"day": typed})
    assert said in text_of(page, 422) and b"<b>" not in page.content and b'hx-get="/programme/liab' not in page.content
    for part in PARTS:
        assert said in text_of(owner.get(f"{PAGE}{part}/", {"day": typed}), 422)


def test_a_part_that_takes_too_long_says_so_in_both_languages(owner: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*_asked: Any) -> dict[str, Any]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(20)")
        return {}

    monkeypatch.setitem(programme_liability._PARTS, "points", slow)
    monkeypatch.setattr(programme_liability, "_PATIENCE_MS", 30)
    assert "takes too long to count" in text_of(owner.get(f"{PAGE}points/"))
    reader = make_user("analyst")
    type(reader).objects.filter(pk=reader.pk).update(language="ru")
    assert "слишком долго" in text_of(logged_in(reader).get(f"{PAGE}points/"))


def test_known_shares_debts_and_certificates_are_said_in_words(owner: Client) -> None:
    anna = Customer.objects.get(name="Anna")
    decided(95)
    use(anna, 4_500, "1")
    revenue = text_of(owner.get(f"{PAGE}revenue/"))
    assert "9,500 are expected to be spent in all" in revenue and "₽86.76" in revenue and "₽41.1" in revenue
    assert "Deferred: ₽45.66" in revenue
    assert "95% were spent" in text_of(owner.get(f"{PAGE}money/"))
    boris = enrolled("1000000018", "Boris")
    owed = (spend(boris.pk, 75, owe=True),)
    write_one(Document(points_unit(), Kind.SALE, "t", "owing", "t", owed), at=timezone.now())
    assert "Members owe 75 points to you" in text_of(owner.get(f"{PAGE}points/"))
    batch = make_certificates("Batch", count=2, amount=250_000, days=365, by=None)
    numbers = batch.certificates.values_list("number", flat=True)
    sell_certificates(Deal("till:1", "C-1", tuple(numbers), 500_000))
    assert "You owe ₽5,000 on 2 gift certificates" in text_of(owner.get(f"{PAGE}certificates/"))
    assert liability.points_at(timezone.now())[0].is_balanced
