"""What each column is taken for, and what happens when nobody can know."""

from pathlib import Path

import pytest

from regulars import ColumnProblem, read_purchases
from regulars.ingest import inspect
from tests.ingest.tables import TODAY, lines, notices, write

VALUES = {
    "date": ["05.01.2024", "06.01.2024"],
    "money": ["10,50", "12,00"],
    "count": ["1", "2"],
    "id": ["1001", "1002"],
    "name": ["Иванов Пётр", "Сидорова Анна"],
    "text": ["Хлеб", "Молоко"],
    "phone": ["8 916 123-45-67", "8 903 111-22-33"],
    "email": ["a@b.ru", "c@d.ru"],
    "time": ["10:05", "11:15"],
    "percent": ["5", "10"],
    "empty": ["", ""],
}


def roles_of(folder: Path, **columns: str) -> dict[str, str]:
    """Role -> heading, for a file of these headings with these kinds of cells."""
    headings = list(columns)
    rows = [";".join(VALUES[kind][n] for kind in columns.values()) for n in range(2)]
    path = write(folder / "a.csv", ";".join(headings) + "\n" + "\n".join(rows) + "\n")
    found = inspect(path)
    return {column.role: column.heading for column in found.columns if column.role}


EXPORTS = {
    "1C report": (
        {"Период": "date", "Регистратор": "id", "Номенклатура": "text", "Контрагент": "name", "Количество": "count",
         "Сумма": "money", "Себестоимость": "money", "Менеджер": "name", "Склад": "text", "Дисконтная карта": "id"},
        {"purchased_at": "Период", "receipt_id": "Регистратор", "product": "Номенклатура", "quantity": "Количество",
         "amount": "Сумма", "cost": "Себестоимость", "staff": "Менеджер", "store": "Склад",
         "customer_id": "Дисконтная карта"},
    ),
    "fiscal data operator": (
        {"Дата и время": "date", "Номер ФД": "id", "Признак расчёта": "text", "Наименование предмета расчёта": "text",
         "Цена": "money", "Количество": "count", "Сумма": "money", "Кассир": "name", "Телефон покупателя": "phone",
         "Торговая точка": "text", "ИНН": "id", "ФПД": "id", "Сумма НДС": "money"},
        {"purchased_at": "Дата и время", "receipt_id": "Номер ФД", "operation": "Признак расчёта",
         "product": "Наименование предмета расчёта", "price": "Цена", "quantity": "Количество", "amount": "Сумма",
         "staff": "Кассир", "customer_id": "Телефон покупателя", "store": "Торговая точка"},
    ),
    "Excel with discounts": (
        {"Дата продажи": "date", "Время": "time", "№ чека": "id", "Код клиента": "id", "Клиент": "name",
         "Артикул": "id", "Товар": "text", "Группа товара": "text", "Кол-во": "count", "Цена, руб.": "money",
         "Сумма без скидки": "money", "Скидка, %": "percent", "Сумма скидки": "money", "Сумма со скидкой": "money",
         "Магазин": "text", "Продавец": "name", "Канал продаж": "text", "Акция": "text", "Дата рождения": "date"},
        {"purchased_at": "Дата продажи", "purchased_time": "Время", "receipt_id": "№ чека",
         "customer_id": "Код клиента", "product_id": "Артикул", "product": "Товар", "category": "Группа товара",
         "quantity": "Кол-во", "price": "Цена, руб.", "discount": "Сумма скидки", "amount": "Сумма со скидкой",
         "store": "Магазин", "staff": "Продавец", "channel": "Канал продаж", "promotion": "Акция"},
    ),
    "Square": (
        {"Date": "date", "Time": "time", "Category": "text", "Item": "text", "Qty": "count", "SKU": "id",
         "Gross Sales": "money", "Discounts": "money", "Net Sales": "money", "Tax": "money", "Transaction ID": "id",
         "Event Type": "text", "Location": "text", "Customer ID": "id", "Customer Name": "name"},
        {"purchased_at": "Date", "purchased_time": "Time", "category": "Category", "product": "Item",
         "quantity": "Qty", "product_id": "SKU", "discount": "Discounts", "amount": "Net Sales",
         "receipt_id": "Transaction ID", "operation": "Event Type", "store": "Location",
         "customer_id": "Customer ID"},
    ),
    "Shopify": (
        {"Name": "id", "Email": "email", "Financial Status": "text", "Total": "money", "Created at": "date",
         "Lineitem quantity": "count", "Lineitem name": "text", "Lineitem price": "money", "Lineitem sku": "id",
         "Lineitem discount": "money", "Shipping": "money", "Taxes": "money", "Discount Code": "text"},
        {"receipt_id": "Name", "customer_id": "Email", "purchased_at": "Created at", "quantity": "Lineitem quantity",
         "product": "Lineitem name", "price": "Lineitem price", "product_id": "Lineitem sku",
         "discount": "Lineitem discount", "promotion": "Discount Code"},
    ),
    "WooCommerce": (
        {"Order Number": "id", "Order Date": "date", "Email (Billing)": "email", "Item Name": "text",
         "Quantity (- Refund)": "count", "Item Cost": "money", "SKU": "id", "Order Line Total": "money"},
        {"receipt_id": "Order Number", "purchased_at": "Order Date", "customer_id": "Email (Billing)",
         "product": "Item Name", "quantity": "Quantity (- Refund)", "price": "Item Cost", "product_id": "SKU",
         "amount": "Order Line Total"},
    ),
    "Online Retail": (
        {"InvoiceNo": "id", "StockCode": "id", "Description": "text", "Quantity": "count", "InvoiceDate": "date",
         "UnitPrice": "money", "CustomerID": "id", "Country": "text"},
        {"receipt_id": "InvoiceNo", "product_id": "StockCode", "product": "Description", "quantity": "Quantity",
         "purchased_at": "InvoiceDate", "price": "UnitPrice", "customer_id": "CustomerID"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("export", EXPORTS)
def test_the_headings_of_well_known_exports(export: str, tmp_path: Path) -> None:
    headings, roles = EXPORTS[export]
    assert roles_of(tmp_path, **headings) == roles


def test_a_heading_that_promises_an_amount_over_words_is_not_believed(tmp_path: Path) -> None:
    roles = roles_of(tmp_path, Карта="id", Дата="date", Сумма="text", Выручка="money")
    assert roles["amount"] == "Выручка"


def test_a_phone_comes_before_a_name(tmp_path: Path) -> None:
    assert roles_of(tmp_path, Клиент="name", Телефон="phone", Дата="date", Сумма="money")["customer_id"] == "Телефон"
    assert roles_of(tmp_path, Клиент="id", Телефон="phone", Дата="date", Сумма="money")["customer_id"] == "Клиент"
    assert roles_of(tmp_path, Клиент="name", Дата="date", Сумма="money")["customer_id"] == "Клиент"


def test_content_alone_gives_the_only_date_and_the_only_phone(tmp_path: Path) -> None:
    roles = roles_of(tmp_path, a="date", b="phone", c="text", d="money")
    assert roles == {"purchased_at": "a", "customer_id": "b", "amount": "d"}


def test_two_columns_that_fit_equally_well_are_asked_about(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "Карта;Дата;Сумма со скидкой;Итоговая сумма\n7;05.01.2024;1;2\n8;06.01.2024;3;4\n")
    with pytest.raises(ColumnProblem) as caught:
        read_purchases(path, today=TODAY)
    assert "“Сумма со скидкой”, “Итоговая сумма”" in str(caught.value)
    assert '--map amount="Сумма со скидкой" or --map amount="Итоговая сумма"' in str(caught.value)
    history = read_purchases(path, mapping={"amount": "Итоговая сумма"}, today=TODAY)
    assert [row["amount"] for row in lines(history)] == [200, 400]
    assert any("equally well" in problem for problem in inspect(path).problems)


def test_two_columns_with_one_heading_are_asked_about_unless_they_are_equal(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "Карта;Дата;Сумма;Сумма\n7;05.01.2024;1;2\n")
    with pytest.raises(ColumnProblem, match=r'--map amount="Сумма \(2\)"'):
        read_purchases(path, today=TODAY)
    write(path, "Карта;Дата;Сумма;Сумма\n7;05.01.2024;1;1\n")
    assert len(lines(read_purchases(path, today=TODAY))) == 1


def test_what_is_missing_is_named_with_the_columns_found_and_the_option_to_use(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "alpha;beta;gamma\nx1;2024-01-05;7\ny2;2024-01-06;8\n")
    with pytest.raises(ColumnProblem) as caught:
        read_purchases(path, today=TODAY)
    message = str(caught.value)
    assert "No column for customer_id was recognised among “alpha”, “beta”, “gamma”" in message
    assert '--map customer_id="alpha"' in message
    assert '--map amount="gamma"' in message
    assert "purchased_at" not in message


def test_a_date_column_of_words_is_named_with_an_example(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "Карта;Дата;Сумма\n7;позавчера;1\n8;вчера;2\n")
    with pytest.raises(ColumnProblem, match=r"“Дата” should hold dates.*'вчера'.*--map purchased_at"):
        read_purchases(path, today=TODAY)


def test_an_empty_column_of_the_right_name_is_said_to_be_empty(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "Карта;Нечто;Дата;Сумма\n;x1;05.01.2024;1\n;x2;06.01.2024;2\n")
    with pytest.raises(ColumnProblem, match=r"“Карта” is empty\. .* --map customer_id=\"Нечто\""):
        read_purchases(path, today=TODAY)


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"buyer": "Карта"}, "There is no role 'buyer'. The roles are: customer_id, "),
        ({"customer_id": "Телефон"}, "There is no column 'Телефон'. The columns are: “Карта”, “Дата”, “Сумма”"),
    ],
)
def test_a_mapping_to_something_that_does_not_exist(mapping: dict[str, str], message: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "Карта;Дата;Сумма\n7;05.01.2024;1\n")
    with pytest.raises(ColumnProblem, match=message):
        read_purchases(path, mapping=mapping, today=TODAY)


