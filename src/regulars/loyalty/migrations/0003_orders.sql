-- What he has as the ledger stands: points that can be spent, that come later, whose time is over, his debt, and what of
-- those that could be spent is set aside for an order.
CREATE OR REPLACE FUNCTION loyalty_has(customer bigint, unit bigint, at timestamptz) RETURNS bigint[]
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        SELECT ARRAY[
            coalesce(sum(l.remaining - l.held) FILTER (
                WHERE l.available_at <= at AND (l.expires_at IS NULL OR l.expires_at > at)
            ), 0),
            coalesce(sum(l.remaining) FILTER (WHERE l.available_at > at), 0),
            coalesce(sum(l.remaining) FILTER (WHERE l.expires_at <= at), 0),
            (SELECT coalesce(sum(a.debt), 0) FROM loyalty_account a WHERE a.customer_id = customer AND a.unit_id = unit),
            coalesce(sum(l.held) FILTER (
                WHERE l.available_at <= at AND (l.expires_at IS NULL OR l.expires_at > at)
            ), 0)
        ]::bigint[]
        FROM loyalty_account a JOIN loyalty_lot l ON l.account_id = a.id AND l.remaining > 0
        WHERE a.customer_id = customer AND a.unit_id = unit
    );
END $$;

-- Held points become spent ones, or so many of them, in the order in which points are spent; the rest is free again.
CREATE OR REPLACE FUNCTION loyalty_capture(made loyalty_transaction, movement jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    ended loyalty_hold;
    points bigint;
    rest bigint;
    taken bigint;
    one record;
BEGIN
    UPDATE loyalty_hold SET state = 'spent', ended_at = made.recorded_at
    WHERE key = movement ->> 'hold' AND unit_id = made.unit_id AND state = 'open' RETURNING * INTO ended;
    IF ended.id IS NULL THEN PERFORM loyalty_refuse('hold_is_over'); END IF;
    points := coalesce((movement ->> 'amount')::bigint, ended.amount);
    IF points <= 0 THEN PERFORM loyalty_refuse('not_positive'); END IF;
    IF points > ended.amount THEN
        PERFORM loyalty_refuse('not_enough', jsonb_build_object('wanted', points, 'available', ended.amount));
    END IF;
    rest := points;
    FOR one IN SELECT part.amount, lot FROM loyalty_holdpart part JOIN loyalty_lot lot ON lot.id = part.lot_id
        WHERE part.hold_id = ended.id ORDER BY lot.expires_at NULLS LAST, lot.available_at, lot.id
    LOOP
        taken := least(rest, one.amount);
        UPDATE loyalty_lot SET held = held - one.amount, remaining = remaining - taken WHERE id = (one.lot).id;
        IF taken > 0 THEN PERFORM loyalty_leg(made, (one.lot).account_id, (one.lot).id, -taken); END IF;
        rest := rest - taken;
    END LOOP;
    PERFORM loyalty_book(made, 'redeemed', points);
    RETURN jsonb_build_object('spent', points);
END $$;
