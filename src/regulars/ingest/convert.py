"""From raw cells to the columns of the purchase contract: the one projection that every reader shares.

Beside the contract's columns each row gets `reject` (why it cannot be a purchase, or null), `value` (the cell that is
to blame), `raw` (the cells as they were, kept for rejected rows only) and `odd` (an optional cell that could not be
read and was left empty).
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from regulars.analytics.purchases import CONTRACT
from regulars.ingest.content import Content
from regulars.ingest.engine import literal
from regulars.ingest.keys import key_sql
from regulars.ingest.table import RawTable, cell
from regulars.ingest.values import date_sql, decimal_sql, double_sql

EARLIEST = dt.date(1970, 1, 1)
TEXTS = ("receipt_id", "product_id", "product", "category", "store", "staff", "channel", "promotion")
_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
_WHOLE = frozenset(_NUMBERS)

_TOTALS = ("итого", "итого:", "всего", "всего:", "total", "total:", "grand total", "subtotal", "подытог", "общий итог")
TOTAL_ROW = r"(^|\x{1F})\s*(итого|итог|всего|общий итог|подытог|total|grand total|subtotal|sub total)\b"
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
    number_keys: bool = False  # the customer column holds numbers
    digits: int = 2  # decimals of the currency
    last_day: dt.date = dt.date.max
    net_price: bool = False  # the price is after discount


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
        cells = [f"{cell(n)} AS x{n}" for n in range(len(self.table.headings))]
        kept = ", ".join(columns)
        return f"""SELECT {kept}, reject, CASE WHEN reject IS NOT NULL THEN {self._blamed()} END AS value,
                CASE WHEN reject IS NOT NULL THEN {self._raw("x")} END AS raw, {self._odd(columns)} AS odd, line
            FROM (SELECT *, {self._reject()} AS reject
                FROM (SELECT {values}, {", ".join(cells)}, line FROM ({self.table.relation})))"""

    def columns(self) -> dict[str, str]:
        """The contract's columns that this table can give, with their SQL."""
        found = {"customer_id": self._customer(), "purchased_at": self._purchased_at(), "amount": self._amount()}
        for role in TEXTS:
            if role in self.style.roles:
                found[role] = self._text(role)
        if "quantity" in self.style.roles:
            found["quantity"] = self._turned("quantity", self._double("quantity"))
        if "discount" in self.style.roles:
            found["discount"] = f"abs({self._minor(self._decimal('discount'))})"
        if "cost" in self.style.roles:
            found["cost"] = self._turned("cost", self._minor(self._decimal("cost")))
        elif {"unit_cost", "quantity"} <= self.style.roles.keys():
            found["cost"] = self._turned("cost", self._minor(self._times_quantity("unit_cost")))
        return {name: found[name] for name in CONTRACT if name in found}

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
        kind, name = self._type("customer_id"), self._name("customer_id")
        if kind in _WHOLE:
            return f"nullif({name}, 0)::VARCHAR"
        return key_sql(self._as_text("customer_id"), whole_numbers=self.style.number_keys or not self._is_text("customer_id"))

    def _purchased_at(self) -> str:
        day = self._timestamp("purchased_at")
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
            return self._turned("amount", self._minor(self._decimal("amount")))
        gross = self._times_quantity("price") if "quantity" in self.style.roles else self._decimal("price")
        if "discount" in self.style.roles and not self.style.net_price:
            less = f"coalesce(abs({self._decimal('discount')}), 0)"
            gross = f"CASE WHEN {gross} < 0 THEN {gross} + {less} ELSE {gross} - {less} END"
        return self._turned("amount", self._minor(gross))

    def _times_quantity(self, role: str) -> str:
        return f"({self._decimal(role)} * {self._decimal('quantity')})"

    def _minor(self, sql: str) -> str:
        """Currency units as whole minor units, halves away from zero; null when there are too many of them."""
        return f"try_cast(round({sql} * {10**self.style.digits}) AS BIGINT)"

    def _turned(self, role: str, sql: str) -> str:
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
        return self._number(role, "DECIMAL(18,4)")

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
        blank = " OR ".join(f"{edge}({name}, '{sign}')" for edge in ("starts_with", "ends_with") for sign in (" ", "\t", "\N{NO-BREAK SPACE}"))
        return f"CASE WHEN {name} = '' OR {blank} THEN rg_text({name}) ELSE {name} END"

    # --- what cannot be used ------------------------------------------------------------------------------------

    def _cell(self, role: str) -> str:
        return f"rg_text(x{self.style.roles[role]}::VARCHAR)"

    def _reject(self) -> str:
        """Why the row is no purchase; the cheap test comes first, because nearly all rows pass it."""
        date, amount = self._cell("purchased_at"), self._amount_cell()
        bad_time = "WHEN day IS NOT NULL THEN 'bad_time'" if "purchased_time" in self.style.roles else ""
        first, after = literal(EARLIEST.isoformat()), literal((self.style.last_day).isoformat())
        return f"""CASE
            WHEN purchased_at IS NOT NULL AND amount IS NOT NULL THEN CASE
                WHEN {self._is_total_by_name()} THEN 'total_row'
                WHEN purchased_at < {first}::TIMESTAMP THEN 'impossible_date'
                WHEN purchased_at::DATE > {after}::DATE THEN 'future_date' END
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
        words = ", ".join(literal(word) for each in _TOTALS for word in (each, each.capitalize(), each.upper()))
        tested = [role for role in ("customer_id", "receipt_id") if role in self.columns()]
        # codes end with a digit, and the list is slow to compare with
        return " OR ".join(f"(NOT right({role}, 1) BETWEEN '0' AND '9' AND {role} IN ({words}))" for role in tested)

    def _is_header(self) -> str:
        pairs = [(role, self.style.roles[role]) for role in ("purchased_at", "amount") if role in self.style.roles]
        return " AND ".join(f"x{n}::VARCHAR = {literal(self.table.headings[n].replace(chr(0), ''))}" for _role, n in pairs)

    def _raw(self, prefix: str) -> str:
        cells = ", ".join(f"coalesce({prefix}{n}::VARCHAR, '')" for n in range(len(self.table.headings)))
        return f"concat_ws({literal(SEPARATOR)}, {cells})"

    def _blank_raw(self) -> str:
        return SEPARATOR * (len(self.table.headings) - 1)

    def _blamed(self) -> str:
        """The cell that the reason is about."""
        time = f" WHEN reject = 'bad_time' THEN {self._cell('purchased_time')}" if "purchased_time" in self.style.roles else ""
        return f"CASE WHEN reject IN ('no_amount', 'bad_amount') THEN {self._amount_cell()}{time} ELSE {self._cell('purchased_at')} END"

    def _odd(self, columns: Mapping[str, str]) -> str:
        tests = [
            f"WHEN {role} IS NULL AND {self._cell(role)} IS NOT NULL THEN {literal(role + '=')} || {self._cell(role)}"
            for role in ("quantity", "discount", "cost")
            if role in columns and role in self.style.roles
        ]
        return f"CASE {' '.join(tests)} END" if tests else "NULL::VARCHAR"


def choose_style(
    table: RawTable, roles: Mapping[str, int], contents: tuple[Content, ...], *, region: str, digits: int, last_day: dt.date
) -> Style:
    """Read the style off the sample; the order of day and month is settled later, over the whole column."""
    numeric = [roles[role] for role in ("amount", "price", "quantity", "discount", "cost", "unit_cost") if role in roles]
    commas = sum(contents[n].commas for n in numeric)
    dots = sum(contents[n].dots for n in numeric)
    usual = commas > dots if commas or dots else region not in _DOT_REGIONS
    date = contents[roles["purchased_at"]]
    key = contents[roles["customer_id"]]
    return Style(
        roles=roles,
        fast_date=max(date.families, key=lambda item: item[1])[0] if any(n for _f, n in date.families) else None,
        commas={n: contents[n].commas > contents[n].dots or (contents[n].commas == contents[n].dots and usual) for n in numeric},
        dot_groups=frozenset(n for n in numeric if contents[n].dot_groups),
        number_keys=key.numbers >= 0.95,
        digits=digits,
        last_day=last_day,
    )


_DOT_REGIONS = frozenset({"US", "GB", "IE", "CA", "AU", "NZ", "IN", "CN", "JP", "KR", "SG", "HK", "IL", "MX", "TH", "PH", "MY"})
