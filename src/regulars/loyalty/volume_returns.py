"""Bonuses for volume whose goods come back after they were written: what was given too much is taken back at night."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.db import connection, transaction

from regulars.loyalty.alerts import tell_forgiven
from regulars.loyalty.ledger import Document, Kind, Written, take_back, write
from regulars.loyalty.members import allow_debt, hold_survivor, points_unit
from regulars.loyalty.volume import SOURCE, Term, ended, paid_in

_WITHIN = dt.timedelta(days=366)  # so long after its end a period is reckoned anew

# The written bonuses of one period whose owners brought goods of it back since; how much money that was. A bonus is
# that of whoever has the account now, with all who became part of him. A return may have begun before the bonus was
# written and ended after it: an hour is longer than any takes.
_BACK = """
WITH RECURSIVE given AS (
    SELECT t.id, t.number, t.recorded_at, (
        SELECT a.customer_id FROM loyalty_posting p JOIN loyalty_account a ON a.id = p.account_id
        WHERE p.transaction_id = t.id ORDER BY p.id LIMIT 1
    ) AS whole, (
        SELECT -sum(p.amount) FROM loyalty_posting p WHERE p.transaction_id = t.id AND p.book = 'issued'
    ) AS points, (
        SELECT coalesce(sum(back.settles), 0) FROM loyalty_transaction back WHERE back.reverses_id = t.id
    ) AS taken
    FROM loyalty_transaction t
    WHERE t.unit_id = %(unit)s AND t.source = %(source)s AND t.kind = 'gift' AND starts_with(t.number, %(prefix)s)
        AND substr(t.number, length(%(prefix)s) + 1) ~ '^[0-9]+$'
), owner AS (
    SELECT g.whole, min(g.recorded_at) - interval '1 hour' AS since
    FROM given g JOIN customers_customer c ON c.id = g.whole AND c.merged_into_id IS NULL AND NOT c.is_erased
    GROUP BY g.whole
), part (id, whole, since) AS (
    SELECT whole, whole, since FROM owner
    UNION ALL
    SELECT below.id, part.whole, part.since FROM part JOIN customers_customer below ON below.merged_into_id = part.id
), back AS (
    SELECT part.whole, -sum({amount}) AS amount FROM part JOIN purchases_receipt r ON r.customer_id = part.id
    JOIN loyalty_salereturn b ON b.receipt_id = r.id AND b.counts_with_sale AND b.recorded_at > part.since
    JOIN loyalty_sale s ON s.id = b.sale_id AND s.purchased_at >= %(begin)s AND s.purchased_at < %(end)s
    WHERE NOT EXISTS (SELECT 1 FROM loyalty_partnerstore o WHERE o.store_id = r.store_id)
    GROUP BY part.whole
)
SELECT given.whole, back.amount, given.id, given.number, given.points, given.taken
FROM given JOIN back USING (whole) WHERE back.amount > 0 ORDER BY given.whole, given.id DESC
"""


@dataclass(frozen=True)
class _Bonus:
    """One that was written, and how much of it was taken back so far, whatever became of that."""

    transaction: int
    number: str
    points: int
    taken: int


def take_all(at: dt.datetime) -> int:
    """Take back what is too much of every bonus of the last year; of how many members. Safe to repeat."""
    return sum(_take(term, at) for term in ended(at, since=at - _WITHIN))


def _take(term: Term, at: dt.datetime) -> int:
    back, bonuses = _read(term)
    if not bonuses:
        return 0
    paid, count = dict(paid_in(term, only=list(bonuses))), 0
    for customer, his in bonuses.items():
        left = paid.get(customer, 0)
        many = _too_many(term, his, left, back[customer])
        if many > 0:
            count += _take_from(term, customer, _documents(term, his, many, left), at)
    return count


def _read(term: Term) -> tuple[Mapping[int, int], Mapping[int, list[_Bonus]]]:
    """By member: the money that came back, and his bonuses, the newest first."""
    back, bonuses = {}, defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_BACK.format(amount=term.amount), term.values | {"unit": points_unit().pk})
        for customer, amount, key, number, points, taken in cursor.fetchall():
            back[customer] = int(amount)
            bonuses[customer].append(_Bonus(key, number, int(points), int(taken)))
    return back, bonuses


def _too_many(term: Term, his: Sequence[_Bonus], left: int, back: int) -> int:
    """Points beyond those for what is left. Only returns take: what else became known of the period changes nothing."""
    worth = term.rules.spending.worth
    given = min(sum(one.points for one in his), term.volume.points(left + back, worth))
    return given - term.volume.points(left, worth) - sum(one.taken for one in his)


def _documents(term: Term, his: Sequence[_Bonus], many: int, left: int) -> Iterator[Document]:
    """Each is numbered by what was taken before it: two nights at one moment write it once."""
    for one in his:
        part = min(many, one.points - one.taken)
        many -= part
        if part:
            yield Document(
                points_unit(), Kind.RETURN, SOURCE, f"{one.number} after {one.taken}", SOURCE, (take_back(part),),
                reason=term.reason(left), reverses=one.transaction,
            )  # fmt: skip


def _take_from(term: Term, customer: int, documents: Iterator[Document], at: dt.datetime) -> bool:
    with transaction.atomic():
        found = hold_survivor(customer)
        if found.pk != customer:
            return False  # merged at this moment: the next night looks at both
        allow_debt(customer)
        wanted = list(documents)
        done = [
            (document, answer) for document, answer in zip(wanted, write(wanted, at=at), strict=True)
            if isinstance(answer, Written)
        ]  # fmt: skip
        for document, answer in done:
            if answer.points["forgiven"]:
                tell_forgiven(
                    answer.points["forgiven"], found, source=document.source, number=document.number,
                    subject=term.volume.name[:200], came_at=at, at=at,
                )  # fmt: skip
    return bool(done)
