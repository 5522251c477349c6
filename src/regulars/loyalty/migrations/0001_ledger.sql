-- The one way to write to the ledger: loyalty_write(documents, at). The constraints at the end judge every other way.

-- What a reader of a refusal needs: its code as the message, the figures as the detail.
CREATE FUNCTION loyalty_refuse(code text, figures jsonb DEFAULT '{}') RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', code USING ERRCODE = 'LY001', DETAIL = figures::text;
END $$;

-- Fields of any text, in one form that no two different rows share.
CREATE FUNCTION loyalty_digest(VARIADIC fields text[]) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT sha256(convert_to(to_jsonb(fields)::text, 'UTF8'))
$$;

CREATE FUNCTION loyalty_moment(at timestamptz) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (extract(epoch FROM at) * 1000000)::bigint::text
$$;

-- Not of the reason: it is in somebody's words, and may have to forget whom it names.
CREATE FUNCTION loyalty_digest_of(made loyalty_transaction) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT loyalty_digest(
        made.unit_id::text, made.kind, loyalty_moment(made.recorded_at), loyalty_moment(made.happened_at),
        made.actor, made.source, made.number, made.reverses_id::text, made.settles::text
    )
$$;

CREATE FUNCTION loyalty_link(before bytea, header bytea, account bigint, seq bigint, lot bigint, amount bigint)
RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT sha256(before || header || convert_to(concat_ws('|', account, seq, coalesce(lot, 0), amount), 'UTF8'))
$$;

-- A member's leg. A leg without a lot is his debt: it grows with what is taken and shrinks with what is paid.
CREATE FUNCTION loyalty_leg(made loyalty_transaction, account bigint, lot bigint, points bigint)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    mine loyalty_account;
BEGIN
    UPDATE loyalty_account a SET
        seq = a.seq + 1,
        chain = loyalty_link(a.chain, made.digest, a.id, a.seq + 1, lot, points),
        debt = a.debt - CASE WHEN lot IS NULL THEN points ELSE 0 END
    WHERE a.id = account RETURNING * INTO mine;
    INSERT INTO loyalty_posting (transaction_id, book, account_id, lot_id, amount, seq, chain)
    VALUES (made.id, 'member', account, lot, points, mine.seq, mine.chain);
END $$;

-- A leg of the programme. Its books have no rows of their own: no two writers ever wait for one.
CREATE FUNCTION loyalty_book(made loyalty_transaction, book text, points bigint) RETURNS void LANGUAGE sql AS $$
    INSERT INTO loyalty_posting (transaction_id, book, amount) SELECT made.id, book, points WHERE points <> 0
$$;