def test_an_empty_mapping_switches_a_role_off(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "Карта;Дата;Сумма;Магазин\n7;05.01.2024;1;x\n")
    assert not read_purchases(path, mapping={"store": ""}, today=TODAY).has("store")


def test_a_mapping_is_forgiving_about_letters_and_spaces(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "Чья_карта;Дата;Сумма\n7;05.01.2024;1\n")
    assert lines(read_purchases(path, mapping={"customer_id": "чья карта"}, today=TODAY))[0]["customer_id"] == "7"


def test_price_times_quantity_less_discount_is_the_amount_when_there_is_none(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.csv",
        "Карта;Дата;Цена;Количество;Скидка\n7;05.01.2024;10,50;3;1,5\n8;06.01.2024;0,333;3;\n9;07.01.2024;10;-2;1\n",
    )
    history = read_purchases(path, today=TODAY)
    assert [row["amount"] for row in lines(history)] == [3000, 100, -1900]
    assert [row["discount"] for row in lines(history)] == [150, None, 100]


def test_a_discount_is_not_taken_off_a_price_that_is_net_already(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "Карта;Дата;Цена со скидкой;Количество;Скидка\n7;05.01.2024;10;3;1,5\n")
    assert lines(read_purchases(path, today=TODAY))[0]["amount"] == 3000


