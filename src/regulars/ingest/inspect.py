"""What would be read from a file, and why: the answer to "why is my customer column not recognised?"."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from regulars.core.errors import ColumnProblem
from regulars.core.i18n import format_number
from regulars.core.i18n import gettext as _
from regulars.core.progress import Silent
from regulars.ingest import date_order, phones
from regulars.ingest.content import Content, prepare_profiles
from regulars.ingest.convert import NUMERIC, decimal_commas
from regulars.ingest.currency import find_currency
from regulars.ingest.dialect import SPACED
from regulars.ingest.engine import Engine
from regulars.ingest.guess import fits
from regulars.ingest.headings import meanings
from regulars.ingest.opening import best_of, candidates_of, left_out, understand_each
from regulars.ingest.sources import find_files
from regulars.ingest.understand import Understood
from regulars.ingest.workspace import Workspace


@dataclass(frozen=True)
class Fact:
    """Something about the file, for a person."""

    label: str
    value: str


@dataclass(frozen=True)
class ColumnFinding:
    """One column: what it is taken for, and why."""

    heading: str
    role: str | None
    why: str
    samples: tuple[str, ...]
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Inspection:
    """How a file would be read. `problems` would stop the reading; facts and columns are for a person."""

    source: str
    files: tuple[str, ...]
    format: str
    encoding: str | None
    delimiter: str | None
    header_row: int | None
    sheet: str | None
    skipped_sheets: tuple[str, ...]
    skipped_rows: int  # rows above the data that are not the headings
    date_format: str | None
    decimal_separator: str | None
    currency: str | None
    currency_why: str
    columns: tuple[ColumnFinding, ...]
    problems: tuple[str, ...]

    @property
    def facts(self) -> tuple[Fact, ...]:
        """Everything about the file that is known, in the current language."""
        found = [
            (_("File"), self.source),
            (_("Files"), format_number(len(self.files)) if len(self.files) > 1 else None),
            (_("Format"), self.format),
            (_("Encoding"), self.encoding),
            (_("Separator"), _separator(self.delimiter)),
            (_("Sheet"), self.sheet),
            (_("Sheets left out"), ", ".join(self.skipped_sheets) or None),
            (_("Row of headings"), str(self.header_row) if self.header_row else _("none: columns are numbered")),
            (_("Rows above the data that are skipped"), str(self.skipped_rows) if self.skipped_rows else None),
            (_("Dates"), self.date_format),
            (_("Decimal separator"), self.decimal_separator),
            (_("Currency"), f"{self.currency}, {self.currency_why}" if self.currency else None),
        ]
        return tuple(Fact(label, value) for label, value in found if value)


def inspect(
    source: str | os.PathLike[str], *, mapping: Mapping[str, str] | None = None, region: str = "RU"
) -> Inspection:
    """Look at the beginning of a file, folder or pattern without converting anything.

    Of several files the first one is described. Raises `FileProblem` when it cannot be opened; problems with its
    columns are listed in the result.
    """
    phones.region_form(region)
    place = Workspace()
    try:
        engine = Engine.open(place, Silent(), "1GB")
        prepare_profiles(engine)
        files = find_files([source])
        _source, tables, empty = candidates_of(engine, files[:1])[0]
        understood, failed = understand_each(engine, tables, mapping or {})
        if not understood:
            raise failed[0]
        best = best_of(understood)
        skipped = left_out(tables, understood, best) + empty
        return _describe(engine, best, tuple(file.label for file in files), tuple(skipped), region)
    finally:
        place.remove()


def _describe(
    engine: Engine, each: Understood, files: tuple[str, ...], skipped: tuple[str, ...], region: str
) -> Inspection:
    facts = each.table.facts
    problems = list(each.assignment.problems)
    try:
        month_first = date_order.settle(engine, [each], region)[0].get(0, False) if _has_date(each) else False
        money = find_currency(None, [each], region)
    except ColumnProblem as problem:
        problems.append(str(problem))
        month_first, money = False, None
    return Inspection(
        source=each.table.label,
        files=files,
        format=facts.format,
        encoding=facts.encoding,
        delimiter=facts.delimiter,
        header_row=facts.header_row,
        sheet=facts.sheet,
        skipped_sheets=skipped,
        skipped_rows=facts.first_row - 1 - (facts.header_row is not None),
        date_format=_date_format(each, month_first=month_first),
        decimal_separator=_decimal_separator(each, region),
        currency=money.code if money else None,
        currency_why=money.why if money else "",
        columns=tuple(_finding(each, position) for position in range(len(each.table.headings))),
        problems=tuple(problems),
    )


def _has_date(each: Understood) -> bool:
    return "purchased_at" in each.assignment.roles


def _finding(each: Understood, position: int) -> ColumnFinding:
    heading, content = each.table.headings[position], each.contents[position]
    role = next((role for role, column in each.assignment.roles.items() if column == position), None)
    if position not in each.assignment.reasons:
        role = None  # a tie that the person must settle
    why = each.assignment.reasons.get(position) or _why_not(each, position)
    return ColumnFinding(heading, role, why, content.samples, tuple(_doubts(role, content)))


def _why_not(each: Understood, position: int) -> str:
    """Why a column plays no role."""
    content = each.contents[position]
    if content.is_empty:
        return _("the column is empty")
    wanted = meanings(each.table.headings[position])
    if not wanted:
        return _("the heading says nothing about purchases")
    role = wanted[0].role
    if not fits(role, content):
        return _("its cells are not what its heading says")
    return _("another column fits what its heading says as well or better")


def _doubts(role: str | None, content: Content) -> list[str]:
    """What may be wrong with a column that has a role."""
    doubts = []
    if role == "purchased_at" and content.dates < 1:
        doubts.append(_("some cells are no dates"))
    if role in NUMERIC and content.numbers < 1:
        doubts.append(_("some cells are no numbers"))
    if role == "customer_id" and content.worded > 0.5:
        doubts.append(_("these look like names: two people may share one"))
    if role is not None and content.filled < content.rows / 2:
        doubts.append(_("more than half of the cells are empty"))
    return doubts


_DATE_FORMS = {
    "year_first": "2026-03-31",
    "dotted": "31.03.2026",
    "day_slash": "31/03/2026",
    "month_slash": "03/31/2026",
    "compact": "20260331",
}


def _date_format(each: Understood, *, month_first: bool) -> str | None:
    if not _has_date(each):
        return None
    content = each.contents[each.assignment.roles["purchased_at"]]
    seen = [family for family, rows in sorted(content.families, key=lambda item: -item[1]) if rows]
    forms = ["month_slash" if family == "day_slash" and month_first else family for family in seen]
    return ", ".join(_DATE_FORMS[form] for form in forms) or _("words or Excel's day numbers")


def _decimal_separator(each: Understood, region: str) -> str | None:
    columns = [each.assignment.roles[role] for role in NUMERIC if role in each.assignment.roles]
    column = each.assignment.roles.get("amount", each.assignment.roles.get("price"))
    if column is None or not each.contents[column].fractions:
        return None
    return "," if decimal_commas(columns, each.contents, region=region)[column] else "."


def _separator(delimiter: str | None) -> str | None:
    names = {"\t": _("tab"), ",": _("comma"), ";": _("semicolon")} | dict.fromkeys(SPACED, _("runs of spaces"))
    return names.get(delimiter, delimiter) if delimiter else None
