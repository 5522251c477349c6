"""Workbooks that are small in the file and enormous in memory: refused before anything opens them.

A workbook is a ZIP of XML. What unpacks to too much is one danger; the other is a cell in the last row and column,
between which and the first one the reader of sheets keeps a place for every cell.
"""

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.parsers import expat

from regulars.core.errors import FileProblem
from regulars.core.i18n import gettext as _

# a sheet of a million rows and thirty columns takes 2 GB unpacked; honest sheets pack 5 to 30 times
_MOST_UNPACKED = 6 << 30
_RATIO, _FLOOR = 200, 256 << 20
_MOST_CELLS = 60_000_000
_MOST_ROWS = 1 << 20
_CHUNK = 1 << 20
_LONGEST_ATTRIBUTE = 64

# as the text is once its blanks are out and its quotes are alike: such patterns are quick
_WIDE = re.compile(rb'r="([A-Za-z]{2,3})\d')
_CELL = re.compile(rb'r="[A-Za-z]{0,3}(\d{5,7})"')


def refuse_bomb(path: Path, label: str) -> None:
    """`FileProblem` when the workbook would take too much; `zipfile.BadZipFile` when it is damaged."""
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        unpacked = sum(entry.file_size for entry in entries)
        if unpacked > _MOST_UNPACKED or (unpacked > _FLOOR and unpacked > path.stat().st_size * _RATIO):
            raise FileProblem(
                _("{file} unpacks to {size} GB: too much for a workbook. Save the table as CSV or Parquet.").format(
                    file=label, size=round(unpacked / (1 << 30), 1)
                )
            )
        for entry in entries:
            if entry.filename.startswith("xl/worksheets/") and entry.filename.endswith(".xml"):
                _refuse_vast(archive, entry, label)
            elif entry.filename == "content.xml":
                _refuse_repeated(archive, entry, label)
            elif entry.filename.endswith(".xml"):
                _refuse_lie(archive, entry)


def _pieces(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    """The text in pieces that overlap by an attribute, so that none is cut in two."""
    rest = b""
    with archive.open(entry) as stream:
        while chunk := stream.read(_CHUNK):
            bare = chunk.translate(None, b" \t\r\n").replace(b"'", b'"')
            yield rest + bare
            rest = (rest + bare)[-_LONGEST_ATTRIBUTE:]


def _refuse_lie(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    """What is longer than it says fails by its checksum here, and would fill the memory of a reader that trusts it."""
    with archive.open(entry) as stream:
        while stream.read(_CHUNK):
            pass


def _refuse_vast(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, label: str) -> None:
    letters = {found.upper() for piece in _pieces(archive, entry) for found in _WIDE.findall(piece)}
    width = max(map(_column, letters), default=26)
    if width * _MOST_ROWS <= _MOST_CELLS:
        return
    height = max((int(row) for piece in _pieces(archive, entry) for row in _CELL.findall(piece)), default=9_999)
    if width * min(height, _MOST_ROWS) > _MOST_CELLS:
        raise _too_vast(label, height, width)


def _refuse_repeated(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, label: str) -> None:
    """In ODS one element may stand for many cells and one row for many rows."""
    reach = _Reach()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler, parser.EndElementHandler = reach.start, reach.end
    try:
        with archive.open(entry) as stream:
            parser.ParseFile(stream)
    except expat.ExpatError as error:
        raise zipfile.BadZipFile(str(error)) from error
    if reach.width * reach.height > _MOST_CELLS:
        raise _too_vast(label, reach.height, reach.width)


class _Reach:
    """How far the filled cells of any sheet reach, repetitions included."""

    def __init__(self) -> None:
        self.width = self.height = 0
        self._rows = self._repeated = self._cells = self._filled = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """A sheet, a row or a cell begins."""
        match name.rpartition(" ")[2]:
            case "table":
                self._rows = 0
            case "table-row":
                self._repeated, self._cells, self._filled = _times(attributes, "number-rows-repeated"), 0, 0
            case "table-cell" | "covered-table-cell":
                self._cells += _times(attributes, "number-columns-repeated")
                if any(one.endswith(("value-type", "formula")) for one in attributes):
                    self._filled = self._cells

    def end(self, name: str) -> None:
        """A row is over."""
        if name.rpartition(" ")[2] == "table-row":
            self._rows += self._repeated
            if self._filled:
                self.width, self.height = max(self.width, self._filled), max(self.height, self._rows)


def _times(attributes: dict[str, str], name: str) -> int:
    said = next((value for key, value in attributes.items() if key.endswith(name)), "1")
    return int(said[:12]) if said.isascii() and said.isdigit() else 1


def _too_vast(label: str, height: int, width: int) -> FileProblem:
    return FileProblem(
        _(
            "{file}: a sheet reaches to row {row} and column {column}: too much for a workbook. Delete the empty rows "
            "and columns behind the table, or save the table as CSV."
        ).format(file=label, row=height, column=width)
    )


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number
