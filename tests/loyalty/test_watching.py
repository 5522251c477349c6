"""Limits at tills, and what is odd: refused while it is judged, or found by a look afterwards."""

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from regulars.core.errors import InputError
from regulars.customers.models import Contact, Customer
from regulars.customers.services.merging import merge, unmerge
from regulars.loyalty.gifts import GiftData, Wish, add_gift, take
from regulars.loyalty.ledger import Document, Kind, grant, spend, write_one
from regulars.loyalty.members import points_unit
from regulars.loyalty.models import Alert, Programme, Sale
from regulars.loyalty.programme.rules import as_json, parse
from regulars.loyalty.programme.words import Words
from regulars.loyalty.returning import Coming, bring_back
from regulars.loyalty.reviewing import decide, open_alerts, what_is_odd
from regulars.loyalty.selling import quote
from regulars.loyalty.taking_back import till_of
from regulars.loyalty.telling import NotNow
from regulars.loyalty.watching import Beyond, look, window
from regulars.purchases.models import Product, Stated, Store
from regulars.purchases.stating import hold
from tests.loyalty.at_once import together
from tests.loyalty.coalition_cases import partner
from tests.loyalty.selling_cases import RULES, enrolled, no_segments, open_shop, order, sell
from tests.loyalty.test_gifts import give
from tests.web.people import make_user

pytestmark = pytest.mark.django_db

MOSCOW = ZoneInfo("Europe/Moscow")


def limited(**limit: Any) -> None:
    """A shop with this one limit."""
    open_shop(watch={"limits": [{"of": "member"} | limit]})


def a_noon_ago() -> dt.datetime:
    """A moment of the past that is far from both ends of its day."""
    return timezone.now().astimezone(MOSCOW).replace(hour=12, minute=0, second=0, microsecond=0) - dt.timedelta(days=2)


def cup(number: str, price: int = 10_000, **more: Any) -> Sale:
    return sell(order(("cup", 1, price), **{"purchased_at": a_noon_ago()} | more), number)


def alerts(kind: str) -> list[Alert]:
    look(timezone.now())
    return list(Alert.objects.filter(kind=kind).order_by("pk"))


# --- limits that refuse ---


@pytest.mark.parametrize(
    ("limit", "more"),
    [
        ({"receipts": 2}, {}),
        ({"receipts": 2, "of": "cashier"}, {"cashier": "Irina"}),
        ({"receipts": 2, "of": "till"}, {}),
        ({"receipts": 2, "of": "shop"}, {}),
        ({"earned": 19}, {}),
    ],
)
def test_the_receipt_beyond_a_limit_is_refused_and_somebody_is_told(
    limit: dict[str, Any], more: dict[str, Any]
) -> None:
    limited(refuse=True, **limit)
    enrolled()
    noon = a_noon_ago()
    for number in ("1", "2"):
        cup(number, purchased_at=noon, **more)
    for _time in range(2):
        with pytest.raises(Beyond, match=r"goes beyond the limit of the programme: .* in a day "):
            sell(order(("cup", 1, 10_000), purchased_at=noon, **more), "3", to_pay=9_500)
    assert Sale.objects.count() == 2
    (told,) = Alert.objects.all()
    assert (told.kind, told.of, told.figures["receipts"], told.figures["times"]) == (
        "refused",
        limit.get("of", "member"),
        3,
        2,
    )
    assert cup("next day", purchased_at=noon + dt.timedelta(days=1), **more).number == "next day"


def test_a_quote_says_of_the_limit_before_anybody_pays() -> None:
    limited(receipts=1, refuse=True)
    enrolled()
    cup("1")
    with pytest.raises(Beyond):
        quote(order(("cup", 1, 10_000), purchased_at=a_noon_ago()), segments=no_segments)
    assert not Alert.objects.exists(), "asking is nothing odd"


def test_points_spent_are_limited() -> None:
    limited(spent=5, refuse=True)
    enrolled()
    cup("1")
    cup("2", points=5)
    with pytest.raises(Beyond, match="5 points spent in a day with one card"):
        cup("3", points=1)


