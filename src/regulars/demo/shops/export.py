"""Write a shop as a file such as a business hands over: readable, but with everything that such files have."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from regulars.demo.files import MONEY, money_in_units, write_file
from regulars.demo.shops.generate import PHONE_PREFIX, Shop

Style = Literal["russian", "english", "parquet"]

RUSSIAN = {
    "purchased_at": "Дата",
    "receipt_id": "Номер чека",
    "customer_id": "Телефон",
    "product_id": "Код товара",
    "product": "Товар",
    "category": "Категория",
    "quantity": "Количество",
    "amount": "Сумма",
    "discount": "Скидка",
    "cost": "Себестоимость",
    "store": "Магазин",
    "staff": "Продавец",
    "channel": "Канал",
}
ENGLISH = {
    "purchased_at": "Date",
    "receipt_id": "Receipt",
    "customer_id": "Customer",
    "product_id": "SKU",
    "product": "Product",
    "category": "Category",
    "quantity": "Quantity",
    "amount": "Amount",
    "discount": "Discount",
    "cost": "Cost",
    "store": "Store",
    "staff": "Staff",
    "channel": "Channel",
}
ROWS_AT_ONCE = 200_000
NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"


def write_shop(shop: Shop, path: Path, *, style: Style | None = None) -> Path:
    """Write the lines of `shop` to `path` and return it.

    - `russian`: as accounting programs export it: cp1251, semicolons, decimal commas, no-break spaces between
      thousands, dates such as 03.02.2025 9:05:00, and the phones of a Russian shop as different people type them.
    - `english`: UTF-8, commas, ISO dates.
    - `parquet`: exact decimals, names of the purchase contract.

    Without `style` the ending of the file and the language of the shop decide. Money is in currency
    units in all of them. Raises `OutputError` when the file cannot be written.
    """
    writer = _WRITERS[style or _style_of(shop, path)]
    return write_file(path, lambda file: writer(shop.lines, file))


def _style_of(shop: Shop, path: Path) -> Style:
    if path.suffix == ".parquet":
        return "parquet"
    return "russian" if shop.language == "ru" else "english"


def _write_parquet(lines: pa.Table, path: Path) -> None:
    pq.write_table(money_in_units(lines), path, compression="zstd")


def _write_english(lines: pa.Table, path: Path) -> None:
    columns = _columns(lines, "%Y-%m-%d %H:%M:%S")
    pa.csv.write_csv(_headed(columns, ENGLISH), path, pa.csv.WriteOptions(quoting_style="needed"))


def _write_russian(lines: pa.Table, path: Path) -> None:
    columns = _columns(lines, "%d.%m.%Y %H:%M:%S")
    columns["purchased_at"] = pc.replace_substring(columns["purchased_at"], " 0", " ")
    headings = RUSSIAN
    if _are_phones(columns["customer_id"]):
        columns["customer_id"] = _typed_by_people(columns["customer_id"], columns["receipt_id"])
    else:
        headings = RUSSIAN | {"customer_id": "Номер карты"}
    for column in MONEY:
        values = columns[column].combine_chunks().dictionary_encode()
        columns[column] = _decimal_comma(values.dictionary).take(values.indices)
    table = _headed(columns, headings)
    with path.open("w", encoding="cp1251", newline="") as file:
        # Arrow writes UTF-8 only: part by part, so that memory does not grow with the file
        for start in range(0, max(table.num_rows, 1), ROWS_AT_ONCE):
            part = io.BytesIO()
            pa.csv.write_csv(table.slice(start, ROWS_AT_ONCE), part, _semicolons(header=start == 0))
            file.write(part.getvalue().decode())


def _semicolons(*, header: bool) -> pa.csv.WriteOptions:
    return pa.csv.WriteOptions(delimiter=";", include_header=header, quoting_style="none", quoting_header="none")


def _columns(lines: pa.Table, stamp: str) -> dict[str, pa.ChunkedArray]:
    columns = dict(zip(lines.column_names, money_in_units(lines).columns, strict=True))
    columns["purchased_at"] = pc.strftime(columns["purchased_at"].cast(pa.timestamp("s")), stamp)
    columns["quantity"] = columns["quantity"].cast(pa.int64())
    return columns


def _headed(columns: dict[str, pa.ChunkedArray], headings: dict[str, str]) -> pa.Table:
    return pa.table({heading: columns[name] for name, heading in headings.items()})


def _decimal_comma(money: pa.Array) -> pa.Array:
    text = pc.replace_substring(money.cast(pa.string()), ".", ",")
    for groups in (2, 1):
        # the leftmost group first, so that one pattern serves millions and thousands
        pattern = r"^(-?\d{1,3})(" + r"\d{3}" * groups + r"[,\x{a0}])"
        text = pc.replace_substring_regex(text, pattern, r"\1" + NO_BREAK_SPACE + r"\2")
    return text


def _are_phones(customers: pa.ChunkedArray) -> bool:
    return bool(pc.all(pc.starts_with(customers, PHONE_PREFIX)).as_py())


def _typed_by_people(phones: pa.ChunkedArray, receipts: pa.ChunkedArray) -> pa.Array:
    """Each receipt has its customer's phone in one of four spellings."""
    digits = pc.utf8_slice_codeunits(phones, len("+7"))
    code, a, b, c = (pc.utf8_slice_codeunits(digits, *ends) for ends in ((0, 3), (3, 6), (6, 8), (8, 10)))
    tail = pc.binary_join_element_wise(a, b, c, "-")
    spellings = (
        phones,
        pc.binary_join_element_wise("7", digits, ""),
        pc.binary_join_element_wise("8 (", code, ") ", tail, ""),
        pc.binary_join_element_wise("+7", code, a, b, c, " "),
    )
    number = receipts.cast(pa.int64()).to_numpy()
    habit = np.random.default_rng(0).integers(len(spellings), size=number.max(initial=0) + 1)
    return pc.choose(pa.array(habit[number]), *(spelling.combine_chunks() for spelling in spellings))


_WRITERS: dict[Style, Callable[[pa.Table, Path], None]] = {
    "russian": _write_russian,
    "english": _write_english,
    "parquet": _write_parquet,
}
