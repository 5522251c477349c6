"""A text file made ready for the reader: UTF-8, not compressed, with one kind of line end.

The file is streamed once, never held in memory. A file that is ready already is read where it lies; any other is
written anew into the workspace. On the way everything is counted that the reader cannot find out by itself.
"""

import codecs
import errno
import gzip
import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa
import zstandard

from regulars.core.errors import FileProblem
from regulars.core.i18n import gettext as _
from regulars.core.progress import Progress
from regulars.ingest.encoding import (
    GUESSED,
    Encoding,
    detect_encoding,
    looks_east_asian,
    looks_like_utf8,
    single_byte_page,
)
from regulars.ingest.formats import Format
from regulars.ingest.sources import SourceFile, unreadable
from regulars.ingest.workspace import Workspace, full_disk

# a purchase is a few hundred bytes; a longer line is a damaged file, and must not be collected in memory
LONGEST_LINE = 2_000_000
_CHUNK = 1 << 22
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_ZSTD_PIECE = 1 << 12  # a block of a bomb unpacks 30 000 times: never much at once
_HEAD = 1 << 18

# a table packs 5 to 30 times; a bomb 1000 times
_BOMB_RATIO, _BOMB_FLOOR = 250, 1 << 30


@dataclass(frozen=True)
class TextFile:
    """A text file that is ready to be read."""

    source: SourceFile
    path: Path  # the file itself, or our copy of it
    encoding: str  # of the original
    compression: str | None
    size: int  # bytes at `path`
    lines: int  # line ends, plus one when the last line has none
    has_quotes: bool
    damaged: int  # characters that could not be decoded and were replaced


@dataclass
class _Tally:
    """What is counted while the bytes pass by."""

    breaks: int = 0  # \n
    pairs: int = 0  # \r\n
    returns: int = 0  # \r
    quotes: bool = False
    damaged: int = 0
    since_break: int = 0
    last: bytes = b""
    size: int = 0

    def add(self, chunk: bytes, label: str) -> None:
        """Count one piece of UTF-8; `FileProblem` when a line is too long."""
        if not chunk:
            return
        self.breaks += chunk.count(b"\n")
        if b"\r" in chunk:
            self.returns += chunk.count(b"\r")
            self.pairs += chunk.count(b"\r\n")
        if self.last == b"\r" and chunk[:1] == b"\n":
            self.pairs += 1
        self.quotes = self.quotes or b'"' in chunk
        self._check_line(chunk, label)
        self.last, self.size = chunk[-1:], self.size + len(chunk)

    def _check_line(self, chunk: bytes, label: str) -> None:
        end = b"\n" if b"\n" in chunk else b"\r"
        first = chunk.find(end)
        longest = self.since_break + (len(chunk) if first < 0 else first)
        if longest > LONGEST_LINE:
            raise FileProblem(
                _(
                    "{file}: line {line} is longer than {limit} bytes. This is not a table, or its line ends are lost. "
                    "Export it again."
                ).format(file=label, line=self.breaks + 1, limit=LONGEST_LINE)
            )
        self.since_break = longest if first < 0 else len(chunk) - chunk.rfind(end) - 1

    @property
    def is_mixed(self) -> bool:
        """Whether more than one kind of line end occurs, or one that the reader does not take for a line end."""
        return self.returns != self.pairs or self.pairs not in (0, self.breaks)


def prepare(source: SourceFile, kind: Format, workspace: Workspace, progress: Progress) -> TextFile:
    """Check and, where needed, rewrite a text file. Raises `FileProblem` when it is no readable text."""
    with PlainErrors(source), _open(source, kind) as stream:
        head = stream.read(_HEAD)
    encoding = detect_encoding(head)
    if encoding is None:
        raise FileProblem(
            _(
                "{file} is neither text nor a workbook nor Parquet: it looks like binary data. "
                "Export the table as CSV, XLSX or Parquet."
            ).format(file=source.label)
        )
    if kind is Format.TEXT and encoding.name == "utf-8" and not encoding.mark:
        try:
            ready = _check_in_place(source, progress)
        except UnicodeDecodeError as error:
            encoding = _second_guess(head, error.object)
        else:
            if ready is not None:
                return ready
    if encoding.name in GUESSED and looks_east_asian(head):
        raise FileProblem(
            _(
                "{file} is not Unicode: its letters look Chinese, Japanese or Korean (GB18030, Big5, Shift-JIS, EUC). "
                "Save it as UTF-8 (in Excel: “CSV UTF-8”) or as XLSX, and try again."
            ).format(file=source.label)
        )
    return _rewrite(source, kind, encoding, workspace, progress)


def _check_in_place(source: SourceFile, progress: Progress) -> TextFile | None:
    """Count through a UTF-8 file where it lies; None when its line ends must be mended first."""
    tally = _Tally()
    rest = b""
    with PlainErrors(source), _open(source, Format.TEXT) as stream:
        for chunk in _chunks(stream, source, progress):
            tally.add(chunk, source.label)
            # no letter reaches over a line end
            whole, end, rest = (rest + chunk).rpartition(b"\n")
            _check_utf8(whole + end)
    _check_utf8(rest)
    return None if tally.is_mixed else _text_file(source, source.path, "utf-8", Format.TEXT, tally)


