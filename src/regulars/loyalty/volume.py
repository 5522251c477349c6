"""Bonuses for volume: points for what members bought in a month, a quarter or a year, written when it is over."""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from regulars.customers.models import Customer
from regulars.foundation.models import Business
from regulars.loyalty.ledger import Document, Kind, Written, grant, write
from regulars.loyalty.members import answers_of, points_unit
from regulars.loyalty.periods import begin_of
from regulars.loyalty.privileges import privileges_at
from regulars.loyalty.programme.basket import Member
from regulars.loyalty.programme.conditions import EVERYTHING, Answered
from regulars.loyalty.programme.reading import as_decimal
from regulars.loyalty.programme.rules import RuleSet
from regulars.loyalty.programme.volume import Volume
from regulars.loyalty.programmes import valid_at
from regulars.loyalty.selling import expiry
from regulars.loyalty.tiers import tier_at

SOURCE = "volume"
_LATE = dt.timedelta(days=3)  # tills without a line and imports tell a little later
_AT_ONCE = 500

# a member and all who became part of him are one, and got it when one of them did; what is bought at partners of a
# coalition is theirs; what comes back at a till counts on the day of its sale, as if it had never been bought, and what
# an import brings back, which names no sale, on its own
_PAID = """
WITH RECURSIVE member (id) AS (
    SELECT c.id FROM customers_customer c
    WHERE (%(only)s::bigint[] IS NULL OR c.id = ANY (%(only)s)) AND c.merged_into_id IS NULL AND NOT c.is_erased
        AND EXISTS (
            SELECT 1 FROM loyalty_account a JOIN loyalty_unit u ON u.id = a.unit_id
            WHERE a.customer_id = c.id AND u.slug = 'points'
        )
), part (id, whole) AS (
    SELECT id, id FROM member
    UNION ALL
    SELECT below.id, part.whole FROM part JOIN customers_customer below ON below.merged_into_id = part.id
), moved (whole, store_id, amount) AS (
    SELECT part.whole, r.store_id, {amount} FROM part
    JOIN purchases_receipt r ON r.customer_id = part.id AND r.purchased_at >= %(begin)s AND r.purchased_at < %(end)s
    WHERE NOT EXISTS (SELECT 1 FROM loyalty_salereturn b WHERE b.receipt_id = r.id AND b.counts_with_sale)
    UNION ALL
    SELECT part.whole, r.store_id, {amount} FROM part JOIN purchases_receipt r ON r.customer_id = part.id
    JOIN loyalty_salereturn b ON b.receipt_id = r.id AND b.counts_with_sale
    JOIN loyalty_sale s ON s.id = b.sale_id AND s.purchased_at >= %(begin)s AND s.purchased_at < %(end)s
), paid (whole, amount) AS (
    SELECT whole, sum(amount) FROM moved
    WHERE NOT EXISTS (SELECT 1 FROM loyalty_partnerstore s WHERE s.store_id = moved.store_id)
    GROUP BY whole
)
SELECT paid.whole, paid.amount FROM paid WHERE paid.amount >= %(least)s AND NOT EXISTS (
    SELECT 1 FROM part JOIN loyalty_transaction t ON t.unit_id = %(unit)s AND t.source = %(source)s
        AND t.number = %(prefix)s || part.id AND t.kind = 'gift'
    WHERE part.whole = paid.whole
) ORDER BY paid.whole
"""
# of a receipt: all of it, or the lines of these goods
_ALL = "r.amount"
_OF_GOODS = """(
    SELECT sum(l.amount) FROM purchases_line l LEFT JOIN purchases_product p ON p.id = l.product_id
    WHERE l.receipt_id = r.id
        AND coalesce(p.code, '') <> ALL (%(not_products)s) AND coalesce(p.category, '') <> ALL (%(not_categories)s)
        AND (%(all)s OR p.code = ANY (%(products)s) OR p.category = ANY (%(categories)s))
)"""


@dataclass(frozen=True)
class Way:
    """For people: what he has bought in this period, the percentage that gives, and what the next step is."""

    title: str
    period: str
    paid: int
    percent: int  # hundredths of a per cent; 0: none yet
    next_percent: int  # 0: there is no higher one
    missing: int


@dataclass(frozen=True)
class Outcome:
    """Of a period that is over: how many members would get a bonus, and how many points."""

    members: int
    points: int


@dataclass(frozen=True)
class Term:
    """A bonus in one period."""

    volume: Volume
    rules: RuleSet
    begin: dt.datetime
    end: dt.datetime
    zone: str

    @property
    def last(self) -> dt.datetime:
        """The last moment of it, by which is judged who a member is."""
        return self.end - dt.timedelta(microseconds=1)

    @property
    def prefix(self) -> str:
        """How its documents in the ledger begin."""
        return f"{self.volume.id} {self.begin.date()} "

    @property
    def values(self) -> dict[str, Any]:
        """What queries ask of it."""
        on = self.volume.on
        return {
            "begin": self.begin, "end": self.end, "source": SOURCE, "prefix": self.prefix,
            "products": list(on.products), "categories": list(on.categories),
            "all": not (on.products or on.categories),
            "not_products": list(on.not_products), "not_categories": list(on.not_categories),
        }  # fmt: skip

    @property
    def amount(self) -> str:
        """What of a receipt `r` counts, as SQL."""
        return _ALL if self.volume.on == EVERYTHING else _OF_GOODS

    def reason(self, paid: int) -> str:
        """Which bonus it is, of when, and the percentage for what he paid."""
        reached = self.volume.step(paid)
        percent = as_decimal(reached.percent if reached else 0)
        return f"{self.volume.name}: {self.begin.date()} - {self.last.date()}, {percent} %"