def test_the_sum_of_a_receipt_repeated_on_each_line_is_not_the_amount_of_the_line(tmp_path: Path) -> None:
    text = "Name;Email;Total;Created at;Lineitem quantity;Lineitem name;Lineitem price\n"
    text += "#1;a@b.ru;30;2024-01-05;2;Хлеб;5\n#1;a@b.ru;;2024-01-05;1;Сыр;20\n"
    history = read_purchases(write(tmp_path / "a.csv", text), today=TODAY)
    assert sorted(row["amount"] for row in lines(history)) == [1000, 2000]


def test_unit_cost_is_multiplied_and_line_cost_is_not(tmp_path: Path) -> None:
    head = "Карта;Дата;Сумма;Количество;"
    unit = write(tmp_path / "u.csv", head + "Закупочная цена\n7;05.01.2024;100;3;20\n")
    line = write(tmp_path / "l.csv", head + "Себестоимость\n7;05.01.2024;100;3;20\n")
    assert lines(read_purchases(unit, today=TODAY))[0]["cost"] == 6000
    assert lines(read_purchases(line, today=TODAY))[0]["cost"] == 2000


def test_returns_written_without_a_minus_become_negative(tmp_path: Path) -> None:
    text = "Карта;Дата;Сумма;Количество;Тип операции;Себестоимость\n"
    text += "7;05.01.2024;100;1;Приход;60\n7;06.01.2024;100;1;Возврат прихода;60\n7;07.01.2024;-50;-1;Возврат;30\n"
    history = read_purchases(write(tmp_path / "a.csv", text), today=TODAY)
    assert [(row["amount"], row["quantity"], row["cost"]) for row in lines(history)] == [
        (10000, 1.0, 6000),
        (-10000, -1.0, -6000),
        (-5000, -1.0, -3000),
    ]
    assert notices(history)["returns"] == 2


