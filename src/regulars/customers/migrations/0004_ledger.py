"""Statements of consent are only added. A merge may hand them over, an erasure may delete them, nobody else anything."""

from django.db import migrations

LEDGER = """
CREATE FUNCTION customers_keep_ledger() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    reason text := coalesce(current_setting('regulars.ledger', true), '');
BEGIN
    IF TG_OP = 'DELETE' AND reason = 'erasure' THEN RETURN OLD; END IF;
    IF TG_OP = 'UPDATE' AND reason = 'merge'
        AND (to_jsonb(NEW) - 'customer_id') = (to_jsonb(OLD) - 'customer_id')
    THEN RETURN NEW; END IF;
    RAISE EXCEPTION 'statements of consent are never changed: add a newer one'
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER keep_ledger BEFORE UPDATE OR DELETE ON customers_consent
    FOR EACH ROW EXECUTE FUNCTION customers_keep_ledger();
"""


class Migration(migrations.Migration):
    dependencies = [("customers", "0003_search")]

    operations = [
        migrations.RunSQL(
            LEDGER, "DROP TRIGGER keep_ledger ON customers_consent; DROP FUNCTION customers_keep_ledger;"
        ),
    ]
