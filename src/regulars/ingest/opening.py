"""From paths to tables whose columns are understood: which files, which sheets, and what is left out and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from regulars.analytics.purchases import Notice
from regulars.core.errors import ColumnProblem
from regulars.ingest.content import prepare_profiles
from regulars.ingest.csv_files import open_csv
from regulars.ingest.engine import Engine
from regulars.ingest.formats import WORKBOOKS, Format, detect_format
from regulars.ingest.headings import normalise
from regulars.ingest.parquet_files import open_parquet
from regulars.ingest.soundness import made_sound
from regulars.ingest.sources import SourceFile
from regulars.ingest.table import RawTable
from regulars.ingest.text_files import prepare
from regulars.ingest.understand import Understood, understand
from regulars.ingest.workbooks import open_workbook


@dataclass(frozen=True)
class Opened:
    """Tables to read, and what to tell about those that are left out."""

    tables: list[Understood]
    notices: list[Notice]


def open_all(engine: Engine, files: Sequence[SourceFile], mapping: Mapping[str, str]) -> Opened:
    """Open every file and find its purchases.

    A file that the person named must hold purchases; one that a folder or a pattern gave may be about something else
    and is left out with a notice, as long as another one holds them.
    """
    prepare_profiles(engine)
    tables: list[Understood] = []
    sheets_out: list[str] = []
    problems: list[tuple[SourceFile, ColumnProblem]] = []
    for source, candidates, empty in candidates_of(engine, files):
        try:
            chosen, others = choose(engine, candidates, mapping)
        except ColumnProblem as problem:
            if source.named:
                raise
            problems.append((source, problem))
            continue
        tables += chosen
        sheets_out += others + empty
    if not tables:
        raise problems[0][1]
    skipped = [str(source.path) for source, _problem in problems]
    return Opened(tables, [*_notice("skipped_sheets", sheets_out), *_notice("skipped_files", skipped)])


def _notice(kind: str, names: Sequence[str]) -> list[Notice]:
    return [Notice(kind, len(names), ", ".join(names[:20]))] if names else []


Candidates = tuple[SourceFile, list[RawTable], list[str]]


def candidates_of(engine: Engine, files: Sequence[SourceFile]) -> list[Candidates]:
    """The tables of each file and its empty or hidden sheets; Parquet files with equal columns count as one."""
    found: list[Candidates] = []
    parquet: list[SourceFile] = []
    for file in files:
        kind = detect_format(file.path)
        if kind is Format.PARQUET:
            parquet.append(file)
        elif kind in WORKBOOKS:
            found.append((file, *open_workbook(engine, file, kind)))
        else:
            text = prepare(file, kind, engine.workspace, engine.progress)
            found.append((file, [made_sound(engine, open_csv(engine, text))], []))
    return found + [(table.source, [table], []) for table in open_parquet(engine, parquet)]


def choose(
    engine: Engine, candidates: Sequence[RawTable], mapping: Mapping[str, str]
) -> tuple[list[Understood], list[str]]:
    """The sheets to read together, and the names of the others.

    The best sheet has every required role and the most rows; sheets with the same headings go with it.
    """
    understood, problems = understand_each(engine, candidates, mapping)
    if not understood:
        raise problems[0]
    best = best_of(understood)
    best.check()
    return together_with(best, understood), left_out(candidates, understood, best)


def together_with(best: Understood, understood: Sequence[Understood]) -> list[Understood]:
    """The best sheet, and those with the same headings."""
    return [each for each in understood if each.assignment.is_complete and _headings(each) == _headings(best)]


def left_out(candidates: Sequence[RawTable], understood: Sequence[Understood], best: Understood) -> list[str]:
    """The names of the sheets that are not read together with the best one."""
    taken = {each.table.label for each in together_with(best, understood)} | {best.table.label}
    return [table.label for table in candidates if table.label not in taken]


def best_of(understood: Sequence[Understood]) -> Understood:
    """The table with every required role, then with the most rows, then with the most roles."""
    return max(
        understood,
        key=lambda each: (
            (each.assignment.is_complete, each.table.rows, len(each.assignment.roles))
            if each.assignment.is_complete
            else (False, 0, len(each.assignment.roles))
        ),
    )


def understand_each(
    engine: Engine, candidates: Sequence[RawTable], mapping: Mapping[str, str]
) -> tuple[list[Understood], list[ColumnProblem]]:
    """The tables with their roles, and what `mapping` names that some of them do not have."""
    understood: list[Understood] = []
    problems: list[ColumnProblem] = []
    for table in candidates:
        try:
            understood.append(understand(engine, table, mapping))
        except ColumnProblem as problem:
            problems.append(problem)
    return understood, problems


def _headings(each: Understood) -> list[str]:
    """Headings of the columns that hold anything."""
    filled = zip(each.table.headings, each.contents, strict=True)
    return [normalise(heading) for heading, content in filled if not content.is_empty]