def test_another_card_cashier_or_till_has_a_limit_of_its_own() -> None:
    open_shop(watch={"limits": [{"of": of, "receipts": 1, "refuse": True} for of in ("member", "cashier", "till")]})
    enrolled()
    enrolled("1000000022", "Vera")
    noon = a_noon_ago()
    cup("1", cashier="Irina", purchased_at=noon)
    cup("1", card="1000000022", cashier="Olga", till="till:2", purchased_at=noon)
    cup("2", card="", till="till:3", purchased_at=noon)
    assert Sale.objects.count() == 3
    for other in ({"till": "till:4"}, {"card": "1000000022", "cashier": "Irina", "till": "till:4"}, {"card": ""}):
        with pytest.raises(Beyond):
            cup("4", **{"purchased_at": noon} | other)
    assert Sale.objects.count() == 3


def test_what_comes_back_frees_nothing() -> None:
    limited(receipts=1, refuse=True)
    enrolled()
    cup("1")
    bring_back(Coming("till:1", "v1", "till:1", "1", is_void=True))
    with pytest.raises(Beyond):
        cup("2")


def test_the_order_of_telling_and_its_repetition_change_nothing() -> None:
    limited(receipts=2, refuse=True)
    enrolled()
    noon = a_noon_ago()
    for minutes in (30, 20):
        cup(str(minutes), purchased_at=noon + dt.timedelta(minutes=minutes))
    again = order(("cup", 1, 10_000), purchased_at=noon + dt.timedelta(minutes=20))
    assert sell(again, "20", to_pay=9_500).number == "20"
    with pytest.raises(Beyond):
        cup("10", purchased_at=noon + dt.timedelta(minutes=10))


def test_a_receipt_is_limited_by_the_rules_of_its_moment() -> None:
    limited(receipts=1, refuse=True)
    enrolled()
    before = timezone.now() - dt.timedelta(minutes=1)
    Programme.objects.create(rules=as_json(parse(RULES)), valid_from=before, published_at=before)
    noon = a_noon_ago()
    cup("1", purchased_at=noon)
    with pytest.raises(Beyond):
        cup("2", purchased_at=noon)
    assert [cup(number, purchased_at=None).number for number in ("3", "4")] == ["3", "4"]


def test_without_a_limit_that_refuses_a_receipt_costs_no_statement_more() -> None:
    open_shop()
    enrolled()
    with CaptureQueriesContext(connection) as plain:
        cup("1", cashier="Irina")
    assert not [one for one in plain.captured_queries if "limit" in one["sql"] or "alert" in one["sql"]]


def test_limits_are_counted_by_an_index() -> None:
    open_shop()
    enrolled()
    for column in ("cashier = 'Irina'", "till = 'till:1'", "store_id = 1", "customer_id = 1"):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute(f"EXPLAIN SELECT count(*) FROM loyalty_sale WHERE {column} AND purchased_at >= now()")
            assert "Index Cond" in "".join(row for (row,) in cursor.fetchall()), column
            cursor.execute(f"EXPLAIN SELECT sum(points) FROM loyalty_reward WHERE {column} AND taken_at >= now()")
            assert "Index Cond" in "".join(row for (row,) in cursor.fetchall()), column


@pytest.mark.parametrize(
    ("zone", "at", "hours"),
    [
        ("Europe/Riga", "2026-03-29T12:00+00:00", 23),
        ("Europe/Riga", "2026-10-25T12:00+00:00", 25),
        ("Asia/Kathmandu", "2026-10-25T18:20+00:00", 24),
    ],
)
def test_a_day_is_that_of_the_shop_and_as_long_as_its_clock_makes_it(zone: str, at: str, hours: int) -> None:
    moment = dt.datetime.fromisoformat(at)
    begin, end = window("day", moment, ZoneInfo(zone))
    assert begin <= moment < end
    assert (end - begin, begin.astimezone(ZoneInfo(zone)).time()) == (dt.timedelta(hours=hours), dt.time.min)
    with connection.cursor() as cursor:
        cursor.execute("SELECT date_trunc('day', %s::timestamptz, %s), date_trunc('hour', %s::timestamptz, %s)",
                       [moment, zone, moment, zone])  # fmt: skip
        assert cursor.fetchone() == (begin, window("hour", moment, ZoneInfo(zone))[0]), "the look counts alike"