def test_a_discount_is_never_negative(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "customer,date,net sales,discounts\na,2024-01-05,$9.00,-$1.00\n")
    assert lines(read_purchases(path, today=TODAY))[0]["discount"] == 100


def test_optional_cells_that_cannot_be_read_are_left_empty_and_counted(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.csv", "Карта;Дата;Сумма;Количество\n7;05.01.2024;1;2\n8;05.01.2024;1;три\n9;05.01.2024;1;4\n"
    )
    history = read_purchases(path, today=TODAY)
    assert sorted(row["quantity"] or 0 for row in lines(history)) == [0, 2, 4]
    assert [(each.rows, each.example) for each in history.reading.notices if each.kind == "unread_values"] == [
        (1, "quantity=три")
    ]


def test_inspect_says_why_a_column_was_not_taken(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "Карта;Дата;Сумма;Выручка;Скидка;Пусто;Погода\n7;05.01.2024;1;2;много;;снег\n")
    why = {column.heading: column.why for column in inspect(path).columns}
    assert why["Карта"] == "by its heading"
    assert why["Скидка"] == "its cells are not what its heading says"
    assert why["Пусто"] == "the column is empty"
    assert why["Погода"] == "the heading says nothing about purchases"


def test_kopecks_are_kopecks(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "Карта;Дата;Сумма, коп.;Скидка, руб.\n7;05.01.2024;12345;1,5\n")
    row = lines(read_purchases(path, today=TODAY))[0]
    assert (row["amount"], row["discount"]) == (12345, 150)


def test_one_amount_on_all_lines_of_each_receipt_is_told(tmp_path: Path) -> None:
    head = "Карта;Дата;Чек;Товар;{}\n"
    rows = "".join(f"7;05.01.2024;R{n // 3};x{n};{n // 3 + 10}\n" for n in range(60))
    suspicious = read_purchases(write(tmp_path / "a.csv", head.format("Сумма чека") + rows), today=TODAY)
    plain = read_purchases(write(tmp_path / "b.csv", head.format("Сумма") + rows), today=TODAY)
    assert notices(suspicious)["repeated_totals"] == 60
    assert "repeated_totals" not in notices(plain)
