"""Newcomers: how many never come back after the first purchase, and how many become regulars."""

from dataclasses import dataclass

import ibis.expr.types as ir

from regulars.analytics.estimate import Estimate


@dataclass(frozen=True)
class Newcomers:
    customers: int  # first seen after the first window of the history, and at least one window ago
    never_returned: int  # of them: no second visit up to as_of
    share: Estimate | None  # never_returned / customers, Wilson interval; None without newcomers
    first_amount: int  # minor units that those who never returned spent on their only visit
    returned_in_window: int  # came back within window_days of the first visit
    became_regular: int  # at least three visits, the third within two windows of the first
    regular_share: Estimate | None
    months: ir.Table  # month, customers, never_returned, share, returned_in_window; matured months only
    trend_per_month: Estimate | None  # change of the share that did not return within the window, a month
    people: ir.Table  # customer_id of those who never returned, first_on, amount
