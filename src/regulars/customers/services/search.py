"""What customers are found by, kept for very many at once."""

from collections.abc import Sequence

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
    """The same for all whom an import created, without their ids ever leaving the database."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT coalesce(sum(customers_refresh_search(ids)), 0) FROM (
                SELECT array_agg(id) AS ids
                FROM (SELECT id, row_number() OVER (ORDER BY id) / %s AS part
                    FROM customers_customer WHERE import_id = %s) AS numbered
                GROUP BY part
            ) AS parts""",
            [_BATCH, import_id],
        )
        return int(cursor.fetchone()[0])
