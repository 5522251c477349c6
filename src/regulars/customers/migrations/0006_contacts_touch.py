from django.db import migrations

# a new telephone is a change of its customer: who follows `updated_at` must learn of it
FUNCTIONS = """
CREATE OR REPLACE FUNCTION customers_keep_updated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (to_jsonb(NEW) - '{search_text,search_parts}'::text[])
        IS DISTINCT FROM (to_jsonb(OLD) - '{search_text,search_parts}'::text[])
    THEN
        NEW.updated_at := now();
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION customers_touch_of_contacts() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    ids bigint[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        ids := array(SELECT DISTINCT customer_id FROM new_rows);
    ELSIF TG_OP = 'DELETE' THEN
        ids := array(SELECT DISTINCT customer_id FROM old_rows);
    ELSE
        ids := array(SELECT customer_id FROM new_rows UNION SELECT customer_id FROM old_rows);
    END IF;
    UPDATE customers_customer SET updated_at = now() WHERE id = ANY (ids) AND updated_at <> now();
    RETURN NULL;
END $$;
"""

TRIGGERS = """
CREATE TRIGGER touch_new AFTER INSERT ON customers_contact
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION customers_touch_of_contacts();
CREATE TRIGGER touch_changed AFTER UPDATE ON customers_contact
    REFERENCING NEW TABLE AS new_rows OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION customers_touch_of_contacts();
CREATE TRIGGER touch_gone AFTER DELETE ON customers_contact
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION customers_touch_of_contacts();
"""

BACK = """
DROP TRIGGER touch_new ON customers_contact;
DROP TRIGGER touch_changed ON customers_contact;
DROP TRIGGER touch_gone ON customers_contact;
DROP FUNCTION customers_touch_of_contacts;
"""


class Migration(migrations.Migration):
    dependencies = [("customers", "0005_likeness")]

    operations = [migrations.RunSQL(FUNCTIONS, migrations.RunSQL.noop), migrations.RunSQL(TRIGGERS, BACK)]
