-- The database itself notes which months the columnar copy must write anew.
-- A moment in UTC is in one of two months by the clocks of the world.

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

-- Once for each statement, with all its rows.
CREATE TRIGGER note_insert_new AFTER INSERT ON purchases_receipt REFERENCING NEW TABLE AS rows_touched
    FOR EACH STATEMENT EXECUTE FUNCTION note_touched_receipts();
CREATE TRIGGER note_update_old AFTER UPDATE ON purchases_receipt
    REFERENCING OLD TABLE AS rows_touched NEW TABLE AS rows_beside
    FOR EACH STATEMENT EXECUTE FUNCTION note_touched_receipts();
CREATE TRIGGER note_update_new AFTER UPDATE ON purchases_receipt
    REFERENCING NEW TABLE AS rows_touched OLD TABLE AS rows_beside
    FOR EACH STATEMENT EXECUTE FUNCTION note_touched_receipts();
CREATE TRIGGER note_delete_old AFTER DELETE ON purchases_receipt REFERENCING OLD TABLE AS rows_touched
    FOR EACH STATEMENT EXECUTE FUNCTION note_touched_receipts();

CREATE TRIGGER note_insert_new AFTER INSERT ON purchases_line REFERENCING NEW TABLE AS rows_touched
    FOR EACH STATEMENT EXECUTE FUNCTION note_touched_lines();
CREATE TRIGGER note_update_old AFTER UPDATE ON purchases_line
    REFERENCING OLD TABLE AS rows_touched NEW TABLE AS rows_beside
    FOR EACH STATEMENT EXECUTE FUNCTION note_touched_lines();
CREATE TRIGGER note_update_new AFTER UPDATE ON purchases_line
    REFERENCING NEW TABLE AS rows_touched OLD TABLE AS rows_beside
    FOR EACH STATEMENT EXECUTE FUNCTION note_touched_lines();
CREATE TRIGGER note_delete_old AFTER DELETE ON purchases_line REFERENCING OLD TABLE AS rows_touched
    FOR EACH STATEMENT EXECUTE FUNCTION note_touched_lines();

CREATE TRIGGER note_touched AFTER UPDATE OF merged_into_id ON customers_customer
    FOR EACH ROW WHEN (OLD.merged_into_id IS DISTINCT FROM NEW.merged_into_id)
    EXECUTE FUNCTION note_touched_customer();
CREATE TRIGGER note_touched AFTER UPDATE OF code, name, category ON purchases_product
    FOR EACH ROW WHEN (OLD.code IS DISTINCT FROM NEW.code OR OLD.name IS DISTINCT FROM NEW.name OR OLD.category IS DISTINCT FROM NEW.category)
    EXECUTE FUNCTION note_touched_all();
CREATE TRIGGER note_touched AFTER UPDATE OF name, time_zone ON purchases_store
    FOR EACH ROW WHEN (OLD.name IS DISTINCT FROM NEW.name OR OLD.time_zone IS DISTINCT FROM NEW.time_zone)
    EXECUTE FUNCTION note_touched_all();
CREATE TRIGGER note_touched AFTER UPDATE OF name ON purchases_seller
    FOR EACH ROW WHEN (OLD.name IS DISTINCT FROM NEW.name) EXECUTE FUNCTION note_touched_all();
CREATE TRIGGER note_touched AFTER UPDATE OF time_zone, currency ON foundation_business
    FOR EACH ROW WHEN (OLD.time_zone IS DISTINCT FROM NEW.time_zone OR OLD.currency IS DISTINCT FROM NEW.currency)
    EXECUTE FUNCTION note_touched_all();
