"""From raw cells to the columns of the purchase contract: the one projection that every reader shares.

Beside the contract's columns each row gets `reject` (why it cannot be a purchase, or null), `value` (the cell that is
to blame), `raw` (the cells as they were, kept for rejected rows only) and `odd` (an optional cell that could not be
read and was left empty).
"""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from regulars.analytics.purchases import CONTRACT
from regulars.ingest.content import Content
from regulars.ingest.engine import literal
from regulars.ingest.headings import normalise, says_minor_units
from regulars.ingest.keys import TOTAL, TOTAL_WORDS, key_sql, one_of
from regulars.ingest.phones import RegionForm, is_normal_sql, looks_like_phones, quick_sql
from regulars.ingest.table import RawTable, cell
from regulars.ingest.understand import Understood
from regulars.ingest.values import date_sql, decimal_sql, double_sql

EARLIEST = dt.date(1970, 1, 1)
TEXTS = ("receipt_id", "product_id", "product", "category", "store", "staff", "channel", "promotion")
NUMERIC = ("amount", "price", "quantity", "discount", "cost", "unit_cost")
_WHOLE = frozenset(
    ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
)

# not \b: for the engine a Russian letter is no part of a word
TOTAL_ROW = "(^|\x1f)\\s*(итого|итог|всего|общий итог|подытог|total|grand total|subtotal|sub total)([^a-zа-яё]|$)"
SEPARATOR = "\x1f"

# rows of these kinds are no data: they are counted and not rejected
NOT_DATA = ("blank_row", "total_row", "header_row")


@dataclass(frozen=True)
class Style:
    """How the values of one table are written, and what the reading wants of them."""

    roles: Mapping[str, int]
    month_first: bool = False
    fast_date: str | None = None
    commas: Mapping[int, bool] = field(default_factory=dict)  # column -> the comma is its decimal sign
    dot_groups: frozenset[int] = frozenset()  # columns with dots between thousands
    padded: frozenset[int] = frozenset()  # columns with blanks around their cells
    number_keys: bool = False  # the customer column holds numbers
    digits: int = 2  # decimals of the currency
    last_day: dt.date = dt.date(9998, 12, 31)
    minor_units: frozenset[int] = frozenset()  # columns whose headings say kopecks or cents
    net_price: bool = False  # the price is after discount
    phones: RegionForm | None = None  # the customer column holds telephone numbers
    whole_seconds: bool = False  # Excel stores moments as fractions of a day, a hair beside the second


@dataclass(frozen=True)
class Wishes:
    """What the person wants of every table."""

    region: str
    digits: int
    last_day: dt.date
    phones: RegionForm


