"""Visit period: how many days pass between visits, for each customer, for segments, and over time."""

from dataclasses import dataclass

import ibis.expr.types as ir

from regulars.analytics.estimate import Estimate


@dataclass(frozen=True)
class VisitPeriod:
    customers: int  # with at least two visits
    median: Estimate  # days; median over customers of their mean gap
    segments: ir.Table  # rfm_segment, customers, median_days, p25_days, p75_days
    quarters: ir.Table  # quarter (first day), visits, median_days (gaps that end in the quarter, up to a year long)
    frequent_potential: ir.Table  # customers with a high check who come more rarely than most: customer_id, mean_check,
    # visit_period_days, amount
    customers_table: ir.Table  # customer_id, visit_period_days (mean gap), median_gap_days, last_gaps_ratio (mean of the
    # last three gaps over the mean of the earlier ones; null with fewer than six gaps)
