"""Which files a person meant: a path, a folder, or a pattern with * and ?."""

import glob
import hashlib
import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from regulars.core.errors import FileProblem, InputError
from regulars.core.i18n import gettext as _

SUFFIXES = frozenset({".csv", ".tsv", ".tab", ".txt", ".xlsx", ".xlsm", ".xlsb", ".xls", ".ods", ".parquet", ".pq"})
COMPRESSED = frozenset({".gz", ".zst", ".zstd"})
_HASH_CHUNK = 1 << 22


@dataclass(frozen=True)
class SourceFile:
    """One file to read, as it was when it was found."""

    path: Path
    named: bool  # the person named this very file; False when a folder or a pattern gave it
    size: int
    modified_ns: int

    @property
    def label(self) -> str:
        """What messages call it."""
        return str(self.path)

    def check_unchanged(self) -> None:
        """`FileProblem` when the file was written to since it was found."""
        try:
            now = self.path.stat()
        except OSError as error:
            raise unreadable(self.path, error) from error
        if (now.st_size, now.st_mtime_ns) != (self.size, self.modified_ns):
            raise FileProblem(
                _(
                    "{file} was changed while it was being read. Wait until the export is finished and try again."
                ).format(file=self.label)
            )


def find_files(sources: Sequence[str | os.PathLike[str]], *, leave_out: Iterable[Path] = ()) -> list[SourceFile]:
    """Every file that the sources name, in the order given; inside a folder or a pattern by name.

    Hidden files, Excel's lock files (`~$book.xlsx`) and files of unknown kinds inside folders are left out; so are
    the paths in `leave_out`. Raises `FileProblem` when a source names nothing.
    """
    if not sources:
        raise InputError(_("No file was named. Name at least one file, folder or pattern."))
    skipped = {path.resolve() for path in leave_out}
    found = [file for source in sources for file in _expand(os.fspath(source))]
    return [file for file in found if file.named or file.path.resolve() not in skipped]


def _expand(source: str) -> list[SourceFile]:
    if "\0" in source:
        raise FileProblem(_("{source!r} is not a path.").format(source=source))
    if "://" in source:
        raise FileProblem(
            _("{source} is an address, not a file. Download the file first and name it here.").format(source=source)
        )
    path = Path(source)
    if path.is_dir():
        return _folder(path)
    if not path.exists() and any(sign in source for sign in "*?["):
        return _pattern(source)
    return [_stat(path, named=True)]


def _folder(folder: Path) -> list[SourceFile]:
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and _is_wanted(path.relative_to(folder))]
    if not paths:
        raise FileProblem(
            _("The folder {folder} holds no CSV, Excel, OpenDocument or Parquet file. Check the path.").format(
                folder=folder
            )
        )
    return [_stat(path, named=False) for path in paths]


def _pattern(pattern: str) -> list[SourceFile]:
    # Path.glob takes no absolute pattern
    paths = [Path(path) for path in sorted(glob.glob(pattern, recursive=True))]  # noqa: PTH207
    files = [path for path in paths if path.is_file() and not path.name.startswith("~$")]
    if not files:
        raise FileProblem(_("No file fits the pattern {pattern}. Check the path.").format(pattern=pattern))
    return [_stat(path, named=False) for path in files]


def _is_wanted(path: Path) -> bool:
    if any(part.startswith((".", "~$")) for part in path.parts):
        return False
    suffix = path.suffix.lower()
    if suffix in COMPRESSED:
        suffix = Path(path.stem).suffix.lower() or ".csv"
    return suffix in SUFFIXES


def _stat(path: Path, *, named: bool) -> SourceFile:
    try:
        facts = path.stat()
        with path.open("rb"):
            pass
    except OSError as error:
        raise unreadable(path, error) from error
    if facts.st_size == 0:
        raise FileProblem(_("{file} is empty: it holds no rows at all. Export it again.").format(file=path))
    return SourceFile(path, named, facts.st_size, facts.st_mtime_ns)


def unreadable(path: Path, error: OSError) -> FileProblem:
    """What to say about a file that the system does not let us read."""
    if isinstance(error, FileNotFoundError):
        return FileProblem(_("There is no file {file}. Check the path.").format(file=path))
    return FileProblem(_("{file} cannot be read: {error}.").format(file=path, error=error.strerror or error))


def twins(files: Sequence[SourceFile]) -> dict[int, int]:
    """Which files hold the same bytes as an earlier one: its position -> the position of the first of them.

    Only files of equal size are compared, so a folder of different exports costs nothing.
    """
    by_size: dict[int, list[int]] = defaultdict(list)
    for position, file in enumerate(files):
        by_size[file.size].append(position)
    same: dict[int, int] = {}
    for positions in by_size.values():
        if len(positions) > 1:
            first_with: dict[bytes, int] = {}
            for position in positions:
                first = first_with.setdefault(_digest(files[position]), position)
                if first != position:
                    same[position] = first
    return same


def _digest(file: SourceFile) -> bytes:
    digest = hashlib.blake2b(digest_size=32)
    try:
        with file.path.open("rb") as stream:
            while chunk := stream.read(_HASH_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise unreadable(file.path, error) from error
    return digest.digest()
