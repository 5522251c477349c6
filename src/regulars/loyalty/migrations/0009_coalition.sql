-- Partners: whose till it is, what points cost there, and days that are closed. Nothing of it depends on a request.

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

-- Points that a partner gives or takes, at the price of the day of the purchase.
CREATE FUNCTION loyalty_settle_new(made loyalty_transaction, posting bigint, kind text, points bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    partner bigint := (SELECT partner_id FROM loyalty_partnertill WHERE till = made.source);
    bought date;
    terms loyalty_contract;
BEGIN
    IF partner IS NULL THEN RETURN; END IF;
    bought := loyalty_day_of(made.happened_at);
    SELECT * INTO terms FROM loyalty_contract c WHERE c.partner_id = partner AND c.begins_on <= bought
    ORDER BY c.begins_on DESC LIMIT 1;
    IF terms.id IS NULL THEN PERFORM loyalty_refuse('no_contract', jsonb_build_object('day', bought)); END IF;
    PERFORM loyalty_count_use(terms, loyalty_day_of(made.recorded_at), kind, points);
    INSERT INTO loyalty_settlement (posting_id, root_id, partner_id, contract_id, kind, points, amount, due_on)
    VALUES (posting, made.id, partner, terms.id, kind, points, loyalty_worth(kind, points, terms), bought + terms.settled_after_days);
END $$;

-- What comes back of it, at the price of then: whatever is left of a sale costs as much as if it had been all.
CREATE FUNCTION loyalty_settle_back(made loyalty_transaction, posting bigint, side text, back bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    sold record;
    terms loyalty_contract;
BEGIN
    SELECT min(s.partner_id) AS partner, min(s.contract_id) AS contract, sum(s.points)::bigint AS points,
        sum(s.amount)::bigint AS amount, max(s.due_on) AS due_on
    INTO sold FROM loyalty_settlement s WHERE s.root_id = made.reverses_id AND s.kind = side;
    IF sold.partner IS NULL OR back <= 0 THEN RETURN; END IF;
    SELECT * INTO terms FROM loyalty_contract WHERE id = sold.contract;
    INSERT INTO loyalty_settlement (posting_id, root_id, partner_id, contract_id, kind, points, amount, due_on)
    VALUES (
        posting, made.reverses_id, sold.partner, terms.id, side, -back,
        loyalty_worth(side, sold.points - back, terms) - sold.amount,
        greatest(sold.due_on, loyalty_day_of(made.happened_at))
    );
END $$;

-- Of points taken back those that he owes are spent already, and whoever took them is paid: they stay issued.
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
        PERFORM loyalty_settle_back(made, NEW.id, 'redeemed', -NEW.amount);
    ELSE
        PERFORM loyalty_settle_back(made, NEW.id, 'issued', NEW.amount + (
            SELECT coalesce(sum(p.amount), 0) FROM loyalty_posting p
            WHERE p.transaction_id = made.id AND p.account_id IS NOT NULL AND p.lot_id IS NULL AND p.amount < 0
        )::bigint);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER settle AFTER INSERT ON loyalty_posting FOR EACH ROW
    WHEN (NEW.book IN ('issued', 'redeemed', 'void')) EXECUTE FUNCTION loyalty_settle();

-- Close a day that is over: what is due by then falls into it, also what is written down later than it should be.
-- What is being written at this moment is not seen, and falls into the next one. False: it is closed already.
CREATE FUNCTION loyalty_close_day(wanted date, at timestamptz) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('settlement', 0));
    IF EXISTS (SELECT 1 FROM loyalty_settlementday WHERE day >= wanted) THEN RETURN false; END IF;
    IF wanted >= loyalty_day_of(at) THEN
        RAISE EXCEPTION 'the day % is not over', wanted USING ERRCODE = 'restrict_violation';
    END IF;
    INSERT INTO loyalty_settlementday (day) VALUES (wanted);
    UPDATE loyalty_settlement SET day_id = wanted WHERE day_id IS NULL AND due_on <= wanted;
    INSERT INTO loyalty_settlementnet (day_id, partner_id, amount)
    SELECT wanted, partner_id, sum(amount) FROM loyalty_settlement WHERE day_id = wanted GROUP BY partner_id;
    INSERT INTO loyalty_settlementnet (day_id, partner_id, amount)
    SELECT wanted, NULL, -coalesce(sum(amount), 0) FROM loyalty_settlementnet WHERE day_id = wanted;
    UPDATE loyalty_settlementday SET closed_at = at WHERE day = wanted;
    RETURN true;
END $$;

CREATE FUNCTION loyalty_judge_day() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    found bigint;
BEGIN
    IF (SELECT closed_at FROM loyalty_settlementday WHERE day = NEW.day) IS NULL THEN
        RAISE EXCEPTION 'the day % is left half closed', NEW.day USING ERRCODE = 'check_violation';
    END IF;
    SELECT sum(amount) INTO found FROM loyalty_settlementnet WHERE day_id = NEW.day;
    IF found IS DISTINCT FROM 0 THEN
        RAISE EXCEPTION 'the day % adds up to %', NEW.day, found USING ERRCODE = 'check_violation';
    END IF;
    IF EXISTS (
        SELECT partner_id FROM (
            SELECT partner_id, amount FROM loyalty_settlementnet WHERE day_id = NEW.day AND partner_id IS NOT NULL
            UNION ALL SELECT partner_id, -amount FROM loyalty_settlement WHERE day_id = NEW.day
        ) AS both_sides GROUP BY partner_id HAVING sum(amount) <> 0
    ) THEN
        RAISE EXCEPTION 'the day % differs from what was settled', NEW.day USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER judge AFTER INSERT ON loyalty_settlementday DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION loyalty_judge_day();

-- Days follow each other, are closed once, and take nothing afterwards.
CREATE FUNCTION loyalty_keep_day() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' AND NEW.closed_at IS NULL
        AND NOT EXISTS (SELECT 1 FROM loyalty_settlementday WHERE day >= NEW.day)
    THEN RETURN NEW; END IF;
    IF TG_OP = 'UPDATE' AND OLD.closed_at IS NULL AND NEW.day = OLD.day THEN RETURN NEW; END IF;
    RAISE EXCEPTION 'a closed day stays as it is' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER keep BEFORE INSERT OR UPDATE OR DELETE ON loyalty_settlementday
    FOR EACH ROW EXECUTE FUNCTION loyalty_keep_day();

CREATE FUNCTION loyalty_keep_settled() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' AND TG_TABLE_NAME = 'loyalty_settlement' AND NEW.day_id IS NULL THEN RETURN NEW; END IF;
    IF (TG_OP = 'INSERT' AND TG_TABLE_NAME = 'loyalty_settlementnet' OR TG_OP = 'UPDATE'
            AND (to_jsonb(NEW) - 'day_id') = (to_jsonb(OLD) - 'day_id') AND OLD.day_id IS NULL)
        AND (SELECT closed_at IS NULL FROM loyalty_settlementday WHERE day = NEW.day_id)
    THEN RETURN NEW; END IF;
    RAISE EXCEPTION 'a closed day stays as it is' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER keep BEFORE INSERT OR UPDATE OR DELETE ON loyalty_settlement
    FOR EACH ROW EXECUTE FUNCTION loyalty_keep_settled();
CREATE TRIGGER keep BEFORE INSERT OR UPDATE OR DELETE ON loyalty_settlementnet
    FOR EACH ROW EXECUTE FUNCTION loyalty_keep_settled();

-- The lines of a statement, out of what was settled on its days.
CREATE FUNCTION loyalty_statement_lines(partner bigint, first date, last date) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_agg(
        jsonb_build_array(contract_id, kind, is_back, count, points, amount) ORDER BY contract_id, kind, is_back
    ), '[]') FROM (
        SELECT contract_id, kind, points < 0 AS is_back, count(*), sum(points) AS points, sum(amount) AS amount
        FROM loyalty_settlement WHERE partner_id = partner AND day_id BETWEEN first AND last GROUP BY 1, 2, 3
    ) AS line
