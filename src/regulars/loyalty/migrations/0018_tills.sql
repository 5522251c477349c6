-- Whoever has this contact, or shows this code of his own page, or the one whom he was merged into, and whether he takes
-- part; two rows when several have it.
CREATE OR REPLACE FUNCTION loyalty_whose(wanted_kind text, wanted text) RETURNS TABLE (id bigint, takes_part boolean)
LANGUAGE sql STABLE ROWS 1 AS $$
    WITH RECURSIVE held (id, merged_into_id) AS (
        SELECT c.id, c.merged_into_id FROM customers_customer c WHERE c.id IN (
            (SELECT customer_id FROM customers_contact WHERE kind = wanted_kind AND value = wanted LIMIT 50)
            UNION ALL
            SELECT customer_id FROM loyalty_customerpage WHERE wanted_kind = 'code' AND till_digest = wanted
        )
        UNION
        SELECT above.id, above.merged_into_id
        FROM held JOIN customers_customer above ON above.id = held.merged_into_id
    ) SELECT held.id, EXISTS (
        SELECT 1 FROM loyalty_account a JOIN loyalty_unit u ON u.id = a.unit_id
        WHERE a.customer_id = held.id AND u.slug = 'points'
    ) FROM held WHERE held.merged_into_id IS NULL LIMIT 2
$$;

-- What each of the receipts is judged by, in the order in which they come; all is read after it is held. Everything is
-- found by keys: to plan it anew for each receipt would take longer than to do it.
CREATE OR REPLACE FUNCTION loyalty_facts(asked jsonb, at timestamptz, hold boolean) RETURNS jsonb LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    points bigint := (SELECT id FROM loyalty_unit WHERE slug = 'points');
    clock text := (SELECT time_zone FROM foundation_business);
    moment timestamptz;
BEGIN
    IF hold THEN PERFORM loyalty_hold_receipts(asked); END IF;
    -- by the clock of whoever asks, and after the wait: what was written meanwhile was written before
    moment := at + (clock_timestamp() - statement_timestamp());
    RETURN jsonb_build_object(
        'now', moment,
        'business', jsonb_build_object('zone', clock, 'points', points),
        'receipts', (SELECT jsonb_agg(jsonb_build_object(
            'is_known', hold AND EXISTS (
                SELECT FROM loyalty_sale s WHERE s.till = o.till AND s.number = o.number
            ),
            'programme', (
                SELECT jsonb_build_array(p.id, p.published_at) FROM loyalty_programme p WHERE p.valid_from <= least(o.at, moment)
                ORDER BY p.valid_from DESC LIMIT 1
            ),
            'partner', (SELECT t.partner_id FROM loyalty_partnertill t WHERE t.till = o.till),
            'store', (
                SELECT jsonb_build_array(st.id, st.time_zone, own.partner_id) FROM purchases_store st
                LEFT JOIN loyalty_partnerstore own ON own.store_id = st.id WHERE st.name = o.store
            ),
            'seller', (SELECT who.id FROM purchases_seller who WHERE who.name = o.cashier),
            'goods', (
                SELECT jsonb_object_agg(p.code, jsonb_build_array(p.id, p.category, p.cost, p.price_raised_on))
                FROM purchases_product p WHERE p.code = ANY (o.codes)
            ),
            'member', (
                SELECT jsonb_build_object(
                    'id', c.id, 'kind', c.kind, 'birth_date', c.birth_date, 'own_fields', c.own_fields,
                    'has', loyalty_has(c.id, points, moment)
                ) FROM customers_customer c WHERE c.id = o.member AND NOT c.is_erased
            ),
            -- a code is good until its moment, at the till that saw it first
            'is_blocked', CASE o.kind
                WHEN 'card' THEN EXISTS (
                    SELECT FROM loyalty_card k WHERE k.number = o.value AND k.blocked_at <= coalesce(o.card_at, moment)
                )
                WHEN 'code' THEN NOT EXISTS (
                    SELECT FROM loyalty_customerpage page
                    WHERE page.till_digest = o.value AND page.till_until > moment AND page.till_seen IN ('', o.till)
                )
                ELSE false
            END,
            -- of cards that were made here: whether it has no plastic, and whether the days that were paid for it last; of
            -- a payment that was taken back after the next one the days went, though the next one's last day has them
            'card', (
                SELECT jsonb_build_array(coalesce(b.is_virtual, false), EXISTS (
                    SELECT FROM loyalty_cardsale paid JOIN loyalty_cardbatch sold ON sold.id = paid.batch_id
                    WHERE paid.card_id = k.id AND paid.cancelled_at IS NULL AND paid.sold_at <= least(o.at, moment)
                    AND paid.until - sold.privilege_days * (
                        SELECT count(*)::int FROM loyalty_cardsale former
                        WHERE former.card_id = k.id AND former.sold_at < paid.sold_at AND former.cancelled_at >= paid.sold_at
                    ) >= (least(o.at, moment) AT TIME ZONE clock)::date
                ))
                FROM loyalty_card k LEFT JOIN loyalty_cardbatch b ON b.id = k.batch_id
                WHERE o.kind = 'card' AND k.number = o.value
            ),
            'is_awaited', hold AND EXISTS (
                SELECT FROM loyalty_waitingreturn w
                WHERE w.sale_till = o.till AND w.sale_number = o.number AND NOT w.wanted ? 'refused'
            )
        ) ORDER BY o.place) FROM (
            SELECT *, CASE WHEN kind <> '' THEN loyalty_member(kind, value) END AS member
            FROM ROWS FROM (jsonb_to_recordset(asked) AS (
                till text, number text, at timestamptz, store text, cashier text, codes text[], kind text, value text,
                card_at timestamptz
            )) WITH ORDINALITY AS t (till, number, at, store, cashier, codes, kind, value, card_at, place)
            OFFSET 0
        ) o)
    );
END $$;

-- The last judge of the receipt's floor, whoever computed its discounts.
CREATE FUNCTION loyalty_judge_floor() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.floor > (
        SELECT coalesce(sum(l.price - l.lowered), 0) FROM loyalty_saleline l WHERE l.sale_id = NEW.id AND l.in_receipt
    ) THEN
        RAISE EXCEPTION 'receipt % of % is sold below its floor', NEW.number, NEW.till USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER judge_floor AFTER INSERT ON loyalty_sale DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.floor > 0) EXECUTE FUNCTION loyalty_judge_floor();

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
