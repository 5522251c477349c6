"""Findings: what an analysis has to say to a person, with its people, its money and how sure it is.

An analysis of reasons compares many things (products, people, hours), and among many some differ by chance. So it
also tells how many it compared, how many looked different before the correction, and how many it reports.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import ibis.expr.types as ir

from regulars.analytics.attributes import Attributes
from regulars.analytics.estimate import Estimate
from regulars.analytics.goods import Goods, goods
from regulars.analytics.lifecycle import Lifecycle
from regulars.analytics.readable import Readable
from regulars.analytics.rhythm import Rhythm
from regulars.analytics.rollup import Rollup
from regulars.analytics.sold import Sold

# strong, moderate: a difference that survives the correction for everything compared, at 1 % and at 5 %;
# tested: a rule whose hit rate was measured on the past; assumed: money that rests on a named assumption
Strength = Literal["strong", "moderate", "tested", "assumed"]

STRONG_BELOW = 0.01
REPORTED_BELOW = 0.05  # the promised false discovery rate

About = Mapping[str, "str | int | float | Estimate | None"]


@dataclass(frozen=True)
class Evidence:
    """How sure a finding is. `q_value` is the false discovery rate at which it would just be reported."""

    strength: Strength
    cases: int | None = None  # observations behind it: customers, visits or receipts, as the analysis says
    p_value: float | None = None
    q_value: float | None = None

    @classmethod
    def of_test(cls, *, p_value: float, q_value: float, cases: int) -> "Evidence":
        """The evidence of a test that was corrected for all comparisons."""
        return cls("strong" if q_value < STRONG_BELOW else "moderate", cases, p_value, q_value)


@dataclass(frozen=True)
class Finding:
    """One thing worth knowing and acting upon.

    `kind` names the sentence and the recommended action, `about` fills their gaps. `money` is in minor units over
    the next 12 months, what acting on it could bring or save at best (None: no honest number is known).
    `people` has one row per customer: `customer_id` and `amount` (minor units, the customer's part of the money,
    or what the customer has spent; the most first is how lists are shown).
    """

    id: str  # stable from run to run: "entry:product:4711"
    chapter: str  # the analysis: "entry"
    kind: str
    about: About
    customers: int
    money: Estimate | None
    evidence: Evidence
    people: ir.Table | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class Comparison:
    """How many things an analysis compared, and what was left after the correction (Benjamini & Hochberg 1995)."""

    analysis: str  # "entry:product"
    compared: int
    raw_significant: int  # with p < 5 % before the correction
    reported: int


@dataclass(frozen=True, repr=False)
class Found(Readable):
    """Base of the results of the analyses of reasons: beside their own tables, these two."""

    findings: tuple[Finding, ...]
    comparisons: tuple[Comparison, ...]


@dataclass(frozen=True)
class Ground:
    """What every analysis of reasons stands on; the audit computes it once.

    `values` has one row per customer: `customer_id`, `expected_value_12` (minor units expected over the next 12
    months; null where the history is too short for a forecast).
    """

    rollup: Rollup
    window_days: int
    lifecycle: Lifecycle
    rhythm: Rhythm
    values: ir.Table
    margin_share: float | None
    attributes: Attributes | None = None  # what else is known of the customers

    @cached_property
    def sold(self) -> Sold:
        """What each known customer bought on each day, in numbers."""
        return Sold(self.rollup)

    @cached_property
    def goods(self) -> Goods:
        """Purchases product by product; `NotEnoughData` where no product is named."""
        return goods(self.sold)