@dataclass(frozen=True)
class Projector:
    """Writes the SQL for one table."""

    table: RawTable
    style: Style

    def select(self) -> str:
        """The whole projection: contract, `reject`, `value`, `raw`, `odd` and `line`."""
        columns = self.columns()
        helpers = {"day": self._timestamp("purchased_at")} if "purchased_time" in self.style.roles else {}
        values = ", ".join(f"{sql} AS {name}" for name, sql in {**columns, **helpers}.items())
        cells = [f"{cell(n)} AS x{n}" for n in range(len(self.table.headings))] + ["line"]
        cells += ["file"] if self.table.members else []
        kept = ", ".join(columns)
        last = "line, file" if self.table.members else "line"
        return f"""SELECT {kept}, reject, CASE WHEN reject IS NOT NULL THEN {self._blamed()} END AS value,
                CASE WHEN reject IS NOT NULL THEN {self._raw("x")} END AS raw,
                {self._odd(columns)} AS odd, {last}
            FROM (SELECT *, {self._reject()} AS reject
                FROM (SELECT {values}, {", ".join(cells)} FROM ({self.table.relation})))"""

    def columns(self) -> dict[str, str]:
        """The contract's columns that this table can give, with their SQL."""
        found = {"customer_id": self._customer(), "purchased_at": self._purchased_at(), "amount": self._amount()}
        for role in TEXTS:
            if role in self.style.roles:
                found[role] = self._text(role)
        if "quantity" in self.style.roles:
            found["quantity"] = self._turned(self._double("quantity"))
        if "discount" in self.style.roles:
            found["discount"] = f"abs({self._minor(self._decimal('discount'))})"
        if "cost" in self.style.roles:
            found["cost"] = self._turned(self._minor(self._decimal("cost")))
        elif {"unit_cost", "quantity"} <= self.style.roles.keys():
            found["cost"] = self._turned(self._minor(self._times_quantity("unit_cost")))
        return {name: found[name] for name in CONTRACT if name in found}

    def select_quickly(self, *, keys_as_written: bool = False) -> str:
        """The contract's columns alone, so that a scan of some of them reads no others; and `written`, the raw key.

        `keys_as_written` is for a table in which every customer's key was found to be as it is written.
        """
        columns = self.columns()
        columns["written"] = self._as_text("customer_id")
        if keys_as_written:
            columns["customer_id"] = columns["written"]
        values = ", ".join(f"{sql} AS {name}" for name, sql in columns.items())
        return f"SELECT {values}{', file' if self.table.members else ''} FROM ({self.table.relation})"

    def condition(self) -> str:
        """What is true of a purchase, where no total rows can be: the same as having no `reject`."""
        first, after = self._bounds()
        return f"purchased_at >= {first} AND purchased_at < {after} AND amount IS NOT NULL"

    def _bounds(self) -> tuple[str, str]:
        after = self.style.last_day + dt.timedelta(days=1)
        return f"TIMESTAMP {literal(EARLIEST.isoformat())}", f"TIMESTAMP {literal(after.isoformat())}"

    def customer(self) -> str:
        """SQL for the customer alone."""
        return self._customer()

    def columns_given(self) -> tuple[str, ...]:
        """Names of the contract's columns that this table can give."""
        return tuple(self.columns())

    # --- values -------------------------------------------------------------------------------------------------

    def _name(self, role: str) -> str:
        return cell(self.style.roles[role])

    def _type(self, role: str) -> str:
        return self.table.type_of(self.style.roles[role])

    def _is_text(self, role: str) -> bool:
        return self._type(role) == "VARCHAR"

    def _as_text(self, role: str) -> str:
        return self._name(role) if self._is_text(role) else f"{self._name(role)}::VARCHAR"

    def _customer(self) -> str:
        kind, name = self._type("customer_id"), self._as_text("customer_id")
        padded = self.style.roles["customer_id"] in self.style.padded
        if self.style.phones is not None:
            key = key_sql(name, whole_numbers=True, padded=padded)
            normal = is_normal_sql(name, self.style.phones)
            return f"CASE WHEN {normal} THEN {name} ELSE coalesce({quick_sql(name, self.style.phones)}, {key}) END"
        if kind in _WHOLE:
            return f"nullif({self._name('customer_id')}, 0)::VARCHAR"
        whole_numbers = self.style.number_keys or not self._is_text("customer_id")
        return key_sql(name, whole_numbers=whole_numbers, padded=padded)

    def _purchased_at(self) -> str:
        day = self._timestamp("purchased_at")
        if self.style.whole_seconds:
            day = f"date_trunc('second', {day} + INTERVAL 500 MILLISECONDS)"
        if "purchased_time" not in self.style.roles:
            return day
        clock = f"rg_time({self._as_text('purchased_time')})"
        empty = f"rg_text({self._as_text('purchased_time')}) IS NULL"
        # without a time the day begins at midnight; an unreadable time makes the whole moment unreadable
        return f"date_trunc('day', {day}) + CASE WHEN {empty} THEN INTERVAL 0 SECONDS ELSE {clock} END"

    def _timestamp(self, role: str) -> str:
        kind, name = self._type(role), self._name(role)
        if kind == "TIMESTAMP":
            return name
        if kind.startswith(("TIMESTAMP_", "DATE")):
            return f"{name}::TIMESTAMP"
        if kind == "TIMESTAMP WITH TIME ZONE":
            return f"({name} AT TIME ZONE 'UTC')"
        return date_sql(self._as_text(role), fast=self.style.fast_date, month_first=self.style.month_first)

    def _amount(self) -> str:
        if "amount" in self.style.roles:
            return self._turned(self._minor(self._decimal("amount")))
        gross = self._times_quantity("price") if "quantity" in self.style.roles else self._decimal("price")
        if "discount" in self.style.roles and not self.style.net_price:
            less = f"coalesce(abs({self._decimal('discount')}), 0)"
            gross = f"CASE WHEN {gross} < 0 THEN {gross} + {less} ELSE {gross} - {less} END"
        return self._turned(self._minor(gross))

    def _times_quantity(self, role: str) -> str:
        return f"({self._decimal(role)} * {self._decimal('quantity')})"

    def _minor(self, sql: str) -> str:
        """Currency units as whole minor units, halves away from zero; null when there are too many of them."""
        # one sum of too many digits is no sum; to multiply it would stop the reading of all
        most = 10 ** (14 - self.style.digits) - 1
        held = f"CASE WHEN {sql} BETWEEN -{most} AND {most} THEN {sql} END"
        return f"try_cast(round({held} * {10**self.style.digits}) AS BIGINT)"

    def _turned(self, sql: str) -> str:
        """A return that is written without a minus gets one."""
        if "operation" not in self.style.roles:
            return sql
        operation = f"lower(rg_text({self._as_text('operation')}))"
        is_return = (
            f"regexp_matches({operation}, '^(возврат|return|refund|сторно|true|да|yes|1$)')"
            f" AND NOT regexp_matches({operation}, 'возврат расход')"
        )
        return f"CASE WHEN {is_return} THEN -abs({sql}) ELSE {sql} END"

    def _decimal(self, role: str) -> str:
        value = self._number(role, "DECIMAL(18,4)")
        if self.style.roles[role] not in self.style.minor_units:
            return value
        # a decimal literal: a division would be in floating point
        return f"({value} * {Decimal(1).scaleb(-self.style.digits)})"

    def _double(self, role: str) -> str:
        return self._number(role, "DOUBLE")

    def _number(self, role: str, kind: str) -> str:
        column = self.style.roles[role]
        if not self._is_text(role):
            value = f"try_cast({self._name(role)} AS {kind})"
            return f"CASE WHEN isfinite({value}) THEN {value} END" if kind == "DOUBLE" else value
        write = decimal_sql if kind.startswith("DECIMAL") else double_sql
        comma = self.style.commas.get(column, False)
        return write(self._name(role), comma=comma, dot_groups=column in self.style.dot_groups)

    def _text(self, role: str) -> str:
        kind, name = self._type(role), self._name(role)
        if kind in _WHOLE:
            return f"{name}::VARCHAR"
        if kind in ("DOUBLE", "FLOAT"):
            return f"regexp_replace({name}::VARCHAR, '\\.0$', '')"
        name = self._as_text(role)
        signs = (" ", "\t", "\N{NO-BREAK SPACE}") if self.style.roles[role] in self.style.padded else (" ",)
        blank = " OR ".join(f"{edge}({name}, '{sign}')" for edge in ("starts_with", "ends_with") for sign in signs)
        return f"CASE WHEN {blank} OR {name} = '' THEN rg_text({name}) ELSE {name} END"

    # --- what cannot be used ------------------------------------------------------------------------------------

    def _cell(self, role: str) -> str:
        return f"rg_text(x{self.style.roles[role]}::VARCHAR)"

    def _reject(self) -> str:
        """Why the row is no purchase; the cheap test comes first, because nearly all rows pass it."""
        date, amount = self._cell("purchased_at"), self._amount_cell()
        bad_time = "WHEN day IS NOT NULL THEN 'bad_time'" if "purchased_time" in self.style.roles else ""
        first, after = self._bounds()
        return f"""CASE
            WHEN purchased_at IS NOT NULL AND amount IS NOT NULL THEN CASE
                WHEN {self._is_total_by_name()} THEN 'total_row'
                WHEN purchased_at < {first} THEN 'impossible_date'
                WHEN purchased_at >= {after} THEN 'future_date' END
            WHEN {self._raw("x")} = {literal(self._blank_raw())} THEN 'blank_row'
            WHEN regexp_matches(lower({self._raw("x")}), {literal(TOTAL_ROW)}) AND purchased_at IS NULL THEN 'total_row'
            WHEN {self._is_header()} THEN 'header_row'
            WHEN purchased_at IS NULL THEN CASE WHEN {date} IS NULL THEN 'no_date' {bad_time} ELSE 'bad_date' END
            WHEN {amount} IS NULL THEN 'no_amount' ELSE 'bad_amount' END"""

    def _amount_cell(self) -> str:
        return self._cell("amount" if "amount" in self.style.roles else "price")

    def _is_total_by_name(self) -> str:
        """A sum that has a date of its own: the word stands where the customer or the receipt should."""
        if self.table.types:
            return "false"  # programs that write Parquet add no total rows
        test = f"customer_id = {literal(TOTAL)}"
        if "receipt_id" in self.style.roles:
            is_total = one_of("lower(receipt_id)", TOTAL_WORDS)
            test += f" OR CASE WHEN customer_id IS NULL THEN {is_total} ELSE false END"
        return test

    def _is_header(self) -> str:
        pairs = [(role, self.style.roles[role]) for role in ("purchased_at", "amount") if role in self.style.roles]
        return " AND ".join(
            f"x{n}::VARCHAR = {literal(self.table.headings[n].replace(chr(0), ''))}" for _role, n in pairs
        )

    def _raw(self, prefix: str) -> str:
        cells = ", ".join(f"coalesce({prefix}{n}::VARCHAR, '')" for n in range(len(self.table.headings)))
        return f"concat_ws({literal(SEPARATOR)}, {cells})"

    def _blank_raw(self) -> str:
        return SEPARATOR * (len(self.table.headings) - 1)

    def _blamed(self) -> str:
        """The cell that the reason is about."""
        tests = [f"WHEN reject = 'no_amount' OR reject = 'bad_amount' THEN {self._amount_cell()}"]
        if "purchased_time" in self.style.roles:
            tests.append(f"WHEN reject = 'bad_time' THEN {self._cell('purchased_time')}")
        return f"CASE {' '.join(tests)} ELSE {self._cell('purchased_at')} END"

    def _odd(self, columns: Mapping[str, str]) -> str:
        tests = [
            f"WHEN {role} IS NULL AND {self._cell(role)} IS NOT NULL THEN {literal(role + '=')} || {self._cell(role)}"
            for role in ("quantity", "discount", "cost")
            if role in columns and role in self.style.roles and self._is_text(role)
        ]
        return f"CASE {' '.join(tests)} END" if tests else "NULL::VARCHAR"


