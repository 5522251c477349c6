"""Fiscal receipts and CommerceML: their own keys decide, money is exact, hostile XML does no harm."""

import json
from pathlib import Path

import pytest

from regulars.customers.models import Contact, Customer
from regulars.purchases.importing.kinds import guess_kind
from regulars.purchases.importing.runs import import_now, undo
from regulars.purchases.models import Product, Receipt, Renamed

pytestmark = pytest.mark.usefixtures("business")


def fiscal(number: int, *, operation: int = 1, buyer: str | None = "+7 916 123-45-67") -> dict[str, object]:
    return {
        "fiscalDriveNumber": "9999078900001341",
        "fiscalDocumentNumber": number,
        "fiscalSign": 3522207165,
        "dateTime": "2026-03-03T10:15:00",
        "operationType": operation,
        "totalSum": 22550,
        "retailPlace": "Центр",
        "operator": "Иванова",
        "buyerPhoneOrAddress": buyer,
        "items": [
            {"name": "Молоко", "price": 9000, "quantity": 2, "sum": 18000},
            {"name": "Хлеб", "price": 4550, "quantity": 1, "sum": 4550},
        ],
    }


def wrapped(*documents: object) -> str:
    return json.dumps([{"_id": 1, "ticket": {"document": {"receipt": one}}} for one in documents])


def test_fiscal_receipts_are_known_by_drive_number_and_sign(tmp_path: Path) -> None:
    file = tmp_path / "ofd.json"
    file.write_text(wrapped(fiscal(1), fiscal(2, operation=2, buyer=None), fiscal(3, operation=3)))
    assert guess_kind(file, "ofd.json") == "fiscal"
    done = import_now(file, kind="fiscal")
    assert (done.state, done.error, done.result["receipts"]) == ("done", "", 2)
    assert done.result["reject_reasons"] == {"no_sale": 1}
    first = Receipt.objects.get(number="1")
    assert (first.amount, first.customer.external_id) == (22550, "+79161234567")  # type: ignore[union-attr]
    assert Receipt.objects.get(number="2").amount == -22550
    # the same document, now with its buyer, from another operator
    file.write_text("\n".join(json.dumps(one) for one in (fiscal(2, operation=2), fiscal(4))))
    again = import_now(file, kind="fiscal")
    assert (again.result["receipts"], again.result["receipts_known"]) == (1, 1)


@pytest.mark.parametrize(
    "content", ["{}", "[]", "{", "[" * 100_000, '{"fiscalDriveNumber": 1, "fiscalDocumentNumber": 2}', "NaN"]
)
def test_json_of_no_use_fails_with_a_reason(tmp_path: Path, content: str) -> None:
    file = tmp_path / "ofd.json"
    file.write_text(content)
    failed = import_now(file, kind="fiscal")
    assert failed.state == "failed"
    assert "ofd.json" in failed.error


def test_corrections_count_with_their_sign_and_without_goods_too(tmp_path: Path) -> None:
    lone = {name: value for name, value in fiscal(7).items() if name != "items"} | {"code": 31, "correctionType": 0}
    back = fiscal(8, operation=2) | {"correctionType": 1}
    texts = fiscal(9) | {"operationType": "2", "fiscalSign": "7", "fiscalDocumentNumber": "9"}
    file = tmp_path / "ofd.json"
    file.write_text(wrapped(lone, back, texts))
    done = import_now(file, kind="fiscal")
    assert (done.result["receipts"], done.result["reject_reasons"]) == (3, {})
    assert dict(Receipt.objects.values_list("number", "amount")) == {"7": 22550, "8": -22550, "9": -22550}
    again = import_now(file, kind="fiscal")
    assert (again.result["receipts"], again.result["receipts_known"], again.result["customers"]) == (0, 3, 0)


def test_a_file_that_is_too_large_says_how_large_and_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from regulars.purchases.importing import fiscal as module

    monkeypatch.setattr(module, "_MOST_BYTES", 1 << 20)
    file = tmp_path / "ofd.json"
    file.write_text(wrapped(fiscal(1)) + " " * (2 << 20))
    failed = import_now(file, kind="fiscal")
    assert failed.state == "failed"
    assert "3 MB" in failed.error and "at most 1 MB" in failed.error and "by month" in failed.error


