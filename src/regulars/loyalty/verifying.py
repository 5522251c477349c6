"""Recomputing the whole ledger: every sum, sequence and hash. The first fault of each kind is named."""

from dataclasses import dataclass

from django.db import connection, transaction

from regulars.core.i18n import N_
from regulars.core.i18n import gettext as _
from regulars.loyalty.settled_checks import SETTLED


@dataclass(frozen=True)
class Fault:
    """What does not agree, and in which row."""

    what: str
    row: int
    figures: tuple[int, ...] = ()

    def __str__(self) -> str:
        return _(self.what).format(row=self.row, figures=", ".join(map(str, self.figures)))


# each gives the rows that differ, with their figures; an empty answer is a sound ledger
_CHECKS = {
    N_("The postings of transaction {row} do not add up to zero but to {figures}."): """
        SELECT transaction_id, sum(amount) FROM loyalty_posting GROUP BY transaction_id
        HAVING sum(amount) <> 0""",
    N_("Transaction {row} has other contents than when it was written."): """
        SELECT t.id FROM loyalty_transaction t WHERE t.digest <> loyalty_digest_of(t)""",
    N_("A posting is missing before posting {row}, or was put in between (number, expected: {figures})."): """
        SELECT id, seq, place FROM (
            SELECT id, seq, row_number() OVER (PARTITION BY account_id ORDER BY seq) AS place
            FROM loyalty_posting WHERE account_id IS NOT NULL
        ) AS placed WHERE seq <> place""",
    N_("Posting {row} does not follow from the one before it: it or its transaction was changed."): """
        SELECT id FROM (
            SELECT p.id, p.chain, loyalty_link(
                lag(p.chain, 1, '') OVER (PARTITION BY p.account_id ORDER BY p.seq),
                t.digest, p.account_id, p.seq, p.lot_id, p.amount
            ) AS expected
            FROM loyalty_posting p JOIN loyalty_transaction t ON t.id = p.transaction_id
            WHERE p.account_id IS NOT NULL
        ) AS linked WHERE chain <> expected""",
    N_("Account {row} does not end with its last posting (counted, found: {figures})."): """
        SELECT a.id, a.seq, coalesce(last.seq, 0) FROM loyalty_account a LEFT JOIN LATERAL (
            SELECT seq, chain FROM loyalty_posting p WHERE p.account_id = a.id ORDER BY seq DESC LIMIT 1
        ) AS last ON true
        WHERE a.seq <> coalesce(last.seq, 0) OR a.chain <> coalesce(last.chain, '')""",
    N_("Lot {row} has other points than its postings (has, should have: {figures})."): """
        SELECT l.id, l.remaining, coalesce(sum(p.amount), 0)
        FROM loyalty_lot l LEFT JOIN loyalty_posting p ON p.lot_id = l.id
        GROUP BY l.id HAVING l.remaining <> coalesce(sum(p.amount), 0)""",
    N_("Lot {row} holds other points than its open holds (has, should have: {figures})."): """
        SELECT l.id, l.held, coalesce(parts.amount, 0) FROM loyalty_lot l LEFT JOIN (
            SELECT part.lot_id, sum(part.amount) AS amount FROM loyalty_holdpart part
            JOIN loyalty_hold h ON h.id = part.hold_id AND h.state = 'open' GROUP BY part.lot_id
        ) AS parts ON parts.lot_id = l.id WHERE l.held <> coalesce(parts.amount, 0)""",
    N_("Account {row} owes other points than its postings say (owes, should owe: {figures})."): """
        SELECT a.id, a.debt, coalesce(-sum(p.amount), 0)
        FROM loyalty_account a LEFT JOIN loyalty_posting p ON p.account_id = a.id AND p.lot_id IS NULL
        GROUP BY a.id HAVING a.debt <> coalesce(-sum(p.amount), 0)""",
    N_("Posting {row} is in the account of one and in the lot of another."): """
        SELECT p.id FROM loyalty_posting p JOIN loyalty_lot l ON l.id = p.lot_id
        WHERE l.account_id <> p.account_id""",
}

# as a whole first: asked for one row, the planner expects many and takes hours over a ledger in which none is wrong
_FIRST = "WITH wrong AS MATERIALIZED ({}) SELECT * FROM wrong ORDER BY 1 LIMIT 1"


def entries() -> int:
    """How many postings there are."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM loyalty_posting")
        return int(cursor.fetchone()[0])


def faults() -> list[Fault]:
    """The first of each kind; none when every balance can be trusted."""
    found = []
    with transaction.atomic(), connection.cursor() as cursor:
        # tills go on meanwhile: all checks look at one moment
        if not transaction.get_connection().savepoint_ids:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        for what, query in (_CHECKS | SETTLED).items():
            cursor.execute(_FIRST.format(query))
            row = cursor.fetchone()
            if row is not None:
                found.append(Fault(what, int(row[0]), tuple(int(one) for one in row[1:])))
    return found
