"""Goods learn what they cost from receipts, from lists, from 1C and from people; the latest moment holds."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from regulars.accounts.models import User
from regulars.core.errors import InputError
from regulars.foundation.models import Business
from regulars.purchases.importing import files
from regulars.purchases.importing.kinds import guess_kind
from regulars.purchases.importing.price_lists import preview_price_list
from regulars.purchases.importing.runs import Wishes, import_now, undo
from regulars.purchases.models import Import, PriceKind, Product, Stated, Store
from regulars.purchases.stating import MOST, choose_kinds, history_of, state

pytestmark = pytest.mark.usefixtures("business")
Write = Callable[..., Path]
HEADINGS = "Дата;Номер чека;Карта;Артикул;Товар;Количество;Сумма;Себестоимость;Магазин"


def bought(write: Write, name: str, *rows: str) -> Import:
    done = import_now(write(name, rows, headings=HEADINGS))
    assert done.state == "done", done.error
    return done


def costs() -> dict[str, int | None]:
    return dict(Product.objects.order_by("code").values_list("code", "cost"))


def prices(write: Write, *rows: str, headings: str = "Код;Себестоимость;Цена", **wishes: object) -> Import:
    return import_now(write("prices.csv", rows, headings=headings), kind=Import.Kind.GOODS, wishes=Wishes(**wishes))  # type: ignore[arg-type]


def made(code: str = "A1", **values: object) -> Product:
    return Product.objects.create(code=code, name=code, **values)


def test_the_latest_purchase_tells_the_cost_of_one(write: Write) -> None:
    done = bought(
        write, "march.csv",
        "05.03.2026 10:00;2;C-1;A1;Молоко;2;240,00;130,00;Центр",
        "03.03.2026 10:00;1;C-1;A1;Молоко;1;120,00;50,00;Центр",
        "03.03.2026 10:00;1;C-1;A2;Сыр;0,350;350,00;210,00;Центр",
    )  # fmt: skip
    assert costs() == {"A1": 6_500, "A2": 60_000}
    assert done.result["costs"] == 2
    said = Stated.objects.get(product__code="A1")
    assert (said.of, said.imported_by, said.by) == (dt.datetime(2026, 3, 5, 7, tzinfo=dt.UTC), done, None)


def test_lines_that_do_not_tell_a_cost_are_passed_by(write: Write) -> None:
    done = bought(
        write, "march.csv",
        "03.03.2026 10:00;1;C-1;A1;Молоко;1;120,00;50,00;Центр",
        "04.03.2026 10:00;2;C-1;A1;Молоко;1;120,00;0,00;Центр",
        "05.03.2026 10:00;3;C-1;A1;Молоко;-1;-120,00;-70,00;Центр",
        "06.03.2026 10:00;4;C-1;A1;Молоко;1;120,00;;Центр",
        "06.03.2026 10:00;5;C-1;A2;Хлеб;1;45,00;0;Центр",
    )  # fmt: skip
    assert costs() == {"A1": 5_000, "A2": None}
    assert done.result["costs"] == 1


@pytest.mark.parametrize("odd", ["1000000000000", "-99999999999999,99"])
def test_a_cost_of_many_digits_is_none_and_stops_no_file(write: Write, odd: str) -> None:
    bought(write, "a.csv", f"01.02.2026;1;77;A1;Tea;1;100;{odd};", "01.02.2026;2;78;B1;Cup;1;100;50;")
    assert costs() == {"A1": None, "B1": 5_000}


def test_lines_of_one_moment_are_taken_together(write: Write) -> None:
    bought(
        write, "march.csv",
        "03.03.2026 10:00;1;C-1;A1;Молоко;1;120,00;50,00;Центр",
        "03.03.2026 10:00;1;C-1;A1;Молоко;3;360,00;190,00;Центр",
    )  # fmt: skip
    assert costs() == {"A1": 6_000}


def test_the_clock_of_the_store_says_which_purchase_is_the_latest(write: Write) -> None:
    Store.objects.create(name="Владивосток", time_zone="Asia/Vladivostok")
    bought(
        write, "march.csv",
        "03.03.2026 12:00;1;C-1;A1;Молоко;1;120,00;70,00;Владивосток",
        "03.03.2026 10:00;1;C-1;A1;Молоко;1;120,00;50,00;Центр",
    )  # fmt: skip
    # noon in Vladivostok is five in the morning in Moscow
    assert costs() == {"A1": 5_000}


def test_an_older_file_that_comes_later_changes_nothing(write: Write) -> None:
    bought(write, "march.csv", "05.03.2026 10:00;2;C-1;A1;Молоко;1;120,00;60,00;Центр")
    older = bought(write, "february.csv", "05.02.2026 10:00;2;C-1;A1;Молоко;1;120,00;50,00;Центр")
    assert costs() == {"A1": 6_000}
    assert older.result["costs"] == 1  # it says so, of its moment


def test_an_undone_import_leaves_what_was_said_before_it(write: Write) -> None:
    first = bought(write, "march.csv", "03.03.2026 10:00;1;C-1;A1;Молоко;1;120,00;50,00;Центр")
    second = bought(write, "april.csv", "03.04.2026 10:00;1;C-1;A1;Молоко;1;120,00;60,00;Центр")
    undone = undo(second.pk, user_id=None)
    assert costs() == {"A1": 5_000}
    assert undone.result["undo"]["restated_products"] == 1
    undo(first.pk, user_id=None)
    assert costs() == {}


def test_undoing_the_earlier_one_leaves_the_later_one(write: Write) -> None:
    first = bought(write, "march.csv", "03.03.2026 10:00;1;C-1;A1;Молоко;1;120,00;50,00;Центр")
    bought(write, "april.csv", "03.04.2026 10:00;1;C-1;A1;Молоко;1;120,00;60,00;Центр")
    undo(first.pk, user_id=None)
    assert costs() == {"A1": 6_000}


def test_a_product_of_which_nothing_else_is_said_has_no_cost_after_the_undo(write: Write) -> None:
    made()
    done = bought(write, "march.csv", "03.03.2026 10:00;1;C-1;A1;Молоко;1;120,00;50,00;Центр")
    assert costs() == {"A1": 5_000}
    undo(done.pk, user_id=None)
    assert costs() == {"A1": None}


def test_what_a_person_said_stays_when_the_import_that_made_the_product_is_undone(write: Write, owner: User) -> None:
    done = bought(write, "march.csv", "03.03.2026 10:00;1;C-1;A1;Молоко;1;120,00;50,00;Центр")
    state(Product.objects.get(), {"cost": 7_000}, by=owner)
    undo(done.pk, user_id=None)
    assert costs() == {"A1": 7_000}


def test_a_person_wins_over_earlier_purchases_and_not_over_later_ones(write: Write, owner: User) -> None:
    bought(write, "march.csv", "03.03.2026 10:00;1;C-1;A1;Молоко;1;120,00;50,00;Центр")
    state(Product.objects.get(), {"cost": 7_000}, by=owner)
    Stated.objects.filter(by=owner).update(of=dt.datetime(2026, 4, 1, tzinfo=dt.UTC))
    bought(write, "late.csv", "31.03.2026 10:00;9;C-1;A1;Молоко;1;120,00;55,00;Центр")
    assert costs() == {"A1": 7_000}
    bought(write, "april.csv", "02.04.2026 10:00;1;C-1;A1;Молоко;1;120,00;60,00;Центр")
    assert costs() == {"A1": 6_000}
    assert [one.value for one in history_of(Product.objects.get())] == [6_000, 7_000, 5_500, 5_000]


def test_the_same_again_is_said_once_and_speaks_of_now(owner: User) -> None:
    product = made()
    state(product, {"cost": 500}, program="Till")
    Stated.objects.update(of=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    state(Product.objects.get(), {"cost": 500}, program="Till")
    assert timezone.now() - Stated.objects.get().of < dt.timedelta(minutes=5)
    state(Product.objects.get(), {"cost": 500}, by=owner)
    assert Stated.objects.count() == 2


def test_a_cost_can_be_taken_away(owner: User) -> None:
    state(made(), {"cost": 500}, by=owner)
    state(Product.objects.get(), {"cost": None}, by=owner)
    assert costs() == {"A1": None}
    assert [one.value for one in history_of(Product.objects.get())] == [None, 500]


@pytest.mark.parametrize("value", [-1, MOST + 1])
def test_no_cost_is_negative_or_without_end(owner: User, value: int) -> None:
    with pytest.raises(InputError):
        state(made(), {"cost": value}, by=owner)
    assert not Stated.objects.exists()


def test_the_database_refuses_what_no_program_should_write() -> None:
    product, at = made(), timezone.now()
    for wrong in ({"what": "cost", "value": -1}, {"what": "worth", "value": 1}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Stated.objects.create(product=product, of=at, **wrong)


def test_a_raised_price_is_noted_and_forgotten_with_the_file_that_raised_it(write: Write, owner: User) -> None:
    state(made(), {"price": 10_000}, by=owner)
    assert Product.objects.get().price_raised_on is None
    done = prices(write, "A1;;120,00")
    today = timezone.now().astimezone(Business.current().zone).date()
    assert (Product.objects.get().price, Product.objects.get().price_raised_on) == (12_000, today)
    undo(done.pk, user_id=None)
    assert (Product.objects.get().price, Product.objects.get().price_raised_on) == (10_000, None)


def today() -> dt.date:
    return timezone.now().astimezone(Business.current().zone).date()


def say_prices(owner: User, *values: int | None) -> dt.date | None:
    """Somebody says one price after the other; on which day it was raised."""
    made()
    for value in values:
        state(Product.objects.get(), {"price": value}, by=owner)
    return Product.objects.get().price_raised_on


@pytest.mark.parametrize("values", [
    (10_000, None, 15_000), (10_000, None, None, 10_001), (10_000, 15_000, None), (10_000, 15_000, 12_000),
    (10_000, 15_000, 10_000, 10_001), (10_000, 15_000, 9_000, 9_500), (None, 10_000, 15_000, None, 12_000),
])  # fmt: skip
def test_a_price_above_the_last_one_that_was_known_is_raised(owner: User, values: tuple[int | None, ...]) -> None:
    assert say_prices(owner, *values) == today()


@pytest.mark.parametrize("values", [
    (10_000, None, 10_000), (10_000, None, 9_000), (10_000, 15_000, 10_000), (10_000, 15_000, 9_000),
    (10_000, 15_000, None, 10_000), (10_000, 15_000, 20_000, 10_000), (None, 10_000), (10_000, 9_000, 15_000, 9_000),
])  # fmt: skip
def test_a_price_that_is_no_higher_than_before_is_not_raised(owner: User, values: tuple[int | None, ...]) -> None:
    assert say_prices(owner, *values) is None


def test_a_raise_keeps_its_day_while_the_price_stays_above(owner: User) -> None:
    say_prices(owner, 10_000, 15_000, 20_000)
    days = {15_000: today() - dt.timedelta(days=9), 20_000: today() - dt.timedelta(days=3)}
    for value, day in days.items():
        Stated.objects.filter(value=value).update(raised_on=day)
    for value, day in ((20_000, days[20_000]), (None, days[20_000]), (14_000, days[15_000]), (None, days[15_000])):
        state(Product.objects.get(), {"price": value}, by=owner)
        assert Product.objects.get().price_raised_on == day, value
    state(Product.objects.get(), {"price": 14_001}, program="Till")
    assert Product.objects.get().price_raised_on == today()


def test_a_list_raises_a_price_that_was_taken_away(write: Write, owner: User) -> None:
    say_prices(owner, 10_000, None)
    done = prices(write, "A1;;120,00")
    assert Product.objects.get().price_raised_on == today()
    prices(write, "A1;;100,00")
    assert Product.objects.get().price_raised_on is None
    undo(done.pk, user_id=None)
    assert Product.objects.get().price_raised_on is None


def test_a_raise_that_a_file_hid_is_seen_when_the_file_is_undone(write: Write, owner: User) -> None:
    say_prices(owner, 10_000)
    done = prices(write, "A1;;150,00")
    state(Product.objects.get(), {"price": 13_000}, by=owner)
    undo(done.pk, user_id=None)
    assert (Product.objects.get().price, Product.objects.get().price_raised_on) == (13_000, today())


def test_of_a_raise_before_the_history_the_day_stays(owner: User) -> None:
    day = today() - dt.timedelta(days=5)
    Stated.objects.create(product=made(), what="price", value=15_000, of=timezone.now(), raised_on=day)
    state(Product.objects.get(), {"price": None}, by=owner)
    assert Product.objects.get().price_raised_on == day


def test_a_list_of_costs_and_prices_is_taken_by_codes(write: Write) -> None:
    made("4600000000017")
    made("007")
    done = prices(write, "4600000000017;1 250,50 ₽;2000", "007;;12.30")
    assert done.state == "done", done.error
    assert list(Product.objects.order_by("code").values_list("code", "cost", "price")) == [
        ("007", None, 1_230), ("4600000000017", 125_050, 200_000)
    ]  # fmt: skip
    assert (done.result["costs"], done.result["prices"], done.result["products"]) == (1, 2, 0)
    again = prices(write, "4600000000017;1 250,50 ₽;2000", "007;;12.30")
    assert (again.result["costs"], again.result["prices"]) == (0, 0)
    assert Stated.objects.count() == 3


def test_rows_that_cannot_be_used_are_left_out_and_listed(write: Write) -> None:
    for code in ("A1", "A2", "A3", "A4", "A5", "A6"):
        made(code)
    done = prices(
        write, "A1;=1+1;10", "A2;-5;10", "A3;0;10", "=cmd|' /C calc'!A0;5;10", "A4;5;10", "A4;6;10", ";5;10", "A5;;",
        "A6;5;999999999999999", "A5;3;",
    )  # fmt: skip
    assert costs() == {"A1": None, "A2": None, "A3": None, "A4": None, "A5": 300, "A6": None}
    assert done.result["reject_reasons"] == {
        "bad_cost": 3, "two_sums": 2, "bad_price": 1, "no_code": 1, "no_product": 1, "no_sum": 1
    }  # fmt: skip
    listed = files.path_of(done.rejects_stored_as).read_text(encoding="utf-8-sig")
    assert "'=1+1" in listed
    assert "'=cmd" in listed
    assert ",=" not in listed


@pytest.mark.parametrize("odd", ["1000000000000", "99999999999999,9999", "-99999999999999", "1e13"])
def test_a_sum_of_many_digits_costs_its_row_and_not_the_list(write: Write, odd: str) -> None:
    made()
    made("B1")
    assert not prices(write, f"A1;{odd};6", "B1;5,5;6").error
    assert costs() == {"A1": None, "B1": 550}
    shown = preview_price_list(write("l.csv", [f"A1;{odd};6"], headings="Код;Себестоимость;Цена"), "l.csv", None)
    assert [one.reason for one in shown.rejects] == ["the cost is no sum above 0, such as 1250.50"]


def test_with_names_new_products_are_made_and_undone(write: Write) -> None:
    made("A1")
    done = prices(write, "A1;Молоко;5", "B1;Сыр;6", headings="Артикул;Наименование;Закупочная цена")
    assert list(Product.objects.order_by("code").values_list("code", "name", "cost")) == [
        ("A1", "A1", 500), ("B1", "Сыр", 600)
    ]  # fmt: skip
    undo(done.pk, user_id=None)
    assert costs() == {"A1": None}


def test_a_list_without_codes_or_sums_says_what_it_lacks(write: Write) -> None:
    assert "code" in prices(write, "5;6", headings="Себестоимость;Цена").error
    assert "cost or a price" in prices(write, "A1;5", headings="Код;Количество").error
    assert "No row" in prices(write, "A1;5;6").error
    assert not Stated.objects.exists()


def test_the_preview_writes_nothing_and_shows_sums_and_reasons(write: Write) -> None:
    made("A1")
    path = write("prices.csv", ["A1;5,5;6", "B1;5;6"], headings="Код;Себестоимость;Цена")
    shown = preview_price_list(path, "prices.csv", None)
    assert (shown.columns, shown.rows) == (("code", "cost", "price"), (("A1", 550, 600),))
    assert [(one.line, one.value) for one in shown.rejects] == [(2, "B1")]
    assert costs() == {"A1": None}


@pytest.mark.parametrize(
    ("headings", "row", "kind"),
    [
        ("Код;Наименование;Цена", "A1;Молоко;5", "goods"),
        ("code,cost", "A1,5", "goods"),
        ("Код;Имя;Телефон", "1;Anna;+79161234567", "customers"),
        ("Дата;Артикул;Цена", "03.03.2026;A1;5", "purchases"),
        (HEADINGS, "03.03.2026 10:00;1;C-1;A1;Молоко;1;120,00;50,00;Центр", "purchases"),
    ],
)
def test_a_dropped_list_of_prices_is_known_by_its_headings(write: Write, headings: str, row: str, kind: str) -> None:
    assert guess_kind(write("list.csv", [row], headings=headings), "list.csv") == kind


OFFERS = """<?xml version="1.0" encoding="UTF-8"?>
<КоммерческаяИнформация ВерсияСхемы="2.08"><ПакетПредложений>
<ТипыЦен><ТипЦены><Ид>k-buy</Ид><Наименование>Закупочная</Наименование></ТипЦены>
<ТипЦены><Ид>k-sell</Ид><Наименование>Розничная</Наименование></ТипЦены></ТипыЦен>
<Предложения><Предложение><Ид>P1</Ид><Наименование>Сыр</Наименование><Цены>
<Цена><ЦенаЗаЕдиницу>60,00</ЦенаЗаЕдиницу><ИдТипаЦены>k-buy</ИдТипаЦены><Валюта>руб</Валюта></Цена>
<Цена><ЦенаЗаЕдиницу>1200.00</ЦенаЗаЕдиницу><ИдТипаЦены>k-sell</ИдТипаЦены><Коэффициент>12</Коэффициент></Цена>
</Цены></Предложение><Предложение><Ид>P2</Ид><Наименование>Хлеб</Наименование><Цены>
<Цена><ЦенаЗаЕдиницу>0</ЦенаЗаЕдиницу><ИдТипаЦены>k-buy</ИдТипаЦены></Цена>
<Цена><ЦенаЗаЕдиницу>5</ЦенаЗаЕдиницу><ИдТипаЦены>k-sell</ИдТипаЦены><Валюта>USD</Валюта></Цена>
</Цены></Предложение></Предложения></ПакетПредложений></КоммерческаяИнформация>"""


def exchanged(tmp_path: Path) -> Import:
    path = tmp_path / "offers.xml"
    path.write_text(OFFERS, encoding="utf-8")
    done = import_now(path, kind=Import.Kind.COMMERCEML)
    assert done.state == "done", done.error
    return done


def test_prices_of_1c_are_kept_once_somebody_says_what_they_are(tmp_path: Path) -> None:
    first = exchanged(tmp_path)
    assert costs() == {"P1": None, "P2": None}
    assert first.result["unused"] == {"prices": 4}
    assert dict(PriceKind.objects.values_list("key", "name")) == {"k-buy": "Закупочная", "k-sell": "Розничная"}
    choose_kinds({"cost": "k-buy", "price": "k-sell"})
    second = exchanged(tmp_path)
    assert dict(Product.objects.values_list("code", "cost")) == {"P1": 6_000, "P2": None}
    assert dict(Product.objects.values_list("code", "price")) == {"P1": 10_000, "P2": None}
    assert (second.result["costs"], second.result["prices"], second.result["unused"]) == (1, 1, {"prices": 2})
    # an exchange that says the same each hour fills nothing
    third = exchanged(tmp_path)
    assert (third.result["costs"], Stated.objects.count()) == (0, 2)
    undo(second.pk, user_id=None)
    assert costs() == {"P1": None, "P2": None}


def test_one_kind_of_prices_is_one_thing(tmp_path: Path) -> None:
    exchanged(tmp_path)
    for wrong in ({"cost": "k-buy", "price": "k-buy"}, {"cost": "nothing", "price": ""}):
        with pytest.raises(InputError):
            choose_kinds(wrong)
    choose_kinds({"cost": "k-buy", "price": "k-sell"})
    choose_kinds({"cost": "k-sell", "price": ""})
    assert dict(PriceKind.objects.values_list("key", "means")) == {"k-buy": "", "k-sell": "cost"}


@pytest.mark.django_db(transaction=True)
def test_two_who_say_something_at_once_are_both_kept(owner: User) -> None:
    product = made()

    def say(value: int) -> None:
        with transaction.atomic():
            state(Product.objects.select_for_update().get(pk=product.pk), {"cost": value}, by=owner)
        connection.close()

    threads = [Thread(target=say, args=(value,)) for value in (500, 600, 700, 800)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert Stated.objects.count() == 4
    assert costs() == {"A1": history_of(product)[0].value}