def give_all(at: dt.datetime) -> int:
    """Write every bonus of a period that is over and is not written yet; to how many members. Safe to repeat."""
    return sum(_give(term, at) for term in _over(at))


def way_of(customer: Customer, *, at: dt.datetime) -> list[Way]:
    """The bonuses that he can get by the rules of now, and how far he is in the period of now."""
    valid = valid_at(at)
    if valid is None or not valid[1].volume:
        return []
    found, zone = [], Business.current().zone
    for volume in valid[1].volume:
        begin = begin_of(volume.period, at.astimezone(zone))
        assert begin is not None
        term = Term(volume, valid[1], begin, at + dt.timedelta(microseconds=1), zone.key)
        if _is_for(term, customer):
            found.append(_way(volume, next((paid for _key, paid in paid_in(term, only=[customer.pk])), 0)))
    return found


def would_give(rules: RuleSet, *, at: dt.datetime) -> list[tuple[Volume, Outcome]]:
    """What each bonus of a draft would have given for the last whole period."""
    found = []
    for volume in rules.volume:
        term = _term(volume, rules, at)
        points = [points for _key, points, _amount in _earned(term, paid_in(term))]
        found.append((volume, Outcome(len(points), sum(points))))
    return found


def _way(volume: Volume, paid: int) -> Way:
    reached, above = volume.step(paid), volume.above(paid)
    return Way(
        volume.name, volume.period, paid, reached.percent if reached else 0,
        above.percent if above else 0, above.from_ - paid if above else 0,
    )  # fmt: skip


def _over(at: dt.datetime) -> Iterator[Term]:
    """The last whole period of each kind, long enough ago, by the rules that were valid at its end."""
    for period in ("month", "quarter", "year"):
        end = _end(period, at)
        valid = valid_at(end - dt.timedelta(microseconds=1))
        if valid is None or at < end + _LATE:
            continue
        yield from _terms(period, valid[1], at)


def ended(at: dt.datetime, *, since: dt.datetime) -> Iterator[Term]:
    """Every period that ended between these moments, by the rules that were valid at its end."""
    for period in ("month", "quarter", "year"):
        end = _end(period, at)
        while end > since and (valid := valid_at(end - dt.timedelta(microseconds=1))) is not None:
            yield from _terms(period, valid[1], end)
            end = _end(period, end - dt.timedelta(days=1))


def _terms(period: str, rules: RuleSet, at: dt.datetime) -> Iterator[Term]:
    return (_term(one, rules, at) for one in rules.volume if one.period == period)


def _end(period: str, at: dt.datetime) -> dt.datetime:
    end = begin_of(period, at.astimezone(Business.current().zone))
    assert end is not None
    return end


def _term(volume: Volume, rules: RuleSet, at: dt.datetime) -> Term:
    end = _end(volume.period, at)
    begin = begin_of(volume.period, end - dt.timedelta(days=1))
    assert begin is not None
    return Term(volume, rules, begin, end, Business.current().zone.key)


def _give(term: Term, at: dt.datetime) -> int:
    unit, given, batch = points_unit(), 0, []
    until = expiry(at, term.rules.life.days)
    for customer, points, paid in _earned(term, paid_in(term, unwritten_only=True)):
        batch.append(
            Document(
                unit, Kind.GIFT, SOURCE, f"{term.prefix}{customer}", SOURCE,
                (grant(customer, points, expires_at=until),), reason=term.reason(paid), happened_at=term.last,
            )
        )  # fmt: skip
        if len(batch) == _AT_ONCE:
            given, batch = given + _written(batch, at), []
    return given + _written(batch, at)


def _written(documents: Sequence[Document], at: dt.datetime) -> int:
    # who was merged or erased at this moment is refused, and the next night looks at who is left
    return sum(isinstance(one, Written) for one in write(documents, at=at)) if documents else 0


def _earned(term: Term, paid: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int, int]]:
    """Who gets how many points for how much money."""
    for start in range(0, len(paid), _AT_ONCE):
        rows = paid[start : start + _AT_ONCE]
        people = Customer.objects.in_bulk([key for key, _amount in rows])
        for key, amount in rows:
            points = term.volume.points(amount, term.rules.spending.worth)
            # whoever is erased at this moment is not there any more
            if points and key in people and _is_for(term, people[key]):
                yield key, points, amount


def paid_in(
    term: Term, *, only: Sequence[int] | None = None, unwritten_only: bool = False
) -> list[tuple[int, int]]:  # fmt: skip
    """The members who paid enough in the period, or `only` these if they paid anything, and how much."""
    values = term.values | {
        "only": only, "least": term.volume.steps[0].from_ if only is None else 0,
        "unit": points_unit().pk if unwritten_only else None,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_PAID.format(amount=term.amount), values)
        return [(int(key), int(amount)) for key, amount in cursor.fetchall()]


def _is_for(term: Term, customer: Customer) -> bool:
    questions = {leaf.question for leaf in term.volume.when.leaves() if isinstance(leaf, Answered)}
    member = Member(
        tier=tier_at(customer.pk, term.last), privileges=privileges_at(customer.pk, term.last),
        answers={one: answers_of(customer, one) for one in questions},
    )  # fmt: skip
    return term.volume.is_for(member, term.last, term.zone)
