-- Certificates: the balance is what the movements add up to. Who writes one holds the certificate's row, so two tills
-- follow each other; nothing but a movement changes a certificate.

CREATE FUNCTION loyalty_move_certificate() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    held loyalty_certificate;
    before bigint;
    paid bigint;
BEGIN
    SELECT * INTO held FROM loyalty_certificate WHERE id = NEW.certificate_id FOR UPDATE;
    SELECT coalesce(sum(amount), 0) INTO before FROM loyalty_certificatemovement WHERE certificate_id = held.id;
    IF (NEW.kind = 'sold') <> (held.sold_for IS NULL) OR held.is_cancelled THEN
        RAISE EXCEPTION 'certificate % cannot be % any more, or not yet', held.id, NEW.kind USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.kind = 'spent' AND held.expires_at <= NEW.moved_at
        OR NEW.kind = 'expired' AND coalesce(held.expires_at > NEW.moved_at, true)
    THEN
        RAISE EXCEPTION 'certificate % is worth something until %', held.id, held.expires_at USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.kind = 'returned' THEN
        SELECT -coalesce(sum(amount), 0) INTO paid FROM loyalty_certificatemovement
        WHERE certificate_id = held.id AND sale_id = NEW.sale_id;
        IF NEW.amount > paid THEN
            RAISE EXCEPTION 'certificate % paid % of sale %, not %', held.id, paid, NEW.sale_id, NEW.amount
                USING ERRCODE = 'check_violation';
        END IF;
    END IF;
    NEW.balance := before + NEW.amount;
    -- a balance below nothing or above what was paid is refused by the constraint of the row
    UPDATE loyalty_certificate SET
        balance = NEW.balance,
        sold_for = CASE NEW.kind WHEN 'sold' THEN NEW.amount ELSE sold_for END,
        expires_at = CASE WHEN NEW.kind IN ('sold', 'returned') THEN NEW.until ELSE expires_at END,
        is_cancelled = NEW.kind = 'cancelled'
    WHERE id = held.id RETURNING expires_at INTO NEW.until;
    RETURN NEW;
END $$;
CREATE TRIGGER move BEFORE INSERT ON loyalty_certificatemovement
    FOR EACH ROW EXECUTE FUNCTION loyalty_move_certificate();

-- Only from within the trigger above.
CREATE FUNCTION loyalty_keep_certificate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.balance = 0 AND NEW.sold_for IS NULL AND NOT NEW.is_cancelled THEN RETURN NEW; END IF;
    ELSIF TG_OP = 'UPDATE' THEN
        IF pg_trigger_depth() > 1 AND NEW.id = OLD.id AND NEW.number = OLD.number AND NEW.batch_id = OLD.batch_id
        THEN RETURN NEW; END IF;
    END IF;
    RAISE EXCEPTION 'a certificate is changed by its movements alone' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER keep BEFORE INSERT OR UPDATE OR DELETE ON loyalty_certificate
    FOR EACH ROW EXECUTE FUNCTION loyalty_keep_certificate();

-- What a receipt says that certificates paid is what they paid; and so for what came back.
CREATE FUNCTION loyalty_judge_certificates() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    found bigint;
BEGIN
    IF TG_TABLE_NAME = 'loyalty_sale' THEN
        SELECT -coalesce(sum(amount), 0) INTO found FROM loyalty_certificatemovement WHERE sale_id = NEW.id AND kind = 'spent';
        IF found <> NEW.by_certificates THEN
            RAISE EXCEPTION 'certificates paid % of sale %, not %', found, NEW.id, NEW.by_certificates
                USING ERRCODE = 'check_violation';
        END IF;
    ELSE
        SELECT coalesce(sum(amount), 0) INTO found FROM loyalty_certificatemovement
        WHERE sale_id = NEW.sale_id AND back_id = NEW.id;
        IF found <> NEW.to_certificates THEN
            RAISE EXCEPTION 'return % gave % to certificates, not %', NEW.id, found, NEW.to_certificates
                USING ERRCODE = 'check_violation';
        END IF;
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER judge_certificates AFTER INSERT ON loyalty_sale DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.by_certificates <> 0) EXECUTE FUNCTION loyalty_judge_certificates();
CREATE CONSTRAINT TRIGGER judge_certificates AFTER INSERT ON loyalty_salereturn DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.to_certificates <> 0) EXECUTE FUNCTION loyalty_judge_certificates();

CREATE FUNCTION loyalty_judge_movement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.kind = 'spent' AND (SELECT by_certificates FROM loyalty_sale WHERE id = NEW.sale_id) <> (
        SELECT -sum(amount) FROM loyalty_certificatemovement WHERE sale_id = NEW.sale_id AND kind = 'spent'
    ) THEN
        RAISE EXCEPTION 'sale % was paid otherwise', NEW.sale_id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER judge AFTER INSERT ON loyalty_certificatemovement DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION loyalty_judge_movement();
