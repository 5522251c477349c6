"""A table found in a file, before anybody knows what its columns mean."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from regulars.ingest.dialect import Dialect
from regulars.ingest.sources import SourceFile
from regulars.ingest.text_files import TextFile


@dataclass(frozen=True)
class Facts:
    """How the file was written: what a person may check when the result looks odd."""

    format: str
    encoding: str | None = None
    delimiter: str | None = None
    header_row: int | None = None  # line or row in the file, from 1; None when there are no headings
    first_row: int = 1  # line or row of the first data
    sheet: str | None = None
    damaged: int = 0  # characters that could not be decoded


@dataclass(frozen=True)
class RawTable:
    """Cells named c0, c1 and so on: no heading ever enters SQL, so no heading can do harm.

    `relation` is a query that gives the cells of each row and `line`, the row's number in the file where the
    reader knows it. `sample` holds some of the rows as text.
    """

    source: SourceFile
    headings: tuple[str, ...]
    relation: str
    sample: Sequence[Sequence[str | None]]
    facts: Facts
    types: Mapping[int, str] = field(default_factory=dict)  # DuckDB types of Parquet columns; all else is text
    text: TextFile | None = None  # for text files: what locates a line and mends broken quotes
    dialect: Dialect | None = None
    prefix_lines: int = 0  # physical lines above the first data
    is_torn: bool = False  # a heading holds line breaks: lines and rows must be brought in step before reading
    shifts: tuple[tuple[int, int], ...] = ()  # mended copies: from this line on, the original is so many lines further
    members: tuple[SourceFile, ...] = ()  # Parquet: all files with these columns
    rows: int = 0  # rows of a sheet

    @property
    def label(self) -> str:
        """What messages call it: the path, and the sheet."""
        return f"{self.source.label} [{self.facts.sheet}]" if self.facts.sheet else self.source.label

    def type_of(self, column: int) -> str:
        """The DuckDB type of a cell."""
        return self.types.get(column, "VARCHAR")


def cell(column: int) -> str:
    """The SQL name of a column."""
    return f"c{column}"
