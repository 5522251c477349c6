-- The way of a receipt in fewer statements. What is judged and written stays as it is.

-- Whoever calls these has them within his own plan: none of them is looked up and planned for each row. They are as
-- immutable as before; the functions of the database within them are called stable, and an immutable one is not merged.
CREATE OR REPLACE FUNCTION loyalty_digest(VARIADIC fields text[]) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT sha256(convert_to(to_jsonb(fields)::text, 'UTF8'))
$$;

CREATE OR REPLACE FUNCTION loyalty_moment(at timestamptz) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT (extract(epoch FROM at) * 1000000)::bigint::text
$$;

-- Not of the reason: it is in somebody's words, and may have to forget whom it names.
CREATE OR REPLACE FUNCTION loyalty_digest_of(made loyalty_transaction) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT loyalty_digest(
        made.unit_id::text, made.kind, loyalty_moment(made.recorded_at), loyalty_moment(made.happened_at),
        made.actor, made.source, made.number, made.reverses_id::text, made.settles::text
    )
$$;

CREATE OR REPLACE FUNCTION loyalty_link(before bytea, header bytea, account bigint, seq bigint, lot bigint, amount bigint)
RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT sha256(before || header || convert_to(concat_ws('|', account, seq, coalesce(lot, 0), amount), 'UTF8'))
$$;