def choose_style(each: Understood, wishes: Wishes, *, month_first: bool) -> Style:
    """Read the style off the sample; the order of day and month was settled before, over the whole column."""
    table, roles, contents = each.table, each.assignment.roles, each.contents
    numeric = [roles[role] for role in NUMERIC if role in roles]
    key, heading = contents[roles["customer_id"]], each.heading_of("customer_id")
    return Style(
        roles=roles,
        month_first=month_first,
        fast_date=_usual_date(contents[roles["purchased_at"]], month_first=month_first),
        commas=decimal_commas(numeric, contents, region=wishes.region),
        dot_groups=frozenset(n for n in numeric if contents[n].dot_groups),
        padded=frozenset(n for n, content in enumerate(contents) if content.padded),
        number_keys=key.numbers >= 0.95,
        digits=wishes.digits,
        minor_units=frozenset(n for n in numeric if says_minor_units(table.headings[n])),
        last_day=wishes.last_day,
        net_price="price" in roles and _NET.search(normalise(each.heading_of("price"))) is not None,
        phones=wishes.phones if looks_like_phones(heading, key) else None,
        whole_seconds=table.facts.sheet is not None,
    )


_ORDERS = {"dotted": "%d.%m.%Y", "day_slash": "%d/%m/%Y", "month_slash": "%m/%d/%Y"}


