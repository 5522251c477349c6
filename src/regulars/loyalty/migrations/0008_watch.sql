-- Sales of before stand in the shop of their receipt.
ALTER TABLE loyalty_sale DISABLE TRIGGER keep;
UPDATE loyalty_sale s SET store_id = r.store_id FROM purchases_receipt r WHERE r.id = s.receipt_id;
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE loyalty_sale ENABLE TRIGGER keep;

CREATE TRIGGER keep BEFORE DELETE ON loyalty_alert FOR EACH ROW EXECUTE FUNCTION loyalty_keep_but();
CREATE TRIGGER decided BEFORE UPDATE ON loyalty_alert FOR EACH ROW WHEN (OLD.decision <> '')
    EXECUTE FUNCTION loyalty_keep_but('customer_id', 'decided_by_id');
CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON loyalty_correction FOR EACH ROW WHEN (OLD.state = 'waiting')
    EXECUTE FUNCTION loyalty_keep_but('customer_id', 'asked_by_id', 'reason', 'state', 'decided_by_id', 'decided_at', 'transaction_id');
CREATE TRIGGER decided BEFORE UPDATE OR DELETE ON loyalty_correction FOR EACH ROW WHEN (OLD.state <> 'waiting')
    EXECUTE FUNCTION loyalty_keep_but('customer_id', 'asked_by_id', 'reason', 'decided_by_id');

-- Points taken by hand: those that could be spent, in that order, but nobody has redeemed them.
CREATE FUNCTION loyalty_take(made loyalty_transaction, movement jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    points bigint := (movement ->> 'amount')::bigint;
    taken bigint := loyalty_draw_from(made, points, ARRAY(
        SELECT id FROM loyalty_spendable((movement ->> 'customer')::bigint, made.unit_id, made.recorded_at)
    ));
BEGIN
    IF taken < points THEN
        PERFORM loyalty_refuse('not_enough', jsonb_build_object('wanted', points, 'available', taken));
    END IF;
    PERFORM loyalty_book(made, 'void', points);
    RETURN jsonb_build_object('taken', points);
END $$;

-- One more movement in the function that knows them all, which is not written down twice.
DO $$
DECLARE
    before text := pg_get_functiondef('loyalty_write_one'::regproc);
    after text := replace(before, 'WHEN ''spend'' THEN',
        'WHEN ''take'' THEN loyalty_take(made, movement)' || chr(10) || '            WHEN ''spend'' THEN');
BEGIN
    IF after = before THEN RAISE EXCEPTION 'loyalty_write_one is not as it was'; END IF;
    EXECUTE after;
END $$;

-- The owner may do everything, from the first day of a right.
UPDATE accounts_role SET rights = rights || '{points.correct,tills.watch}'::varchar[]
WHERE slug = 'owner' AND NOT rights @> '{tills.watch}'::varchar[];
