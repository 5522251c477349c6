-- Points that were spent without a look at the balance may be owed; what comes back of such a sale pays the debt first.

CREATE OR REPLACE FUNCTION loyalty_spend(made loyalty_transaction, movement jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
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

CREATE OR REPLACE FUNCTION loyalty_give_back(made loyalty_transaction, movement jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
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
