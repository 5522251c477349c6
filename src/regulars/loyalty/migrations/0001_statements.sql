-- What was settled with partners, day by day and in statements: a day that is closed stays as it is.

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
