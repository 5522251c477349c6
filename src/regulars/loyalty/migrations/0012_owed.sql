-- A price that no date can choose, and debts that are settled with the partner whose points are owed.

-- The contract of a purchase: of those in force between its day and three days before it was told, the worst for the
-- partner. So a till may be late for three days after a change; after that a date of before it brings nothing.
CREATE FUNCTION loyalty_contract_for(partner bigint, side text, bought date, told date) RETURNS loyalty_contract
LANGUAGE sql STABLE AS $$
    SELECT c FROM loyalty_contract c WHERE c.partner_id = partner
        AND c.begins_on >= (SELECT max(begins_on) FROM loyalty_contract WHERE partner_id = partner AND begins_on <= bought)
        AND c.begins_on <= greatest(bought, told - 3)
    ORDER BY CASE side WHEN 'redeemed' THEN c.redeem_price ELSE -c.issue_price END, c.begins_on LIMIT 1
$$;

-- Points that a partner gives or takes. Limits are those of the day on which it is told: no date chooses them either.
CREATE OR REPLACE FUNCTION loyalty_settle_new(made loyalty_transaction, posting bigint, kind text, points bigint)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    partner bigint := (SELECT partner_id FROM loyalty_partnertill WHERE till = made.source);
    bought date;
    told date;
    terms loyalty_contract;
    limits loyalty_contract;
BEGIN
    IF partner IS NULL THEN RETURN; END IF;
    bought := loyalty_day_of(made.happened_at);
    told := loyalty_day_of(made.recorded_at);
    terms := loyalty_contract_for(partner, kind, bought, told);
    IF terms.id IS NULL THEN PERFORM loyalty_refuse('no_contract', jsonb_build_object('day', bought)); END IF;
    SELECT * INTO limits FROM loyalty_contract c WHERE c.partner_id = partner AND c.begins_on <= greatest(bought, told)
    ORDER BY c.begins_on DESC LIMIT 1;
    PERFORM loyalty_count_use(limits, told, kind, points);
    INSERT INTO loyalty_settlement (posting_id, root_id, partner_id, contract_id, kind, points, amount, told_on, due_on)
    VALUES (posting, made.id, partner, terms.id, kind, points, loyalty_worth(kind, points, terms), told,
        bought + terms.settled_after_days);
END $$;

-- What comes back of a sale (less than zero: what is out again), at the price of then: whatever is left of it costs as
-- much as if it had been all. Of `root` two may write at one moment, when its buyer was merged and parted again.
DROP FUNCTION loyalty_settle_back(loyalty_transaction, bigint, text, bigint);
CREATE FUNCTION loyalty_settle_back(made loyalty_transaction, posting bigint, root bigint, kind text, back bigint)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    side text := CASE kind WHEN 'redeemed' THEN 'redeemed' ELSE 'issued' END;
    sold record;
    terms loyalty_contract;
BEGIN
    IF back = 0 OR NOT EXISTS (SELECT 1 FROM loyalty_settlement s WHERE s.root_id = root) THEN RETURN; END IF;
    PERFORM 1 FROM loyalty_transaction WHERE id = root FOR NO KEY UPDATE;
    SELECT min(s.partner_id) AS partner, min(s.contract_id) AS contract, sum(s.points)::bigint AS points,
        sum(s.amount)::bigint AS amount, max(s.due_on) AS due_on
    INTO sold FROM loyalty_settlement s WHERE s.root_id = root AND (s.kind = 'redeemed') = (side = 'redeemed');
    IF sold.partner IS NULL THEN RETURN; END IF;
    SELECT * INTO terms FROM loyalty_contract WHERE id = sold.contract;
    INSERT INTO loyalty_settlement (posting_id, root_id, partner_id, contract_id, kind, points, amount, due_on)
    VALUES (
        posting, root, sold.partner, terms.id, kind, -back, loyalty_worth(side, sold.points - back, terms) - sold.amount,
        greatest(sold.due_on, loyalty_day_of(made.happened_at))
    );
END $$;

-- New points pay the oldest debt first; goods that come back undo the debt that was made for them. Whoever gave the points that were owed has its money back: they are gone now,
-- and those that paid them are paid for by whoever gave these.
CREATE FUNCTION loyalty_pay_debt(made loyalty_transaction, leg loyalty_posting) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    rest bigint := leg.amount;
    part bigint;
    one record;
BEGIN
    FOR one IN SELECT root_id, -sum(amount)::bigint AS points FROM loyalty_debtpart WHERE account_id = leg.account_id
        GROUP BY root_id HAVING sum(amount) < 0 ORDER BY (root_id = made.reverses_id) IS TRUE DESC, min(id)
    LOOP
        EXIT WHEN rest = 0;
        part := least(rest, one.points);
        rest := rest - part;
        INSERT INTO loyalty_debtpart (posting_id, account_id, root_id, amount)
        VALUES (leg.id, leg.account_id, one.root_id, part);
        PERFORM loyalty_settle_back(made, leg.id, one.root_id, 'owed', part);
    END LOOP;
