"""Opportunities: what to do first, by money. One customer's money is counted in one of them only."""

from dataclasses import dataclass

import ibis.expr.types as ir

from regulars.analytics.estimate import Estimate

OPPORTUNITIES = ("hold_slipping", "win_back_lost", "second_purchase", "raise_frequency", "raise_check")


@dataclass(frozen=True)
class Opportunity:
    id: str  # one of OPPORTUNITIES
    customers: int
    at_stake: float  # minor units over the next 12 months if it worked with everybody
    assumed_share: float  # the assumption: the share of people (or of the gap) it works with
    money: Estimate  # minor units over the next 12 months: at_stake x assumed_share


@dataclass(frozen=True)
class Opportunities:
    items: tuple[Opportunity, ...]  # by money, largest first; those without people are left out
    people: ir.Table  # customer_id, opportunity (id), opportunity_amount (minor units, share applied)
