-- What the database keeps of customers by itself: the moment of the last change, the history, consents, and erasures.

-- Bringing the search up to date changes nothing that a person wrote, so neither the history of changes nor the moment of
-- the last change look at it: turning a whole row into JSON twice cost more than all the rest.
CREATE TRIGGER track_creation AFTER INSERT ON customers_customer
    FOR EACH ROW WHEN (coalesce(current_setting('regulars.source', true), '') NOT LIKE 'import:%')
    EXECUTE FUNCTION track_changes('id', '{id,updated_at,search_text,search_parts,created_at}');
CREATE TRIGGER track_changes AFTER UPDATE ON customers_customer
    FOR EACH ROW WHEN (coalesce(current_setting('regulars.search', true), '') <> 'refresh')
    EXECUTE FUNCTION track_changes('id', '{id,updated_at,search_text,search_parts,created_at}');
CREATE TRIGGER track_removal AFTER DELETE ON customers_customer
    FOR EACH ROW EXECUTE FUNCTION track_changes('id', '{id,updated_at,search_text,search_parts,created_at}');

CREATE FUNCTION customers_keep_updated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (to_jsonb(NEW) - '{search_text,search_parts}'::text[])
        IS DISTINCT FROM (to_jsonb(OLD) - '{search_text,search_parts}'::text[])
    THEN
        NEW.updated_at := now();
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER keep_updated BEFORE UPDATE ON customers_customer
    FOR EACH ROW WHEN (coalesce(current_setting('regulars.search', true), '') <> 'refresh')
    EXECUTE FUNCTION customers_keep_updated();

-- A new telephone is a change of its customer: who follows `updated_at` must learn of it.
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
CREATE TRIGGER touch_new AFTER INSERT ON customers_contact
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION customers_touch_of_contacts();
CREATE TRIGGER touch_changed AFTER UPDATE ON customers_contact
    REFERENCING NEW TABLE AS new_rows OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION customers_touch_of_contacts();
CREATE TRIGGER touch_gone AFTER DELETE ON customers_contact
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION customers_touch_of_contacts();

-- Statements of consent are only added. A merge may hand them over, an erasure may delete them, nobody else anything.
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

-- Nothing is written about somebody who was erased. Once for a statement: an import writes a million contacts in one.
CREATE FUNCTION customers_refuse_erased() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM new_rows n JOIN customers_customer c ON c.id = n.customer_id WHERE c.is_erased) THEN
        RAISE EXCEPTION 'nothing is written about somebody who was erased' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
DO $$
DECLARE
    one text;
BEGIN
    FOREACH one IN ARRAY ARRAY[
        'contact', 'note', 'file', 'formanswer', 'formlink', 'relation', 'consent', 'customer_tags'
    ] LOOP
        EXECUTE format(
            'CREATE TRIGGER refuse_erased AFTER INSERT ON %I REFERENCING NEW TABLE AS new_rows
            FOR EACH STATEMENT EXECUTE FUNCTION customers_refuse_erased()', 'customers_' || one
        );
    END LOOP;
END $$;
