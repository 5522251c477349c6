"""Lists of what goods cost and are sold for, as shops keep them in Excel: a code in each row, and a cost or a price."""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa

from regulars.core.errors import ColumnProblem, InputError
from regulars.core.i18n import N_
from regulars.core.i18n import gettext as _
from regulars.core.money import minor_digits
from regulars.foundation.models import Business
from regulars.ingest.content import prepare_profiles, profile
from regulars.ingest.engine import Engine
from regulars.ingest.headings import normalise
from regulars.ingest.inspect import ColumnFinding
from regulars.ingest.opening import candidates_of
from regulars.ingest.sources import find_files
from regulars.ingest.table import cell
from regulars.ingest.values import decimal_sql
from regulars.purchases.importing.people_lists import ListColumns, ListFacts, ListPreview, open_engine
from regulars.purchases.importing.people_loading import harmless
from regulars.purchases.importing.staging import key_cut
from regulars.purchases.models import Product
from regulars.purchases.stating import MOST

ROLES = {
    "code": N_("Product code"),
    "name": N_("Product name"),
    "cost": N_("Cost of one unit"),
    "price": N_("Price of one unit"),
}
_MONEY = ("cost", "price")

# tried in this order; the first that fits takes the column
_WORDS = (
    ("cost", r"себестоим|закуп|\bcost\b|purchase price"),
    ("price", r"цена|розниц|\bprice\b"),
    ("code", r"\bкод\b|артикул|штрих|\bean\b|barcode|\bsku\b|\bcode\b"),
    ("name", r"наименован|назван|товар|номенклат|product|^name$|item"),
)
_OF_RECEIPTS = re.compile(r"дата|\bdate\b|время|\btime\b|чек|receipt|покупател|customer|клиент")
_SHOWN = 12
_SHOWN_REJECTS = 20
_MOST_REJECTS = 100_000
_LOOKED_UP = 50_000


@dataclass(frozen=True)
class Reject:
    """A row that cannot be used; shaped as those of purchases."""

    line: int
    column: str
    value: str
    reason: str


def open_price_list(engine: Engine, path: Path, mapping: Mapping[str, str] | None) -> ListColumns:
    """The table with the most rows, and the roles of its columns; `mapping` (heading -> role) decides when given."""
    prepare_profiles(engine)
    _source, tables, _empty = candidates_of(engine, find_files([path]))[0]
    table = max(tables, key=lambda one: one.rows or 0)
    contents = tuple(profile(engine, table))
    if mapping:
        roles = [role if (role := mapping.get(heading, "")) in ROLES else "" for heading in table.headings]
    else:
        roles = _guess(table.headings)
    return ListColumns(table, contents, tuple(roles))


def looks_like_price_list(path: Path) -> bool:
    """Whether the headings are a code and a cost or a price, and none is of receipts."""
    try:
        with TemporaryDirectory(prefix="regulars-list-") as folder:
            found = open_price_list(open_engine(Path(folder)), path, None)
    except InputError:
        return False
    is_of_receipts = any(_OF_RECEIPTS.search(normalise(heading)) for heading in found.table.headings)
    return "code" in found.roles and bool({*_MONEY} & set(found.roles)) and not is_of_receipts


def check(columns: ListColumns) -> None:
    """`ColumnProblem` unless the list says of which product, and what."""
    if "code" not in columns.roles:
        raise ColumnProblem(_("No column holds the code of the product: choose it."))
    if not {*_MONEY} & set(columns.roles):
        raise ColumnProblem(_("No column holds a cost or a price: choose it."))
    twice = [role for role in columns.roles if role and columns.roles.count(role) > 1]
    if twice:
        raise ColumnProblem(
            _("Two columns are taken for one thing: {role}. Leave one of them out.").format(role=_(ROLES[twice[0]]))
        )


def preview_price_list(path: Path, name: str, mapping: Mapping[str, str] | None) -> ListPreview:
    """What a list would bring, without bringing it."""
    try:
        with TemporaryDirectory(prefix="regulars-list-") as folder:
            engine = open_engine(Path(folder))
            found = open_price_list(engine, path, mapping)
            facts = ListFacts(tuple(_finding(found, place) for place in range(len(found.roles))))
            try:
                check(found)
            except InputError as error:
                return ListPreview(facts, (str(error),))
            stage_prices(engine, found)
            shown = tuple(role for role in ROLES if role in found.roles)
            rows = engine.rows(f"SELECT {', '.join(shown)} FROM pr_rows WHERE reason = '' ORDER BY n LIMIT {_SHOWN}")
            rejects = tuple(_rejects(engine, _SHOWN_REJECTS))
            nothing = (_("No row of this file can be used. The reasons are below."),) if not rows else ()
            return ListPreview(facts, nothing, shown, tuple(rows), rejects)
    except InputError as error:
        return ListPreview(None, (str(error).replace(str(path), name),))


