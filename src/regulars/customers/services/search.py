"""What customers are found by, kept for very many at once."""

from collections.abc import Sequence

from django.db import connection, transaction

_BATCH = 20_000
_MANY = 10_000  # so many new ones change what the planner must know; fewer are left to the autovacuum

# entries that wait in the index are read through by every search: enough for sorting them in bulk, and no more
_WAITING = "32MB"


def search_later() -> None:
    """In this transaction triggers leave the search alone: for imports, which see to it themselves."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('regulars.search', 'later', true)")
        cursor.execute("SELECT set_config('gin_pending_list_limit', %s, true)", [_WAITING])


def sort_search_in(made: int) -> None:
    """At the end of an import that gave its new customers their `search_columns`: no search finds entries waiting."""
    with connection.cursor() as cursor:
        if made:
            cursor.execute("SELECT gin_clean_pending_list('customer_search')")
        if made >= _MANY:
            cursor.execute("ANALYZE customers_customer")


def search_columns(words: str) -> dict[str, str]:
    """For an INSERT under `search_later`: both columns by what the customer can be found by, an SQL expression."""
    line = f"customers_search_text({words})"
    return {"search_text": line, "search_parts": f"customers_search_parts({line})"}


def refresh_search(ids: Sequence[int]) -> int:
    """Bring the search of these customers up to date; returns how many were not."""
    done = 0
    with connection.cursor() as cursor:
        for start in range(0, len(ids), _BATCH):
            cursor.execute("SELECT customers_refresh_search(%s)", [list(ids[start : start + _BATCH])])
            done += int(cursor.fetchone()[0])
    return done


@transaction.atomic
def refresh_search_of_import(import_id: int) -> int:
    """The same for all whom an import created, batch by batch, without their ids ever leaving the database."""
    done = 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('gin_pending_list_limit', %s, true)", [_WAITING])
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
        cursor.execute("SELECT gin_clean_pending_list('customer_search')")
        cursor.execute("ANALYZE customers_customer")
    return done
