-- Partners: whose till it is, what points cost there, and what partners and the operator owe each other for them. Nothing
-- of it depends on a request.

CREATE FUNCTION loyalty_day_of(moment timestamptz) RETURNS date LANGUAGE sql STABLE AS $$
    SELECT (moment AT TIME ZONE time_zone)::date FROM foundation_business
$$;

CREATE FUNCTION loyalty_tag_sale() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.partner_id := (SELECT partner_id FROM loyalty_partnertill WHERE till = NEW.till);
    RETURN NEW;
END $$;
CREATE TRIGGER tag BEFORE INSERT ON loyalty_sale FOR EACH ROW EXECUTE FUNCTION loyalty_tag_sale();

-- A till that has sold for one cannot begin to have sold for another.
CREATE FUNCTION loyalty_judge_till() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM loyalty_sale WHERE till = NEW.till) THEN
        RAISE EXCEPTION 'the till % has sold before: give the partner a new one', NEW.till USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER judge BEFORE INSERT ON loyalty_partnertill FOR EACH ROW EXECUTE FUNCTION loyalty_judge_till();

-- What was settled by a contract must not be settled otherwise tomorrow; sums of two currencies are no sum.
CREATE FUNCTION loyalty_judge_contract() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    today date := loyalty_day_of(NEW.agreed_at);
BEGIN
    PERFORM 1 FROM loyalty_partner WHERE id = NEW.partner_id FOR NO KEY UPDATE;
    IF NEW.begins_on < today OR NEW.begins_on = today AND EXISTS (
        SELECT 1 FROM loyalty_contract WHERE partner_id = NEW.partner_id AND begins_on < today
    ) THEN
        RAISE EXCEPTION 'the contract would begin in the past' USING ERRCODE = 'restrict_violation';
    END IF;
    IF EXISTS (SELECT 1 FROM loyalty_contract WHERE currency <> NEW.currency) THEN
        RAISE EXCEPTION 'contracts are in one currency' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER judge BEFORE INSERT ON loyalty_contract FOR EACH ROW EXECUTE FUNCTION loyalty_judge_contract();

-- The contract of a purchase: of those in force between its day and three days before it was told, the worst for the
-- partner. So a till may be late for three days after a change; after that a date of before it brings nothing.
CREATE FUNCTION loyalty_contract_for(partner bigint, side text, bought date, told date) RETURNS loyalty_contract
LANGUAGE sql STABLE AS $$
    SELECT c FROM loyalty_contract c WHERE c.partner_id = partner
        AND c.begins_on >= (SELECT max(begins_on) FROM loyalty_contract WHERE partner_id = partner AND begins_on <= bought)
        AND c.begins_on <= greatest(bought, told - 3)
    ORDER BY CASE side WHEN 'redeemed' THEN c.redeem_price ELSE -c.issue_price END, c.begins_on LIMIT 1
$$;

-- What so many points are worth to the operator. A part of a minor unit is the operator's, both ways: else a partner
-- would earn by splitting baskets.
CREATE FUNCTION loyalty_worth(kind text, points bigint, terms loyalty_contract) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE kind
        WHEN 'issued' THEN div(points::numeric * terms.issue_price + 999, 1000)
        ELSE -div(points::numeric * terms.redeem_price, 1000)
    END::bigint
$$;

-- Limits are hard: whoever gives the same partner's points at this moment waits here.
CREATE FUNCTION loyalty_count_use(terms loyalty_contract, today date, kind text, points bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    of_day bigint;
    of_month bigint;
    most bigint;
BEGIN
    IF num_nonnulls(
        terms.most_issued_a_day, terms.most_issued_a_month, terms.most_redeemed_a_day, terms.most_redeemed_a_month
    ) = 0 THEN RETURN; END IF;
    PERFORM 1 FROM loyalty_partner WHERE id = terms.partner_id FOR NO KEY UPDATE;
    INSERT INTO loyalty_contractuse AS mine (contract_id, used_on, issued, redeemed)
    VALUES (terms.id, today, CASE kind WHEN 'issued' THEN points ELSE 0 END, CASE kind WHEN 'redeemed' THEN points ELSE 0 END)
    ON CONFLICT (contract_id, used_on) DO UPDATE
    SET issued = mine.issued + excluded.issued, redeemed = mine.redeemed + excluded.redeemed;
    SELECT sum(CASE kind WHEN 'issued' THEN issued ELSE redeemed END) FILTER (WHERE used_on = today),
        sum(CASE kind WHEN 'issued' THEN issued ELSE redeemed END)
    INTO of_day, of_month FROM loyalty_contractuse
    WHERE contract_id IN (SELECT id FROM loyalty_contract WHERE partner_id = terms.partner_id)
        AND date_trunc('month', used_on) = date_trunc('month', today);
    most := least(
        CASE kind WHEN 'issued' THEN terms.most_issued_a_day ELSE terms.most_redeemed_a_day END - of_day,
        CASE kind WHEN 'issued' THEN terms.most_issued_a_month ELSE terms.most_redeemed_a_month END - of_month
    );
    IF most < 0 THEN
        PERFORM loyalty_refuse('partner_limit', jsonb_build_object('wanted', points, 'left', points + most));
    END IF;
END $$;

-- Points that a partner gives or takes. Limits are those of the day on which it is told: no date chooses them either.
CREATE FUNCTION loyalty_settle_new(made loyalty_transaction, posting bigint, kind text, points bigint)
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

-- New points pay the oldest debt first; goods that come back undo the debt that was made for them. Whoever gave the
-- points that were owed has its money back: they are gone now, and those that paid them are paid for by whoever gave
-- these.
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
CREATE FUNCTION loyalty_settle() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE TRIGGER settle AFTER INSERT ON loyalty_posting FOR EACH ROW
    WHEN (NEW.book IN ('issued', 'redeemed', 'void') OR NEW.book = 'member' AND NEW.lot_id IS NULL)
    EXECUTE FUNCTION loyalty_settle();
