"""What `ledger verify` asks of the settlement: all of it can be added up again from postings and contracts."""

from regulars.core.i18n import N_

# points of a partner's till, or given back of its sale: what the posting says of them
_EXPECTED = """
    SELECT p.id, t.id AS root, pt.partner_id, CASE p.book WHEN 'issued' THEN 'issued' ELSE 'redeemed' END AS kind,
        abs(p.amount) AS points
    FROM loyalty_partnertill pt JOIN loyalty_transaction t ON t.source = pt.till
    JOIN loyalty_posting p ON p.transaction_id = t.id
    JOIN loyalty_unit u ON u.id = t.unit_id AND u.slug = 'points'
    WHERE p.book = 'issued' OR p.book = 'redeemed' AND p.amount > 0
    UNION ALL
    SELECT p.id, t.reverses_id, pt.partner_id, CASE p.book WHEN 'void' THEN 'issued' ELSE 'redeemed' END,
        CASE p.book WHEN 'redeemed' THEN p.amount ELSE -p.amount - (
            SELECT coalesce(sum(d.amount), 0)
            FROM loyalty_posting debt JOIN loyalty_debtpart d ON d.posting_id = debt.id
            WHERE debt.transaction_id = t.id AND d.root_id = t.reverses_id AND d.amount < 0
        ) END
    FROM loyalty_partnertill pt JOIN loyalty_transaction sold ON sold.source = pt.till
    JOIN loyalty_transaction t ON t.reverses_id = sold.id JOIN loyalty_posting p ON p.transaction_id = t.id
    JOIN loyalty_unit u ON u.id = t.unit_id AND u.slug = 'points'
    WHERE p.book = 'void' OR p.book = 'redeemed' AND p.amount < 0
    UNION ALL
    SELECT d.posting_id, d.root_id, pt.partner_id, 'owed', -d.amount
    FROM loyalty_partnertill pt JOIN loyalty_transaction sold ON sold.source = pt.till
    JOIN loyalty_debtpart d ON d.root_id = sold.id JOIN loyalty_posting p ON p.id = d.posting_id
    JOIN loyalty_transaction t ON t.id = p.transaction_id
    WHERE d.amount > 0 OR d.root_id <> coalesce(t.reverses_id, t.id)
"""

SETTLED: dict[str, str] = {
    N_("Posting {row} is settled otherwise than its points say (settled, expected: {figures})."): f"""
        SELECT coalesce(e.id, s.posting_id), coalesce(s.points, 0), coalesce(e.points, 0)
        FROM ({_EXPECTED}) AS e FULL JOIN loyalty_settlement s ON s.posting_id = e.id AND s.root_id = e.root
        WHERE coalesce(s.points, 0) <> coalesce(e.points, 0) OR s.id IS NOT NULL
            AND (s.partner_id, s.kind) IS DISTINCT FROM (e.partner_id, e.kind)""",
    N_("What is settled of transaction {row} is not what its contract says (settled, expected: {figures})."): """
        SELECT root, amount, expected FROM (
            SELECT s.root_id AS root, sum(s.amount) AS amount,
                loyalty_worth(min(side), sum(s.points)::bigint, loyalty_contract_for(
                    min(s.partner_id), min(side), min(s.due_on) - (
                        SELECT settled_after_days FROM loyalty_contract WHERE id = min(s.contract_id)
                    ), min(s.told_on)
                )) AS expected
            FROM loyalty_settlement s, LATERAL (
                SELECT CASE s.kind WHEN 'redeemed' THEN 'redeemed' ELSE 'issued' END AS side
            ) AS one GROUP BY s.root_id, side
        ) AS roots WHERE amount IS DISTINCT FROM expected""",
    N_("Posting {row} of a debt is not shared among those whose points are owed (posting, shared: {figures})."): """
        SELECT p.id, p.amount, coalesce(sum(d.amount), 0)
        FROM loyalty_posting p JOIN loyalty_transaction t ON t.id = p.transaction_id
        JOIN loyalty_unit u ON u.id = t.unit_id AND u.slug = 'points'
        LEFT JOIN loyalty_debtpart d ON d.posting_id = p.id AND d.account_id = p.account_id
        WHERE p.account_id IS NOT NULL AND p.lot_id IS NULL
        GROUP BY p.id HAVING p.amount <> coalesce(sum(d.amount), 0)""",
    N_("Of transaction {row} more points are paid than were owed (account, too many: {figures})."): """
        SELECT root_id, account_id, sum(amount) FROM loyalty_debtpart
        GROUP BY root_id, account_id HAVING sum(amount) > 0""",
    N_("A closed day is not what was settled on it (partner, then closed and settled: {row}, {figures})."): """
        SELECT coalesce(partner_id, 0), sum(closed), sum(settled) FROM (
            SELECT day_id, partner_id, amount AS closed, 0 AS settled
            FROM loyalty_settlementnet WHERE partner_id IS NOT NULL
            UNION ALL
            SELECT day_id, partner_id, 0, amount FROM loyalty_settlement WHERE day_id IS NOT NULL
        ) AS days GROUP BY day_id, partner_id HAVING sum(closed) <> sum(settled)""",
    N_("What partners and you owe each other for a day does not add up to zero (day, sum: {row}, {figures})."): """
        SELECT to_char(day_id, 'YYYYMMDD')::bigint, sum(amount) FROM loyalty_settlementnet
        GROUP BY day_id HAVING sum(amount) <> 0""",
    N_("Statement {row} is not what was settled on its days (stored, settled: {figures})."): """
        SELECT id, amount, (SELECT coalesce(sum((line ->> 5)::bigint), 0) FROM jsonb_array_elements(again) line)
        FROM (
            SELECT s.*, loyalty_statement_lines(partner_id, first, last) AS again FROM loyalty_statement s
        ) AS statement WHERE lines <> again OR amount <> (
            SELECT coalesce(sum((line ->> 5)::bigint), 0) FROM jsonb_array_elements(again) line
        )""",
}  # fmt: skip
