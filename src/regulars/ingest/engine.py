"""The DuckDB connection of one reading: safe quoting, plain errors, progress while a long query runs."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa
from ibis.backends.duckdb import Backend

from regulars.analytics.purchases import connect
from regulars.core.errors import FileProblem, InputError, OutputError
from regulars.core.i18n import gettext as _
from regulars.core.progress import Progress, Silent
from regulars.ingest.values import MACROS
from regulars.ingest.workspace import Workspace, full_disk


def literal(text: str) -> str:
    """`text` as an SQL string that cannot end early."""
    return "'" + text.replace("'", "''") + "'"


def path_literal(path: object) -> str:
    """A path as an SQL string; signs that DuckDB would take for a pattern stand for themselves."""
    escaped = "".join(f"[{sign}]" if sign in "*?[" else sign for sign in str(path))
    return literal(escaped)


@dataclass
class Engine:
    """What every step of a reading shares."""

    backend: Backend
    workspace: Workspace
    progress: Progress

    @classmethod
    def open(cls, workspace: Workspace, progress: Progress, memory_limit: str) -> "Engine":
        """Connect, and teach the connection our words for dates, numbers and keys."""
        try:
            backend = connect(memory_limit=memory_limit, spill_to=str(workspace.folder / "spill"))
        except duckdb.Error as error:
            raise InputError(
                _("The memory limit {limit!r} is not understood. Write it as 4GB or 800MB.").format(limit=memory_limit)
            ) from error
        return cls.beside(backend, workspace, progress)

    @classmethod
    def beside(cls, backend: Backend, workspace: Workspace, progress: Progress) -> "Engine":
        """Use a connection that is there already."""
        for macro in MACROS:
            backend.con.execute(macro)
        return cls(backend, workspace, progress)

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The bare DuckDB connection."""
        connection: duckdb.DuckDBPyConnection = self.backend.con
        return connection

    def rows(self, sql: str, about: str = "", label: str = "") -> list[tuple[Any, ...]]:
        """Run one statement and return everything it gives; errors are translated, `about` names the file."""
        with _plain_errors(about), self._shown(label):
            return self.connection.execute(sql).fetchall()

    def records(self, sql: str, about: str = "", label: str = "") -> list[dict[str, Any]]:
        """The same, each row with the names of its columns."""
        with _plain_errors(about), self._shown(label):
            result = self.connection.execute(sql)
            names = [column[0] for column in result.description or []]
            return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    def row(self, sql: str, about: str = "", label: str = "") -> dict[str, Any]:
        """Run a statement that gives exactly one row."""
        return self.records(sql, about, label)[0]

    def insert(self, name: str, rows: pa.Table) -> None:
        """Add rows from memory to a table."""
        self.connection.register("rg_incoming", rows)
        try:
            self.rows(f"INSERT INTO {name} SELECT * FROM rg_incoming")
        finally:
            self.connection.unregister("rg_incoming")

    @contextmanager
    def _shown(self, label: str) -> Iterator[None]:
        if not label or isinstance(self.progress, Silent):
            yield
            return
        finished = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(label, finished), daemon=True)
        watcher.start()
        try:
            yield
        finally:
            finished.set()
            watcher.join()

    def _watch(self, label: str, finished: threading.Event) -> None:
        while not finished.wait(0.25):
            done = self.connection.query_progress()
            self.progress.step(label, round(done) if done >= 0 else None, 100)


@contextmanager
def _plain_errors(about: str) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        raise _translated(error, about) from error
    except RuntimeError as error:
        if "interrupt" in str(error).lower():
            raise KeyboardInterrupt from error
        raise


def _translated(error: duckdb.Error, about: str) -> BaseException:
    text = " ".join(str(error).split())
    lower = text.lower()
    if "interrupt" in lower:
        return KeyboardInterrupt()
    if any(sign in lower for sign in ("no space left", "could not write", "disk is full", "max_temp_directory_size")):
        return full_disk()
    if isinstance(error, duckdb.OutOfMemoryException):
        return OutputError(_("The memory limit is too small for this file. Raise --memory-limit and try again."))
    return FileProblem(
        _("{file} cannot be read as a table: {reason}").format(
            file=about or _("The input"), reason=text.partition(" Stack Trace:")[0].partition(" LINE ")[0][:300]
        )
    )
