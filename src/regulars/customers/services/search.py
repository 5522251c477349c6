"""What customers are found by, kept for very many at once."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db import connection

_BATCH = 20_000


def search_later() -> None:
    """In this transaction triggers leave the search alone: for imports, which call `refresh_search` at their end."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('regulars.search', 'later', true)")


def refresh_search(ids: Sequence[int]) -> int:
    """Bring the search of these customers up to date; returns how many were not."""
    done = 0
    with connection.cursor() as cursor:
        for start in range(0, len(ids), _BATCH):
            cursor.execute("SELECT customers_refresh_search(%s)", [list(ids[start : start + _BATCH])])
            done += int(cursor.fetchone()[0])
    return done


def refresh_search_of_import(import_id: int) -> int:
    """The same for all whom an import created, batch by batch, without their ids ever leaving the database.

    Call it outside a transaction: then the index takes the rows in bulk, and others can search meanwhile.
    """
    done = 0
    with _bulk_index(), connection.cursor() as cursor:
        cursor.execute("SELECT min(id), max(id) FROM customers_customer WHERE import_id = %s", [import_id])
        first, last = cursor.fetchone()
        for start in range(first or 0, (last or -1) + 1, _BATCH):
            cursor.execute(
                """SELECT customers_refresh_search(array(
                    SELECT id FROM customers_customer WHERE import_id = %s AND id >= %s AND id < %s
                ))""",
                [import_id, start, start + _BATCH],
            )
            done += int(cursor.fetchone()[0])
        cursor.execute("ANALYZE customers_customer")
    return done


@contextmanager
def _bulk_index() -> Iterator[None]:
    """Let the index collect new rows and sort them in once: ten times faster than one by one."""
    if connection.in_atomic_block:
        # its lock would last as long as the transaction
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("ALTER INDEX customer_search SET (fastupdate = on, gin_pending_list_limit = 262144)")
        try:
            yield
        finally:
            cursor.execute("SELECT gin_clean_pending_list('customer_search')")
            cursor.execute("ALTER INDEX customer_search RESET (gin_pending_list_limit)")
            cursor.execute("ALTER INDEX customer_search SET (fastupdate = off)")
