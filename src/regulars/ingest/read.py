"""Files of any kind -> a history that keeps the purchase contract."""

import datetime as dt
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from regulars.analytics.purchases import CONTRACT, History, Notice, Reading
from regulars.core.i18n import gettext as _
from regulars.core.money import minor_digits
from regulars.core.progress import Progress, Silent
from regulars.ingest import date_order, phones, repeats
from regulars.ingest.convert import Wishes, choose_style
from regulars.ingest.currency import Money, find_currency
from regulars.ingest.engine import Engine
from regulars.ingest.headings import meanings
from regulars.ingest.notices import (
    Counts,
    Values,
    count,
    count_values,
    extreme_quantities,
    identical_lines,
    repeated_totals,
)
from regulars.ingest.opening import open_all
from regulars.ingest.parts import Part, accepted, convert, with_numbers
from regulars.ingest.rejects import Rejects, collect, nothing_left, refusal, write_rejects
from regulars.ingest.sources import SourceFile, find_files, twins
from regulars.ingest.understand import Understood
from regulars.ingest.workspace import Workspace

_VIEW = "purchases"


def read_purchases(
    *sources: str | os.PathLike[str],
    mapping: Mapping[str, str] | None = None,
    currency: str | None = None,
    region: str = "RU",
    accept_rejects: bool = False,
    rejects_to: Path | None = None,
    memory_limit: str = "4GB",
    workspace: Path | None = None,
    today: dt.date | None = None,
    progress: Progress | None = None,
) -> History:
    """Read files, folders and patterns (CSV, XLSX, XLS, ODS, Parquet; gzip, zstd) into one purchase history.

    `mapping` names the heading of a role (`{"customer_id": "Card"}`; an empty heading switches the role off).
    `currency` is an ISO 4217 code; without it signs in the files decide, else `region`. `region` is also the country
    of telephone numbers without a country code and of dates that can be read in two ways. Rows that are no purchases
    are listed in `rejects_to`; above 5 % of them the reading stops unless `accept_rejects`. Lines dated after `today`
    (default: tomorrow, because the shop may be in an earlier time zone) are rejected, and do not count towards the
    5 %. `workspace` is a folder for intermediate files; without it a temporary one lives as long as the history.

    Raises `FileProblem`, `ColumnProblem`, `TooManyRejects` or another `InputError` when the input cannot be used, and
    `OutputError` when intermediate files or the rejects cannot be written.
    """
    with _workspace(workspace) as place:
        engine = Engine.open(place, progress or Silent(), memory_limit)
        files = find_files(sources, leave_out=[rejects_to] if rejects_to else [])
        job = _Job(engine, files, mapping or {}, region)
        job.open(currency)
        job.convert(today or tomorrow())
        job.check(rejects_to, accept_rejects=accept_rejects)
        job.leave_out_repeats()
        history = job.history(rejects_to)
        place.live_as_long_as(engine.backend)
        return history


@contextmanager
def _workspace(folder: Path | None) -> Iterator[Workspace]:
    """A workspace that is gone when the reading fails, is interrupted or is killed politely."""
    place = Workspace(folder)
    try:
        yield place
    except BaseException:
        place.remove()
        raise


def tomorrow() -> dt.date:
    """The last day that a purchase may have: the shop may be in an earlier time zone."""
    return dt.datetime.now(tz=dt.UTC).date() + dt.timedelta(days=1)


