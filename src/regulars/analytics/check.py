"""Average check, honestly: median and trimmed mean beside the mean, each with its interval."""

from dataclasses import dataclass

import ibis.expr.types as ir

from regulars.analytics.estimate import Estimate


@dataclass(frozen=True)
class Check:
    receipts: int
    mean: Estimate  # minor units
    median: Estimate  # interval by order statistics
    trimmed: Estimate  # 10 % cut at each end; Yuen's standard error
    months: ir.Table  # month, receipts, mean, median
    histogram: ir.Table  # low, high (minor units), receipts; the top 1 % is in the last bin


@dataclass(frozen=True)
class Pillars:
    """Frequency x check x breadth: purchase activity in the last and in the previous equal period."""

    table: ir.Table  # period ("previous", "last"), starts_on, ends_on, customers, visits_per_customer, receipts,
    # lines_per_receipt, amount_per_line, check, revenue (known customers, minor units)