def _check_utf8(piece: bytes) -> None:
    """`UnicodeDecodeError` when the bytes are not UTF-8; Arrow looks three times as fast as Python."""
    if piece.isascii():
        return
    offsets = pa.py_buffer(struct.pack("<qq", 0, len(piece)))
    try:
        pa.Array.from_buffers(pa.large_string(), 1, [None, offsets, pa.py_buffer(piece)]).validate(full=True)
    except pa.ArrowInvalid:
        piece.decode()


def _second_guess(head: bytes, bad: bytes) -> Encoding:
    """The encoding of a file whose head is UTF-8 and which then turns out not to be."""
    if any(byte > 127 for byte in head) or looks_like_utf8(bad):
        return Encoding("utf-8")  # it is UTF-8 with damaged characters: they are replaced and counted
    return Encoding(single_byte_page(bad))


def _rewrite(
    source: SourceFile, kind: Format, encoding: Encoding, workspace: Workspace, progress: Progress
) -> TextFile:
    tally = _Tally()
    target = workspace.new_path("text", ".csv")
    with PlainErrors(source), _open(source, kind) as stream, target.open("wb") as copy:
        stream.read(encoding.mark)
        for piece in _decoded(
            _chunks(stream, source, progress, grows=kind is Format.TEXT), encoding.name, tally, source
        ):
            tally.add(piece, source.label)
            copy.write(piece)
    return _text_file(source, target, encoding.name, kind, tally)


def _decoded(chunks: Iterator[bytes], encoding: str, tally: _Tally, source: SourceFile) -> Iterator[bytes]:
    """The text in UTF-8 with `\\n` as its only line end."""
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    seen = 0
    held = b""
    for chunk in chunks:
        seen += len(chunk)
        if seen > _BOMB_FLOOR and seen > source.size * _BOMB_RATIO:
            raise FileProblem(
                _("{file} unpacks to more than {ratio} times its size. This is not an export of purchases.").format(
                    file=source.label, ratio=_BOMB_RATIO
                )
            )
        piece = held + _encoded(decoder.decode(chunk), tally)
        # half of a line end may stand in the next chunk
        held = b"\r" if piece.endswith(b"\r") else b""
        yield _with_line_feeds(piece[: len(piece) - len(held)])
    yield _with_line_feeds(held + _encoded(decoder.decode(b"", final=True), tally))


def _with_line_feeds(piece: bytes) -> bytes:
    return piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in piece else piece


def _encoded(text: str, tally: _Tally) -> bytes:
    tally.damaged += text.count("\N{REPLACEMENT CHARACTER}")
    return text.encode("utf-8", errors="replace")


def _text_file(source: SourceFile, path: Path, encoding: str, kind: Format, tally: _Tally) -> TextFile:
    lines = tally.breaks + (tally.last not in (b"", b"\n"))
    compression = None if kind is Format.TEXT else str(kind)
    return TextFile(source, path, encoding, compression, tally.size, lines, tally.quotes, tally.damaged)


def _chunks(stream: BinaryIO, source: SourceFile, progress: Progress, *, grows: bool = True) -> Iterator[bytes]:
    label = _("Checking {file}").format(file=source.path.name)
    done = 0
    while chunk := stream.read(_CHUNK):
        done += len(chunk)
        if grows and done > source.size:
            source.check_unchanged()  # a file that grows as fast as it is read would be read for ever
        progress.step(label, done, source.size if done <= source.size else None)
        yield chunk


def _open(source: SourceFile, kind: Format) -> BinaryIO:
    if kind is Format.GZIP:
        return cast(BinaryIO, gzip.open(source.path, "rb"))
    if kind is Format.ZSTD:
        return cast(BinaryIO, _Zstd(source.path))
    return source.path.open("rb")


class _Zstd(io.RawIOBase):
    """A zstd file as a stream that, unlike the library's own, notices when the end is missing."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._ready = b""

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes; empty only at the end."""
        while not self._ready:
            packed = self._file.read(_ZSTD_PIECE)
            if not packed:
                if not self._frame.eof:
                    raise EOFError
                return b""
            self._ready = self._unpack(packed)
        piece, self._ready = (self._ready, b"") if size < 0 else (self._ready[:size], self._ready[size:])
        return piece

    def _unpack(self, packed: bytes) -> bytes:
        pieces = []
        while packed:
            if self._frame.eof:
                self._frame = zstandard.ZstdDecompressor().decompressobj()
            pieces.append(self._frame.decompress(packed))
            packed = self._frame.unused_data if self._frame.eof else b""
        return b"".join(pieces)

    def close(self) -> None:
        """Close the file as well."""
        self._file.close()
        super().close()


class PlainErrors:
    """Turn what the decompressors and the disk say into `FileProblem`, or `OutputError` when the disk is full."""

    def __init__(self, source: SourceFile) -> None:
        self._source = source

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, (EOFError, zlib.error, zstandard.ZstdError, gzip.BadGzipFile)):
            raise FileProblem(
                _("{file} is cut off or damaged: it cannot be unpacked to the end. Copy it again.").format(
                    file=self._source.label
                )
            ) from error
        if isinstance(error, OSError):
            raise full_disk() if error.errno in _FULL else unreadable(self._source.path, error) from error


def with_path(file: TextFile, path: Path, *, lines: int | None = None, has_quotes: bool | None = None) -> TextFile:
    """The same file after another step rewrote it to `path`."""
    return replace(
        file,
        path=path,
        size=path.stat().st_size,
        lines=file.lines if lines is None else lines,
        has_quotes=file.has_quotes if has_quotes is None else has_quotes,
    )