END $$;

-- Goods come back whose points are spent. When these points had paid a debt, that debt is open again: else somebody
-- could pay what he owes at one partner with a purchase at another that he takes back. The rest is a debt of its own.
CREATE FUNCTION loyalty_owe(made loyalty_transaction, leg loyalty_posting) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    rest bigint := -leg.amount;
    part bigint;
    one record;
BEGIN
    FOR one IN SELECT d.root_id, sum(d.amount)::bigint AS points
        FROM loyalty_debtpart d JOIN loyalty_posting p ON p.id = d.posting_id
        WHERE d.root_id <> made.reverses_id AND p.transaction_id IN (
            SELECT made.reverses_id UNION ALL SELECT id FROM loyalty_transaction WHERE reverses_id = made.reverses_id
        )
        GROUP BY d.root_id HAVING sum(d.amount) > 0 ORDER BY max(d.id) DESC
    LOOP
        EXIT WHEN rest = 0;
        part := least(rest, one.points);
        rest := rest - part;
        INSERT INTO loyalty_debtpart (posting_id, account_id, root_id, amount)
        VALUES (leg.id, leg.account_id, one.root_id, -part);
        PERFORM loyalty_settle_back(made, leg.id, one.root_id, 'owed', -part);
    END LOOP;
    IF rest > 0 THEN
        INSERT INTO loyalty_debtpart (posting_id, account_id, root_id, amount)
        VALUES (leg.id, leg.account_id, coalesce(made.reverses_id, made.id), -rest);
    END IF;
END $$;

-- Of points taken back those that he owes are spent already, and whoever took them is paid: they stay issued until
-- they are paid.
CREATE OR REPLACE FUNCTION loyalty_settle() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    made loyalty_transaction;
BEGIN
    SELECT t.* INTO made FROM loyalty_transaction t JOIN loyalty_unit u ON u.id = t.unit_id
    WHERE t.id = NEW.transaction_id AND u.slug = 'points';
    IF made.id IS NULL THEN RETURN NULL; END IF;
    IF NEW.book = 'issued' THEN
        PERFORM loyalty_settle_new(made, NEW.id, 'issued', -NEW.amount);
    ELSIF NEW.book = 'redeemed' AND NEW.amount > 0 THEN
        PERFORM loyalty_settle_new(made, NEW.id, 'redeemed', NEW.amount);
    ELSIF NEW.book = 'redeemed' THEN
        PERFORM loyalty_settle_back(made, NEW.id, made.reverses_id, 'redeemed', -NEW.amount);
    ELSIF NEW.book = 'void' THEN
        PERFORM loyalty_settle_back(made, NEW.id, made.reverses_id, 'issued', NEW.amount + (
            SELECT coalesce(sum(d.amount), 0) FROM loyalty_posting p JOIN loyalty_debtpart d ON d.posting_id = p.id
            WHERE p.transaction_id = made.id AND d.root_id = made.reverses_id AND d.amount < 0
        )::bigint);
    ELSIF NEW.amount > 0 THEN
        PERFORM loyalty_pay_debt(made, NEW);
    ELSE
        PERFORM loyalty_owe(made, NEW);
    END IF;
    RETURN NULL;
END $$;
DROP TRIGGER settle ON loyalty_posting;
CREATE TRIGGER settle AFTER INSERT ON loyalty_posting FOR EACH ROW
    WHEN (NEW.book IN ('issued', 'redeemed', 'void') OR NEW.book = 'member' AND NEW.lot_id IS NULL)
    EXECUTE FUNCTION loyalty_settle();

CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON loyalty_debtpart FOR EACH ROW EXECUTE FUNCTION loyalty_keep_but();

-- Debts of before. Those that were paid already are settled now, in the next day that is closed.
DO $$
DECLARE
    leg loyalty_posting;
    made loyalty_transaction;
BEGIN
    FOR leg IN SELECT p.* FROM loyalty_posting p JOIN loyalty_transaction t ON t.id = p.transaction_id
        JOIN loyalty_unit u ON u.id = t.unit_id AND u.slug = 'points'
        WHERE p.account_id IS NOT NULL AND p.lot_id IS NULL ORDER BY p.id
    LOOP
        SELECT * INTO made FROM loyalty_transaction WHERE id = leg.transaction_id;
        IF leg.amount > 0 THEN
            PERFORM loyalty_pay_debt(made, leg);
        ELSE
            INSERT INTO loyalty_debtpart (posting_id, account_id, root_id, amount)
            VALUES (leg.id, leg.account_id, coalesce(made.reverses_id, made.id), leg.amount);
        END IF;
    END LOOP;
END $$;
