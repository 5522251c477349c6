"""Mend a text table in which a line is not a row: line breaks inside quotes, and quotes that nobody closed.

The mended copy has exactly one row on each line, so that the parallel reader cannot go wrong and one bad row hides no
other. A quoted line break becomes a space. A line whose quotes do not close where a cell ends is cut at its
separators, quotes taken literally.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from regulars.ingest.csv_files import csv_relation
from regulars.ingest.dialect import Dialect
from regulars.ingest.table import RawTable
from regulars.ingest.text_files import PlainErrors, with_path
from regulars.ingest.workspace import Workspace

# a cell with more line breaks than this is an open quote
_MOST_LINES = 200
_MOST_BYTES = 1 << 20

# the engine's own parser collects what an open quote holds: gigabytes, when it is not closed for so many lines
_RUNAWAY_LINES = 100_000
_CHUNK = 1 << 22


@dataclass(frozen=True)
class _Grammar:
    """What a whole row looks like, and what one looks like that goes on in the next line."""

    delimiter: bytes
    whole: re.Pattern[bytes]
    open: re.Pattern[bytes]


def _grammar(delimiter: str) -> _Grammar:
    sign = re.escape(delimiter.encode())
    quoted = rb'"[^"]*+(?:""[^"]*+)*+"'
    plain = rb'(?!")[^' + sign + rb"\r\n]*+"
    cell = rb"(?:" + quoted + rb"|" + plain + rb")"
    whole = re.compile(cell + rb"(?:" + sign + cell + rb")*+\r?\n?")
    unfinished = re.compile(rb"(?:" + cell + sign + rb')*+"[^"]*+(?:""[^"]*+)*+')
    return _Grammar(delimiter.encode(), whole, unfinished)


def has_runaway_quote(path: Path) -> bool:
    """Whether a quote stays open over far more lines than any cell has."""
    quotes_before, lines_open = 0, 0
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            signs = np.frombuffer(chunk, np.uint8)
            breaks, quotes = np.flatnonzero(signs == ord("\n")), np.flatnonzero(signs == ord('"'))
            closed = np.flatnonzero((quotes_before + np.searchsorted(quotes, breaks)) % 2 == 0)
            # the lines up to the first closed end, between closed ends, and after the last one
            ends = np.concatenate(([-1 - lines_open], closed, [len(breaks)]))
            if np.diff(ends).max() > _RUNAWAY_LINES:
                return True
            lines_open = int(ends[-1] - ends[-2]) - 1
            quotes_before += len(quotes)
    return False


def mend(table: RawTable, workspace: Workspace) -> RawTable:
    """The same table over a copy with one row on each line; `lines` remembers where each line came from."""
    assert table.text is not None and table.dialect is not None
    target = workspace.new_path("mended", ".csv")
    shifts: list[tuple[int, int]] = []
    width = len(table.headings)
    with PlainErrors(table.source), table.text.path.open("rb") as source, target.open("wb") as out:
        for _skipped in range(table.prefix_lines):
            source.readline()
        written = 0
        for line, row in _rows(source, table.prefix_lines + 1, _grammar(table.dialect.delimiter), width):
            written += 1
            if not shifts or line - written != shifts[-1][1]:
                shifts.append((written, line - written))
            out.write(row)
    text = with_path(table.text, target, lines=written)
    dialect = Dialect(table.dialect.delimiter, quoted=True)
    relation = csv_relation(text, dialect, width, 0)
    return replace(
        table, relation=relation, text=text, dialect=dialect, prefix_lines=0, is_torn=False, shifts=tuple(shifts)
    )


def _rows(source: BinaryIO, first_line: int, grammar: _Grammar, width: int) -> Iterator[tuple[int, bytes]]:
    """Whole rows, each ending with one line end, with the number of the line on which it begins."""
    waiting: list[bytes] = []
    number = first_line
    for line in source:
        waiting.append(line)
        # a line without a quote cannot finish the row that the lines before it began
        ready = len(waiting) == 1 or b'"' in line or _is_too_much(waiting)
        while waiting and ready:
            taken, row = _take(waiting, grammar, width, finished=_is_too_much(waiting))
            ready = taken > 0
            if row.strip():
                yield number, row
            number += taken
            del waiting[:taken]
    while waiting:
        taken, row = _take(waiting, grammar, width, finished=True)
        if row.strip():
            yield number, row
        number += taken
        del waiting[:taken]


def _is_too_much(waiting: list[bytes]) -> bool:
    return len(waiting) > _MOST_LINES or sum(map(len, waiting)) > _MOST_BYTES


def _take(waiting: list[bytes], grammar: _Grammar, width: int, *, finished: bool) -> tuple[int, bytes]:
    """How many of the waiting lines make the next row, and that row; 0 when more lines are needed."""
    first = waiting[0]
    if b'"' not in first:
        return 1, first.rstrip(b"\r\n") + b"\n"
    joined = b""
    for count, line in enumerate(waiting, start=1):
        joined += line
        if count > 1 and b'"' not in line:
            continue
        if grammar.whole.fullmatch(joined):
            return count, _on_one_line(joined)
        if not grammar.open.fullmatch(joined):
            return 1, _literal_row(first, grammar, width)
    return (1, _literal_row(first, grammar, width)) if finished else (0, b"")


def _on_one_line(row: bytes) -> bytes:
    return re.sub(rb"\s*[\r\n]+\s*", b" ", row.rstrip(b"\r\n")) + b"\n"


def _literal_row(line: bytes, grammar: _Grammar, width: int) -> bytes:
    """The line cut at every separator; one cell, which will be rejected, when that gives another width."""
    content = line.rstrip(b"\r\n")
    cells = content.split(grammar.delimiter)
    if len(cells) != width:
        cells = [content]
    return grammar.delimiter.join(b'"' + cell.strip(b'"').replace(b'"', b'""') + b'"' for cell in cells) + b"\n"


def original_line(table: RawTable, line: int) -> int:
    """The line of the original file from which a line of the mended copy came."""
    shift = 0
    for start, amount in table.shifts:
        if start > line:
            break
        shift = amount
    return line + shift
