"""Whether the parallel reader may be trusted with a text file, and what to do when it may not.

Without quotes a line is a row and nothing can go wrong. With them, the engine's parallel scan may lose rows, invent
rows or fail outright where a quoted cell holds a line break or a quote is never closed. So a file with quotes is first
parsed once by an engine of its own, and every line must be accounted for; else the file is mended.
"""

from pathlib import Path

import duckdb

from regulars.core.errors import FileProblem
from regulars.core.i18n import format_number
from regulars.core.i18n import gettext as _
from regulars.ingest.csv_files import ERRORS, MOST_ERRORS
from regulars.ingest.engine import Engine
from regulars.ingest.quotes import has_runaway_quote, mend
from regulars.ingest.table import RawTable, cell
from regulars.ingest.text_files import TextFile


def made_sound(engine: Engine, table: RawTable) -> RawTable:
    """The table itself, or the same over a mended copy."""
    text = table.text
    if text is None or not text.has_quotes:
        return table
    if table.is_torn or _runs_away(table, text) or not _every_line_is_a_row(table, text, engine.workspace.folder):
        return mend(table, engine.workspace)
    return table


def _runs_away(table: RawTable, text: TextFile) -> bool:
    return table.dialect is not None and table.dialect.quoted and has_runaway_quote(text.path)


def _every_line_is_a_row(table: RawTable, text: TextFile, spill: Path) -> bool:
    # an internal error would end the main connection with everything in it
    connection = duckdb.connect(config={"temp_directory": str(spill), "preserve_insertion_order": "false"})
    try:
        last = cell(len(table.headings) - 1)
        rows = connection.execute(f"SELECT count(*), count({last}) FROM ({table.relation})").fetchall()[0][0]
        errors, others = connection.execute(
            f"""SELECT count(DISTINCT line), count_if(error_type NOT IN ('MISSING COLUMNS', 'TOO MANY COLUMNS'))
            FROM {ERRORS}"""
        ).fetchall()[0]
    except duckdb.Error:
        return False
    finally:
        connection.close()
    return not others and _are_blank(table, text, text.lines - table.prefix_lines - rows - errors)


def check_complete(table: RawTable, rows: int, errors: int) -> None:
    """`FileProblem` when the reader lost lines of a text file, which must never happen unnoticed."""
    text = table.text
    if errors >= MOST_ERRORS:
        raise FileProblem(
            _(
                "{file}: more than {limit} lines have more or fewer cells than the table has columns. "
                "Export it again with the same columns on every line."
            ).format(file=table.label, limit=format_number(MOST_ERRORS))
        )
    if text is not None and not _are_blank(table, text, text.lines - table.prefix_lines - rows - errors):
        raise FileProblem(
            _("{file}: not every line could be read. Save the table as XLSX or Parquet and try again.").format(
                file=table.label
            )
        )


def _are_blank(table: RawTable, text: TextFile, missing: int) -> bool:
    """Whether lines that gave no row are the blank ones, which the reader passes over."""
    if missing == 0:
        return True
    with text.path.open("rb") as stream:
        blank = sum(1 for number, line in enumerate(stream) if number >= table.prefix_lines and not line.strip())
    return missing == blank