def stage_prices(engine: Engine, columns: ListColumns) -> None:
    """DuckDB table `pr_rows`: n, code, name, cost, price in minor units, as written, and why it cannot be used."""
    table, business = columns.table, Business.current()
    texts = {role: _text(columns, role) for role in ROLES}
    # what Excel makes of a code of digits
    texts["code"] = f"regexp_replace({texts['code']}, '^(\\d+)[.,]0+$', '\\1')"
    filled = " OR ".join(f"{cell(place)} IS NOT NULL" for place in range(len(table.headings)))
    comma, times = business.region.upper() != "US", 10 ** minor_digits(business.currency)
    # wider than it is read: minor units of the largest that can be read would be one too many digits
    money = ", ".join(
        f"round({decimal_sql(f'{role}_said', comma=comma)}::DECIMAL(38,4) * {times})::BIGINT AS {role}"
        for role in _MONEY
    )
    engine.rows(
        f"""CREATE OR REPLACE TEMP TABLE pr_read AS SELECT row_number() OVER () AS n, {key_cut("code_said")} AS code,
            left(name_said, 500) AS name, {money}, code_said, cost_said, price_said
        FROM (SELECT {", ".join(f"{text} AS {role}_said" for role, text in texts.items())}
            FROM ({table.relation}) WHERE {filled})""",
        table.label,
        _("Reading prices"),
    )
    _take_known(engine)
    engine.rows(f"CREATE OR REPLACE TEMP TABLE pr_rows AS {_JUDGED}", table.label)


_JUDGED = f"""WITH each AS (
        SELECT *, count(DISTINCT cost) OVER same AS costs, count(DISTINCT price) OVER same AS prices
        FROM pr_read WINDOW same AS (PARTITION BY code)
    )
    SELECT e.* EXCLUDE (costs, prices), k.code IS NOT NULL AS is_known, CASE
        WHEN e.code IS NULL THEN 'no_code'
        WHEN cost_said IS NULL AND price_said IS NULL THEN 'no_sum'
        WHEN cost_said IS NOT NULL AND (cost IS NULL OR cost NOT BETWEEN 1 AND {MOST}) THEN 'bad_cost'
        WHEN price_said IS NOT NULL AND (price IS NULL OR price NOT BETWEEN 0 AND {MOST}) THEN 'bad_price'
        WHEN costs > 1 OR prices > 1 THEN 'two_sums'
        WHEN k.code IS NULL AND name IS NULL THEN 'no_product' ELSE '' END AS reason
    FROM each e LEFT JOIN pr_known k USING (code)"""


def _take_known(engine: Engine) -> None:
    """Which of the codes the base has."""
    engine.rows("CREATE OR REPLACE TEMP TABLE pr_known (code VARCHAR)")
    codes = [code for (code,) in engine.rows("SELECT DISTINCT code FROM pr_read WHERE code IS NOT NULL")]
    for start in range(0, len(codes), _LOOKED_UP):
        found = Product.objects.filter(code__in=codes[start : start + _LOOKED_UP]).values_list("code", flat=True)
        if known := list(found):
            engine.insert("pr_known", pa.table({"code": known}))


def reasons_of(engine: Engine) -> dict[str, int]:
    """Why rows cannot be used, and how many."""
    return dict(engine.rows("SELECT reason, count(*) FROM pr_rows WHERE reason <> '' GROUP BY 1 ORDER BY 2 DESC, 1"))


def reason_words() -> dict[str, str]:
    """The same, said."""
    return {
        "no_code": _("the row has no code"),
        "no_sum": _("the row says neither a cost nor a price"),
        "bad_cost": _("the cost is no sum above 0, such as 1250.50"),
        "bad_price": _("the price is no sum from 0 on, such as 1250.50"),
        "two_sums": _("the code stands in the file with different sums: leave one of them"),
        "no_product": _("no product has this code: with a column of names it would be made"),
    }


def write_rejects(engine: Engine, target: Path) -> None:
    """The rows that could not be used, as CSV for Excel."""
    with target.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow([_("row of data"), _("column"), _("value"), _("reason")])
        writer.writerows(
            [one.line, one.column, harmless(one.value), one.reason] for one in _rejects(engine, _MOST_REJECTS)
        )


def _rejects(engine: Engine, most: int) -> Iterator[Reject]:
    words, at_fault = reason_words(), {"bad_cost": "cost", "bad_price": "price"}
    rows = engine.rows(
        f"SELECT n, reason, code_said, cost_said, price_said FROM pr_rows WHERE reason <> '' ORDER BY n LIMIT {most}"
    )
    for n, reason, code, cost, price in rows:
        role = at_fault.get(reason, "code")
        said = {"code": code, "cost": cost, "price": price}[role]
        yield Reject(n, _(ROLES[role]), str(said or "")[:200], words[reason])


def usable(engine: Engine) -> list[tuple[str, str | None, int | None, int | None, bool]]:
    """Code, name, cost, price, and whether the base has the product, of each code once."""
    return engine.rows(
        """SELECT code, max(name), max(cost), max(price), bool_and(is_known) FROM pr_rows WHERE reason = ''
        GROUP BY code ORDER BY code"""
    )


def _guess(headings: Sequence[str]) -> list[str]:
    roles: list[str] = []
    for heading in headings:
        phrase = normalise(heading)
        role = next((role for role, words in _WORDS if re.search(words, phrase)), "")
        roles.append("" if role in roles else role)
    return roles


def _finding(columns: ListColumns, place: int) -> ColumnFinding:
    role, content = columns.roles[place], columns.contents[place]
    why = _("by its heading or by your choice") if role else _("the heading says nothing about costs and prices")
    return ColumnFinding(columns.table.headings[place], role or None, why, content.samples)


def _text(columns: ListColumns, role: str) -> str:
    places: Sequence[Any] = columns.of(role)
    if not places:
        return "NULL::VARCHAR"
    place = places[0]
    text = cell(place) if columns.table.type_of(place) == "VARCHAR" else f"{cell(place)}::VARCHAR"
    return f"rg_text(replace({text}, chr(0), ''))"
