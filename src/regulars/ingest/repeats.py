"""Lines that two files have in common: overlapping exports, or one table saved twice.

For each distinct line as many copies stay as the one file holds that has the most of them; the rest are left out.
So a file given twice counts once, an overlap counts once, and two equal lines inside one file (two units scanned)
stay two. Only files whose days overlap are compared, and only within those days.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

from regulars.core.i18n import gettext as _
from regulars.ingest.engine import Engine, literal, path_literal
from regulars.ingest.parts import PARQUET, Part, accepted

_SHARED, _KEPT = "rg_shared", "rg_kept"

# so many separate overlaps are looked at one by one; more are taken for one long overlap
_MOST_WINDOWS = 50


@dataclass(frozen=True)
class Span:
    """The time between the first and the last line of one file."""

    part: int
    file: str
    first: dt.datetime
    last: dt.datetime
    rows: int


@dataclass(frozen=True)
class Repeats:
    """What was left out, and the parts without it."""

    parts: list[Part]
    rows: int = 0
    example: str | None = None


def spans_of(engine: Engine, parts: Sequence[Part]) -> list[Span]:
    """When the lines of each file begin and end."""
    spans = []
    for position, part in enumerate(parts):
        rows = engine.rows(
            f"""SELECT file, min(purchased_at), max(purchased_at), count(*)
            FROM ({accepted(part, ["purchased_at"], extra=", file")}) GROUP BY file""",
            part.table.label,
        )
        spans += [Span(position, str(file), first, last, int(count)) for file, first, last, count in rows]
    return spans


def leave_out(engine: Engine, parts: Sequence[Part], spans: Sequence[Span], columns: Sequence[str]) -> Repeats:
    """Drop what other files hold already."""
    windows, touched = _overlaps(spans)
    if not touched:
        return Repeats(list(parts))
    lines = _lines(parts, touched, columns, _within(windows))
    key = f"hash({', '.join(columns)})"
    names = ", ".join(columns)
    label = _("Looking for repeated lines")
    engine.rows(
        f"""CREATE OR REPLACE TEMP TABLE {_SHARED} AS SELECT key FROM (
            SELECT DISTINCT {key} AS key, file FROM ({lines})) GROUP BY key HAVING count(*) > 1""",
        label=label,
    )
    # equal hashes prove nothing: the lines themselves are compared
    engine.rows(
        f"""CREATE OR REPLACE TEMP TABLE {_KEPT} AS
        SELECT {names}, max(copies) AS kept, sum(copies)::BIGINT AS copies, {key} AS key FROM (
            SELECT {names}, file, count(*) AS copies FROM ({lines})
            WHERE {key} IN (SELECT key FROM {_SHARED}) GROUP BY ALL)
        GROUP BY {names}""",
        label=label,
    )
    rows, example = engine.rows(
        f"""SELECT coalesce(sum(copies - kept), 0)::BIGINT,
            min(concat_ws(' · ', purchased_at, customer_id, amount)) FILTER (copies > kept) FROM {_KEPT}"""
    )[0]
    if not rows:
        return Repeats(list(parts))
    return Repeats(_without(engine, parts, touched, columns, key), int(rows), example)


def _overlaps(spans: Sequence[Span]) -> tuple[list[tuple[dt.datetime, dt.datetime]], dict[int, set[str]]]:
    """The times that several files cover, and which files of which parts these are."""
    windows: list[tuple[dt.datetime, dt.datetime]] = []
    touched: dict[int, set[str]] = {}
    active: list[Span] = []
    for span in sorted(spans, key=lambda each: (each.first, each.last)):
        active = [each for each in active if each.last >= span.first]
        for other in active:
            if other.file != span.file:
                windows.append((span.first, min(span.last, other.last)))
                touched.setdefault(span.part, set()).add(span.file)
                touched.setdefault(other.part, set()).add(other.file)
        active.append(span)
    return _merged(windows), touched


def _merged(windows: list[tuple[dt.datetime, dt.datetime]]) -> list[tuple[dt.datetime, dt.datetime]]:
    merged: list[tuple[dt.datetime, dt.datetime]] = []
    for first, last in sorted(windows):
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return merged if len(merged) <= _MOST_WINDOWS else [(merged[0][0], merged[-1][1])]


def _within(windows: Sequence[tuple[dt.datetime, dt.datetime]]) -> str:
    tests = [f"purchased_at BETWEEN {_moment(first)} AND {_moment(last)}" for first, last in windows]
    return f"({' OR '.join(tests)})"


def _moment(value: dt.datetime) -> str:
    return f"TIMESTAMP {literal(value.isoformat(sep=' '))}"


def _lines(parts: Sequence[Part], touched: dict[int, set[str]], columns: Sequence[str], condition: str) -> str:
    return " UNION ALL ".join(
        f"SELECT * FROM ({accepted(parts[n], columns, extra=', file')}) WHERE {_among(files)} AND {condition}"
        for n, files in sorted(touched.items())
    )


def _among(files: set[str]) -> str:
    return f"file IN ({', '.join(literal(file) for file in sorted(files))})"


def _without(
    engine: Engine, parts: Sequence[Part], touched: dict[int, set[str]], columns: Sequence[str], key: str
) -> list[Part]:
    """The parts; what the touched files hold is written anew, without the repeated lines."""
    names = ", ".join(columns)
    target = engine.workspace.new_path("single", ".parquet")
    engine.rows(
        f"""COPY (
            SELECT {names} FROM ({_lines(parts, touched, columns, "true")})
            WHERE {key} NOT IN (SELECT key FROM {_KEPT})
            UNION ALL
            SELECT {names} FROM (SELECT *, unnest(range(kept)) FROM {_KEPT})
        ) TO {literal(str(target))} {PARQUET}""",
        label=_("Looking for repeated lines"),
    )
    rest = [
        part
        if n not in touched
        else replace(part, lines=f"SELECT * FROM ({part.lines}) WHERE NOT {_among(touched[n])}", is_raw=False)
        for n, part in enumerate(parts)
        if n not in touched or part.table.members
    ]
    single = f"SELECT *, '' AS file FROM read_parquet({path_literal(target)}, hive_partitioning=false)"
    first = parts[min(touched)]
    return [*rest, replace(first, lines=single, columns=tuple(columns), has_rejects=False, is_raw=False)]
