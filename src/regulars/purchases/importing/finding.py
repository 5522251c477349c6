"""What new customers are found by, made once at the end of an import instead of row by row."""

from regulars.purchases.importing.exchange import execute, value

_BATCH = 20_000


def search_later() -> None:
    """In this transaction the triggers of the search do nothing."""
    execute("SELECT set_config('regulars.search', 'later', true)")


def make_findable(import_id: int) -> None:
    """Let those whom the import made be found by name, phone and card."""
    if value("SELECT to_regproc('customers_refresh_search')::text") is None:
        return
    execute(
        """SELECT customers_refresh_search(array_agg(id)) FROM (
            SELECT id, row_number() OVER (ORDER BY id) / %s AS part FROM customers_customer WHERE import_id = %s
        ) AS numbered GROUP BY part""",
        [_BATCH, import_id],
    )
