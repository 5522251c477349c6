"""The numbers of an audit that later ones are compared with. Money is in minor units."""

from typing import Any

from regulars.analytics.audit import Audit
from regulars.analytics.estimate import Estimate


def headline_numbers(audit: Audit) -> dict[str, Any]:
    """The headlines as numbers; what the history could not carry is null."""
    ltv, lost = audit.ltv, audit.lost_last_year
    change = audit.revenue_change
    return {
        "currency": audit.currency,
        "first_day": audit.first_day.isoformat(),
        "window_days": audit.window_days,
        "customers": audit.base.customers,
        "receipts": audit.base.receipts,
        "revenue": audit.base.revenue,
        "states": {
            name: {"customers": state.customers, "amount_year": state.amount_year}
            for name, state in audit.lifecycle.states.items()
        },
        "lost_last_year": None if lost.reason else _estimate(lost.money),
        "never_returned": _estimate(audit.newcomers.share),
        "worth_12": _estimate(ltv.expected[12] if ltv.expected else None),
        "newcomer_limit_12": _estimate(ltv.newcomer[12] if ltv.newcomer else None),
        "revenue_change": None if change is None else [change.previous_revenue, change.last_revenue],
        "opportunities": [
            {"id": item.id, "customers": item.customers, "money": round(item.money.value)}
            for item in audit.opportunities.items
        ],
    }


def _estimate(found: Estimate | None) -> list[float] | None:
    return None if found is None else [found.value, found.low, found.high]
