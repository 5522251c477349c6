-- A return looks at the lots of one member. It names the condition of the index that has them; without it the living lots
-- of all members were read for each return.
CREATE OR REPLACE FUNCTION loyalty_take_back(made loyalty_transaction, movement jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
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
