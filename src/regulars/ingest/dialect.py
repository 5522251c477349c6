"""How a text file writes its table: what separates the cells, where the headings are, what is above them."""

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from regulars.ingest.headings import count_known, normalise

# not characters of the file: runs of spaces are rewritten as tabs before reading
SPACES = "spaces"
WIDE_SPACES = "wide spaces"  # two and more: single ones are inside the cells
SPACED = frozenset({SPACES, WIDE_SPACES})
_DELIMITERS = (";", "\t", ",", "|", "^", "~")
_SAMPLE_ROWS = 400
_HEADER_WITHIN = 60

_DATA = re.compile(
    r"^[\s(+$€₽£-]*\d[\d\s.,:/'’T()+Z%-]*(?:₽|р\.?|руб\.?|\$|€|AM|PM|E\+\d+)?\s*$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Dialect:
    """How to cut a text into rows and cells."""

    delimiter: str
    quoted: bool  # whether " encloses cells


@dataclass(frozen=True)
class Layout:
    """Where the table begins in a list of rows."""

    headings: tuple[str, ...]  # "column 1", "column 2" when there are none
    header_row: int | None  # position of the row with the headings
    first_row: int  # position of the first row of data
    width: int


def split_rows(text: str, dialect: Dialect, limit: int = _SAMPLE_ROWS) -> list[tuple[list[str], int]]:
    """The first rows of the text, each with the number of physical lines up to its end."""
    if dialect.delimiter in SPACED:
        lines = text.splitlines()[:limit]
        return [(split_spaces(line, dialect.delimiter), number) for number, line in enumerate(lines, start=1)]
    reader = _reader(text, dialect)
    rows: list[tuple[list[str], int]] = []
    try:
        for row in reader:
            rows.append((row, reader.line_num))
            if len(rows) == limit:
                break
    except csv.Error:
        pass  # what was read so far is sample enough
    return rows


def _reader(text: str, dialect: Dialect) -> Any:
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if dialect.quoted else csv.QUOTE_NONE
    return csv.reader(io.StringIO(text, newline=""), delimiter=dialect.delimiter, quoting=quoting)


def cells_of(line: str, dialect: Dialect) -> list[str]:
    """The cells of one line."""
    return next(_reader(line, dialect), [])


def split_spaces(line: str, delimiter: str) -> list[str]:
    """The cells of a line in which runs of spaces separate them."""
    return line.split() if delimiter == SPACES else re.split(r"\t|\s{2,}", line.strip())


def detect_dialect(text: str) -> Dialect:
    """The dialect that cuts the sample into the most even table; a comma when nothing separates anything."""
    candidates = [_quoting(text, delimiter) for delimiter in _DELIMITERS if delimiter in text]
    best = max(candidates, key=lambda each: _fitness(text, each), default=None)
    if best is not None and _fitness(text, best)[1] > 1:
        return best
    spaced = max(
        (Dialect(each, quoted=False) for each in (SPACES, WIDE_SPACES)), key=lambda each: _evenness(text, each)[1]
    )
    if _fitness(text, spaced)[1] > 1:
        return spaced
    return best or Dialect(",", quoted='"' in text)


def _quoting(text: str, delimiter: str) -> Dialect:
    """With quotes, unless the rows are more even when quotes are letters."""
    quoted, plain = Dialect(delimiter, quoted=True), Dialect(delimiter, quoted=False)
    if '"' not in text:
        return plain
    return quoted if _evenness(text, quoted)[1] >= _evenness(text, plain)[1] else plain


def _fitness(text: str, dialect: Dialect) -> tuple[int, float]:
    """Known headings in one row, then width times share of rows with it; nothing for an uneven table."""
    width, share = _evenness(text, dialect)
    if width < 2 or share < 0.5:
        return (0, 0.0)
    known = max(count_known(row) for row, _end in split_rows(text, dialect, _HEADER_WITHIN))
    return (known if known > 1 else 0, width * share**2)


def _evenness(text: str, dialect: Dialect) -> tuple[int, float]:
    """The usual width of a row, and the share of rows that have it."""
    rows = [row for row, _end in split_rows(text, dialect) if any(cell.strip() for cell in row)]
    return _common_width([len(row) for row in rows])


def _common_width(widths: Sequence[int]) -> tuple[int, float]:
    counts = Counter(width for width in widths if width > 1)
    if not counts:
        return (1, 1.0 if widths else 0.0)
    width, rows = max(counts.items(), key=lambda item: (item[1], item[0]))
    return (width, rows / len(widths))


def find_layout(rows: Sequence[Sequence[str]]) -> Layout:
    """Find the headings: the row of names above the data, under whatever titles stand above it."""
    filled = [_trimmed_length(row) for row in rows]
    width = max(_data_width(rows), 1)
    header = _header_row(rows[:_HEADER_WITHIN], filled, width)
    if header is None:
        first = next((position for position, length in enumerate(filled) if length >= max(2, width // 2)), 0)
        return Layout(tuple(f"column {n}" for n in range(1, width + 1)), None, first, width)
    below = rows[header + 1 :]
    width = _data_width(below) if any(any(row) for row in below) else max(filled[header], 1)
    return Layout(name_columns(rows[header], width), header, header + 1, width)


def _trimmed_length(row: Sequence[str]) -> int:
    """How many cells the row has up to its last filled one."""
    return next((n for n in range(len(row), 0, -1) if row[n - 1].strip()), 0)


def _data_width(rows: Sequence[Sequence[str]]) -> int:
    return _common_width([len(row) for row in rows if any(cell.strip() for cell in row)])[0]


def _header_row(rows: Sequence[Sequence[str]], filled: Sequence[int], width: int) -> int | None:
    known = [count_known(row) for row in rows]
    if known and max(known) >= 2:
        return known.index(max(known))
    for position, row in enumerate(rows):
        if filled[position] >= max(2, width / 2) or (width == 1 and filled[position] == 1):
            return position if _is_names(row) and _has_data_below(rows[position + 1 :]) else None
    return None


def _is_names(row: Sequence[str]) -> bool:
    cells = [cell for cell in row if cell.strip()]
    return len(set(cells)) == len(cells) and not any(_DATA.match(cell) for cell in cells)


def _has_data_below(rows: Sequence[Sequence[str]]) -> bool:
    filled = [row for row in rows if any(cell.strip() for cell in row)]
    return not filled or any(_DATA.match(cell) for row in filled[:20] for cell in row)


def name_columns(row: Sequence[str], width: int) -> tuple[str, ...]:
    """Headings, with a number where a heading is empty or occurs twice."""
    names: list[str] = []
    seen: Counter[str] = Counter()
    for position in range(width):
        name = " ".join(row[position].split()) if position < len(row) else ""
        name = name or f"column {position + 1}"
        seen[normalise(name)] += 1
        repeated = seen[normalise(name)]
        names.append(name if repeated == 1 else f"{name} ({repeated})")
    return tuple(names)