-- Take from a lot what is not held.
CREATE FUNCTION loyalty_draw(made loyalty_transaction, lot loyalty_lot, points bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE loyalty_lot SET remaining = remaining - points WHERE id = lot.id;
    PERFORM loyalty_leg(made, lot.account_id, lot.id, -points);
END $$;

CREATE FUNCTION loyalty_new_lot(
    made loyalty_transaction, account bigint, points bigint, from_moment timestamptz, until timestamptz, origin bigint
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    lot bigint;
BEGIN
    INSERT INTO loyalty_lot (account_id, born_in_id, origin_id, granted, remaining, held, available_at, expires_at)
    VALUES (account, made.id, origin, points, points, 0, from_moment, until) RETURNING id INTO lot;
    PERFORM loyalty_leg(made, account, lot, points);
END $$;

-- His lots from which points can be taken at this moment, in the order in which they are taken.
CREATE FUNCTION loyalty_spendable(customer bigint, unit bigint, at timestamptz) RETURNS SETOF loyalty_lot
LANGUAGE sql STABLE AS $$
    SELECT lot.* FROM loyalty_lot lot JOIN loyalty_account a ON a.id = lot.account_id
    WHERE a.customer_id = customer AND a.unit_id = unit AND lot.remaining > 0 AND lot.remaining > lot.held
        AND lot.available_at <= at AND (lot.expires_at IS NULL OR lot.expires_at > at)
    ORDER BY lot.expires_at NULLS LAST, lot.available_at, lot.id
$$;

-- New points. They pay his debt first.
CREATE FUNCTION loyalty_grant(made loyalty_transaction, movement jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    points bigint := (movement ->> 'amount')::bigint;
    rest bigint := points;
    part bigint;
    account loyalty_account;
    first bigint;
    from_moment timestamptz := coalesce((movement ->> 'available_at')::timestamptz, made.recorded_at);
    until timestamptz := (movement ->> 'expires_at')::timestamptz;
BEGIN
    IF until <= from_moment THEN PERFORM loyalty_refuse('expires_before_available'); END IF;
    FOR account IN SELECT * FROM loyalty_account
        WHERE customer_id = (movement ->> 'customer')::bigint AND unit_id = made.unit_id ORDER BY id
    LOOP
        first := coalesce(first, account.id);
        part := least(rest, account.debt);
        IF part > 0 THEN
            PERFORM loyalty_leg(made, account.id, NULL, part);
            rest := rest - part;
        END IF;
    END LOOP;
    IF first IS NULL THEN PERFORM loyalty_refuse('no_account'); END IF;
    IF rest > 0 THEN
        PERFORM loyalty_new_lot(made, first, rest, from_moment, until, NULL);
    END IF;
    PERFORM loyalty_book(made, 'issued', -points);
    RETURN jsonb_build_object('granted', points, 'debt_paid', points - rest);
END $$;

-- Points for goods: the soonest to expire first, then the oldest, then those that never expire. Points that were spent
-- without a look at the balance may be owed.
CREATE FUNCTION loyalty_spend(made loyalty_transaction, movement jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    points bigint := (movement ->> 'amount')::bigint;
    rest bigint := points;
    part bigint;
    lot loyalty_lot;
    account loyalty_account;
    owed bigint := 0;
BEGIN
    FOR lot IN SELECT * FROM loyalty_spendable((movement ->> 'customer')::bigint, made.unit_id, made.recorded_at) LOOP
        EXIT WHEN rest = 0;
        part := least(rest, lot.remaining - lot.held);
        PERFORM loyalty_draw(made, lot, part);
        rest := rest - part;
    END LOOP;
    FOR account IN SELECT * FROM loyalty_account
        WHERE (movement ->> 'owe')::boolean AND customer_id = (movement ->> 'customer')::bigint
            AND unit_id = made.unit_id ORDER BY id
    LOOP
        part := least(rest, account.debt_limit - account.debt);
        IF part > 0 THEN
            PERFORM loyalty_leg(made, account.id, NULL, -part);
            rest := rest - part;
            owed := owed + part;
        END IF;
    END LOOP;
    IF rest > 0 THEN
        PERFORM loyalty_refuse('not_enough', jsonb_build_object('wanted', points, 'available', points - rest));
    END IF;
    PERFORM loyalty_book(made, 'redeemed', points);
    RETURN jsonb_build_object('spent', points, 'owed_for', owed);
END $$;

-- What a sale spent and later transactions have not given back yet, lot by lot; the last one used comes first. A lot
-- that this very return has made stands for the one that had expired; any other takes its own points back.
CREATE FUNCTION loyalty_spent_by(sale bigint) RETURNS TABLE (lot_id bigint, points bigint)
LANGUAGE sql STABLE AS $$
    WITH spent AS (
        SELECT p.lot_id, -sum(p.amount) AS points, max(p.id) AS place FROM loyalty_posting p
        WHERE p.transaction_id = sale AND p.lot_id IS NOT NULL AND p.amount < 0 GROUP BY p.lot_id
    ), back AS (
        SELECT CASE l.born_in_id WHEN t.id THEN coalesce(l.origin_id, l.id) ELSE l.id END AS lot_id,
            sum(p.amount) AS points
        FROM loyalty_transaction t JOIN loyalty_posting p ON p.transaction_id = t.id JOIN loyalty_lot l ON l.id = p.lot_id
        WHERE t.reverses_id = sale AND p.amount > 0 GROUP BY 1
    )
    SELECT s.lot_id, (s.points - coalesce(b.points, 0))::bigint FROM spent s LEFT JOIN back b USING (lot_id)
    WHERE s.points > coalesce(b.points, 0) ORDER BY s.place DESC
$$;

-- Of the points that a sale spent and the member owed: how many later transactions have not given back yet.
CREATE FUNCTION loyalty_owed_by(sale bigint) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT ((
        SELECT coalesce(-sum(p.amount), 0) FROM loyalty_posting p
        WHERE p.transaction_id = sale AND p.account_id IS NOT NULL AND p.lot_id IS NULL AND p.amount < 0
    ) - (
        SELECT coalesce(sum(p.amount), 0) FROM loyalty_transaction t
        JOIN loyalty_posting p ON p.transaction_id = t.id AND p.account_id IS NOT NULL AND p.amount > 0
        LEFT JOIN loyalty_lot l ON l.id = p.lot_id
        WHERE t.reverses_id = sale AND (p.lot_id IS NULL OR l.born_in_id = t.id AND l.origin_id IS NULL)
    ))::bigint
$$;

-- The debt was taken last, and is given back first. What he has paid of it since comes as new points.
CREATE FUNCTION loyalty_give_back_owed(made loyalty_transaction, points bigint, until timestamptz) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    given bigint := least(points, loyalty_owed_by(made.reverses_id));
    rest bigint := given;
    part bigint;
    account loyalty_account;
    first bigint;
BEGIN
    IF given <= 0 THEN RETURN 0; END IF;
    FOR account IN SELECT a.* FROM loyalty_account a WHERE a.unit_id = made.unit_id AND a.customer_id = (
        SELECT his.customer_id FROM loyalty_posting p JOIN loyalty_account his ON his.id = p.account_id
        WHERE p.transaction_id = made.reverses_id ORDER BY p.id LIMIT 1
    ) ORDER BY a.id
    LOOP
        first := coalesce(first, account.id);
        part := least(rest, account.debt);
        IF part > 0 THEN
            PERFORM loyalty_leg(made, account.id, NULL, part);
            rest := rest - part;
        END IF;
    END LOOP;
    IF rest > 0 THEN
        PERFORM loyalty_new_lot(made, first, rest, made.recorded_at, until, NULL);
    END IF;
    RETURN given;
END $$;

-- Points return to the lots they came from. A lot that has expired meanwhile takes them and loses them at once,
-- or, with `late_until`, they live until then in a lot of their own.
CREATE FUNCTION loyalty_give_back(made loyalty_transaction, movement jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    points bigint := (movement ->> 'amount')::bigint;
    rest bigint := points;
    part bigint;
    late_until timestamptz := (movement ->> 'late_until')::timestamptz;
    one record;
    lot loyalty_lot;
    lost bigint := 0;
BEGIN
    rest := rest - loyalty_give_back_owed(made, points, (movement ->> 'expires_at')::timestamptz);
    FOR one IN SELECT * FROM loyalty_spent_by(made.reverses_id) LOOP
        EXIT WHEN rest = 0;
        part := least(rest, one.points);
        rest := rest - part;
        SELECT * INTO lot FROM loyalty_lot WHERE id = one.lot_id;
        IF lot.expires_at <= made.recorded_at AND late_until > made.recorded_at THEN
            PERFORM loyalty_new_lot(made, lot.account_id, part, made.recorded_at, late_until, lot.id);
        ELSE
            UPDATE loyalty_lot SET remaining = remaining + part WHERE id = lot.id;
            PERFORM loyalty_leg(made, lot.account_id, lot.id, part);
            IF lot.expires_at <= made.recorded_at THEN
                PERFORM loyalty_draw(made, lot, part);
                lost := lost + part;
            END IF;
        END IF;
    END LOOP;
    IF rest > 0 THEN
        PERFORM loyalty_refuse('more_than_spent', jsonb_build_object('wanted', points, 'left', points - rest));
    END IF;
    PERFORM loyalty_book(made, 'redeemed', -points);
    PERFORM loyalty_book(made, 'expired', lost);
    RETURN jsonb_build_object('given_back', points - lost, 'expired', lost);
END $$;

-- Take up to so many points from these lots, in this order; how many they were.
CREATE FUNCTION loyalty_draw_from(made loyalty_transaction, points bigint, lots bigint[]) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    rest bigint := points;
    part bigint;
    lot loyalty_lot;
BEGIN
    FOR lot IN SELECT l.* FROM unnest(lots) WITH ORDINALITY one (id, place) JOIN loyalty_lot l USING (id) ORDER BY place
    LOOP
        EXIT WHEN rest = 0;
        part := least(rest, lot.remaining - lot.held);
        PERFORM loyalty_draw(made, lot, part);
        rest := rest - part;
    END LOOP;
    RETURN points - rest;
END $$;

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

-- Of the points of the sale that this one reverses: how many expired, beyond those that earlier returns counted.
CREATE FUNCTION loyalty_expired_unclaimed(made loyalty_transaction) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT greatest(0, (
        SELECT coalesce(-sum(p.amount), 0) FROM loyalty_lot l
        JOIN loyalty_posting p ON p.lot_id = l.id JOIN loyalty_transaction t ON t.id = p.transaction_id
        WHERE l.born_in_id = made.reverses_id AND p.amount < 0 AND (t.kind = 'expiry' OR l.expires_at <= t.recorded_at
            AND EXISTS (
            -- given back too late, and gone at once; of a lot that lives a return of another sale may take what it
            -- has just given
            SELECT 1 FROM loyalty_posting back
            WHERE back.transaction_id = t.id AND back.lot_id = l.id AND back.amount > 0
        ))
    ) - (
        SELECT coalesce(sum(t.settles - (
            SELECT coalesce(sum(p.amount), 0) FROM loyalty_posting p WHERE p.transaction_id = t.id AND p.book = 'void'
        )), 0) FROM loyalty_transaction t WHERE t.reverses_id = made.reverses_id AND t.id <> made.id
    ))::bigint
$$;

-- Take back what a sale granted: from its own lots, then from whatever he has, then as debt up to his limit.
-- Of what has expired meanwhile nothing is taken; beyond the limit of the debt it is forgiven, and said so.
-- It names the condition of the index that has the lots of one member; without it the living lots of all members were
-- read for each return.
CREATE FUNCTION loyalty_take_back(made loyalty_transaction, movement jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    points bigint := (movement ->> 'amount')::bigint;
    unclaimed bigint;
    account loyalty_account;
    own bigint;
    gone bigint;
    others bigint;
    owed bigint;
BEGIN
    SELECT coalesce(-sum(amount), 0) INTO unclaimed FROM loyalty_posting
    WHERE transaction_id = made.reverses_id AND book = 'issued';
    SELECT unclaimed - coalesce(sum(settles), 0) INTO unclaimed FROM loyalty_transaction
    WHERE reverses_id = made.reverses_id AND id <> made.id;
    IF points > unclaimed THEN
        PERFORM loyalty_refuse('more_than_granted', jsonb_build_object('wanted', points, 'left', unclaimed));
    END IF;
    SELECT a.* INTO account FROM loyalty_posting p JOIN loyalty_account a ON a.id = p.account_id
    WHERE p.transaction_id = made.reverses_id AND p.amount > 0 ORDER BY p.id LIMIT 1;
    own := loyalty_draw_from(made, points, ARRAY(
        SELECT id FROM loyalty_lot WHERE born_in_id = made.reverses_id AND remaining > held ORDER BY id
    ));
    gone := least(points - own, loyalty_expired_unclaimed(made));
    others := loyalty_draw_from(made, points - own - gone, ARRAY(
        SELECT lot.id FROM loyalty_lot lot JOIN loyalty_account a ON a.id = lot.account_id
        WHERE a.customer_id = account.customer_id AND a.unit_id = made.unit_id
            AND lot.remaining > 0 AND lot.remaining > lot.held
            AND (lot.expires_at IS NULL OR lot.expires_at > made.recorded_at)
        ORDER BY lot.expires_at NULLS LAST, lot.available_at, lot.id
    ));
    SELECT least(points - own - gone - others, a.debt_limit - a.debt) INTO owed
    FROM loyalty_account a WHERE a.id = account.id;
    IF owed > 0 THEN PERFORM loyalty_leg(made, account.id, NULL, -owed); END IF;
    PERFORM loyalty_book(made, 'void', own + others + owed);
    RETURN jsonb_build_object(
        'taken_back', own + others, 'owed', owed, 'expired_before', gone,
        'forgiven', points - own - gone - others - owed
    );
END $$;

-- What has expired by now goes; held points wait for the word on them.
CREATE FUNCTION loyalty_expire(made loyalty_transaction, movement jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    lot loyalty_lot;
    lost bigint := 0;
BEGIN
    FOR lot IN SELECT l.* FROM loyalty_lot l JOIN loyalty_account a ON a.id = l.account_id
        WHERE a.customer_id = (movement ->> 'customer')::bigint AND a.unit_id = made.unit_id
            AND l.remaining > 0 AND l.remaining > l.held AND l.expires_at <= made.recorded_at
        ORDER BY l.id
    LOOP
        PERFORM loyalty_draw(made, lot, lot.remaining - lot.held);
        lost := lost + lot.remaining - lot.held;
    END LOOP;
    IF lost = 0 THEN PERFORM loyalty_refuse('nothing_expired'); END IF;
    PERFORM loyalty_book(made, 'expired', lost);
    RETURN jsonb_build_object('expired', lost);
END $$;

-- Held points become spent ones.
CREATE FUNCTION loyalty_capture(made loyalty_transaction, movement jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    ended loyalty_hold;
    one record;
BEGIN
    UPDATE loyalty_hold SET state = 'spent', ended_at = made.recorded_at
    WHERE key = movement ->> 'hold' AND unit_id = made.unit_id AND state = 'open' RETURNING * INTO ended;
    IF ended.id IS NULL THEN PERFORM loyalty_refuse('hold_is_over'); END IF;
    FOR one IN SELECT part.amount, lot FROM loyalty_holdpart part JOIN loyalty_lot lot ON lot.id = part.lot_id
        WHERE part.hold_id = ended.id ORDER BY lot.id
    LOOP
        UPDATE loyalty_lot SET held = held - one.amount, remaining = remaining - one.amount WHERE id = (one.lot).id;
        PERFORM loyalty_leg(made, (one.lot).account_id, (one.lot).id, -one.amount);
    END LOOP;
    PERFORM loyalty_book(made, 'redeemed', ended.amount);
    RETURN jsonb_build_object('spent', ended.amount);
END $$;

CREATE FUNCTION loyalty_write_one(document jsonb, at timestamptz) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    made loyalty_transaction;
    known bigint;
    movement jsonb;
    told jsonb;
BEGIN
    made.id := nextval(pg_get_serial_sequence('loyalty_transaction', 'id'));
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

-- Every account that a document is about, in one order everywhere: nobody waits in a circle. Those of the reversed
-- documents and of the holds also by their own ids: a merge at this moment may give them to another customer.
CREATE FUNCTION loyalty_lock(customers bigint[], reversed bigint[], holds text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    meant bigint[] := ARRAY(
        SELECT p.account_id FROM loyalty_posting p WHERE p.transaction_id = ANY (reversed) AND p.account_id IS NOT NULL
    ) || ARRAY(
        SELECT lot.account_id FROM loyalty_hold hold JOIN loyalty_holdpart part ON part.hold_id = hold.id
        JOIN loyalty_lot lot ON lot.id = part.lot_id WHERE hold.key = ANY (holds)
    );
BEGIN
    PERFORM a.id FROM loyalty_account a
    WHERE a.id = ANY (meant) OR a.customer_id = ANY (
        customers || ARRAY(SELECT other.customer_id FROM loyalty_account other WHERE other.id = ANY (meant))
    )
    ORDER BY a.id FOR UPDATE;
END $$;

-- Write documents, each whole or not at all. The answer has one object for each: what was done, or `refused` and why.
CREATE FUNCTION loyalty_write(documents jsonb, at timestamptz) RETURNS jsonb LANGUAGE plpgsql AS $$
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

-- Set points aside. The same key again changes nothing.
CREATE FUNCTION loyalty_hold_points(
    customer bigint, unit bigint, points bigint, hold_key text, at timestamptz, until timestamptz
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    hold bigint;
    rest bigint := points;
    part bigint;
    lot loyalty_lot;
BEGIN
    PERFORM loyalty_lock(ARRAY[customer], '{}', '{}');
    INSERT INTO loyalty_hold (unit_id, key, amount, state, placed_at, until)
    VALUES (unit, hold_key, points, 'open', at, until) ON CONFLICT (key) DO NOTHING RETURNING id INTO hold;
    IF hold IS NULL THEN PERFORM loyalty_refuse('written_before'); END IF;
    FOR lot IN SELECT * FROM loyalty_spendable(customer, unit, at) LOOP
        EXIT WHEN rest = 0;
        part := least(rest, lot.remaining - lot.held);
        UPDATE loyalty_lot SET held = held + part WHERE id = lot.id;
        INSERT INTO loyalty_holdpart (hold_id, lot_id, amount) VALUES (hold, lot.id, part);
        rest := rest - part;
    END LOOP;
    IF rest > 0 THEN
        PERFORM loyalty_refuse('not_enough', jsonb_build_object('wanted', points, 'available', points - rest));
    END IF;
    RETURN jsonb_build_object('held', points);
END $$;

-- Held points are free again.
CREATE FUNCTION loyalty_release(hold_key text, at timestamptz) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    ended loyalty_hold;
BEGIN
    PERFORM loyalty_lock('{}', '{}', ARRAY[hold_key]);
    UPDATE loyalty_hold SET state = 'released', ended_at = at WHERE key = hold_key AND state = 'open'
    RETURNING * INTO ended;
    IF ended.id IS NULL THEN PERFORM loyalty_refuse('hold_is_over'); END IF;
    UPDATE loyalty_lot l SET held = l.held - part.amount FROM loyalty_holdpart part
    WHERE part.hold_id = ended.id AND part.lot_id = l.id;
    RETURN jsonb_build_object('released', ended.amount);
END $$;

-- The judges. They look when a transaction ends, whoever wrote and however.

CREATE FUNCTION loyalty_judge_postings() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    found bigint;
BEGIN
    SELECT sum(amount) INTO found FROM loyalty_posting WHERE transaction_id = NEW.transaction_id;
    IF found <> 0 THEN
        RAISE EXCEPTION 'the postings of transaction % add up to %', NEW.transaction_id, found USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.account_id IS NOT NULL AND NEW.seq > 1 AND NOT EXISTS (
        SELECT 1 FROM loyalty_posting WHERE account_id = NEW.account_id AND seq = NEW.seq - 1
    ) THEN
        RAISE EXCEPTION 'account % has no posting before number %', NEW.account_id, NEW.seq USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.lot_id IS NOT NULL THEN PERFORM loyalty_judge_lot(NEW.lot_id); END IF;
    IF NEW.account_id IS NOT NULL AND NEW.lot_id IS NULL THEN PERFORM loyalty_judge_debt(NEW.account_id); END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION loyalty_judge_lot(lot bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    is_so bigint;
    should_be bigint;
BEGIN
    SELECT l.remaining, (SELECT coalesce(sum(p.amount), 0) FROM loyalty_posting p WHERE p.lot_id = l.id)
    INTO is_so, should_be FROM loyalty_lot l WHERE l.id = lot;
    IF is_so <> should_be THEN
        RAISE EXCEPTION 'lot % has % points, its postings add up to %', lot, is_so, should_be USING ERRCODE = 'check_violation';
    END IF;
END $$;

CREATE FUNCTION loyalty_judge_debt(account bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    is_so bigint;
    should_be bigint;
BEGIN
    SELECT a.debt, (SELECT -coalesce(sum(p.amount), 0) FROM loyalty_posting p WHERE p.account_id = a.id AND p.lot_id IS NULL)
    INTO is_so, should_be FROM loyalty_account a WHERE a.id = account;
    IF is_so <> should_be THEN
        RAISE EXCEPTION 'account % owes %, its postings add up to %', account, is_so, should_be USING ERRCODE = 'check_violation';
    END IF;
END $$;

-- What is judged is the row as it is now: of several updates in one transaction the older ones are no more.
CREATE FUNCTION loyalty_judge_lots() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    is_so bigint;
    should_be bigint;
BEGIN
    PERFORM loyalty_judge_lot(NEW.id);
    SELECT l.held, (
        SELECT coalesce(sum(part.amount), 0) FROM loyalty_holdpart part
        WHERE part.lot_id = l.id AND (SELECT h.state FROM loyalty_hold h WHERE h.id = part.hold_id) = 'open'
    ) INTO is_so, should_be FROM loyalty_lot l WHERE l.id = NEW.id;
    IF is_so <> should_be THEN
        RAISE EXCEPTION 'lot % holds % points, its open holds %', NEW.id, is_so, should_be USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION loyalty_judge_accounts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM loyalty_judge_debt(NEW.id);
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER judge AFTER INSERT ON loyalty_posting DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION loyalty_judge_postings();
CREATE CONSTRAINT TRIGGER judge_new AFTER INSERT ON loyalty_lot DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION loyalty_judge_lots();
CREATE CONSTRAINT TRIGGER judge AFTER UPDATE OF remaining, held ON loyalty_lot DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION loyalty_judge_lots();
CREATE CONSTRAINT TRIGGER judge AFTER UPDATE OF debt ON loyalty_account DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (OLD.debt <> NEW.debt) EXECUTE FUNCTION loyalty_judge_accounts();

CREATE FUNCTION loyalty_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND coalesce(current_setting('regulars.ledger', true), '') = 'erasure'
        AND (to_jsonb(NEW) - 'reason') = (to_jsonb(OLD) - 'reason')
    THEN RETURN NEW; END IF;
    RAISE EXCEPTION 'the ledger is only added to: write a correction' USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON loyalty_posting FOR EACH ROW EXECUTE FUNCTION loyalty_keep();
CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON loyalty_transaction FOR EACH ROW EXECUTE FUNCTION loyalty_keep();
CREATE TRIGGER keep BEFORE DELETE ON loyalty_lot FOR EACH ROW EXECUTE FUNCTION loyalty_keep();
CREATE TRIGGER keep BEFORE DELETE ON loyalty_account FOR EACH ROW EXECUTE FUNCTION loyalty_keep();

-- A plan that was made while the tables were almost empty stays with its connection: it must not read them whole later.
DO $$
DECLARE
    one text;
    way text;
BEGIN
    FOREACH one IN ARRAY ARRAY['write', 'hold_points', 'release', 'judge_postings', 'judge_lots', 'judge_accounts'] LOOP
        FOREACH way IN ARRAY ARRAY['seqscan', 'hashjoin', 'mergejoin'] LOOP
            EXECUTE format('ALTER FUNCTION %I SET enable_%s = off', 'loyalty_' || one, way);
        END LOOP;
    END LOOP;
END $$;
