"""What the margin guard cannot guard: goods of which nobody has said what they cost."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.utils import timezone

from regulars.core.i18n import format_number, format_percent, ngettext
from regulars.core.i18n import gettext as _
from regulars.foundation.patience import in_time
from regulars.loyalty.programme.rules import Guard

DAYS = 90
_PATIENCE_MS = 3_000
_NAMED = 3
_LEAST_SHOWN = 0.001


@dataclass(frozen=True)
class Unguarded:
    """The share of the turnover of the last `DAYS` days that goods without a cost made, before discounts.

    Of all goods where nothing was sold, or where there is too much to count while somebody waits (`is_of_goods`).
    Neither has what partners sold, whose costs nobody here knows; goods that the guard lets go are guarded well enough.
    `names` are those that sold most.
    """

    share: float
    is_of_goods: bool = False
    names: tuple[str, ...] = ()


_SOLD = f"""
WITH sold AS (
    SELECT l.product_id, sum(l.amount + greatest(coalesce(l.discount, 0), 0)) AS amount
    FROM purchases_receipt r JOIN purchases_line l ON l.receipt_id = r.id
    WHERE r.purchased_at >= %(begin)s AND r.purchased_at < %(end)s AND r.amount > 0 AND l.amount >= 0
        AND NOT EXISTS (SELECT 1 FROM loyalty_partnerstore o WHERE o.store_id = r.store_id)
    GROUP BY l.product_id
), unknown AS (
    SELECT s.amount, p.name FROM sold s LEFT JOIN purchases_product p ON p.id = s.product_id
    WHERE p.cost IS NULL AND coalesce(p.category, '') <> ALL (%(free)s)
)
SELECT coalesce((SELECT sum(amount) FROM sold), 0), coalesce((SELECT sum(amount) FROM unknown), 0),
    ARRAY(SELECT name FROM unknown WHERE name IS NOT NULL ORDER BY amount DESC, name LIMIT {_NAMED})
"""
_GOODS = """
SELECT count(*), count(*) FILTER (WHERE cost IS NULL AND category <> ALL (%(free)s)), ARRAY[]::text[]
FROM purchases_product
"""


def unguarded(guard: Guard | None, *, at: dt.datetime | None = None) -> Unguarded | None:
    """How much of it there is; None when there is no guard, nothing to guard, or nothing that it cannot."""
    if guard is None:
        return None
    end = at or timezone.now()
    values: dict[str, Any] = {
        "begin": end - dt.timedelta(days=DAYS), "end": end,
        "free": [name for name, margin in guard.categories.items() if margin is None],
    }  # fmt: skip
    found = in_time(_PATIENCE_MS, lambda: _row(_SOLD, values))
    is_of_goods = found is None or found[0] <= 0
    if is_of_goods:
        found = in_time(_PATIENCE_MS, lambda: _row(_GOODS, values))
    if found is None or found[0] <= 0 or found[1] <= 0:
        return None
    whole, unknown, names = found
    return Unguarded(min(1.0, unknown / whole), is_of_goods, tuple(names))


def _row(sql: str, values: dict[str, Any]) -> tuple[int, int, list[str]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        ((whole, unknown, names),) = cursor.fetchall()
    return int(whole), int(unknown), names


def warning(found: Unguarded | None, guard: Guard | None) -> str:
    """What is unguarded, what becomes of it, and the cure; empty where there is nothing to warn of."""
    return "" if found is None or guard is None else " ".join(_sentences(found, guard))


def _sentences(found: Unguarded, guard: Guard) -> Iterator[str]:
    share = format_percent(max(found.share, _LEAST_SHOWN), 1)
    if found.is_of_goods:
        yield _("Of {share} of the goods nobody has said what they cost: the margin guard cannot guard these.").format(
            share=share
        )
    else:
        yield ngettext(
            "Goods that made {share} of the turnover of the last {days} day have no known cost: the margin guard "
            "cannot guard these.",
            "Goods that made {share} of the turnover of the last {days} days have no known cost: the margin guard "
            "cannot guard these.",
            DAYS,
        ).format(share=share, days=format_number(DAYS))  # fmt: skip
    if found.names:
        yield _("Most of it: {names}.").format(names=", ".join(found.names))
    yield {
        "allow": _("Discounts on them may go below what they cost."),
        "no_discount": _("They get no discount until it is known."),
        "at_most": _("They are lowered by at most {share}, whatever they cost.").format(
            share=format_percent(guard.unknown_most / 100_00, 1)
        ),
    }[guard.unknown_cost]
    yield _("Add costs on the page Goods.")
