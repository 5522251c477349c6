"""Costs and prices of goods on their pages: looked for, typed, brought in as a file, chosen from 1C."""

import html
import io
import re
from typing import Any

import pytest
import xlsxwriter
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from regulars.accounts.models import Role
from regulars.accounts.rights import Right
from regulars.foundation.models import Business
from regulars.purchases.jobs import run_import, undo_import
from regulars.purchases.models import Import, PriceKind, Product, Stated
from regulars.purchases.stating import state
from regulars.web import goods
from tests.web.people import logged_in, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(tmp_path: Any, settings: Any) -> None:
    settings.MEDIA_ROOT = tmp_path / "files"


@pytest.fixture
def owner() -> Client:
    return logged_in(make_user("owner"))


def made(code: str, name: str = "", **values: Any) -> Product:
    return Product.objects.create(code=code, name=name or code, **values)


def text_of(client: Client, address: str = "/programme/goods/", status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status
    return html.unescape(answer.content.decode()).replace("\xa0", " ")


def say(client: Client, product: Product, **typed: str) -> Any:
    shown = {"cost_shown": "", "price_shown": ""} | {name: text for name, text in typed.items() if "_shown" in name}
    return client.post(f"/programme/goods/{product.pk}/say/", shown | typed)


def drop(client: Client, content: bytes, name: str) -> Import:
    answer = client.post("/imports/new/", {"file": SimpleUploadedFile(name, content), "kind": "goods"})
    assert answer.status_code == 302
    return Import.objects.latest("id")


def test_without_goods_the_page_says_where_they_come_from(owner: Client) -> None:
    assert "No goods are here yet" in text_of(owner)


def test_the_list_tells_cost_price_margin_and_who_said_it(owner: Client) -> None:
    tea = made("T-1", "<b>Tea</b>", category="Drinks")
    state(tea, {"cost": 6_000, "price": 10_000}, program="Warehouse")
    made("C-1", "Cup")
    raw = owner.get("/programme/goods/").content.decode()
    assert "<b>Tea" not in raw
    said = text_of(owner)
    assert all(one in said for one in ("<b>Tea</b>", "T-1", "Drinks", "₽60.00", "₽100.00", "40%", "Warehouse", "Cup"))


def test_goods_are_found_by_name_code_category_and_the_lack_of_a_cost(owner: Client) -> None:
    state(made("T-1", "Tea", category="Drinks"), {"cost": 0}, program="x")
    made("C_1", "Cup", category="Pots")
    for query, there, gone in (
        ("?q=tEA", "Tea", "Cup"), ("?q=c_1", "Cup", "Tea"), ("?q=drink", "Tea", "Cup"), ("?cost=none", "Cup", "Tea"),
    ):  # fmt: skip
        said = text_of(owner, f"/programme/goods/{query}")
        assert f">{there}<" in said
        assert f">{gone}<" not in said
    for odd in ("?q=%25", "?q=%27", "?q=" + "x" * 5_000, "?after=999", "?after=-1", "?after=" + "9" * 40):
        text_of(owner, f"/programme/goods/{odd}")
    assert "No goods are like this" in text_of(owner, "/programme/goods/?q=%25")


def test_pages_follow_each_other_without_a_gap(owner: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(goods, "_PAGE", 2)
    keys = [made(f"C-{number}", "Same" if number < 3 else f"Z{number}").pk for number in range(5)]
    seen, address = [], "?q=c-"
    while address:
        said = text_of(owner, f"/programme/goods/{address}")
        seen += [int(key) for key in re.findall(r'href="/programme/goods/(\d+)/"', said)]
        address = "".join(re.findall(r'href="(\?[^"]*)" rel="next"', said))
    assert seen == keys


def test_an_owner_types_what_it_costs_and_the_history_says_so(owner: Client) -> None:
    tea = made("T-1", "Tea", cost=6_000)
    answer = say(owner, tea, cost="1 250,50", cost_shown="60.00", price="2000")
    assert (answer.status_code, answer["Location"]) == (302, f"/programme/goods/{tea.pk}/")
    tea.refresh_from_db()
    assert (tea.cost, tea.price, tea.price_raised_on) == (125_050, 200_000, None)
    said = text_of(owner, f"/programme/goods/{tea.pk}/")
    assert all(one in said for one in ("₽1,250.50", "Owner", "margin 37%"))
    say(owner, tea, price="2100", price_shown="2000.00", cost="1250.50", cost_shown="1250.50")
    tea.refresh_from_db()
    today = timezone.now().astimezone(Business.current().zone).date()
    assert (tea.cost, tea.price_raised_on) == (125_050, today)
    assert Stated.objects.filter(what="cost").count() == 1, "what he left as it was is not said anew"
    say(owner, tea, cost="", cost_shown="1250.50")
    tea.refresh_from_db()
    assert tea.cost is None


def test_what_an_import_said_meanwhile_is_not_written_over_by_a_form_that_did_not_touch_it(owner: Client) -> None:
    tea = made("T-1", "Tea")
    state(tea, {"cost": 7_000}, program="Warehouse")
    say(owner, tea, cost="60.00", cost_shown="60.00", price="100")
    tea.refresh_from_db()
    assert (tea.cost, tea.price) == (7_000, 10_000)


@pytest.mark.parametrize("typed", ["-1", "ten", "=1+1", "1.999", "9" * 20, "1e5"])
def test_what_is_no_sum_is_named_and_nothing_is_written(owner: Client, typed: str) -> None:
    tea = made("T-1", "Tea")
    answer = say(owner, tea, cost=typed, price="10")
    assert answer.status_code == 422
    assert not Stated.objects.exists()
    assert 'role="alert"' in answer.content.decode()


def test_who_may_look_and_not_import_types_nothing() -> None:
    tea, analyst = made("T-1", "Tea"), logged_in(make_user("analyst"))
    assert "/say/" not in text_of(analyst, f"/programme/goods/{tea.pk}/")
    assert 'name="kind"' not in text_of(analyst)
    assert say(analyst, tea, cost="1").status_code == 403
    role = Role.objects.get(slug="cashier")
    role.rights = [Right.RUN_IMPORTS.value]
    role.save()
    cashier = logged_in(make_user("cashier"))
    assert say(cashier, tea, cost="1").status_code == 403
    assert cashier.post("/programme/goods/kinds/", {}).status_code == 403
    assert not Stated.objects.exists()


def test_a_workbook_of_costs_is_looked_at_brought_in_and_undone(owner: Client) -> None:
    made("4600000000017", "Tea")
    made("007", "Cup")
    content = io.BytesIO()
    with xlsxwriter.Workbook(content) as book:
        sheet = book.add_worksheet()
        for place, row in enumerate((("Штрихкод", "Себестоимость", "Цена"), (4600000000017, 60.5, 100), ("007", 5, ""),
                                     ("=HYPERLINK(1)", 5, 6))):  # fmt: skip
            for column, value in enumerate(row):
                if isinstance(value, str):
                    sheet.write_string(place, column, value)
                else:
                    sheet.write(place, column, value)
    draft = drop(owner, content.getvalue(), "prices.xlsx")
    assert draft.kind == "goods"
    said = text_of(owner, f"/imports/{draft.pk}/")
    assert all(one in said for one in ("4600000000017", "₽60.50", "no product has this code", "Cost of one unit"))
    assert not Stated.objects.exists()
    owner.post(f"/imports/{draft.pk}/start/")
    run_import(draft.pk)
    assert list(Product.objects.order_by("code").values_list("code", "cost", "price")) == [
        ("007", 500, None), ("4600000000017", 6_050, 10_000)
    ]  # fmt: skip
    done = text_of(owner, f"/imports/{draft.pk}/")
    assert "costs of goods" in done
    assert "/programme/goods/" in done
    assert "prices.xlsx" in text_of(owner)
    owner.post(f"/imports/{draft.pk}/undo/")
    undo_import(draft.pk, None)
    assert set(Product.objects.values_list("cost", flat=True)) == {None}
    assert "before or since: 2" in text_of(owner, f"/imports/{draft.pk}/")


def test_columns_of_a_list_are_chosen_where_the_guess_is_wrong(owner: Client) -> None:
    made("A1")
    draft = drop(owner, "Ключ;Сколько\nA1;5\n".encode(), "odd.csv")
    assert "No column holds the code" in text_of(owner, f"/imports/{draft.pk}/")
    chosen = {"heading-0": "Ключ", "role-0": "code", "heading-1": "Сколько", "role-1": "cost"}
    owner.post(f"/imports/{draft.pk}/start/", chosen)
    run_import(draft.pk)
    assert Product.objects.get().cost == 500


def test_kinds_of_prices_of_1c_are_chosen_on_the_page(owner: Client) -> None:
    made("A1")
    assert "Prices from 1C" not in text_of(owner)
    PriceKind.objects.create(key="k1", name="<i>Buy</i>")
    PriceKind.objects.create(key="k2", name="Sell")
    assert "<i>Buy" not in owner.get("/programme/goods/").content.decode()
    assert owner.post("/programme/goods/kinds/", {"cost": "k1", "price": "k2"}).status_code == 302
    assert dict(PriceKind.objects.values_list("key", "means")) == {"k1": "cost", "k2": "price"}
    for wrong in ({"cost": "k1", "price": "k1"}, {"cost": "nothing"}):
        assert owner.post("/programme/goods/kinds/", wrong).status_code == 422
    assert dict(PriceKind.objects.values_list("key", "means")) == {"k1": "cost", "k2": "price"}