def test_a_line_without_an_exact_sum_rejects_its_receipt(tmp_path: Path) -> None:
    broken = fiscal(5)
    broken["items"] = [{"name": "x", "sum": 1.5}]
    file = tmp_path / "ofd.json"
    file.write_text(wrapped(fiscal(1), broken))
    assert import_now(file, kind="fiscal").result["reject_reasons"] == {"bad_item": 1}
    assert Receipt.objects.count() == 1


ORDERS = """<?xml version="1.0" encoding="UTF-8"?>
<КоммерческаяИнформация xmlns="urn:1C.ru:commerceml_2" ВерсияСхемы="2.08" ДатаФормирования="2026-03-05">
  <Документ><Ид>d-1</Ид><Номер>000-1</Номер><Дата>2026-03-03</Дата><Время>10:15:00</Время>
    <ХозОперация>Заказ товара</ХозОперация><Роль>Продавец</Роль><Валюта>руб</Валюта><Сумма>225.50</Сумма>
    <Контрагенты><Контрагент><Ид>c-1</Ид><Наименование>ООО Ромашка</Наименование><Роль>Покупатель</Роль>
      <Контакты><Контакт><Тип>Телефон рабочий</Тип><Значение>8 495 123-45-67</Значение></Контакт>
      <Контакт><Тип>Почта</Тип><Значение>Buh@Example.com</Значение></Контакт></Контакты></Контрагент></Контрагенты>
    <Товары>
      <Товар><Ид>p-1</Ид><Наименование>Молоко</Наименование><Количество>2</Количество><Сумма>180.00</Сумма>
        <Скидки><Скидка><Сумма>20.00</Сумма></Скидка></Скидки></Товар>
      <Товар><Ид>p-2</Ид><Наименование>Хлеб</Наименование><Количество>1</Количество><Сумма>45,50</Сумма></Товар>
    </Товары></Документ>
  <Документ><Ид>d-2</Ид><Номер>000-2</Номер><Дата>2026-03-04</Дата><ХозОперация>Заказ товара</ХозОперация>
    <Товары><Товар><Ид>p-1</Ид><Сумма>1</Сумма></Товар></Товары>
    <ЗначенияРеквизитов><ЗначениеРеквизита><Наименование>Отменен</Наименование><Значение>true</Значение>
    </ЗначениеРеквизита></ЗначенияРеквизитов></Документ>
</КоммерческаяИнформация>"""

CATALOGUE = """<?xml version="1.0" encoding="UTF-8"?>
<КоммерческаяИнформация ВерсияСхемы="2.08"><Классификатор><Группы>
  <Группа><Ид>g-0</Ид><Наименование>Еда</Наименование><Группы>
    <Группа><Ид>g-1</Ид><Наименование>Молочное</Наименование></Группа></Группы></Группа></Группы></Классификатор>
  <Каталог><Товары>
    <Товар><Ид>p-1</Ид><Артикул>A1</Артикул><Наименование>Молоко 3,2 %</Наименование>
      <Группы><Ид>g-1</Ид></Группы></Товар>
    <Товар><Ид>p-3</Ид><Наименование>Сыр</Наименование><Группы><Ид>g-0</Ид></Группы></Товар>
  </Товары></Каталог></КоммерческаяИнформация>"""


def xml(folder: Path, content: str) -> Path:
    file = folder / "orders.xml"
    file.write_text(content, encoding="utf-8")
    return file


def test_orders_bring_receipts_goods_and_counterparties(tmp_path: Path) -> None:
    file = xml(tmp_path, ORDERS)
    assert guess_kind(file, "orders.xml") == "commerceml"
    done = import_now(file, kind="commerceml")
    assert (done.state, done.error) == ("done", "")
    assert done.result["reject_reasons"] == {"struck": 1}
    receipt = Receipt.objects.get()
    assert (receipt.amount, receipt.number, receipt.lines.get(product__code="p-1").discount) == (22550, "000-1", 2000)
    assert receipt.customer == Customer.objects.get(external_id="c-1", name="ООО Ромашка")
    assert set(Contact.objects.values_list("kind", "value")) == {
        ("phone", "+74951234567"),
        ("email", "buh@example.com"),
    }
    again = import_now(file, kind="commerceml")
    assert (again.result["receipts"], again.result["customers"], again.result["receipts_known"]) == (0, 0, 1)
    undo(done.pk, user_id=None)
    assert not Receipt.objects.exists() and not Customer.objects.exists() and not Product.objects.exists()


