"""How far an import is, for whoever looks: written beside the transaction that nobody can see into."""

import threading
import time
from types import TracebackType
from typing import Self

from django.db import connection

from regulars.core.progress import Progress, Silent

_EVERY_SECONDS = 0.5

# the first half of the locks that say who works on an import; the second half is its number
RUNS = 7461


class Reporter:
    """A `Progress` that keeps the import's row up to date over a connection of its own."""

    def __init__(self, import_id: int, beside: Progress | None = None) -> None:
        """`beside` is told everything too."""
        self._import_id = import_id
        self._beside = beside or Silent()
        self._connection = connection.copy()
        # the reader tells how far it is from a thread of its own
        self._connection.inc_thread_sharing()
        self._lock = threading.Lock()
        self._last = 0.0
        self._label = ""
        self._is_quiet = False

    def is_alone(self) -> bool:
        """Whether nobody else works on this import; from now on nobody will, until this reporter is closed."""
        with self._connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [RUNS, self._import_id])
            return bool(cursor.fetchone()[0])

    def be_quiet(self) -> None:
        """Write nothing more: the row is about to be locked by the transaction that ends the work."""
        with self._lock:
            self._is_quiet = True

    def step(self, label: str, done: int | None, total: int | None) -> None:
        """Write it down, though not more often than somebody would look."""
        self._beside.step(label, done, total)
        with self._lock:
            now = time.monotonic()
            if self._is_quiet or (label == self._label and now - self._last < _EVERY_SECONDS):
                return
            self._label, self._last = label, now
            share = round(100 * done / total) if done is not None and total else None
            with self._connection.cursor() as cursor:
                cursor.execute(
                    """UPDATE purchases_import SET progress = jsonb_build_object('label', %s::text, 'percent', %s::int)
                    WHERE id = %s AND state IN ('running', 'undoing')""",
                    [label, share, self._import_id],
                )

    def close(self) -> None:
        """End the connection."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