def _usual_date(content: Content, *, month_first: bool) -> str | None:
    """The form to try first: one exact format where nearly all cells have it, else a family of forms."""
    family, rows = max(content.families, key=lambda item: item[1])
    if not rows:
        return None
    family = "month_slash" if family == "day_slash" and month_first else family
    clocks = {" %H:%M:%S": content.hms, " %H:%M": content.hm, "": 1 - content.hms - content.hm}
    clock, share = max(clocks.items(), key=lambda item: item[1])
    # a failed attempt costs twenty times a successful one
    exact = family in _ORDERS and share > 0.99 and rows > 0.99 * content.filled
    return _ORDERS[family] + clock if exact else family


def decimal_commas(numeric: Sequence[int], contents: Sequence[Content], *, region: str) -> dict[int, bool]:
    """Which columns write a decimal comma: what the column shows, else the rest of the table, else the region."""
    commas = sum(contents[n].commas for n in numeric)
    dots = sum(contents[n].dots for n in numeric)
    usual = commas > dots if commas != dots else region.upper() not in _DOT_REGIONS
    return {n: _prefers_comma(contents[n], usual) for n in numeric}


def _prefers_comma(content: Content, usual: bool) -> bool:
    return content.commas > content.dots if content.commas != content.dots else usual


_DOT_REGIONS = frozenset(
    {"US", "GB", "IE", "CA", "AU", "NZ", "IN", "CN", "JP", "KR", "SG", "HK", "IL", "MX", "TH", "PH", "MY"}
)

_NET = re.compile(r"скидк|\bnet\b|discounted|after discount")
