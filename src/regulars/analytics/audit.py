"""The audit: all analyses of one history at one day, as one frozen result."""

import datetime as dt
from dataclasses import dataclass, field

import ibis.expr.types as ir

from regulars.analytics.base import Base
from regulars.analytics.check import Check, Pillars
from regulars.analytics.cohorts import Cohorts
from regulars.analytics.lifecycle import Lifecycle
from regulars.analytics.lost import LostLastYear
from regulars.analytics.ltv import Ltv
from regulars.analytics.newcomers import Newcomers
from regulars.analytics.opportunities import Opportunities
from regulars.analytics.purchases import Reading
from regulars.analytics.revenue_change import RevenueChange
from regulars.analytics.rfm import Rfm
from regulars.analytics.visit_period import VisitPeriod


@dataclass(frozen=True)
class Model:
    """A fitted customer model, for those who want to check it."""

    name: str
    parameters: dict[str, float]
    standard_errors: dict[str, float]
    log_likelihood: float
    customers: int
    unit: str  # "week"


@dataclass(frozen=True)
class Audit:
    """The audit of one purchase history.

    A result that the history could not carry is None, and `skipped` says why, by the field's name.
    `customers` has one row per known customer: everything the audit knows about them.
    """

    as_of: dt.date
    first_day: dt.date
    currency: str
    reading: Reading
    window_days: int
    base: Base
    customers: ir.Table
    rfm: Rfm | None = None
    lifecycle: Lifecycle | None = None
    lost_last_year: LostLastYear | None = None
    newcomers: Newcomers | None = None
    cohorts: Cohorts | None = None
    ltv: Ltv | None = None
    check: Check | None = None
    pillars: Pillars | None = None
    visit_period: VisitPeriod | None = None
    revenue_change: RevenueChange | None = None
    opportunities: Opportunities | None = None
    models: dict[str, Model] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)

    def people(self, list_id: str) -> ir.Table:
        """The customers behind a number, richest first.

        `list_id` is `state:lost`, `lost:shrunken`, `rfm:champions`, `newcomers:never_returned`,
        `opportunity:win_back_lost`, `abc:A`... `KeyError` for an unknown list.
        """
        raise KeyError(list_id)
