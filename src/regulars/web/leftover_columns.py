"""What lists of members with points to use show of each of them."""

import datetime as dt
from collections.abc import Mapping

from regulars.core.i18n import N_
from regulars.foundation.models import Business
from regulars.insights.columns import COLUMNS, Column
from regulars.loyalty.leftovers import ENOUGH, EXPIRING, Leftover

LEFTOVERS = {ENOUGH: N_("Points enough for a gift"), EXPIRING: N_("Points that expire within 30 days")}
_NOTHING = Leftover()


def leftover_columns(found: Mapping[int, Leftover]) -> list[Column]:
    """His name, how to reach him, and what `found` says of his points."""

    def of(pk: int) -> Leftover:
        return found.get(pk, _NOTHING)

    return [
        COLUMNS["name"],
        COLUMNS["phone"],
        COLUMNS["email"],
        Column("points", N_("Points"), "number", lambda one, _extra: of(one.pk).points),
        Column("expiring", N_("Expire soon"), "number", lambda one, _extra: of(one.pk).expiring or None),
        Column("expires_on", N_("Expire from"), "day", lambda one, _extra: _day(of(one.pk))),
        Column("best_gift", N_("Can take"), "text", lambda one, _extra: of(one.pk).gift or None),
    ]


def _day(left: Leftover) -> dt.date | None:
    """By the clock of the business."""
    return left.expires_at.astimezone(Business.current().zone).date() if left.expires_at else None
