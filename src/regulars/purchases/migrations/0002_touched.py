"""Have the database itself note which months the columnar copy must write anew."""

from django.db import migrations

# a moment in UTC is in one of two months by the clocks of the world
_NOTE = """
CREATE FUNCTION note_touched_receipts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO purchases_touched (month)
    SELECT DISTINCT date_trunc('month', (purchased_at AT TIME ZONE 'UTC') + shift)::date
    FROM rows_touched, (VALUES (interval '-12 hours'), (interval '14 hours')) AS zones (shift);
    RETURN NULL;
END $$;

CREATE FUNCTION note_touched_lines() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO purchases_touched (month)
    SELECT DISTINCT date_trunc('month', (r.purchased_at AT TIME ZONE 'UTC') + shift)::date
    FROM (SELECT DISTINCT receipt_id FROM rows_touched) AS t JOIN purchases_receipt r ON r.id = t.receipt_id,
        (VALUES (interval '-12 hours'), (interval '14 hours')) AS zones (shift);
    RETURN NULL;
END $$;

CREATE FUNCTION note_touched_customer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO purchases_touched (month)
    SELECT DISTINCT date_trunc('month', (purchased_at AT TIME ZONE 'UTC') + shift)::date
    FROM purchases_receipt, (VALUES (interval '-12 hours'), (interval '14 hours')) AS zones (shift)
    WHERE customer_id IN (
        WITH RECURSIVE gone (id) AS (
            SELECT NEW.id UNION SELECT c.id FROM customers_customer c JOIN gone g ON c.merged_into_id = g.id
        ) SELECT id FROM gone
    );
    RETURN NULL;
END $$;

CREATE FUNCTION note_touched_all() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO purchases_touched (month) VALUES (NULL);
    RETURN NULL;
END $$;
"""

_GONE = """
DROP FUNCTION note_touched_receipts();
DROP FUNCTION note_touched_lines();
DROP FUNCTION note_touched_customer();
DROP FUNCTION note_touched_all();
"""

_ROWS = {"INSERT": ("NEW",), "UPDATE": ("OLD", "NEW"), "DELETE": ("OLD",)}


def _noted(table: str, function: str) -> migrations.RunSQL:
    """Triggers that run once for each statement, with all its rows."""
    made, gone = [], []
    for action, sides in _ROWS.items():
        for side in sides:
            name = f"note_{action.lower()}_{side.lower()}"
            other = "NEW" if side == "OLD" else "OLD"
            rows = f"{side} TABLE AS rows_touched"
            if action == "UPDATE":
                rows += f" {other} TABLE AS rows_beside"
            made.append(
                f"CREATE TRIGGER {name} AFTER {action} ON {table} REFERENCING {rows} "
                f"FOR EACH STATEMENT EXECUTE FUNCTION {function}();"
            )
            gone.append(f"DROP TRIGGER {name} ON {table};")
    return migrations.RunSQL("\n".join(made), "\n".join(gone))


def _row_noted(table: str, columns: str, function: str) -> migrations.RunSQL:
    differs = " OR ".join(f"OLD.{name} IS DISTINCT FROM NEW.{name}" for name in columns.split(", "))
    return migrations.RunSQL(
        f"CREATE TRIGGER note_touched AFTER UPDATE OF {columns} ON {table} "
        f"FOR EACH ROW WHEN ({differs}) EXECUTE FUNCTION {function}();",
        f"DROP TRIGGER note_touched ON {table};",
    )


class Migration(migrations.Migration):
    dependencies = [("purchases", "0001_initial"), ("customers", "0001_initial"), ("foundation", "0001_initial")]

    operations = [
        migrations.RunSQL(_NOTE, _GONE),
        _noted("purchases_receipt", "note_touched_receipts"),
        _noted("purchases_line", "note_touched_lines"),
        _row_noted("customers_customer", "merged_into_id", "note_touched_customer"),
        _row_noted("purchases_product", "code, name, category", "note_touched_all"),
        _row_noted("purchases_store", "name, time_zone", "note_touched_all"),
        _row_noted("purchases_seller", "name", "note_touched_all"),
        _row_noted("foundation_business", "time_zone, currency", "note_touched_all"),
    ]