@dataclass
class _Job:
    """One reading, step by step."""

    engine: Engine
    files: list[SourceFile]
    mapping: Mapping[str, str]
    region: str
    twins: dict[int, int] = field(default_factory=dict)
    tables: list[Understood] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    money: Money = field(default_factory=lambda: Money("RUB", ""))
    month_first: dict[int, bool] = field(default_factory=dict)
    parts: list[Part] = field(default_factory=list)
    counts: list[Counts] = field(default_factory=list)
    spans: list[repeats.Span] = field(default_factory=list)
    rejects: Rejects = field(default_factory=lambda: Rejects(Counter(), ()))
    values: Values = field(default_factory=Values)
    repeated: int = 0

    def open(self, currency: str | None) -> None:
        """Find the tables, the roles of their columns, the currency, the order of day and month."""
        phones.region_form(self.region)
        self.twins = twins(self.files)
        opened = open_all(self.engine, [file for n, file in enumerate(self.files) if n not in self.twins], self.mapping)
        self.tables, self.notices = opened.tables, opened.notices
        self.money = find_currency(currency, self.tables, self.region)
        self.month_first, told = date_order.settle(self.engine, self.tables, self.region)
        self.notices += told

    def convert(self, last_day: dt.date) -> None:
        """Turn cells into values, and telephone numbers into one form."""
        form = phones.region_form(self.region)
        wishes = Wishes(self.region, minor_digits(self.money.code), last_day, form)
        for position, each in enumerate(self.tables):
            style = choose_style(each, wishes, month_first=self.month_first.get(position, False))
            self.parts.append(convert(self.engine, each.table, style))
        invalid, example = 0, None
        for position, part in enumerate(self.parts):
            if part.style.phones is not None:
                numbers, bad, one = phones.normalise_rest(self.engine, part.lines, form, self.region)
                invalid, example = invalid + bad, example or one
                if numbers is not None:
                    self.parts[position] = with_numbers(self.engine, part, numbers)
        if invalid:
            self.notices.append(Notice("invalid_phones", invalid, example))

    def check(self, rejects_to: Path | None, *, accept_rejects: bool) -> None:
        """Count the rows, list the rejected ones, stop when they are too many."""
        label = _("Checking rows")
        self.counts = [count(self.engine, part, label) for part in self.parts]
        self.parts = [
            replace(
                part,
                has_rejects=counted.scanned != counted.values.rows,
                lines=part.plain if part.plain and counted.keys_as_written else part.lines,
            )
            for part, counted in zip(self.parts, self.counts, strict=True)
        ]
        self.values = sum((each.values for each in self.counts), start=Values())
        for part, each in zip(self.parts, self.tables, strict=True):
            self.notices += repeated_totals(self.engine, part, has_weak_amount(each))
        self.rejects = collect(self.engine, self.parts, [each.by_reason for each in self.counts])
        for file in self.files:
            file.check_unchanged()
        if self.rejects.total and rejects_to is not None:
            write_rejects(self.rejects, rejects_to)
        rows = sum(each.read for each in self.counts)
        if self.rejects.total and not self.values.rows:
            raise nothing_left(self.rejects, rows, rejects_to)
        if self.rejects.too_many(rows) and not accept_rejects:
            raise refusal(self.rejects, rows, rejects_to)

    def leave_out_repeats(self) -> None:
        """Drop lines that another file holds already."""
        if len(self.files) - len(self.twins) > 1:
            self.spans = repeats.spans_of(self.engine, self.parts)
            found = repeats.leave_out(self.engine, self.parts, self.spans, self.columns)
            if found.rows:
                self.parts, self.repeated = found.parts, found.rows
                self.notices.append(Notice("repeated_lines", found.rows, found.example))
        lines = " UNION ALL ".join(f"({accepted(part, self.columns)})" for part in self.parts)
        self.engine.rows(f"CREATE OR REPLACE VIEW {_VIEW} AS {lines}")
        if self.repeated:
            self.values = count_values(self.engine, _VIEW, quantity="quantity" in self.columns)

    @property
    def columns(self) -> list[str]:
        """The contract's columns that at least one table has."""
        return [name for name in CONTRACT if any(name in part.columns for part in self.parts)]

    def history(self, rejects_to: Path | None) -> History:
        """The lines, and what happened on the way to them."""
        twin_rows = sum(self._rows_of(self.files[first]) for first in self.twins.values())
        read = sum(each.read for each in self.counts)
        notices = sorted(self._all_notices(), key=lambda notice: -notice.rows)
        reading = Reading(
            files=tuple(file.label for file in self.files),
            rows_read=read + twin_rows,
            rows_accepted=self.values.rows,
            rows_rejected=self.rejects.total,
            rows_repeated=self.repeated + twin_rows,
            rows_without_customer=self.values.without_customer,
            notices=tuple(notices),
            reject_reasons=dict(self.rejects.by_reason.most_common()),
            rejects_file=str(rejects_to) if self.rejects.total and rejects_to else None,
            columns=self._headings(),
        )
        return History(self.engine.backend.table(_VIEW), self.money.code, reading)

    def _headings(self) -> dict[str, str]:
        return {role: each.heading_of(role) for each in reversed(self.tables) for role in each.assignment.roles}

    def _rows_of(self, file: SourceFile) -> int:
        """How many rows of data a file holds that another one repeats byte by byte."""
        path = str(file.path)
        rows = 0
        for part, counted in zip(self.parts, self.counts, strict=False):
            if len(part.table.members) < 2 and str(part.table.source.path) == path:
                rows += counted.read
        if rows:
            return rows
        spans = self.spans or repeats.spans_of(self.engine, self.parts)
        return sum(span.rows for span in spans if span.file == path)

    def _all_notices(self) -> list[Notice]:
        found = [*self.notices, *self.values.notices(self.money.code)]
        for kind in ("total_row", "header_row"):
            rows = sum(each.by_reason[kind] for each in self.counts)
            example = next((each.total_value for each in self.counts if each.total_value), None)
            found += [Notice(f"{kind}s", rows, example if kind == "total_row" else None)] if rows else []
        if self.twins:
            names = sorted(self.files[n].label for n in self.twins)
            found.append(Notice("same_files", len(names), ", ".join(names[:20])))
        if self.money.is_default:
            found.append(Notice("guessed_currency", self.values.rows, self.money.code))
        damaged = sum(each.table.facts.damaged for each in self.tables)
        found += [Notice("damaged_text", damaged)] if damaged else []
        found += _missing_columns(self.tables) + _zones(self.tables)
        found += extreme_quantities(self.engine, _VIEW, self.values.top)
        return found + identical_lines(self.engine, self.parts, self.columns, self.values.rows)


def _missing_columns(tables: Sequence[Understood]) -> list[Notice]:
    """Files that lack what others have."""
    most = {role for each in tables for role in each.assignment.roles}
    lacking = [
        f"{each.table.label}: {', '.join(sorted(most - each.assignment.roles.keys()))}"
        for each in tables
        if most - each.assignment.roles.keys()
    ]
    return [Notice("few_columns", len(lacking), "; ".join(lacking[:5]))] if lacking else []


def has_weak_amount(each: Understood) -> bool:
    """Whether the heading of the amount may mean the sum of the whole receipt."""
    if "amount" not in each.assignment.roles:
        return False
    tiers = [meaning.tier for meaning in meanings(each.heading_of("amount")) if meaning.role == "amount"]
    return bool(tiers) and max(tiers) < 2


def _zones(tables: Sequence[Understood]) -> list[Notice]:
    """Columns of moments whose zone is known, and whose shop's own clock is not."""
    column = [each for each in tables if "TIME ZONE" in each.table.type_of(each.assignment.roles["purchased_at"])]
    return [Notice("converted_zone", len(column), column[0].heading_of("purchased_at"))] if column else []
