"""Mark who was erased; the database lets nothing be written about him."""

from django.db import migrations, models

_MARK = """
WITH RECURSIVE gone (id) AS (
    SELECT customer_id FROM customers_erasure WHERE done_at IS NOT NULL
    UNION SELECT c.id FROM customers_customer c JOIN gone g ON c.merged_into_id = g.id
)
UPDATE customers_customer SET is_erased = true WHERE id IN (SELECT id FROM gone);
"""

# once for a statement: an import writes a million contacts in one
_REFUSE = """
CREATE FUNCTION customers_refuse_erased() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM new_rows n JOIN customers_customer c ON c.id = n.customer_id WHERE c.is_erased) THEN
        RAISE EXCEPTION 'nothing is written about somebody who was erased' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
"""

_TABLES = ("contact", "note", "file", "formanswer", "formlink", "relation", "consent", "customer_tags")


def _refused(table: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        f"""CREATE TRIGGER refuse_erased AFTER INSERT ON customers_{table} REFERENCING NEW TABLE AS new_rows
            FOR EACH STATEMENT EXECUTE FUNCTION customers_refuse_erased()""",
        f"DROP TRIGGER refuse_erased ON customers_{table}",
    )


class Migration(migrations.Migration):
    dependencies = [("customers", "0006_contacts_touch")]

    operations = [
        migrations.AddField("customer", "is_erased", models.BooleanField(default=False)),
        migrations.RunSQL(_MARK, migrations.RunSQL.noop),
        # the constraint cannot be added while the row triggers of the update wait
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED", migrations.RunSQL.noop),
        migrations.AddConstraint(
            "customer",
            models.CheckConstraint(
                condition=models.Q(is_erased=False)
                | models.Q(
                    external_id=None,
                    name="",
                    family_name="",
                    given_name="",
                    middle_name="",
                    birth_date=None,
                    sex="",
                    own_fields={},
                ),
                name="customer_erased_is_nobody",
            ),
        ),
        migrations.RunSQL(_REFUSE, "DROP FUNCTION customers_refuse_erased"),
        *map(_refused, _TABLES),
    ]
