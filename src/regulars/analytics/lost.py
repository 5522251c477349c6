"""Lost last year in money: what lost customers would have spent at their own rhythm, minus what they did."""

import datetime as dt
from dataclasses import dataclass

import ibis.expr.types as ir

from regulars.analytics.estimate import Estimate


@dataclass(frozen=True)
class LostPart:
    customers: int
    money: Estimate  # minor units of revenue
    reason: str | None = None  # why the part could not be computed (then customers == 0 and money is 0, 0, 0)


@dataclass(frozen=True)
class LostLastYear:
    since: dt.date  # first day of the period; it ends with as_of
    customers: int
    money: Estimate  # minor units of revenue, sum of the parts
    margin: Estimate | None
    parts: dict[str, LostPart]  # "lost", "shrunken", "never_returned"
    people: ir.Table  # customer_id, lost_kind (key of parts), missed_amount (minor units)
