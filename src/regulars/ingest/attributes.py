"""Files with attributes of customers: the column of customers is the one whose values the history knows.

The cells are opened, decoded and read by the same machinery as purchases, so a card or a telephone number means the
same customer in both.
"""

import os
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import ibis.expr.types as ir
from ibis.backends.duckdb import Backend

from regulars.analytics.attributes import Attributes
from regulars.core.errors import ColumnProblem
from regulars.core.i18n import gettext as _
from regulars.core.progress import Progress, Silent
from regulars.ingest import phones
from regulars.ingest.content import Content, prepare_profiles, profile
from regulars.ingest.convert import Projector, Style, decimal_commas
from regulars.ingest.engine import Engine, literal
from regulars.ingest.guess import find_heading, quoted
from regulars.ingest.headings import meanings
from regulars.ingest.opening import candidates_of
from regulars.ingest.parquet_files import is_nested
from regulars.ingest.phones import RegionForm, looks_like_phones
from regulars.ingest.sources import find_files
from regulars.ingest.table import RawTable, cell
from regulars.ingest.values import date_sql, double_sql
from regulars.ingest.workspace import Workspace

_KNOWN = "rg_known_customers"
_TRIED_ROWS = 100_000
_FEWEST_SHARE = 0.05  # of the keys of the file, or of the customers of the history
_MONTH_FIRST = frozenset({"US"})


@dataclass(frozen=True)
class _Key:
    """A column that may hold the customers, in one way of writing them, and how many of them the history knows."""

    table: RawTable
    contents: tuple[Content, ...]
    column: int
    style: Style
    keys: int
    matched: int

    @property
    def heading(self) -> str:
        return self.table.headings[self.column]

    @property
    def sql(self) -> str:
        return Projector(self.table, self.style).customer()

    @property
    def says_customer(self) -> bool:
        return any(meaning.role == "customer_id" for meaning in meanings(self.heading))

    @property
    def is_key(self) -> bool:
        """A short number such as an age occurs among card numbers too: a key hardly repeats."""
        content = self.contents[self.column]
        return self.says_customer or content.distinct >= content.filled / 2

    @property
    def rank(self) -> tuple[int, bool, bool]:
        return self.matched, self.says_customer, self.style.phones is None


def read_attributes(
    source: str | os.PathLike[str],
    customers: ir.Table,
    *,
    key: str | None = None,
    region: str = "RU",
    progress: Progress | None = None,
) -> Attributes:
    """Read attributes (CSV, XLSX, XLS, ODS, Parquet) of the `customer_id`s of `customers`, such as a history's lines.

    `key` is the heading of the column of customers; without it the column is taken whose values the history knows
    best. Numbers and days become such, everything else stays text. Of several sheets or files the one that knows the
    most customers is read. Raises `FileProblem` when the file cannot be read, `ColumnProblem` when no column holds the
    customers.
    """
    form = phones.region_form(region)
    place = Workspace()
    try:
        engine = _engine_beside(customers, place, progress or Silent())
        prepare_profiles(engine)
        known = _remember(engine, customers)
        candidates, others = _candidates(engine, source)
        found = _find_key(engine, candidates, known=known, form=form, key=key)
        return _read(engine, found, region, form, _left_out(found, candidates, others))
    finally:
        place.remove()


def _engine_beside(customers: ir.Table, place: Workspace, progress: Progress) -> Engine:
    backend = customers.get_backend()
    # in the engine of the history, where nothing has to be moved; a cluster reads no local files
    if isinstance(backend, Backend):
        return Engine.beside(backend, place, progress)
    return Engine.open(place, progress, "1GB")


def _remember(engine: Engine, customers: ir.Table) -> int:
    ids = customers.select("customer_id").distinct().filter(lambda t: t.customer_id.notnull())
    engine.rows(f"CREATE OR REPLACE TEMP TABLE {_KNOWN} (customer_id VARCHAR)")
    if customers.get_backend() is engine.backend:
        engine.rows(f"INSERT INTO {_KNOWN} {engine.backend.compile(ids)}")
    else:
        engine.insert(_KNOWN, ids.to_pyarrow())
    return int(engine.rows(f"SELECT count(*) FROM {_KNOWN}")[0][0])


def _candidates(engine: Engine, source: str | os.PathLike[str]) -> tuple[list[RawTable], list[str]]:
    found = candidates_of(engine, find_files([source]))
    return [table for _file, tables, _empty in found for table in tables], [
        name for _file, _tables, empty in found for name in empty
    ]


def _find_key(engine: Engine, tables: Sequence[RawTable], *, known: int, form: RegionForm, key: str | None) -> _Key:
    tried: list[_Key] = []
    problems: list[ColumnProblem] = []
    for table in tables:
        contents = profile(engine, table)
        try:
            columns = range(len(table.headings)) if key is None else [find_heading(table.headings, key)]
        except ColumnProblem as problem:
            problems.append(problem)
            continue
        tried += [
            _try(engine, table, contents, column, style)
            for column in columns
            if key is not None or _may_be_key(table, column, contents[column])
            for style in _styles(contents, column, form)
        ]
    if not tried and problems:
        raise problems[0]
    fitting = [each for each in tried if key is not None or each.is_key]
    best = max(fitting, key=lambda each: each.rank, default=None)
    if best is None or best.matched < max(1.0, _FEWEST_SHARE * min(best.keys, known)):
        raise ColumnProblem(_nobody(engine, tables, tried))
    return best


def _may_be_key(table: RawTable, column: int, content: Content) -> bool:
    return not content.is_empty and not is_nested(table.type_of(column)) and content.fractions < 0.05


