-- Rows that stand for ever, but for the columns that the trigger names.
CREATE FUNCTION loyalty_keep_but() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND (to_jsonb(NEW) - TG_ARGV) = (to_jsonb(OLD) - TG_ARGV) THEN RETURN NEW; END IF;
    RAISE EXCEPTION '% keeps what it has', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON loyalty_programme
    FOR EACH ROW EXECUTE FUNCTION loyalty_keep_but('published_by_id');
CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON loyalty_sale
    FOR EACH ROW EXECUTE FUNCTION loyalty_keep_but('customer_id', 'balance');
CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON loyalty_saleline
    FOR EACH ROW EXECUTE FUNCTION loyalty_keep_but('returned');
CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON loyalty_salereturn
    FOR EACH ROW EXECUTE FUNCTION loyalty_keep_but();
CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON loyalty_tierchange
    FOR EACH ROW EXECUTE FUNCTION loyalty_keep_but();
CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON loyalty_debtpart FOR EACH ROW EXECUTE FUNCTION loyalty_keep_but();
CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON loyalty_statement FOR EACH ROW EXECUTE FUNCTION loyalty_keep_but();
CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON loyalty_contract FOR EACH ROW EXECUTE FUNCTION loyalty_keep_but();
CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON loyalty_partnertill FOR EACH ROW EXECUTE FUNCTION loyalty_keep_but();
CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON loyalty_partner
    FOR EACH ROW EXECUTE FUNCTION loyalty_keep_but('name', 'about_ru', 'about_en', 'addresses', 'is_listed');
CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON loyalty_certificatemovement
    FOR EACH ROW EXECUTE FUNCTION loyalty_keep_but('actor_id', 'reason');
CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON loyalty_certificatedeal FOR EACH ROW EXECUTE FUNCTION loyalty_keep_but();
CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON loyalty_certificatebatch
    FOR EACH ROW EXECUTE FUNCTION loyalty_keep_but('made_by_id', 'taken_at', 'taken_by_id');

-- What was taken stands; a merge may give it to another, and somebody hands it out or cancels it.
CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON loyalty_reward FOR EACH ROW EXECUTE FUNCTION loyalty_keep_but(
    'customer_id', 'handed_at', 'handed_by', 'handed_number', 'cancelled_at', 'cancelled_by', 'cancellation_id'
);

-- A payment stands; a merge may give it to another, an erasure forgets the card, and a till takes it back.
CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON loyalty_cardsale FOR EACH ROW EXECUTE FUNCTION loyalty_keep_but(
    'customer_id', 'card_id', 'cancelled_at', 'cancelled_by'
);

CREATE TRIGGER keep BEFORE DELETE ON loyalty_alert FOR EACH ROW EXECUTE FUNCTION loyalty_keep_but();
CREATE TRIGGER decided BEFORE UPDATE ON loyalty_alert FOR EACH ROW WHEN (OLD.decision <> '')
    EXECUTE FUNCTION loyalty_keep_but('customer_id', 'decided_by_id', 'since');
CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON loyalty_correction FOR EACH ROW WHEN (OLD.state = 'waiting')
    EXECUTE FUNCTION loyalty_keep_but('customer_id', 'asked_by_id', 'reason', 'state', 'decided_by_id', 'decided_at', 'transaction_id');
CREATE TRIGGER decided BEFORE UPDATE OR DELETE ON loyalty_correction FOR EACH ROW WHEN (OLD.state <> 'waiting')
    EXECUTE FUNCTION loyalty_keep_but('customer_id', 'asked_by_id', 'reason', 'decided_by_id');

-- What is kept for ever is not emptied either: TRUNCATE passes by the triggers of rows.
CREATE FUNCTION loyalty_keep_all() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is kept: it is not emptied', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
DO $$
DECLARE
    kept text;
BEGIN
    FOREACH kept IN ARRAY ARRAY[
        'account', 'alert', 'cardsale', 'certificate', 'certificatebatch', 'certificatedeal', 'certificatemovement',
        'contract', 'correction', 'debtpart', 'lot', 'partner', 'partnertill', 'posting', 'programme', 'reward', 'sale',
        'saleline', 'salereturn', 'settlement', 'settlementday', 'settlementnet', 'statement', 'tierchange', 'transaction'
    ] LOOP
        EXECUTE format(
            'CREATE TRIGGER keep_all BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION loyalty_keep_all()',
            'loyalty_' || kept
        );
    END LOOP;
END $$;

-- What is kept for ever its owner may not even ask to delete. An erasure writes the reason of a transaction anew, and
-- whoever refers to a row locks it, which needs the right to change a column: the triggers refuse that change. A backup
-- keeps no rights, so whoever restores one calls this.
CREATE FUNCTION loyalty_close_books() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    kept regclass;
    owner text;
BEGIN
    FOREACH kept IN ARRAY ARRAY[
        'loyalty_account', 'loyalty_lot', 'loyalty_posting', 'loyalty_transaction', 'loyalty_debtpart', 'loyalty_programme',
        'loyalty_sale', 'loyalty_saleline', 'loyalty_salereturn', 'loyalty_tierchange', 'loyalty_certificate',
        'loyalty_certificatemovement', 'loyalty_settlement', 'loyalty_settlementday', 'loyalty_settlementnet'
    ]::regclass[] LOOP
        owner := (SELECT quote_ident(pg_get_userbyid(relowner)) FROM pg_class WHERE oid = kept);
        EXECUTE format('REVOKE DELETE, TRUNCATE ON %s FROM %s', kept, owner);
        IF kept = 'loyalty_posting'::regclass THEN
            EXECUTE format('REVOKE UPDATE ON %s FROM %s', kept, owner);
            EXECUTE format('GRANT UPDATE (id) ON %s TO %s', kept, owner);
        ELSIF kept = 'loyalty_transaction'::regclass THEN
            EXECUTE format('REVOKE UPDATE ON %s FROM %s', kept, owner);
            EXECUTE format('GRANT UPDATE (id, reason) ON %s TO %s', kept, owner);
        END IF;
    END LOOP;
END $$;
SELECT loyalty_close_books();