def test_the_catalogue_names_the_goods(tmp_path: Path) -> None:
    import_now(xml(tmp_path, ORDERS), kind="commerceml")
    done = import_now(xml(tmp_path, CATALOGUE), kind="commerceml")
    assert (done.state, done.result["products"]) == ("done", 1)
    assert set(Product.objects.values_list("code", "name", "category")) == {
        ("p-1", "Молоко 3,2 %", "Молочное"),
        ("p-2", "Хлеб", ""),
        ("p-3", "Сыр", "Еда"),
    }


def test_undo_puts_back_the_names_that_it_wrote_over(tmp_path: Path) -> None:
    import_now(xml(tmp_path, ORDERS), kind="commerceml")
    first = import_now(xml(tmp_path, CATALOGUE), kind="commerceml")
    second = import_now(xml(tmp_path, CATALOGUE.replace("Молоко 3,2 %", "Молоко 2,5 %")), kind="commerceml")
    third = import_now(xml(tmp_path, CATALOGUE.replace("Молоко 3,2 %", "Кефир")), kind="commerceml")
    milk = Product.objects.get(code="p-1")
    undo(second.pk, user_id=None)
    milk.refresh_from_db()
    assert milk.name == "Кефир"
    undo(third.pk, user_id=None)
    milk.refresh_from_db()
    assert (milk.name, milk.category) == ("Молоко 3,2 %", "Молочное")
    Product.objects.filter(code="p-1").update(category="Своя")
    counts = undo(first.pk, user_id=None).result["undo"]
    milk.refresh_from_db()
    assert (milk.name, milk.category, counts["renamed_products"]) == ("Молоко", "Своя", 1)
    assert not Renamed.objects.exists()


OFFERS = """<?xml version="1.0" encoding="UTF-8"?>
<КоммерческаяИнформация ВерсияСхемы="2.08"><ПакетПредложений><ТипыЦен><ТипЦены><Ид>r</Ид></ТипЦены></ТипыЦен>
  <Предложения><Предложение><Ид>p-1#v-1</Ид><Наименование>Молоко (литр)</Наименование>
    <Цены><Цена><ЦенаЗаЕдиницу>90</ЦенаЗаЕдиницу><Валюта>руб</Валюта><Единица>шт</Единица></Цена></Цены>
    <Количество>12</Количество></Предложение>
  <Предложение><Ид>p-1</Ид><Количество>5</Количество></Предложение></Предложения>
</ПакетПредложений></КоммерческаяИнформация>"""


def test_offers_name_variants_and_their_prices_are_told_to_be_unused(tmp_path: Path) -> None:
    import_now(xml(tmp_path, CATALOGUE), kind="commerceml")
    done = import_now(xml(tmp_path, OFFERS), kind="commerceml")
    assert (done.state, done.result["products"], done.result["unused"]) == ("done", 1, {"prices": 1, "stock": 2})
    assert Product.objects.get(code="p-1#v-1").name == "Молоко (литр)"
    assert Product.objects.get(code="p-1").name == "Молоко 3,2 %"


def test_a_file_of_1c_without_anything_for_us_is_no_failure(tmp_path: Path) -> None:
    only_words = "<КоммерческаяИнформация><Классификатор><Свойства/></Классификатор></КоммерческаяИнформация>"
    assert import_now(xml(tmp_path, only_words), kind="commerceml").state == "done"
    alien = import_now(xml(tmp_path, "<html><body/></html>"), kind="commerceml")
    assert (alien.state, "html" in alien.error) == ("failed", True)


def test_entities_are_never_resolved(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("TOP SECRET")
    head = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY leak SYSTEM "{secret.as_uri()}">]>'
    import_now(
        xml(tmp_path, ORDERS.replace('<?xml version="1.0" encoding="UTF-8"?>', head).replace("Хлеб", "&leak;")),
        kind="commerceml",
    )
    assert not any("SECRET" in name for name in Product.objects.values_list("name", flat=True))


def test_a_bomb_of_entities_fails_quickly(tmp_path: Path) -> None:
    entities = "".join(f"<!ENTITY a{n} '" + f"&a{n - 1};" * 10 + "'>" for n in range(1, 12))
    bomb = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a0 "lol">{entities}]><x><Товар><Ид>&a11;</Ид></Товар></x>'
    assert import_now(xml(tmp_path, bomb), kind="commerceml").state == "failed"
    assert not Product.objects.exists()
