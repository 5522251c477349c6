"""Text tables: CSV with any separator, and fixed-width exports with runs of spaces.

DuckDB reads every cell as text, in parallel. It may be trusted with that as long as one line is one row. Where
quotes hold line breaks, or are left open, its parallel scan loses or invents rows, so the counts are compared with the
lines of the file afterwards and such a file is mended first (`quotes.py`).
"""

from collections.abc import Iterator
from pathlib import Path

from regulars.core.errors import FileProblem
from regulars.core.i18n import gettext as _
from regulars.ingest.dialect import SPACED, Dialect, Layout, detect_dialect, find_layout, split_rows, split_spaces
from regulars.ingest.engine import Engine, literal, path_literal
from regulars.ingest.table import Facts, RawTable, cell
from regulars.ingest.text_files import LONGEST_LINE, PlainErrors, TextFile, with_path

ERRORS = "rg_csv_errors"
SCANS = "rg_csv_scans"

# more broken rows than this are counted but not listed: no spreadsheet could open the list
MOST_ERRORS = 1_000_000
_HEAD = 1 << 18
_PROBES, _PROBE = 8, 1 << 13
# the engine needs kilobytes for each broken row: a file of little else is refused on the sight of so many lines
_LINES_TO_JUDGE = 200
_MOST_UNFIT = {False: 0.5, True: 0.99}  # where quotes hold line breaks, most lines may be pieces of cells


def open_csv(engine: Engine, text: TextFile) -> RawTable:
    """Find the table in a text file. Raises `FileProblem` when there is none."""
    head = _head(text)
    dialect = detect_dialect(head)
    rows = split_rows(head, dialect)
    layout = find_layout([row for row, _end in rows])
    prefix = rows[layout.first_row - 1][1] if layout.first_row > 0 else 0
    header_row = None if layout.header_row is None else _line_of(rows, layout.header_row)
    _check_not_empty(text, layout, [row for row, _end in rows])
    facts = Facts(
        format="CSV" + (f" ({text.compression})" if text.compression else ""),
        encoding=text.encoding,
        delimiter=dialect.delimiter,
        header_row=header_row,
        first_row=prefix + 1,
        damaged=text.damaged,
    )
    probed = list(_probes(text, dialect))
    _check_even(text, probed, layout.width)
    fitting = [row for row in probed if len(row) == layout.width]
    sample_rows = [row for row, _end in rows[layout.first_row :]] + fitting
    if dialect.delimiter in SPACED:
        text = _spaces_to_tabs(text, dialect.delimiter, engine.workspace.new_path("tabs", ".csv"))
        dialect = Dialect("\t", quoted=False)
    relation = csv_relation(text, dialect, layout.width, prefix)
    return RawTable(
        text.source,
        layout.headings,
        relation,
        sample_rows,
        facts,
        text=text,
        dialect=dialect,
        prefix_lines=prefix,
        is_torn=prefix != layout.first_row,
    )


def _line_of(rows: list[tuple[list[str], int]], position: int) -> int:
    """The line on which a row begins."""
    return rows[position - 1][1] + 1 if position else 1


def _head(text: TextFile) -> str:
    """The beginning of the file up to the end of a line."""
    with text.path.open("rb") as stream:
        content = stream.read(_HEAD)
        if len(content) == _HEAD:
            content += stream.readline(LONGEST_LINE)
    return content.decode("utf-8", errors="replace").removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")


def _probes(text: TextFile, dialect: Dialect) -> Iterator[list[str]]:
    """Rows from places spread over the rest of the file: the head of an export is often unlike its body."""
    if text.size <= _HEAD + _PROBES * _PROBE:
        return
    step = (text.size - _HEAD) // _PROBES
    with text.path.open("rb") as stream:
        for start in range(_HEAD + step - _PROBE, text.size, step):
            stream.seek(start)
            lines = stream.read(_PROBE).split(b"\n")[1:-1]
            piece = b"\n".join(lines).decode("utf-8", errors="replace")
            yield from (row for row, _end in split_rows(piece, dialect))


def _check_even(text: TextFile, probed: list[list[str]], width: int) -> None:
    """`FileProblem` when most lines of a large file have another number of cells than its table."""
    filled = [row for row in probed if any(cell.strip() for cell in row)]
    unfit = [row for row in filled if len(row) != width]
    if len(filled) < _LINES_TO_JUDGE or len(unfit) <= len(filled) * _MOST_UNFIT[text.has_quotes]:
        return
    raise FileProblem(
        _(
            "{file}: most of its lines do not have the {width} cells of the table, for example {example!r}. "
            "A quote that is never closed does this, or several tables in one file. Export it again."
        ).format(file=text.source.label, width=width, example=" ".join(unfit[0])[:60])
    )


def _check_not_empty(text: TextFile, layout: Layout, rows: list[list[str]]) -> None:
    if text.size > _HEAD or any(cell.strip() for row in rows[layout.first_row :] for cell in row):
        return
    if layout.header_row is None:
        raise FileProblem(_("{file} holds no rows. Export it again.").format(file=text.source.label))
    raise FileProblem(
        _("{file} holds headings and no rows below them. Export it again, for a longer period.").format(
            file=text.source.label
        )
    )


def csv_relation(text: TextFile, dialect: Dialect, width: int, prefix: int) -> str:
    """The query that reads every cell as text; rows with another number of cells go to the table of errors."""
    quote = '"' if dialect.quoted and text.has_quotes else ""
    columns = ", ".join(f"{cell(n)}: 'VARCHAR'" for n in range(width))
    options = {
        "columns": "{" + columns + "}",
        "delim": literal(dialect.delimiter),
        "quote": literal(quote),
        "escape": literal(quote),
        "header": "false",
        "skip": str(prefix),
        "auto_detect": "false",
        "strict_mode": "true",
        "store_rejects": "true",
        "rejects_table": literal(ERRORS),
        "rejects_scan": literal(SCANS),
        "rejects_limit": str(MOST_ERRORS),
        "max_line_size": str(LONGEST_LINE),
    }
    listed = ", ".join(f"{name}={value}" for name, value in options.items())
    return f"SELECT *, NULL::BIGINT AS line FROM read_csv({path_literal(text.path)}, {listed})"


def _spaces_to_tabs(text: TextFile, delimiter: str, target: Path) -> TextFile:
    with PlainErrors(text.source), text.path.open("rb") as lines, target.open("wb") as out:
        for line in lines:
            out.write(b"\t".join(part.encode() for part in split_spaces(line.decode("utf-8"), delimiter)) + b"\n")
    return with_path(text, target, has_quotes=False)
