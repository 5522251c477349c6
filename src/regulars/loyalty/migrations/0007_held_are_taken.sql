-- What is set aside for an order is taken before anything is forgiven: else whoever sets points aside, brings back what gave
-- them and lets the order go has them for nothing.

-- Of points that are set aside, the newest order first; an order of which something is taken is let go. How many it took.
CREATE FUNCTION loyalty_draw_from_holds(made loyalty_transaction, points bigint, customer bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    rest bigint := points;
    hold bigint;
BEGIN
    IF points <= 0 THEN RETURN 0; END IF;
    FOR hold IN SELECT h.id FROM loyalty_hold h WHERE h.state = 'open' AND h.unit_id = made.unit_id AND EXISTS (
        SELECT FROM loyalty_holdpart part JOIN loyalty_lot l ON l.id = part.lot_id
        JOIN loyalty_account a ON a.id = l.account_id WHERE part.hold_id = h.id AND a.customer_id = customer
    ) ORDER BY h.id DESC
    LOOP
        EXIT WHEN rest = 0;
        UPDATE loyalty_hold SET state = 'released', ended_at = made.recorded_at WHERE id = hold;
        UPDATE loyalty_lot l SET held = l.held - part.amount FROM loyalty_holdpart part
        WHERE part.hold_id = hold AND part.lot_id = l.id;
        rest := rest - loyalty_draw_from(made, rest, ARRAY(
            -- who was merged when they were set aside may be somebody else by now
            SELECT l.id FROM loyalty_holdpart part JOIN loyalty_lot l ON l.id = part.lot_id
            JOIN loyalty_account a ON a.id = l.account_id WHERE part.hold_id = hold AND a.customer_id = customer
            ORDER BY l.expires_at NULLS LAST, l.available_at, l.id
        ));
    END LOOP;
    RETURN points - rest;
END $$;

-- Take back what a sale granted: from its own lots, then from whatever he has, then as debt up to his limit, then from
-- what is set aside. Of what has expired meanwhile nothing is taken; the rest is forgiven, and said so.
-- It names the condition of the index that has the lots of one member; without it the living lots of all members were
-- read for each return.
CREATE OR REPLACE FUNCTION loyalty_take_back(made loyalty_transaction, movement jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    points bigint := (movement ->> 'amount')::bigint;
    unclaimed bigint;
    account loyalty_account;
    own bigint;
    gone bigint;
    others bigint;
    owed bigint;
    freed bigint;
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
    owed := greatest(owed, 0);
    freed := loyalty_draw_from_holds(made, points - own - gone - others - owed, account.customer_id);
    PERFORM loyalty_book(made, 'void', own + others + owed + freed);
    RETURN jsonb_build_object(
        'taken_back', own + others + freed, 'owed', owed, 'expired_before', gone,
        'forgiven', points - own - gone - others - owed - freed
    );
END $$;