def _styles(contents: Sequence[Content], column: int, form: RegionForm) -> list[Style]:
    content = contents[column]
    plain = Style(
        roles={"customer_id": column},
        padded=frozenset(n for n, one in enumerate(contents) if one.padded),
        number_keys=content.numbers >= 0.95,
    )
    if content.mobiles + content.dialable <= 0.3:
        return [plain]
    return [plain, Style(**{**vars(plain), "phones": form})]


def _try(engine: Engine, table: RawTable, contents: tuple[Content, ...], column: int, style: Style) -> _Key:
    sql = Projector(table, style).customer()
    row = engine.row(
        f"""SELECT count(*) AS keys, count(k.customer_id) AS matched
        FROM (SELECT DISTINCT {sql} AS c FROM (FROM ({table.relation}) LIMIT {_TRIED_ROWS})) AS f
        LEFT JOIN {_KNOWN} AS k ON k.customer_id = f.c WHERE f.c IS NOT NULL""",
        table.label,
    )
    return _Key(table, contents, column, style, int(row["keys"]), int(row["matched"]))


def _nobody(engine: Engine, tables: Sequence[RawTable], tried: Sequence[_Key]) -> str:
    """No column holds the customers: what they look like, and which columns were the nearest."""
    examples = [str(key) for (key,) in engine.rows(f"SELECT customer_id FROM {_KNOWN} ORDER BY 1 LIMIT 2")]
    nearest = sorted({each.column: each for each in sorted(tried, key=lambda one: one.rank)}.values(), key=_nearness)
    shown = [
        _("“{column}” (such as {value}): {n} known").format(
            column=each.heading, value=next(iter(each.contents[each.column].samples), "—"), n=each.matched
        )
        for each in nearest[:4]
    ]
    return _(
        "No column of {file} holds the customers of the purchases, such as {examples}. Columns: {columns}. Nearest: "
        "{nearest}. Give the file the same customer numbers, or name the column: --attributes-key."
    ).format(
        file=tables[0].label if tables else "—",
        examples=", ".join(examples),
        columns=quoted(tables[0].headings) if tables else "—",
        nearest="; ".join(shown) or "—",
    )


def _nearness(each: _Key) -> tuple[int, bool, int]:
    return -each.matched, not each.says_customer, each.column


def _left_out(found: _Key, tables: Sequence[RawTable], empty: Sequence[str]) -> tuple[str, ...]:
    others = [table.label for table in tables if table is not found.table] + list(empty)
    return (_("Left out: {names}.").format(names=", ".join(others[:20])),) if others else ()


def _read(engine: Engine, found: _Key, region: str, form: RegionForm, notes: tuple[str, ...]) -> Attributes:
    table, contents = found.table, found.contents
    kept = [
        n
        for n in range(len(table.headings))
        if n != found.column and not contents[n].is_empty and not is_nested(table.type_of(n))
    ]
    values = {f"a{n}": _value_sql(table, contents, n, region) for n in kept}
    chosen = ", ".join(f"{sql} AS {name}" for name, sql in values.items())
    name = f"attributes_{uuid.uuid4().hex}"
    # a row without any cell is no row
    filled = " OR ".join(f"{cell(n)} IS NOT NULL" for n in range(len(table.headings)))
    engine.rows(
        f"CREATE TABLE {name} AS SELECT {found.sql} AS customer_id{', ' + chosen if chosen else ''} "
        f"FROM ({table.relation}) WHERE {filled}",
        table.label,
        _("Attributes of customers"),
    )
    if found.style.phones is not None:
        numbers, _bad, _one = phones.normalise_rest(engine, f"FROM {name}", form, region)
        if numbers is not None:
            engine.rows(f"UPDATE {name} SET customer_id = number FROM {numbers} WHERE customer_id = written")
    is_phone = {n: looks_like_phones(table.headings[n], contents[n]) for n in kept}
    return Attributes(
        rows=engine.backend.table(name),
        headings={f"a{n}": table.headings[n] for n in kept},
        key=found.heading,
        phones=tuple(f"a{n}" for n in kept if is_phone[n]),
        emails=tuple(f"a{n}" for n in kept if contents[n].emails > 0.5),
        notes=notes,
    )


def _value_sql(table: RawTable, contents: Sequence[Content], column: int, region: str) -> str:
    kind, content = table.type_of(column), contents[column]
    if kind.startswith(("TIMESTAMP", "DATE")):
        return f"{cell(column)}::DATE"
    text = cell(column) if kind == "VARCHAR" else f"{cell(column)}::VARCHAR"
    if kind not in ("VARCHAR", "BOOLEAN"):
        return f"try_cast({text} AS DOUBLE)"
    if content.is_number and content.numbers >= 0.95 and not looks_like_phones(table.headings[column], content):
        comma = decimal_commas([column], contents, region=region)[column]
        return double_sql(f"rg_text({text})", comma=comma, dot_groups=bool(content.dot_groups))
    if content.dates >= 0.9:
        return f"({date_sql(text, fast=None, month_first=region.upper() in _MONTH_FIRST)})::DATE"
    return (
        f"CASE WHEN lower(rg_text({text})) IN ({', '.join(map(literal, _NOTHING))}) THEN NULL ELSE rg_text({text}) END"
    )


_NOTHING = (
    "-",
    "—",
    "–",
    "null",
    "none",
    "nan",
    "n/a",
    "#n/a",
    "#н/д",
    "нет данных",
    "не указан",
    "не указано",
    "не указана",
)
