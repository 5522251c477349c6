"""What a file is, by its first bytes: names lie, and people save web pages as `.xls`."""

import zipfile
from enum import StrEnum
from pathlib import Path

from regulars.core.errors import FileProblem
from regulars.core.i18n import N_
from regulars.core.i18n import gettext as _
from regulars.ingest.sources import unreadable

_HEAD = 1 << 16


class Format(StrEnum):
    """The kinds of file that can be read."""

    TEXT = "text"
    GZIP = "gzip"
    ZSTD = "zstd"
    PARQUET = "parquet"
    XLSX = "xlsx"
    XLS = "xls"
    ODS = "ods"


WORKBOOKS = frozenset({Format.XLSX, Format.XLS, Format.ODS})

_SIGNATURES = (
    (b"PAR1", Format.PARQUET),
    (b"\x1f\x8b", Format.GZIP),
    (b"\x28\xb5\x2f\xfd", Format.ZSTD),
)

_FOREIGN = (
    (b"%PDF", N_("a PDF document")),
    (b"Rar!", N_("a RAR archive")),
    (b"7z\xbc\xaf\x27\x1c", N_("a 7-Zip archive")),
    (b"BZh", N_("a bzip2 archive")),
    (b"\xfd7zXZ", N_("an XZ archive")),
    (b"SQLite format 3", N_("an SQLite database")),
    (b"\x89PNG", N_("a picture")),
    (b"\xff\xd8\xff", N_("a picture")),
    (b"GIF8", N_("a picture")),
    (b"1CDBMSV8", N_("a 1C database")),
    (b"{\\rtf", N_("an RTF document")),
)


def detect_format(path: Path) -> Format:
    """The kind of the file; `FileProblem` when it is of a kind that holds no table we can read."""
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
    except OSError as error:
        raise unreadable(path, error) from error
    for signature, known in _SIGNATURES:
        if head.startswith(signature):
            return known
    if head.startswith(b"PK\x03\x04"):
        return _inside_zip(path)
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return _inside_ole(path)
    _refuse_foreign(path, head)
    return Format.TEXT


def _inside_zip(path: Path) -> Format:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            if any(name.startswith("xl/") for name in names):
                return Format.XLSX
            if "content.xml" in names and "mimetype" in names and b"spreadsheet" in archive.read("mimetype")[:200]:
                return Format.ODS
    except (zipfile.BadZipFile, OSError, RuntimeError, ValueError, NotImplementedError) as error:
        raise FileProblem(
            _("{file} is damaged: {error}. Open it in Excel, save it anew and try again.").format(
                file=path, error=error
            )
        ) from error
    raise FileProblem(_("{file} is a ZIP archive. Unpack it and name the files inside.").format(file=path))


def _inside_ole(path: Path) -> Format:
    # an encrypted .xlsx is an OLE container whose directory names a stream "EncryptedPackage"
    with path.open("rb") as stream:
        content = stream.read(1 << 22)
        stream.seek(max(0, path.stat().st_size - (1 << 20)))
        content += stream.read()
    if "EncryptedPackage".encode("utf-16-le") in content:
        raise FileProblem(
            _(
                "{file} is protected with a password. Open it in Excel, save it without a password and try again."
            ).format(file=path)
        )
    if any(name.encode("utf-16-le") in content for name in ("Workbook", "Book")):
        return Format.XLS
    raise FileProblem(_("{file} is an Office document, but not a workbook.").format(file=path))


def _refuse_foreign(path: Path, head: bytes) -> None:
    for signature, name in _FOREIGN:
        if head.startswith(signature):
            raise FileProblem(
                _("{file} is {kind}. Export the table as CSV, XLSX or Parquet.").format(file=path, kind=_(name))
            )
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:200].lower()
    if start.startswith((b"<!doctype", b"<html", b"<table", b"<?xml")):
        raise FileProblem(
            _(
                "{file} is a web page or an XML document, whatever its name says. "
                "Open it in Excel or LibreOffice, save it as XLSX or CSV and try again."
            ).format(file=path)
        )
