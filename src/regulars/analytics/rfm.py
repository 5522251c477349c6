"""RFM by value cuts: equal customers get equal scores, whatever the row order."""

from dataclasses import dataclass

import ibis.expr.types as ir


@dataclass(frozen=True)
class Rfm:
    cuts: dict[str, list[float]]  # "recency_days", "visits", "amount": the four cut values between scores
    customers: ir.Table  # customer_id, r, f, m (1 worst .. 5 best), rfm_segment (id)
    segments: ir.Table  # rfm_segment, customers, amount, amount_share, median_recency_days, mean_visits


# ids; the report names them in both languages
SEGMENTS = (
    "champions",
    "loyal",
    "promising",
    "new",
    "need_attention",
    "about_to_sleep",
    "at_risk",
    "cannot_lose",
    "hibernating",
)