def test_the_hour_that_the_clock_shows_twice_is_two() -> None:
    first, second = (dt.datetime(2026, 10, 25, hour, 30, tzinfo=dt.UTC) for hour in (0, 1))
    riga = ZoneInfo("Europe/Riga")
    assert {one.astimezone(riga).hour for one in (first, second)} == {3}
    assert window("hour", first, riga)[1] == window("hour", second, riga)[0]


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ({"limits": [{"of": "member"}]}, r"watch.limits\[0\] limits nothing: give 'receipts', 'earned' or 'spent'"),
        ({"limits": [{"of": "dog", "receipts": 1}]}, "'dog', but must be one of member, cashier, till, shop"),
        ({"limits": [{"of": "till", "receipts": 0}]}, "is 0, but must be a whole number from 1"),
        ({"limits": [{"of": "till", "receipts": 1, "per": "week"}]}, "one of day, hour"),
        ({"limits": 5}, "a list of at most 50 limits"),
        ({"same_minutes": -1}, "whole number from 0 to 1440"),
        ({"alone": "many"}, "watch.alone is 'many'"),
    ],
)
def test_a_block_that_says_nothing_is_refused_with_the_place(block: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        parse(RULES | {"watch": block})


def test_the_block_is_kept_as_it_was_written_and_left_out_when_it_is_as_usual() -> None:
    block = {"limits": [{"of": "shop", "per": "hour", "earned": 7, "refuse": True}], "alone": 0}
    assert as_json(parse(RULES | {"watch": block}))["watch"] == block
    assert "watch" not in as_json(parse(RULES))


def test_what_is_watched_is_said_among_the_rules() -> None:
    limits = [{"of": "member", "receipts": 1, "refuse": True}, {"of": "shop", "per": "hour", "earned": 2, "spent": 3}]
    words = Words(parse(RULES | {"watch": {"limits": limits, "alone": 0}})).whole_set()
    assert words[-4:] == [
        "At most 1 receipt in a day with one card: a receipt beyond it is refused.",
        "Whatever is more than 2 points earned, 3 points spent in an hour in one shop is looked at by people.",
        "Two receipts of one card and one sum within 5 minutes are looked at.",
        "Points are given and taken by hand by two people only.",
    ]
    one = Words(parse(RULES | {"watch": {"alone": 1}})).whole_set()[-1]
    assert one == "More than 1 point given or taken by hand in a day takes two people."
    assert not [one for one in Words(parse(RULES)).whole_set() if "looked at" in one or "by hand" in one]


# --- the look ---


def test_more_than_usual_is_told_once_and_grows() -> None:
    open_shop()
    anna, noon = enrolled(), a_noon_ago()
    for number in range(10):
        cup(str(number), 10_000 + number, purchased_at=noon)
    assert alerts("limit") == []
    cup("10", 20_000, purchased_at=noon)
    (told,) = alerts("limit")
    assert (told.of, told.customer, told.figures["receipts"]) == ("member", anna, 11)
    cup("11", 20_001, purchased_at=noon)
    (told,) = alerts("limit")
    assert told.figures["receipts"] == 12
    assert told.begins_at.astimezone(MOSCOW).time() == dt.time.min


def test_what_has_doubled_since_a_decision_is_told_anew() -> None:
    open_shop(watch={"limits": [{"of": "member", "receipts": 2, "spent": 1_000}]})
    enrolled()
    noon, price = a_noon_ago(), 10_000

    def sell_up_to(count: int) -> list[int]:
        for number in range(Sale.objects.count(), count):
            cup(str(number), price + number, purchased_at=noon)
        return [one.figures["receipts"] for one in alerts("limit")]

    assert sell_up_to(3) == [3]
    decide(Alert.objects.get(), is_right=True, by=make_user("owner"))
    assert sell_up_to(5) == [3]
    assert sell_up_to(6) == [3, 6]
    assert sell_up_to(7) == [3, 7], "what waits grows"
    decide(Alert.objects.get(decision=""), is_right=True, by=make_user("analyst"))
    assert sell_up_to(13) == [3, 7]
    assert sell_up_to(14) == [3, 7, 14]


def test_refusals_are_told_anew_when_there_were_as_many_again() -> None:
    limited(receipts=1, refuse=True)
    enrolled()
    cup("0")

    def refuse(times: int) -> list[tuple[str, int]]:
        for _time in range(times):
            with pytest.raises(Beyond):
                sell(order(("cup", 1, 10_000), purchased_at=a_noon_ago()), "x", to_pay=9_500)
        return [(one.decision, one.figures["times"]) for one in Alert.objects.order_by("pk")]

    assert refuse(3) == [("", 3)]
    decide(Alert.objects.get(), is_right=True, by=make_user("owner"))
    assert refuse(2) == [("right", 3)]
    assert refuse(1) == [("right", 3), ("", 6)]
    assert refuse(1) == [("right", 3), ("", 7)]


def test_points_for_gifts_are_among_those_spent() -> None:
    open_shop(watch={"limits": [{"of": of, "spent": 150} for of in ("member", "cashier", "till", "shop")]})
    anna = enrolled()
    cup("1")
    give(anna, 500)
    mug = add_gift(GiftData("Mug", 100, 0), stock=9, by=None)
    for number in ("1", "2"):
        take(anna, Wish("till:1", number, mug.pk, 100, cashier="Irina"))
    assert {(one.of, one.subject, one.figures["spent"], one.figures["receipts"]) for one in alerts("limit")} == {
        ("member", "", 200, 0), ("cashier", "Irina", 200, 0), ("till", "till:1", 200, 0), ("shop", "Arbat", 200, 0),
    }  # fmt: skip


@pytest.mark.parametrize("of", ["cashier", "till", "shop"])
def test_a_cashier_a_till_and_a_shop_are_named(of: str) -> None:
    open_shop(watch={"limits": [{"of": of, "per": "hour", "receipts": 1}]})
    noon = a_noon_ago()
    for number in range(2):
        cup(str(number), card="", cashier="Irina", purchased_at=noon + dt.timedelta(minutes=number))
    cup("3", card="", cashier="Irina", purchased_at=noon + dt.timedelta(hours=1))
    (told,) = alerts("limit")
    assert (told.subject, told.figures["receipts"]) == ({"cashier": "Irina", "till": "till:1", "shop": "Arbat"}[of], 2)


def test_a_day_of_the_look_is_that_of_the_shop() -> None:
    open_shop(watch={"limits": [{"of": "member", "receipts": 1}]})
    Store.objects.filter(name="Arbat").update(time_zone="Asia/Vladivostok")
    enrolled()
    midnight = (timezone.now() - dt.timedelta(days=2)).astimezone(ZoneInfo("Asia/Vladivostok")).replace(
        hour=0, minute=0, second=0, microsecond=0
    )  # fmt: skip
    cup("1", purchased_at=midnight - dt.timedelta(minutes=30))
    cup("2", 20_000, purchased_at=midnight + dt.timedelta(minutes=30))
    assert alerts("limit") == [], "the two lie in one day in Moscow, and in two where they were sold"


@pytest.mark.parametrize("till", ["till:1", "till:2"])
def test_the_same_sum_on_the_same_card_within_minutes_is_told(till: str) -> None:
    open_shop()
    anna, noon = enrolled(), a_noon_ago()
    first = cup("1", purchased_at=noon)
    second = cup("2", purchased_at=noon + dt.timedelta(minutes=4), till=till)
    third = cup("3", purchased_at=noon + dt.timedelta(minutes=8))
    found = alerts("same")
    assert [(one.other, one.sale) for one in found] == [(first, second), (second, third)]
    assert {one.customer for one in found} == {anna}
    assert len(alerts("same")) == 2, "a second look tells nothing anew"


def test_of_equal_receipts_the_moment_tells_the_later_one_and_the_number_those_of_one_moment() -> None:
    open_shop()
    enrolled()
    noon = a_noon_ago()
    last = cup("1", purchased_at=noon + dt.timedelta(minutes=4))
    assert alerts("same") == []
    first = cup("2", purchased_at=noon)
    assert [(one.other, one.sale) for one in alerts("same")] == [(first, last)], "told late, it was the first"
    twin = cup("3", purchased_at=noon)
    assert {(one.other, one.sale) for one in alerts("same")} == {(first, last), (first, twin), (twin, last)}


@pytest.mark.parametrize(
    "other",
    [{"price": 10_100}, {"minutes": 6}, {"card": "1000000022"}, {"card": ""}, {"voided": True}],
    ids=lambda one: str(next(iter(one))),
)
def test_what_differs_is_no_repetition(other: dict[str, Any]) -> None:
    open_shop()
    enrolled()
    enrolled("1000000022", "Vera")
    noon = a_noon_ago()
    cup("1", purchased_at=noon, **({"card": ""} if other.get("card") == "" else {}))
    cup(
        "2", other.get("price", 10_000), purchased_at=noon + dt.timedelta(minutes=other.get("minutes", 1)),
        **({"card": other["card"]} if "card" in other else {}),
    )  # fmt: skip
    if "voided" in other:
        bring_back(Coming("till:1", "v", "till:1", "2", is_void=True))
    assert alerts("same") == []


def test_repetitions_are_not_looked_for_when_the_rules_say_so() -> None:
    open_shop(watch={"same_minutes": 0})
    enrolled()
    cup("1")
    cup("2")
    assert alerts("same") == []


def test_a_receipt_that_was_written_during_a_look_is_seen_by_the_next() -> None:
    open_shop()
    enrolled()
    look(timezone.now() + dt.timedelta(minutes=50))
    cup("1")
    cup("2")
    assert len(alerts("same")) == 1


@pytest.mark.parametrize("cashier", ["Anna Orlova", "orlova anna"])
def test_a_card_used_on_its_owners_own_shift_is_told(cashier: str) -> None:
    open_shop()
    anna = enrolled(name="Anna Orlova")
    anna.given_name, anna.family_name = "Anna", "Orlova"
    anna.save()
    cup("1", cashier=cashier)
    cup("2", 20_000, cashier=cashier)
    (told,) = alerts("own")
    assert (told.customer, told.subject, told.sale.number if told.sale else "") == (anna, cashier, "1")


def test_a_cashier_is_known_by_the_address_of_his_user_and_not_by_a_first_name() -> None:
    open_shop()
    anna = enrolled(name="Anna")
    user, other = make_user("cashier"), make_user("manager")
    cup("1", cashier="Anna", till=till_of(user))
    assert alerts("own") == []
    Contact.objects.create(customer=anna, kind="email", value=user.email, written=user.email)
    Contact.objects.create(customer=anna, kind="vk", value=other.email, written=other.email)
    (told,) = alerts("own")
    assert (told.customer, told.subject) == (anna, "Anna")
    assert len(alerts("own")) == 1, "told once"


def test_a_cashier_without_a_name_is_told_by_his_till() -> None:
    open_shop()
    anna, user = enrolled(name="Anna"), make_user("cashier")
    Contact.objects.create(customer=anna, kind="email", value=user.email, written=user.email)
    cup("1", cashier="", till=till_of(user))
    (told,) = alerts("own")
    assert (told.customer, told.subject) == (anna, till_of(user))


def test_who_only_calls_himself_as_a_user_is_not_that_user() -> None:
    open_shop()
    anna, user, other = enrolled(name="Anna"), make_user("cashier"), make_user("manager")
    Contact.objects.create(customer=anna, kind="email", value=user.email, written=user.email)
    for number, till in enumerate((f"till:{user.pk}", till_of(other), f"{till_of(user)}0", "user:", "user:x")):
        cup(str(number), 10_000 + number, cashier=user.name, till=till)
    assert alerts("own") == []


def raised(code: str, ago: int) -> None:
    """The price of these goods was raised so many days before the noon of receipts."""
    Product.objects.filter(code=code).update(price_raised_on=a_noon_ago().date() - dt.timedelta(days=ago))


def test_goods_discounted_from_a_raised_price_are_told_once_a_day() -> None:
    open_shop(price_watch_days=14)
    enrolled()
    raised("cup", 13)
    cup("1")
    cup("2", 20_000)
    assert [(one.subject, one.sale and one.sale.number, one.customer) for one in alerts("raised")] == [
        ("Coffee", "1", None)
    ]
    (told,) = alerts("raised")
    day = a_noon_ago().date() - dt.timedelta(days=13)
    assert told.figures == {"raised_on": day.isoformat()}
    assert what_is_odd(told).startswith("Discounted on this day, though its price was raised on ")
    decide(told, is_right=True, by=make_user("owner"))
    cup("3", 30_000)
    assert len(alerts("raised")) == 1, "it was decided for that day"
    raised("cup", 0)
    cup("4", purchased_at=a_noon_ago() + dt.timedelta(days=1))
    assert len(alerts("raised")) == 2
    assert look(timezone.now()) == 0


def priced(price: int | None, *, at: dt.datetime | None = None, code: str = "cup") -> None:
    """Somebody stated the price at this moment, long ago if none is given."""
    product = Product.objects.get(code=code)
    Stated.objects.create(product=product, what="price", value=price, of=at or a_noon_ago() - dt.timedelta(days=90))
    hold([product.pk], ["price"])


def test_goods_discounted_from_a_price_that_was_typed_above_the_stated_one_are_told() -> None:
    open_shop(price_watch_days=14)
    enrolled()
    priced(10_000)
    cup("1")
    assert alerts("raised") == []
    sell(order(("cup", 2, 26_001), purchased_at=a_noon_ago(), cashier="Irina"), "2")
    cup("3", 20_000)
    (told,) = alerts("raised")
    assert (told.subject, told.sale and told.sale.number, told.customer) == ("Coffee", "2", None)
    assert told.figures == {"typed": 13_001, "stated": 10_000}
    assert "Discounted from ₽130.01 for one" in what_is_odd(told)
    assert "though its price was ₽100.00" in what_is_odd(told)
    decide(told, is_right=True, by=make_user("owner"))
    assert alerts("raised") == [told], "it was decided for that day"
    raised("cup", 1)
    cup("4", 20_000)
    assert [set(one.figures) for one in alerts("raised")] == [{"stated", "typed"}, {"raised_on"}]


@pytest.mark.parametrize(
    ("price", "quantity", "sum_of_line"),
    [(10_000, 1, 10_001), (10_000, 3, 30_003), (10_000, "0.333", 3_331), (10_000, 1, 9_000), (0, 1, 10_000)],
)
def test_what_is_rounded_or_cheaper_or_free_is_no_raise(price: int, quantity: str | int, sum_of_line: int) -> None:
    open_shop(price_watch_days=14)
    enrolled()
    priced(price)
    sell(order(("cup", quantity, sum_of_line), purchased_at=a_noon_ago()))
    assert alerts("raised") == []


@pytest.mark.parametrize(
    "case", ["not watched", "no discount", "of a partner", "cancelled", "never stated", "lowered since", "taken away"]
)
def test_no_other_price_that_was_typed_is_told(case: str) -> None:
    open_shop(**{} if case == "not watched" else {"price_watch_days": 14})
    enrolled()
    if case != "never stated":
        priced(10_000 if case != "lowered since" else 15_000)
    if case in {"lowered since", "taken away"}:
        priced({"lowered since": 10_000}.get(case), at=a_noon_ago() + dt.timedelta(hours=1))
    more = {"no discount": {"card": ""}, "of a partner": {"till": "till:9", "store": "Books"}}
    if case == "of a partner":
        partner("books", "till:9")
    cup("1", 15_000, **more.get(case, {}))
    if case == "cancelled":
        bring_back(Coming("till:1", "v", "till:1", "1", is_void=True))
    assert alerts("raised") == []


def test_shops_of_several_zones_have_one_day_of_the_calendar() -> None:
    open_shop(price_watch_days=14)
    Store.objects.create(name="Omsk", time_zone="Asia/Omsk")
    enrolled()
    raised("cup", 1)
    cup("1")
    cup("2", 20_000, store="Omsk")
    assert len(alerts("raised")) == 1


@pytest.mark.parametrize("case", ["long ago", "later", "no discount", "not watched", "of a partner", "cancelled"])
def test_no_other_goods_are_told(case: str) -> None:
    open_shop(**{} if case == "not watched" else {"price_watch_days": 14})
    enrolled()
    raised("cup", {"long ago": 14, "later": -1}.get(case, 1))
    more = {"no discount": {"card": ""}, "of a partner": {"till": "till:9", "store": "Books"}}
    if case == "of a partner":
        partner("books", "till:9")
    cup("1", **more.get(case, {}))
    if case == "cancelled":
        bring_back(Coming("till:1", "v", "till:1", "1", is_void=True))
    assert alerts("raised") == []


def test_an_alert_is_decided_once_and_stays() -> None:
    open_shop()
    enrolled()
    cup("1")
    cup("2")
    (told,) = alerts("same")
    Alert.objects.filter(pk=told.pk).update(decision="right", decided_at=timezone.now())
    for change in ({"decision": "wrong"}, {"decision": "", "decided_at": None}, {"figures": {"x": 1}}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Alert.objects.filter(pk=told.pk).update(**change)
    with pytest.raises(IntegrityError), transaction.atomic():
        told.delete()


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    """Two tills sell at one moment."""

    @pytest.mark.parametrize("of", ["member", "cashier", "shop"])
    def test_a_limit_that_refuses_is_not_passed_together(self, of: str) -> None:
        limited(of=of, receipts=3, refuse=True)
        enrolled()
        noon = a_noon_ago()

        def selling(place: int) -> str:
            try:
                asked = order(("cup", 1, 10_000), till=f"till:{place}", cashier="Irina", purchased_at=noon)
                return sell(asked, to_pay=9_500).number
            except NotNow:
                return "refused"

        assert sorted(together(10, selling)) == ["1"] * 3 + ["refused"] * 7
        assert Sale.objects.count() == 3
        assert Alert.objects.get(kind="refused").figures["times"] == 7


# --- merges ---


def with_points(name: str, points: int, card: str) -> Customer:
    """A member who has so many."""
    found = enrolled(card, name)
    if points:
        gift = Document(points_unit(), Kind.GIFT, "test", card, "test", (grant(found.pk, points),))
        write_one(gift, at=timezone.now())
    return found


def test_a_merge_that_moves_more_points_than_one_may_give_alone_is_told_once() -> None:
    open_shop(watch={"alone": 500})
    owner, other = make_user("owner"), make_user("manager")
    anna = with_points("Anna", 900, "1000000018")
    part, small = with_points("Boris", 501, "1000000026"), with_points("Vera", 500, "1000000034")
    merge(with_points("Gleb", 0, "1000000042"), small, by=owner, reasons=[])
    made = merge(anna, part, by=owner, reasons=[])
    (alert,) = alerts("merged")
    assert alerts("merged") == [alert]
    assert (alert.customer, alert.merge, alert.figures["points"]) == (anna, made, 501), "not what she had herself"
    said = what_is_odd(alert)
    assert all(one in said for one in (owner.name, f"Boris #{part.pk}", "501 points")), said
    with pytest.raises(InputError, match="merged these two yourself"):
        decide(alert, is_right=True, by=owner)
    decide(alert, is_right=True, by=other)
    assert not open_alerts(owner)


def test_points_gathered_by_small_merges_within_a_day_are_told_even_when_they_are_spent_and_parted() -> None:
    open_shop(watch={"alone": 500})
    owner = make_user("owner")
    anna = with_points("Anna", 0, "1000000018")
    parts = [with_points(f"Part {n}", 300, str(1000000100 + n)) for n in range(2)]
    for part in parts:
        last = merge(anna, part, by=owner, reasons=[])
    spending = Document(points_unit(), Kind.SALE, "test", "s", "test", (spend(anna.pk, 600),))
    write_one(spending, at=timezone.now())
    unmerge(last, by=owner)
    (alert,) = alerts("merged")
    assert (alert.merge, alert.figures["points"], alert.figures["in_a_day"]) == (last, 300, 600)
    assert "600" in what_is_odd(alert)


def test_where_nobody_gives_points_alone_every_merge_with_points_is_told() -> None:
    open_shop(watch={"alone": 0})
    anna, nobody = with_points("Anna", 0, "1000000018"), with_points("Nobody", 0, "1000000026")
    one = with_points("One", 1, "1000000034")
    merge(anna, nobody, by=None)
    merge(anna, one, by=None)
    # by then he is part of somebody else
    kept = with_points("Kept", 0, "1000000042")
    merge(kept, anna, by=make_user("owner"), reasons=[])
    found = alerts("merged")
    assert [(alert.customer, alert.figures["points"]) for alert in found] == [(kept, 1), (kept, 1)]
    assert "A rule of merging" in what_is_odd(found[0])
    with pytest.raises(IntegrityError), transaction.atomic():
        Alert.objects.filter(pk=found[0].pk).update(merge=None)