-- A leg of the programme. Its books have no rows of their own: no two writers ever wait for one.
CREATE OR REPLACE FUNCTION loyalty_book(made loyalty_transaction, book text, points bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF points <> 0 THEN
        INSERT INTO loyalty_posting (transaction_id, book, amount) VALUES (made.id, book, points);
    END IF;
END $$;

CREATE OR REPLACE FUNCTION loyalty_write_one(document jsonb, at timestamptz) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    made loyalty_transaction;
    known bigint;
    movement jsonb;
    told jsonb;
BEGIN
    made.id := nextval('loyalty_transaction_id_seq');
    made.unit_id := (document ->> 'unit')::bigint;
    made.kind := document ->> 'kind';
    made.recorded_at := at;
    made.happened_at := coalesce((document ->> 'happened_at')::timestamptz, at);
    made.actor := document ->> 'actor';
    made.reason := coalesce(document ->> 'reason', '');
    made.source := document ->> 'source';
    made.number := document ->> 'number';
    made.reverses_id := (document ->> 'reverses')::bigint;
    made.settles := (
        SELECT coalesce(sum((one ->> 'amount')::bigint), 0) FROM jsonb_array_elements(document -> 'movements') one
        WHERE one ->> 'do' = 'take_back'
    );
    made.digest := loyalty_digest_of(made);
    INSERT INTO loyalty_transaction SELECT (made).* ON CONFLICT (unit_id, source, number, kind) DO NOTHING RETURNING id INTO known;
    IF known IS NULL THEN
        SELECT id INTO known FROM loyalty_transaction t
        WHERE t.unit_id = made.unit_id AND t.source = made.source AND t.number = made.number AND t.kind = made.kind;
        PERFORM loyalty_refuse('written_before', jsonb_build_object('transaction', known));
    END IF;
    told := jsonb_build_object('transaction', made.id);
    FOR movement IN SELECT * FROM jsonb_array_elements(document -> 'movements') LOOP
        IF movement ->> 'do' NOT IN ('expire', 'capture') AND coalesce((movement ->> 'amount')::bigint, 0) <= 0 THEN
            PERFORM loyalty_refuse('not_positive');
        END IF;
        told := told || CASE movement ->> 'do'
            WHEN 'grant' THEN loyalty_grant(made, movement)
            WHEN 'take' THEN loyalty_take(made, movement)
            WHEN 'spend' THEN loyalty_spend(made, movement)
            WHEN 'give_back' THEN loyalty_give_back(made, movement)
            WHEN 'take_back' THEN loyalty_take_back(made, movement)
            WHEN 'expire' THEN loyalty_expire(made, movement)
            WHEN 'capture' THEN loyalty_capture(made, movement)
        END;
        -- what nobody knows to do gives null, and would leave a document without its legs
        IF told IS NULL THEN
            RAISE EXCEPTION 'the ledger does not know how to do %', movement USING ERRCODE = 'invalid_parameter_value';
        END IF;
    END LOOP;
    RETURN told;
END $$;

-- Write documents, each whole or not at all. The answer has one object for each: what was done, or `refused` and why.
-- Everything is found by keys: to plan it anew each time would take longer than to do it.
CREATE OR REPLACE FUNCTION loyalty_write(documents jsonb, at timestamptz) RETURNS jsonb LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    document jsonb;
    answers jsonb := '[]';
    code text;
    figures text;
BEGIN
    PERFORM loyalty_lock(
        ARRAY(SELECT (m ->> 'customer')::bigint FROM jsonb_array_elements(documents) d,
            jsonb_array_elements(d -> 'movements') m WHERE m ? 'customer'),
        ARRAY(SELECT (d ->> 'reverses')::bigint FROM jsonb_array_elements(documents) d WHERE d ->> 'reverses' <> ''),
        ARRAY(SELECT m ->> 'hold' FROM jsonb_array_elements(documents) d,
            jsonb_array_elements(d -> 'movements') m WHERE m ? 'hold')
    );
    FOR document IN SELECT * FROM jsonb_array_elements(documents) LOOP
        BEGIN
            answers := answers || loyalty_write_one(document, at);
        EXCEPTION WHEN SQLSTATE 'LY001' THEN
            GET STACKED DIAGNOSTICS code = MESSAGE_TEXT, figures = PG_EXCEPTION_DETAIL;
            answers := answers || jsonb_build_object('refused', code, 'figures', figures::jsonb);
        END;
    END LOOP;
    RETURN answers;
END $$;

-- The same for documents of receipts that only spend points and grant some, as nearly all do: each row is found in
-- memory first, then all of a kind are written by one statement. Null, and nothing is written, when one of them is
-- more than that, or would be refused: loyalty_write knows the rest.
CREATE FUNCTION loyalty_write_plain(documents jsonb, at timestamptz) RETURNS jsonb LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    one record;
    lot loyalty_lot;
    made loyalty_transaction;
    leg loyalty_posting;
    contra loyalty_posting;
    rest bigint;
    part bigint;
    accounts bigint[] := '{}';
    seqs bigint[];
    chains bytea[];
    transactions loyalty_transaction[];
    lots loyalty_lot[] := '{}';
    drawn bigint[] := '{}';
    parts bigint[];
    legs loyalty_posting[];
    answers jsonb := '[]';
BEGIN
    PERFORM loyalty_lock(
        ARRAY(SELECT (m ->> 'customer')::bigint FROM jsonb_array_elements(documents) d,
            jsonb_array_elements(d -> 'movements') m),
        '{}', '{}'
    );
    FOR one IN
        SELECT d.*, d.spends ->> 'do' = 'spend' AND d.spends ->> 'owe' IS NULL AND d.reverses IS NULL
                AND (d.grants IS NULL OR d.grants ->> 'do' = 'grant' AND d.grants ->> 'customer' = d.spends ->> 'customer')
                OR d.spends IS NULL AND d.reverses IS NULL AND d.grants ->> 'do' = 'grant' AS is_plain,
            (d.spends ->> 'amount')::bigint AS spent, (d.grants ->> 'amount')::bigint AS granted,
            coalesce((d.grants ->> 'available_at')::timestamptz, at) AS usable,
            (d.grants ->> 'expires_at')::timestamptz AS until,
            a.id AS account, a.customer_id AS customer, a.seq, a.chain, a.debt, count(*) OVER (PARTITION BY d.place) AS several
        FROM (
            SELECT t.*, CASE WHEN movements -> 0 ->> 'do' <> 'grant' THEN movements -> 0 END AS spends,
                CASE WHEN movements -> 0 ->> 'do' = 'grant' OR jsonb_array_length(movements) > 1 THEN movements -> -1 END AS grants
            FROM ROWS FROM (jsonb_to_recordset(documents) AS (
                unit bigint, kind text, source text, number text, actor text, reason text, movements jsonb,
                happened_at timestamptz, reverses bigint
            )) WITH ORDINALITY AS t (unit, kind, source, number, actor, reason, movements, happened_at, reverses, place)
            OFFSET 0
        ) d
        JOIN loyalty_account a
            ON a.customer_id = (coalesce(d.spends, d.grants) ->> 'customer')::bigint AND a.unit_id = d.unit
        ORDER BY d.place
    LOOP
        IF one.is_plain IS NOT TRUE OR jsonb_array_length(one.movements) > num_nonnulls(one.spends, one.grants)
            OR one.several > 1 OR one.account = ANY (accounts) OR one.granted > 0 AND one.debt > 0
            OR coalesce(one.spent, 1) <= 0 OR coalesce(one.granted, 1) <= 0 OR one.until <= one.usable
            OR num_nonnulls(one.spent, one.granted) <> num_nonnulls(one.spends, one.grants)
            OR EXISTS (
                SELECT FROM loyalty_transaction t WHERE t.unit_id = one.unit AND t.source = one.source
                    AND t.number = one.number AND t.kind = one.kind
            )
        THEN RETURN NULL; END IF;
        made := NULL;
        made.id := nextval('loyalty_transaction_id_seq');
        made.unit_id := one.unit;
        made.kind := one.kind;
        made.recorded_at := at;
        made.happened_at := coalesce(one.happened_at, at);
        made.actor := one.actor;
        made.reason := coalesce(one.reason, '');
        made.source := one.source;
        made.number := one.number;
        made.settles := 0;
        made.digest := loyalty_digest_of(made);
        transactions := transactions || made;
        leg := NULL;
        leg.transaction_id := made.id;
        leg.account_id := one.account;
        leg.seq := one.seq;
        leg.chain := one.chain;
        contra := NULL;
        contra.transaction_id := made.id;
        IF one.spent > 0 THEN
            rest := one.spent;
            FOR lot IN SELECT * FROM loyalty_spendable(one.customer, one.unit, at) LOOP
                EXIT WHEN rest = 0;
                part := least(rest, lot.remaining - lot.held);
                rest := rest - part;
                drawn := drawn || lot.id;
                parts := parts || part;
                leg.book := 'member';
                leg.lot_id := lot.id;
                leg.amount := -part;
                leg.seq := leg.seq + 1;
                leg.chain := loyalty_link(leg.chain, made.digest, leg.account_id, leg.seq, leg.lot_id, leg.amount);
                legs := legs || leg;
            END LOOP;
            IF rest > 0 THEN RETURN NULL; END IF;
            contra.book := 'redeemed';
            contra.amount := one.spent;
            legs := legs || contra;
        END IF;
        IF one.granted > 0 THEN
            lot := NULL;
            lot.id := nextval('loyalty_lot_id_seq');
            lot.account_id := one.account;
            lot.born_in_id := made.id;
            lot.granted := one.granted;
            lot.available_at := one.usable;
            lot.expires_at := one.until;
            lots := lots || lot;
            leg.book := 'member';
            leg.lot_id := lot.id;
            leg.amount := one.granted;
            leg.seq := leg.seq + 1;
            leg.chain := loyalty_link(leg.chain, made.digest, leg.account_id, leg.seq, leg.lot_id, leg.amount);
            legs := legs || leg;
            contra.book := 'issued';
            contra.amount := -one.granted;
            legs := legs || contra;
        END IF;
        accounts := accounts || one.account;
        seqs := seqs || leg.seq;
        chains := chains || leg.chain;
        answers := answers || (jsonb_build_object('transaction', made.id)
            || CASE WHEN one.spent > 0 THEN jsonb_build_object('spent', one.spent, 'owed_for', 0) ELSE '{}' END
            || CASE WHEN one.granted > 0 THEN jsonb_build_object('granted', one.granted, 'debt_paid', 0) ELSE '{}' END);
    END LOOP;
    IF jsonb_array_length(answers) < jsonb_array_length(documents) THEN RETURN NULL; END IF;
    INSERT INTO loyalty_transaction SELECT t.* FROM unnest(transactions) t;
    IF lots <> '{}' THEN
        INSERT INTO loyalty_lot (id, account_id, born_in_id, granted, remaining, held, available_at, expires_at)
        SELECT l.id, l.account_id, l.born_in_id, l.granted, l.granted, 0, l.available_at, l.expires_at FROM unnest(lots) l;
    END IF;
    IF drawn <> '{}' THEN
        UPDATE loyalty_lot l SET remaining = l.remaining - d.points
        FROM unnest(drawn, parts) d (lot, points) WHERE l.id = d.lot;
    END IF;
    UPDATE loyalty_account a SET seq = w.seq, chain = w.chain
    FROM unnest(accounts, seqs, chains) w (account, seq, chain) WHERE a.id = w.account;
    INSERT INTO loyalty_posting (transaction_id, book, account_id, lot_id, amount, seq, chain)
    SELECT l.transaction_id, l.book, l.account_id, l.lot_id, l.amount, l.seq, l.chain FROM unnest(legs) l;
    RETURN answers;
END $$;

-- The judges ask once for all that they compare.
CREATE OR REPLACE FUNCTION loyalty_judge_postings() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off AS $$
DECLARE
    found bigint;
    is_after boolean;
    is_so bigint;
    should_be bigint;
BEGIN
    SELECT (SELECT sum(p.amount) FROM loyalty_posting p WHERE p.transaction_id = NEW.transaction_id),
        NEW.account_id IS NULL OR NEW.seq <= 1 OR EXISTS (
            SELECT 1 FROM loyalty_posting p WHERE p.account_id = NEW.account_id AND p.seq = NEW.seq - 1
        ),
        (SELECT l.remaining FROM loyalty_lot l WHERE l.id = NEW.lot_id),
        (SELECT coalesce(sum(p.amount), 0) FROM loyalty_posting p WHERE p.lot_id = NEW.lot_id)
    INTO found, is_after, is_so, should_be;
    IF found <> 0 THEN
        RAISE EXCEPTION 'the postings of transaction % add up to %', NEW.transaction_id, found USING ERRCODE = 'check_violation';
    END IF;
    IF NOT is_after THEN
        RAISE EXCEPTION 'account % has no posting before number %', NEW.account_id, NEW.seq USING ERRCODE = 'check_violation';
    END IF;
    IF is_so <> should_be THEN
        RAISE EXCEPTION 'lot % has % points, its postings add up to %', NEW.lot_id, is_so, should_be USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.account_id IS NOT NULL AND NEW.lot_id IS NULL THEN PERFORM loyalty_judge_debt(NEW.account_id); END IF;
    RETURN NULL;
END $$;

-- What is judged is the row as it is now: of several updates in one transaction the older ones are no more.
CREATE OR REPLACE FUNCTION loyalty_judge_lots() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off AS $$
DECLARE
    points bigint;
    moved bigint;
    is_held bigint;
    should_hold bigint;
BEGIN
    SELECT l.remaining, (SELECT coalesce(sum(p.amount), 0) FROM loyalty_posting p WHERE p.lot_id = l.id), l.held, (
        SELECT coalesce(sum(part.amount), 0) FROM loyalty_holdpart part
        WHERE part.lot_id = l.id AND (SELECT h.state FROM loyalty_hold h WHERE h.id = part.hold_id) = 'open'
    ) INTO points, moved, is_held, should_hold FROM loyalty_lot l WHERE l.id = NEW.id;
    IF points <> moved THEN
        RAISE EXCEPTION 'lot % has % points, its postings add up to %', NEW.id, points, moved USING ERRCODE = 'check_violation';
    END IF;
    IF is_held <> should_hold THEN
        RAISE EXCEPTION 'lot % holds % points, its open holds %', NEW.id, is_held, should_hold USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
DROP FUNCTION loyalty_judge_lot(bigint);

-- The one member with this contact. Nearly everybody has it alone and was never merged: then nobody else is looked for.
CREATE OR REPLACE FUNCTION loyalty_member(wanted_kind text, wanted text) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
    many bigint;
    found bigint;
    is_merged boolean;
    takes_part boolean;
BEGIN
    IF wanted_kind <> 'code' THEN
        SELECT count(*), min(c.id), bool_or(c.merged_into_id IS NOT NULL), bool_or(EXISTS (
            SELECT 1 FROM loyalty_account a JOIN loyalty_unit u ON u.id = a.unit_id
            WHERE a.customer_id = c.id AND u.slug = 'points'
        )) INTO many, found, is_merged, takes_part
        FROM (SELECT k.customer_id FROM customers_contact k WHERE k.kind = wanted_kind AND k.value = wanted LIMIT 2) held
        JOIN customers_customer c ON c.id = held.customer_id;
        IF many = 0 THEN RETURN NULL; END IF;
        IF many = 1 AND NOT is_merged THEN RETURN CASE WHEN takes_part THEN found END; END IF;
    END IF;
    RETURN (
        SELECT min(w.id) FROM loyalty_whose(wanted_kind, wanted) w HAVING count(*) = 1 AND bool_and(w.takes_part)
    );
END $$;

-- The members of receipts, in the order of these; null for whoever is none.
CREATE FUNCTION loyalty_members(asked jsonb) RETURNS bigint[] LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ARRAY(
        SELECT CASE WHEN o ->> 'kind' <> '' THEN loyalty_member(o ->> 'kind', o ->> 'value') END
        FROM jsonb_array_elements(asked) WITH ORDINALITY t (o, place) ORDER BY place
    );
END $$;

-- Nobody else works at these numbers, nor judges a receipt of these members, until the end of the transaction. Each kind
-- is held in one order everywhere. Who was merged while we waited is looked for again. The members are answered.
DROP FUNCTION loyalty_hold_receipts(jsonb);
CREATE FUNCTION loyalty_hold_receipts(asked jsonb) RETURNS bigint[] LANGUAGE plpgsql AS $$
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
        members := loyalty_members(asked);
        EXIT WHEN array_remove(members, NULL) <@ held;
        PERFORM 1 FROM customers_customer WHERE id = ANY (members) ORDER BY id FOR NO KEY UPDATE;
        held := held || array_remove(members, NULL);
    END LOOP;
    RETURN members;
END $$;

-- What each of the receipts is judged by, in the order in which they come; all is read after it is held. Everything is
-- found by keys: to plan it anew for each receipt would take longer than to do it.
CREATE OR REPLACE FUNCTION loyalty_facts(asked jsonb, at timestamptz, hold boolean) RETURNS jsonb LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    points bigint := (SELECT id FROM loyalty_unit WHERE slug = 'points');
    clock text := (SELECT time_zone FROM foundation_business);
    members bigint[];
    moment timestamptz;
BEGIN
    IF hold THEN members := loyalty_hold_receipts(asked); ELSE members := loyalty_members(asked); END IF;
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
                ) FROM customers_customer c WHERE c.id = members[o.place] AND NOT c.is_erased
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
        ) ORDER BY o.place) FROM ROWS FROM (jsonb_to_recordset(asked) AS (
            till text, number text, at timestamptz, store text, cashier text, codes text[], kind text, value text,
            card_at timestamptz
        )) WITH ORDINALITY AS o (till, number, at, store, cashier, codes, kind, value, card_at, place))
    );
