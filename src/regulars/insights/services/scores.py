"""Scores of all customers, replaced as a whole in one transaction."""

from pathlib import Path

from django.db import connection, transaction

from regulars.analytics.purchases import connect

# column of the scores, its type on the way, and how it is read from the table of customers of an audit
_COLUMNS: dict[str, tuple[str, str]] = {
    "state": ("text", "state"),
    "rfm_segment": ("text", "rfm_segment"),
    "abc": ("text", "abc"),
    "first_on": ("date", "first_on"),
    "last_on": ("date", "last_on"),
    "visits": ("integer", "visits"),
    "amount": ("bigint", "amount"),
    "amount_year": ("bigint", "amount_year"),
    "mean_check": ("bigint", "mean_check"),
    "visit_period_days": ("double precision", "visit_period_days"),
    "return_chance": ("double precision", "return_chance"),
    "expected_value_12": ("bigint", "expected_value_12"),
    "loyalty_stage": ("text", "loyalty_stage"),
    "lost_kind": ("text", "lost_kind"),
    "missed_amount": ("bigint", "missed_amount"),
    "never_returned": ("boolean", "never_returned"),
    "opportunity": ("text", "opportunity"),
    "opportunity_amount": ("bigint", "opportunity_amount"),
    "findings": ("text", "to_json(findings)"),
    "details": ("jsonb", ""),
    "groups": ("text", "to_json(groups)"),
    "needs": ("jsonb", "needs"),
}
_DETAILS = ("r", "f", "m", "visits_year", "standing", "first_store", "first_channel", "first_product", "first_category",
            "look_alike")  # fmt: skip
_EMPTY = {"state": "''", "rfm_segment": "''", "abc": "''", "loyalty_stage": "''", "lost_kind": "''",
          "opportunity": "''", "visits": "0", "amount": "0", "amount_year": "0", "never_returned": "false",
          "details": "'{}'", "needs": "'[]'"}  # fmt: skip
_NEEDS_SHOWN = 3


def replace_scores(customers: Path) -> None:
    """Take over what an audit says of each customer; those of whom it says nothing lose their score.

    Customers that were deleted or merged since the audit began are left out. The whole is one transaction, so
    readers see the old scores or the new ones, and doing it again changes nothing.
    """
    rows = customers.with_suffix(".rows")
    try:
        _write_rows(customers, rows)
        with transaction.atomic():
            _load(rows)
            _take_over()
    finally:
        rows.unlink(missing_ok=True)


def _write_rows(customers: Path, rows: Path) -> None:
    engine = connect()
    source = f"read_parquet('{_quoted(customers)}')"
    for name, query in _BESIDE.items():
        file = customers.with_name(f"{name}.parquet")
        if file.exists():
            found = query.format(file=_quoted(file))
            source = f"(SELECT * FROM {source} LEFT JOIN ({found}) USING (customer_id))"
    known = {row[0] for row in engine.raw_sql(f"DESCRIBE SELECT * FROM {source}").fetchall()}
    pairs = ", ".join(f"'{name}', {name}" for name in _DETAILS if name in known)
    read = {name: how if name in known else "NULL" for name, (_type, how) in _COLUMNS.items()}
    read["details"] = f"json_object({pairs})"
    columns = ", ".join(f"{how} AS {name}" for name, how in read.items())
    engine.raw_sql(
        f"COPY (SELECT customer_id, {columns} FROM {source} WHERE regexp_full_match(customer_id, '[0-9]{{1,18}}')) "
        f"TO '{_quoted(rows)}' (FORMAT csv, HEADER false)"
    )


# what lies beside the table of customers, in several rows for one of them
_BESIDE = {
    "groups": 'SELECT customer_id, list(DISTINCT "group" ORDER BY "group") AS groups '
    "FROM read_parquet('{file}') WHERE \"group\" IS NOT NULL GROUP BY ALL",
    # nothing that is less likely than one in ten is worth a line on the card
    "needs": "SELECT customer_id, to_json(list(json_array(product, due_on::VARCHAR, round(score * 100)::INTEGER, "
    f"usual_amount) ORDER BY score DESC, product)[:{_NEEDS_SHOWN}]) AS needs "
    "FROM read_parquet('{file}') WHERE score >= 0.1 GROUP BY ALL",
}


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _load(rows: Path) -> None:
    types = ", ".join(f"{name} {kind}" for name, (kind, _how) in _COLUMNS.items())
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS new_scores")
        cursor.execute(f"CREATE TEMPORARY TABLE new_scores (customer_id bigint PRIMARY KEY, {types}) ON COMMIT DROP")
        with rows.open("rb") as source, cursor.cursor.copy("COPY new_scores FROM STDIN (FORMAT csv)") as copy:
            while chunk := source.read(1 << 20):
                copy.write(chunk)
        cursor.execute("ANALYZE new_scores")


def _take_over() -> None:
    values = {name: f"coalesce(n.{name}, {_EMPTY[name]})" if name in _EMPTY else f"n.{name}" for name in _COLUMNS}
    for name in ("findings", "groups"):
        values[name] = (
            f"coalesce((SELECT array_agg(value) FROM jsonb_array_elements_text(n.{name}::jsonb) AS value), '{{}}')"
        )
    names = ", ".join(_COLUMNS)
    assignments = ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS)
    old = ", ".join(f"s.{name}" for name in _COLUMNS)
    new = ", ".join(f"excluded.{name}" for name in _COLUMNS)
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM insights_score s WHERE NOT EXISTS "
            "(SELECT FROM new_scores n WHERE n.customer_id = s.customer_id)"
        )
        cursor.execute(
            f"INSERT INTO insights_score AS s (customer_id, {names}) "
            f"SELECT n.customer_id, {', '.join(values.values())} "
            "FROM new_scores n JOIN customers_customer c ON c.id = n.customer_id WHERE c.merged_into_id IS NULL "
            "FOR KEY SHARE OF c "
            f"ON CONFLICT (customer_id) DO UPDATE SET {assignments} WHERE ({old}) IS DISTINCT FROM ({new})"
        )
        cursor.execute("ANALYZE insights_score")
