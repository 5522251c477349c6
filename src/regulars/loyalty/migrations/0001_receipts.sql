-- A receipt in two calls: everything that it is judged by, and everything that it writes. Both take many at once.

-- Whoever has this contact, or shows this code of his own page, or the one whom he was merged into, and whether he takes
-- part; two rows when several have it.
CREATE FUNCTION loyalty_whose(wanted_kind text, wanted text) RETURNS TABLE (id bigint, takes_part boolean)
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

-- The one member with this contact.
CREATE FUNCTION loyalty_member(wanted_kind text, wanted text) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        SELECT min(w.id) FROM loyalty_whose(wanted_kind, wanted) w HAVING count(*) = 1 AND bool_and(w.takes_part)
    );
END $$;

-- What he has as the ledger stands: points that can be spent, that come later, whose time is over, and his debt.
CREATE FUNCTION loyalty_has(customer bigint, unit bigint, at timestamptz) RETURNS bigint[] LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        SELECT ARRAY[
            coalesce(sum(l.remaining) FILTER (
                WHERE l.available_at <= at AND (l.expires_at IS NULL OR l.expires_at > at)
            ), 0),
            coalesce(sum(l.remaining) FILTER (WHERE l.available_at > at), 0),
            coalesce(sum(l.remaining) FILTER (WHERE l.expires_at <= at), 0),
            (SELECT coalesce(sum(a.debt), 0) FROM loyalty_account a WHERE a.customer_id = customer AND a.unit_id = unit)
        ]::bigint[]
        FROM loyalty_account a JOIN loyalty_lot l ON l.account_id = a.id AND l.remaining > 0
        WHERE a.customer_id = customer AND a.unit_id = unit
    );
END $$;

-- Nobody else works at these numbers, nor judges a receipt of these members, until the end of the transaction. Each kind
-- is held in one order everywhere. Who was merged while we waited is looked for again.
CREATE FUNCTION loyalty_hold_receipts(asked jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    one jsonb;
    members bigint[];
    held bigint[] := '{}';
BEGIN
    FOR one IN SELECT o FROM jsonb_array_elements(asked) o
        ORDER BY o ->> 'till' COLLATE "C", o ->> 'number' COLLATE "C"
    LOOP
        PERFORM pg_advisory_xact_lock(
            hashtextextended(concat_ws(chr(31), 'sale', one ->> 'till', one ->> 'number'), 0)
        );
    END LOOP;
    LOOP
        members := ARRAY(
            SELECT DISTINCT whose.id FROM (
                SELECT loyalty_member(o ->> 'kind', o ->> 'value') AS id
                FROM jsonb_array_elements(asked) o WHERE o ->> 'kind' <> '' OFFSET 0
            ) whose WHERE whose.id IS NOT NULL ORDER BY 1
        );
        EXIT WHEN members <@ held;
        PERFORM 1 FROM customers_customer WHERE id = ANY (members) ORDER BY id FOR NO KEY UPDATE;
        held := held || members;
    END LOOP;
END $$;

-- What each of the receipts is judged by, in the order in which they come; all is read after it is held. Everything is
-- found by keys: to plan it anew for each receipt would take longer than to do it.
CREATE FUNCTION loyalty_facts(asked jsonb, at timestamptz, hold boolean) RETURNS jsonb LANGUAGE plpgsql
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

-- Write receipts whole: points, goods, sales and what other programs are told. Each is an object with the rows as the
-- tables have them and the places of its documents; the answer has what each row was given. A document that the
-- ledger refuses is answered instead, and whoever asked has to leave the transaction.
CREATE FUNCTION loyalty_record(documents jsonb, told jsonb, at timestamptz) RETURNS jsonb LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    points bigint := (SELECT id FROM loyalty_unit WHERE slug = 'points');
    written jsonb := '[]';
    rows jsonb;
BEGIN
    IF jsonb_array_length(documents) > 0 THEN
        written := loyalty_write(documents, at);
        SELECT one INTO rows FROM jsonb_array_elements(written) one WHERE one ? 'refused' LIMIT 1;
        IF rows IS NOT NULL THEN RETURN rows; END IF;
    END IF;
    SELECT jsonb_agg(jsonb_build_object(
        'receipt', one -> 'receipt' || jsonb_build_object('id', receipt_id, 'created_at', now()),
        'lines', one -> 'lines',
        'sale', one -> 'sale' || jsonb_build_object(
            'id', sale_id, 'receipt_id', receipt_id,
            'transaction_id', written -> (one ->> 'document')::int -> 'transaction',
            'stamps', (
                SELECT coalesce(jsonb_agg(jsonb_build_array(
                    s -> 0, s -> 1, s -> 2, written -> (s ->> 3)::int -> 'transaction'
                ) ORDER BY place), '[]') FROM jsonb_array_elements(one -> 'sale' -> 'stamps') WITH ORDINALITY t (s, place)
            ),
            'balance', CASE WHEN one -> 'sale' ->> 'customer_id' IS NOT NULL THEN
                (loyalty_has((one -> 'sale' ->> 'customer_id')::bigint, points, at))[1] END
        ),
        'sale_lines', one -> 'sale_lines'
    ) ORDER BY place) INTO rows FROM (
        SELECT one, place, nextval(pg_get_serial_sequence('purchases_receipt', 'id')) AS receipt_id,
            nextval(pg_get_serial_sequence('loyalty_sale', 'id')) AS sale_id
        FROM jsonb_array_elements(told) WITH ORDINALITY t (one, place)
    ) numbered;
    INSERT INTO purchases_receipt SELECT made.* FROM jsonb_array_elements(rows) one
    CROSS JOIN LATERAL jsonb_populate_record(NULL::purchases_receipt, one -> 'receipt') made;
    INSERT INTO purchases_line SELECT made.* FROM jsonb_array_elements(rows) one
    CROSS JOIN LATERAL jsonb_array_elements(one -> 'lines') line
    CROSS JOIN LATERAL jsonb_populate_record(
        NULL::purchases_line, line || jsonb_build_object('receipt_id', one -> 'receipt' -> 'id')
    ) made;
    INSERT INTO loyalty_sale SELECT made.* FROM jsonb_array_elements(rows) one
    CROSS JOIN LATERAL jsonb_populate_record(NULL::loyalty_sale, one -> 'sale') made;
    INSERT INTO loyalty_saleline SELECT made.* FROM jsonb_array_elements(rows) one
    CROSS JOIN LATERAL jsonb_array_elements(one -> 'sale_lines') line
    CROSS JOIN LATERAL jsonb_populate_record(NULL::loyalty_saleline, line || jsonb_build_object(
        'id', nextval(pg_get_serial_sequence('loyalty_saleline', 'id')), 'sale_id', one -> 'sale' -> 'id'
    )) made;
    INSERT INTO foundation_happening (event, content)
    SELECT 'receipts.recorded', jsonb_build_object('receipts', 1, 'sale', one -> 'sale' -> 'id')
    FROM jsonb_array_elements(rows) one;
    RETURN (
        SELECT jsonb_agg(jsonb_build_object(
            'id', one -> 'sale' -> 'id', 'receipt_id', one -> 'sale' -> 'receipt_id', 'stamps', one -> 'sale' -> 'stamps',
            'transaction_id', one -> 'sale' -> 'transaction_id', 'balance', one -> 'sale' -> 'balance'
        ) ORDER BY place) FROM jsonb_array_elements(rows) WITH ORDINALITY t (one, place)
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