$$;

-- Statements follow each other, over days that are closed: nothing falls between two, nothing is billed twice.
CREATE FUNCTION loyalty_judge_statement() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before loyalty_statement;
BEGIN
    PERFORM 1 FROM loyalty_partner WHERE id = NEW.partner_id FOR NO KEY UPDATE;
    SELECT * INTO before FROM loyalty_statement WHERE partner_id = NEW.partner_id ORDER BY number DESC LIMIT 1;
    IF NEW.number <> coalesce(before.number, 0) + 1 OR NEW.first <> before.last + 1
        OR before.id IS NULL AND EXISTS (
            SELECT 1 FROM loyalty_settlement WHERE partner_id = NEW.partner_id AND day_id < NEW.first
        )
        OR NOT EXISTS (SELECT 1 FROM loyalty_settlementday WHERE day >= NEW.last)
        OR NEW.lines <> loyalty_statement_lines(NEW.partner_id, NEW.first, NEW.last)
        OR NEW.amount <> (SELECT coalesce(sum((line ->> 5)::bigint), 0) FROM jsonb_array_elements(NEW.lines) line)
    THEN
        RAISE EXCEPTION 'the statement is not the next one, or not what was settled' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER judge BEFORE INSERT ON loyalty_statement FOR EACH ROW EXECUTE FUNCTION loyalty_judge_statement();

CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON loyalty_statement FOR EACH ROW EXECUTE FUNCTION loyalty_keep_but();
CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON loyalty_contract FOR EACH ROW EXECUTE FUNCTION loyalty_keep_but();
CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON loyalty_partnertill FOR EACH ROW EXECUTE FUNCTION loyalty_keep_but();
CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON loyalty_partner
    FOR EACH ROW EXECUTE FUNCTION loyalty_keep_but('name', 'about_ru', 'about_en', 'addresses', 'is_listed');
