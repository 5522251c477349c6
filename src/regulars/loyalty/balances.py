"""What somebody has, and what the programme owes: added up from postings, now or at any moment of the past."""

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any

from django.db import connection

from regulars.loyalty.models import Unit

# A lot's points are what its postings of the time add up to; the moment alone says whether they can be spent.
_POINTS = """
    SELECT l.id, l.available_at, l.expires_at, sum(p.amount) AS points
    FROM loyalty_posting p
    JOIN loyalty_transaction t ON t.id = p.transaction_id
    JOIN loyalty_account a ON a.id = p.account_id
    LEFT JOIN loyalty_lot l ON l.id = p.lot_id
    WHERE t.unit_id = (SELECT id FROM loyalty_unit WHERE slug = %(unit)s) AND t.recorded_at <= %(at)s {whose}
    GROUP BY l.id
"""

_SUMS = """
    SELECT
        coalesce(sum(points) FILTER (WHERE id IS NOT NULL AND available_at <= %(at)s
            AND (expires_at IS NULL OR expires_at > %(at)s)), 0),
        coalesce(sum(points) FILTER (WHERE available_at > %(at)s), 0),
        coalesce(sum(points) FILTER (WHERE expires_at <= %(at)s), 0),
        coalesce(-sum(points) FILTER (WHERE id IS NULL), 0)
    FROM ({points}) AS lots
"""

_BOOKS = """
    SELECT p.book, sum(p.amount) FROM loyalty_posting p JOIN loyalty_transaction t ON t.id = p.transaction_id
    WHERE t.unit_id = %(unit)s AND t.recorded_at <= %(at)s AND p.book <> 'member' GROUP BY p.book
"""

_HELD = """
    SELECT coalesce(sum(part.amount), 0) FROM loyalty_holdpart part
    JOIN loyalty_hold h ON h.id = part.hold_id
    JOIN loyalty_lot l ON l.id = part.lot_id
    JOIN loyalty_account a ON a.id = l.account_id
    WHERE a.customer_id = %(customer)s AND h.unit_id = (SELECT id FROM loyalty_unit WHERE slug = %(unit)s)
        AND h.placed_at <= %(at)s AND (h.ended_at IS NULL OR h.ended_at > %(at)s)
        AND l.available_at <= %(at)s AND (l.expires_at IS NULL OR l.expires_at > %(at)s)
"""


@dataclass(frozen=True)
class Balance:
    """Points at a moment. `expiring` have passed their day and wait for the nightly job: nobody can spend them.

    Books do not ask who may spend what: there `available` has all, and `held` is nothing. Whoever wants to spend is
    told apart what is `held` for a purchase that is not paid yet.
    """

    available: int
    pending: int
    expiring: int
    debt: int
    held: int = 0

    @property
    def total(self) -> int:
        """What the books say: all points less the debt."""
        return self.available + self.held + self.pending + self.expiring - self.debt


@dataclass(frozen=True)
class Position:
    """The whole programme at a moment: issued = outstanding + redeemed + expired + taken back."""

    outstanding: Balance
    issued: int
    redeemed: int
    expired: int
    taken_back: int

    @property
    def is_balanced(self) -> bool:
        """Whether every point that was issued is somewhere."""
        return self.issued == self.outstanding.total + self.redeemed + self.expired + self.taken_back


def balance_of(customer: int, unit: Unit, *, at: dt.datetime) -> Balance:
    """Of all accounts that are his today, as the ledger stood at the moment."""
    return _sums("AND a.customer_id = %(customer)s", unit=unit.slug, at=at, customer=customer)


def held_of(customer: int, unit: Unit, *, at: dt.datetime) -> int:
    """How many of the points that were available then waited for a word: spent or released."""
    with connection.cursor() as cursor:
        cursor.execute(_HELD, {"customer": customer, "unit": unit.slug, "at": at})
        return int(cursor.fetchone()[0])


def to_spend(customer: int, unit: Unit, *, at: dt.datetime) -> Balance:
    """The same, with what is held for a purchase apart."""
    found, held = balance_of(customer, unit, at=at), held_of(customer, unit, at=at)
    return replace(found, available=found.available - held, held=held)


def position(unit: Unit, *, at: dt.datetime) -> Position:
    """The programme's liability in points at the moment, and where all the others went."""
    with connection.cursor() as cursor:
        cursor.execute(_BOOKS, {"unit": unit.pk, "at": at})
        books = {book: int(points) for book, points in cursor.fetchall()}
    return Position(
        _sums("", unit=unit.slug, at=at),
        issued=-books.get("issued", 0), redeemed=books.get("redeemed", 0),
        expired=books.get("expired", 0), taken_back=books.get("void", 0),
    )  # fmt: skip


def _sums(whose: str, **values: Any) -> Balance:
    with connection.cursor() as cursor:
        cursor.execute(_SUMS.format(points=_POINTS.format(whose=whose)), values)
        available, pending, expiring, debt = map(int, cursor.fetchone())
    return Balance(available, pending, expiring, debt)
