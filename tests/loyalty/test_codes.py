"""Promo codes: worth something as often as they may be used, in the hands of whom they are for."""

import datetime as dt
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from regulars.core.errors import InputError
from regulars.core.i18n import format_date
from regulars.customers.services.merging import merge
from regulars.loyalty.codes import batches, end_batch, make_codes
from regulars.loyalty.models import CodeUse, PromoCode
from regulars.loyalty.returning import Coming, bring_back
from regulars.loyalty.selling import OtherSum, quote
from regulars.purchases.models import Receipt
from tests.loyalty.at_once import together
from tests.loyalty.selling_cases import RULES, enrolled, no_segments, open_shop, order, publish_in_the_past, sell
from tests.web.people import logged_in, make_user

pytestmark = pytest.mark.django_db
SPRING = {"is": "promo_code", "any_of": ["spring"]}
RULE = {"id": "code", "when": SPRING, "gives": {"kind": "percent_off", "percent": 50}, "for": "everybody"}


@pytest.fixture(autouse=True)
def shop() -> None:
    open_shop(rules=[RULE], guard={"categories": {"Drinks": None}})


def asked(code: str, **more: Any) -> Any:
    return order(("tea", 1, 10_000), **{"card": "", "promo_codes": frozenset({code})} | more)


def one_code(**more: Any) -> str:
    ((code, _owner),) = make_codes("spring", **{"count": 1} | more)
    return code


def test_a_code_counts_once_and_says_why_not_again() -> None:
    code = one_code()
    assert sell(asked(f" {code.lower()} ")).to_pay == 5_000
    found = quote(asked(code), segments=no_segments)
    assert found.judged.to_pay == 10_000
    assert found.why[0] == f"The code {code} is used up."
    with pytest.raises(OtherSum):
        sell(asked(code), "2", to_pay=5_000)
    assert (Receipt.objects.count(), CodeUse.objects.count()) == (1, 1)


def test_the_same_receipt_again_uses_it_once() -> None:
    code = one_code(uses=2)
    assert sell(asked(code), to_pay=5_000) == sell(asked(code), to_pay=5_000)
    assert PromoCode.objects.get().used == 1


def test_the_name_of_the_batch_is_no_code() -> None:
    one_code()
    assert sell(asked("spring")).to_pay == 10_000
    assert sell(asked("SPRING "), "2").to_pay == 10_000


def test_nor_is_it_in_letters_that_fold_into_it() -> None:
    list(make_codes("week class", count=1))
    publish_in_the_past(
        RULES | {"rules": [RULE | {"when": SPRING | {"any_of": ["week class"]}}]}, dt.timedelta(minutes=1)
    )
    for number, said in enumerate(("wee\u212a class", "WEEK CLASS", "week cla\u1e9e")):
        assert sell(asked(said), str(number)).to_pay == 10_000


def test_a_code_that_stands_in_the_rules_is_open() -> None:
    assert [sell(asked("Spring"), str(number)).to_pay for number in range(3)] == [5_000] * 3


def test_a_code_that_gave_nothing_is_not_used() -> None:
    code = one_code()
    rest = {"id": "dear", "when": {"all": [SPRING, {"is": "receipt_sum", "at_least": 50_000}]}, "gives": RULE["gives"]}
    open_shop_again([rest])
    assert sell(asked(code)).to_pay == 10_000
    assert PromoCode.objects.get().used == 0


def test_a_code_of_which_the_guard_left_nothing_is_not_used() -> None:
    publish_in_the_past(RULES | {"rules": [RULE], "guard": {"line": "99.99"}}, dt.timedelta(minutes=1))
    code = one_code()
    assert sell(asked(code)).to_pay == 10_000
    assert PromoCode.objects.get().used == 0


def test_one_discount_uses_one_code_though_two_would_do() -> None:
    either = RULE | {"when": {"is": "promo_code", "any_of": ["spring", "vip"]}}
    publish_in_the_past(RULES | {"rules": [either], "guard": {"categories": {"Drinks": None}}}, dt.timedelta(minutes=1))
    ((vip, _none),) = make_codes("vip", count=1)
    sale = sell(order(("tea", 1, 10_000), card="", promo_codes=frozenset({one_code(), vip})))
    assert (sale.to_pay, CodeUse.objects.count()) == (5_000, 1)


def open_shop_again(rules: list[dict[str, Any]]) -> None:
    publish_in_the_past(RULES | {"rules": rules}, dt.timedelta(minutes=1))


