"""Lifecycle: new, regular, slipping, lost, won back, by the score that a back-test chose."""

import datetime as dt
from dataclasses import dataclass

import ibis.expr.types as ir

from regulars.analytics.estimate import Estimate

STATES = ("new", "regular", "won_back", "slipping", "lost")
SCORES = ("hiatus", "own_interval", "mbg_nbd_p_alive", "mbg_nbd_rate", "mbg_cnbd_k_p_alive", "mbg_cnbd_k_rate")


@dataclass(frozen=True)
class State:
    customers: int
    amount_year: int  # minor units spent in the last 365 days
    amount_total: int


@dataclass(frozen=True)
class Candidate:
    score: str  # one of SCORES
    auc: Estimate | None  # None when the score could not be computed; `reason` says why
    reason: str | None = None


@dataclass(frozen=True)
class CalledLost:
    """What became of the customers whom the score called lost at one day in the past."""

    origin: dt.date
    customers: int
    came_back: int  # visited within the next `window_days`
    amount: int  # minor units they then spent


@dataclass(frozen=True)
class Lifecycle:
    window_days: int  # the business's own window: a customer who is still there comes back within it
    score: str  # the winner, one of SCORES
    auc: Estimate | None  # None: the history is too short or too small to test on
    candidates: tuple[Candidate, ...]
    origins: tuple[dt.date, ...]
    fresh_chance: float | None  # chance to come back within the window right after a visit
    false_alarms: Estimate | None  # share of those called lost who came back within the window
    called_lost: tuple[CalledLost, ...]
    lost_after_days: int | None  # when score is "hiatus": days of silence after which a customer is lost
    slipping_after_days: int | None
    states: dict[str, State]  # every state of STATES, in that order
    customers: ir.Table  # customer_id, state, return_chance (null if not testable), won_back...
