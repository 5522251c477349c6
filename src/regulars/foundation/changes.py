"""The history of every field: triggers that write it, and who is acting."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db import connection, transaction
from django.db.migrations.operations import RunSQL

# written once, by the first migration of this package
TRACKER = """
CREATE FUNCTION track_changes() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before jsonb := '{}';
    after jsonb := '{}';
    found jsonb;
    owner bigint;
BEGIN
    IF TG_OP <> 'INSERT' THEN before := to_jsonb(OLD); END IF;
    IF TG_OP <> 'DELETE' THEN after := to_jsonb(NEW); END IF;
    SELECT jsonb_object_agg(key, jsonb_build_array(before -> key, after -> key)) INTO found
    FROM (SELECT jsonb_object_keys(before || after) AS key) AS names
    WHERE (before -> key) IS DISTINCT FROM (after -> key)
        AND key <> ALL (TG_ARGV[1]::text[])
        AND NOT (TG_OP = 'INSERT' AND after -> key IN ('null', '""', '{}', '[]'));
    IF found IS NULL THEN RETURN NULL; END IF;
    owner := coalesce(after ->> TG_ARGV[0], before ->> TG_ARGV[0])::bigint;
    INSERT INTO foundation_change (actor_id, source, table_name, row_id, customer_id, action, fields)
    VALUES (
        nullif(current_setting('regulars.actor', true), '')::bigint,
        coalesce(current_setting('regulars.source', true), ''),
        TG_TABLE_NAME, coalesce(after ->> 'id', before ->> 'id')::bigint, owner, lower(TG_OP), found
    );
    RETURN NULL;
END $$;
"""


def tracked(table: str, *, customer: str, leave_out: Sequence[str] = ()) -> RunSQL:
    """A migration's step: from now on every write to the table is kept, creation by imports excepted.

    `customer` is the column with the customer's id. Rows that an import creates are told by the import itself:
    a million of them in the history would tell nothing more.
    """
    hidden = _hidden(leave_out)
    return RunSQL(
        f"""{_on_change(table, customer, hidden)}
        CREATE TRIGGER track_creation AFTER INSERT ON {table}
            FOR EACH ROW WHEN (coalesce(current_setting('regulars.source', true), '') NOT LIKE 'import:%')
            EXECUTE FUNCTION track_changes('{customer}', '{hidden}');""",
        f"DROP TRIGGER track_changes ON {table}; DROP TRIGGER track_creation ON {table};",
    )


def tracked_later(table: str, *, customer: str, leave_out: Sequence[str] = ()) -> RunSQL:
    """A migration's step for rows that tell of their creation themselves: changes and deletions alone are kept."""
    return RunSQL(_on_change(table, customer, _hidden(leave_out)), f"DROP TRIGGER track_changes ON {table};")


def _hidden(leave_out: Sequence[str]) -> str:
    return "{" + ",".join(["id", "updated_at", *leave_out]) + "}"


def _on_change(table: str, customer: str, hidden: str) -> str:
    return f"""CREATE TRIGGER track_changes AFTER UPDATE OR DELETE ON {table}
            FOR EACH ROW EXECUTE FUNCTION track_changes('{customer}', '{hidden}');"""


@contextmanager
def acting(actor_id: int | None, source: str) -> Iterator[None]:
    """One transaction whose changes are this user's."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('regulars.actor', %s, true), set_config('regulars.source', %s, true)",
                ["" if actor_id is None else str(actor_id), source],
            )
        yield