def test_two_codes_of_one_batch_use_one() -> None:
    codes = [code for code, _owner in make_codes("spring", count=2)]
    assert sell(order(("tea", 1, 10_000), card="", promo_codes=frozenset(codes))).to_pay == 5_000
    assert sorted(PromoCode.objects.values_list("used", flat=True)) == [0, 1]


def test_its_last_day_is_that_of_the_store() -> None:
    day = timezone.now().astimezone(dt.timezone(dt.timedelta(hours=3))).date()
    ((today, _none),) = make_codes("spring", count=1, until=day)
    assert sell(asked(today)).to_pay == 5_000
    PromoCode.objects.update(used=0)
    batch = PromoCode.objects.get().batch
    batch.until = day - dt.timedelta(days=1)
    batch.save()
    found = quote(asked(today), segments=no_segments)
    assert (found.judged.to_pay, found.why[0]) == (
        10_000,
        f"The code {today} was valid through {format_date(batch.until)}.",
    )


def test_a_personal_code_is_worth_something_in_one_hand() -> None:
    anna, vera = enrolled(), enrolled("1000000025", "Vera")
    ((code, owner),) = make_codes("spring", customers=[anna.pk])
    assert owner == anna.pk
    for stranger in (asked(code), asked(code, card="1000000025")):
        assert "personal" in quote(stranger, segments=no_segments).why[0]
    merge(vera, anna, by=make_user("owner"), reasons=[])
    assert sell(asked(code, card="1000000025")).to_pay == 5_000


def test_a_cancelled_receipt_gives_it_back_and_a_return_does_not() -> None:
    code = one_code()
    sale = sell(asked(code))
    bring_back(Coming(sale.till, "v", sale.till, sale.number, is_void=True))
    assert PromoCode.objects.get().used == 0
    sale = sell(asked(code), "2")
    bring_back(Coming(sale.till, "r", sale.till, sale.number))
    assert PromoCode.objects.get().used == 1


def test_the_database_lets_nobody_use_it_more_often() -> None:
    one_code()
    with pytest.raises(IntegrityError, match="promo_code_not_overused"), transaction.atomic():
        PromoCode.objects.update(used=2)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": ""}, "1 to 60 signs"),
        ({"name": "x" * 61}, "1 to 60 signs"),
        ({"name": "a\nb"}, "1 to 60 signs"),
        ({"count": 0}, "1 to 1000000 codes"),
        ({"count": 10**9}, "1 to 1000000 codes"),
        ({"uses": 0}, "1 to 1000000 uses"),
        ({"name": "Taken"}, "already"),
    ],
)
def test_batches_that_cannot_be_are_refused(wrong: dict[str, Any], said: str) -> None:
    list(make_codes("taken", count=1))
    with pytest.raises(InputError, match=said):
        list(make_codes(**{"name": "new", "count": 1} | wrong))
    assert [one.name for one in batches()] == ["taken"]


def test_codes_are_of_letters_that_nobody_confuses_and_all_different() -> None:
    codes = [code for code, _owner in make_codes("many", count=6_000)]
    assert len(set(codes)) == 6_000
    assert not set("".join(codes)) & set("01OILUAE")


def test_the_page_shows_how_many_are_used() -> None:
    code = one_code(uses=5)
    sell(asked(code))
    page = logged_in(make_user("owner")).get("/programme/codes/").content.decode()
    assert "1 of 5" in page
    assert code not in page


@pytest.mark.django_db(transaction=True)
def test_of_many_tills_with_one_code_one_wins() -> None:
    code = one_code()

    def one(number: int) -> int:
        try:
            return sell(asked(code), str(number), to_pay=5_000).to_pay
        except OtherSum:
            return 0

    assert sorted(together(12, one)) == [*[0] * 11, 5_000]
    assert (PromoCode.objects.get().used, Receipt.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_codes_that_end_while_tills_sell_count_before_and_not_after() -> None:
    code = one_code(uses=20)

    def one(number: int) -> int:
        if number == 0:
            end_batch(PromoCode.objects.get().batch, by=None)
            return 1
        try:
            return sell(asked(code), str(number)).to_pay
        except OtherSum:
            return 10_000

    prices = together(8, one)[1:]
    assert set(prices) <= {5_000, 10_000}
    assert PromoCode.objects.get().used == prices.count(5_000) == CodeUse.objects.count()
    assert sell(asked(code), "after").to_pay == 10_000


def test_a_word_is_one_code_and_its_batch_is_called_as_rules_call_it() -> None:
    assert list(make_codes("spring", word=" \u0443\u0440\u0430-2027 ", uses=2)) == [("УРА-2027", None)]
    assert [sell(asked(said), said).to_pay for said in ("ура-2027", "УРА-2027", " Ура-2027")] == [5_000, 5_000, 10_000]
