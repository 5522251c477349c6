"""Files of any kind -> a history that keeps the purchase contract."""

import datetime as dt
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from regulars.analytics.purchases import CONTRACT, History, Notice, Reading
from regulars.core.errors import ColumnProblem, FileProblem
from regulars.core.i18n import gettext as _
from regulars.core.money import check_currency, minor_digits
from regulars.core.progress import Progress, Silent
from regulars.ingest import notices
from regulars.ingest.content import Content, profile
from regulars.ingest.convert import choose_style
from regulars.ingest.csv_files import open_csv
from regulars.ingest.engine import Engine
from regulars.ingest.formats import WORKBOOKS, Format, detect_format
from regulars.ingest.guess import Assignment, assign
from regulars.ingest.parquet_files import open_parquet
from regulars.ingest.parts import Part, accepted, convert
from regulars.ingest.rejects import collect, refusal, write_rejects
from regulars.ingest.sources import SourceFile, find_files, twins
from regulars.ingest.table import RawTable
from regulars.ingest.text_files import prepare
from regulars.ingest.workspace import Workspace


@dataclass(frozen=True)
class Understood:
    """A table whose columns have roles."""

    table: RawTable
    contents: tuple[Content, ...]
    assignment: Assignment


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
    """Read files."""
    place = Workspace(workspace)
    try:
        engine = Engine.open(place, progress or Silent(), memory_limit)
        files = find_files(sources, leave_out=[rejects_to] if rejects_to else [])
        tables = open_tables(engine, files)
        understood = [understand(engine, table, mapping or {}) for table in tables]
        for each in understood:
            if each.assignment.problems:
                raise ColumnProblem(f"{each.table.label}: " + "\n".join(each.assignment.problems))
        money = check_currency(currency or "RUB")
        last_day = today or dt.date.today() + dt.timedelta(days=1)
        parts = [
            convert(
                engine,
                each.table,
                choose_style(
                    each.table,
                    each.assignment.roles,
                    each.contents,
                    region=region,
                    digits=minor_digits(money),
                    last_day=last_day,
                ),
            )
            for each in understood
        ]
        counts = [notices.count(engine, part, _("Checking rows")) for part in parts]
        rejects = collect(engine, parts, [each.by_reason for each in counts])
        read = sum(each.read for each in counts)
        if rejects.total and rejects_to is not None:
            write_rejects(rejects, rejects_to)
        if rejects.too_many(read) and not accept_rejects:
            raise refusal(rejects, read, rejects_to)
        columns = [name for name in CONTRACT if any(name in part.columns for part in parts)]
        selects = [_aligned(part, columns) for part in parts]
        engine.rows(f"CREATE VIEW purchases AS {' UNION ALL '.join(selects)}")
        reading = Reading(
            files=tuple(file.label for file in files),
            rows_read=read,
            rows_accepted=sum(each.accepted for each in counts),
            rows_rejected=rejects.total,
            rows_repeated=0,
            rows_without_customer=sum(each.without_customer for each in counts),
            notices=tuple(notices.value_notices(counts, money)),
            reject_reasons=dict(rejects.by_reason),
            rejects_file=str(rejects_to) if rejects.total and rejects_to else None,
            columns={role: each.table.headings[n] for each in understood for role, n in each.assignment.roles.items()},
        )
        for file in files:
            file.check_unchanged()
        place.live_as_long_as(engine.backend)
        return History(engine.backend.table("purchases"), money, reading)
    except BaseException:
        place.remove()
        raise


def _aligned(part: Part, columns: Sequence[str]) -> str:
    kinds = {"quantity": "DOUBLE", "discount": "BIGINT", "cost": "BIGINT"}
    listed = [name if name in part.columns else f"NULL::{kinds.get(name, 'VARCHAR')} AS {name}" for name in columns]
    return f"SELECT {', '.join(listed)} FROM ({part.rows}) WHERE reject IS NULL"


def open_tables(engine: Engine, files: Sequence[SourceFile]) -> list[RawTable]:
    """Every table of the files."""
    tables = []
    parquet = []
    for file in files:
        kind = detect_format(file.path)
        if kind is Format.PARQUET:
            parquet.append(file)
        elif kind in WORKBOOKS:
            raise NotImplementedError
        else:
            tables.append(open_csv(engine, prepare(file, kind, engine.workspace, engine.progress)))
    return tables + open_parquet(engine, parquet)


def understand(engine: Engine, table: RawTable, mapping: Mapping[str, str]) -> Understood:
    """Look at the cells, then give the roles."""
    contents = profile(engine, table)
    return Understood(table, contents, assign(table.headings, contents, mapping))