END $$;

-- Write receipts whole: points, goods, sales and what other programs are told. `told` has the rows as the tables have
-- them, in four arrays of one entry for each receipt; a sale says the place of its document. The answer has what each
-- sale was given. A document that the ledger refuses is answered instead, and whoever asked has to leave the transaction.
CREATE OR REPLACE FUNCTION loyalty_record(documents jsonb, told jsonb, at timestamptz) RETURNS jsonb LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    points bigint := (SELECT id FROM loyalty_unit WHERE slug = 'points');
    many int := jsonb_array_length(told -> 'sales');
    receipts bigint[] := ARRAY(SELECT nextval('purchases_receipt_id_seq') FROM generate_series(1, many));
    sales bigint[] := ARRAY(SELECT nextval('loyalty_sale_id_seq') FROM generate_series(1, many));
    written jsonb := '[]';
    answer jsonb;
BEGIN
    IF jsonb_array_length(documents) > 0 THEN
        written := loyalty_write_plain(documents, at);
        IF written IS NULL THEN
            written := loyalty_write(documents, at);
            SELECT one INTO answer FROM jsonb_array_elements(written) one WHERE one ? 'refused' LIMIT 1;
            IF answer IS NOT NULL THEN RETURN answer; END IF;
        END IF;
    END IF;
    INSERT INTO purchases_receipt SELECT made.* FROM jsonb_array_elements(told -> 'receipts') WITH ORDINALITY t (one, place)
    CROSS JOIN LATERAL jsonb_populate_record(
        NULL::purchases_receipt, one || jsonb_build_object('id', receipts[place], 'created_at', now())
    ) made;
    INSERT INTO purchases_line SELECT made.* FROM jsonb_array_elements(told -> 'lines') WITH ORDINALITY t (its, place)
    CROSS JOIN LATERAL jsonb_array_elements(its) one
    CROSS JOIN LATERAL jsonb_populate_record(
        NULL::purchases_line, one || jsonb_build_object('receipt_id', receipts[place])
    ) made;
    WITH written_sales AS (
        INSERT INTO loyalty_sale SELECT made.* FROM jsonb_array_elements(told -> 'sales') WITH ORDINALITY t (one, place)
        CROSS JOIN LATERAL jsonb_populate_record(NULL::loyalty_sale, one || jsonb_build_object(
            'id', sales[place], 'receipt_id', receipts[place],
            'transaction_id', written -> (one ->> 'document')::int -> 'transaction',
            'stamps', CASE WHEN one -> 'stamps' = '[]' THEN '[]' ELSE (
                SELECT jsonb_agg(jsonb_build_array(
                    s -> 0, s -> 1, s -> 2, written -> (s ->> 3)::int -> 'transaction'
                ) ORDER BY nth) FROM jsonb_array_elements(one -> 'stamps') WITH ORDINALITY t (s, nth)
            ) END,
            'balance', CASE WHEN one ->> 'customer_id' IS NOT NULL THEN
                (loyalty_has((one ->> 'customer_id')::bigint, points, at))[1] END
        )) made RETURNING id, receipt_id, stamps, transaction_id, balance
    ) SELECT jsonb_agg(to_jsonb(s) ORDER BY array_position(sales, s.id)) INTO answer FROM written_sales s;
    INSERT INTO loyalty_saleline SELECT made.* FROM jsonb_array_elements(told -> 'sale_lines') WITH ORDINALITY t (its, place)
    CROSS JOIN LATERAL jsonb_array_elements(its) one
    CROSS JOIN LATERAL jsonb_populate_record(NULL::loyalty_saleline, one || jsonb_build_object(
        'id', nextval('loyalty_saleline_id_seq'), 'sale_id', sales[place]
    )) made;
    INSERT INTO foundation_happening (event, content)
    SELECT 'receipts.recorded', jsonb_build_object('receipts', 1, 'sale', id) FROM unnest(sales) id;
    RETURN answer;
END $$;
