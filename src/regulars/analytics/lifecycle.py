"""Lifecycle: new, regular, slipping, lost, won back, by the score that a back-test chose.

The rule, in words: right after a visit, a customer comes back within the business's window with some
chance, of which the number of visits and their rhythm tell. Silence makes it fall, by the score that judged
best on this history. A customer whose chance has fallen below three quarters of the own fresh one is
slipping; below one half, and so more likely gone than not, lost.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
from numpy.typing import NDArray

from regulars.analytics.backtest import Race, race, standing
from regulars.analytics.clv import Counted
from regulars.analytics.distinct import with_computed
from regulars.analytics.estimate import Estimate
from regulars.analytics.intervals import wilson
from regulars.analytics.readable import Readable
from regulars.analytics.rollup import Rollup
from regulars.analytics.scores import SCORES, Score, fit_scores
from regulars.analytics.snapshot import TUPLE, snapshot
from regulars.core.errors import NotEnoughData

Floats = NDArray[np.float64]

STATES = ("new", "regular", "won_back", "slipping", "lost")

SLIPPING_BELOW = 3 / 4  # of the chance right after the own last visit
LOST_BELOW = 1 / 2

# without a back-test the window itself has to serve as the measure of silence
UNTESTED_SLIPPING_WINDOWS = 1.0
UNTESTED_LOST_WINDOWS = 2.0


@dataclass(frozen=True)
class State:
    customers: int
    amount_year: int  # minor units spent in the last 365 days
    amount_total: int


@dataclass(frozen=True)
class Candidate:
    """One score of the race: its AUC, or the reason why it could not run."""

    score: str  # one of SCORES
    auc: Estimate | None
    reason: str | None = None


@dataclass(frozen=True)
class CalledLost:
    """What became of the customers whose state at one day in the past would have been lost (of those sampled)."""

    origin: dt.date
    customers: int
    came_back: int  # visited within the next `window_days`
    amount: int  # minor units they then spent


@dataclass(frozen=True, repr=False)
class Lifecycle(Readable):
    """States of all customers at `as_of`, and how far the score behind them can be trusted.

    `customers` has one row per customer: `customer_id`, `state`, `return_chance` (of a visit within
    `window_days`) and `standing` (that chance relative to the one right after the own last visit); both are
    null when the history could not be tested on.
    """

    window_days: int
    score: str  # the winner, one of SCORES
    auc: Estimate | None  # None: the history is too short or too small to test on; `reason` says why
    reason: str | None
    candidates: tuple[Candidate, ...]
    origins: tuple[dt.date, ...]
    fresh_chance: float | None  # chance that a repeat customer who has just visited comes back in the window
    false_alarms: Estimate | None  # share of those called lost who came back within the window
    called_lost: tuple[CalledLost, ...]
    slipping_after_days: int | None  # days of silence, when the score is "hiatus"
    lost_after_days: int | None
    states: dict[str, State]  # every state of STATES, in that order
    customers: ir.Table


@dataclass(frozen=True)
class Judge:
    """Says who is slipping or lost at any day, by the winning score.

    `silence` is 0 for a customer in good standing, 1 for slipping, 2 for lost.
    """

    score: Score
    chance_of: Race | None
    window_days: int

    def standing(self, frequency: Floats, last_purchase_age: Floats, age: Floats) -> dict[str, NDArray[Any]]:
        """Of each customer: `return_chance`, `standing` (both nan when untested) and the degree of `silence`."""
        if self.chance_of is None:
            recency = age - last_purchase_age
            slipping = recency > UNTESTED_SLIPPING_WINDOWS * self.window_days
            lost = recency > UNTESTED_LOST_WINDOWS * self.window_days
            unknown = np.full(age.size, np.nan)
            return {"return_chance": unknown, "standing": unknown, "silence": slipping.astype(np.int64) + lost}
        calibration = self.chance_of.calibration
        now = self.score(frequency, last_purchase_age, age)
        fresh = self.score(frequency, last_purchase_age, last_purchase_age)
        left = standing(calibration, now, fresh)
        return {"return_chance": calibration.chance(now), "standing": left, "silence": degree_of_silence(left)}

    def apply(self, table: ir.Table) -> ir.Table:
        """`table` (with the columns of a snapshot) with the three columns of `standing` added."""
        return with_computed(table, TUPLE, self.standing)

    def lost(self, applied: ir.Table) -> ir.BooleanValue:
        """Of each row of `apply`: whether its state that day was lost. Those still new are too young for it."""
        lost: ir.BooleanValue = (applied.silence == 2) & (applied.age_days >= self.window_days)
        return lost


def degree_of_silence(standing: Floats) -> NDArray[np.int64]:
    """0 in good standing, 1 slipping, 2 lost."""
    return (standing < SLIPPING_BELOW).astype(np.int64) + (standing < LOST_BELOW)


def lifecycle(rollup: Rollup, counted: Counted, *, window_days: int) -> tuple[Lifecycle, Judge]:
    """The state of every customer at `as_of`, by the score that won the back-test on this history.

    - new: first visit within the last window, too early to tell;
    - lost, slipping: the chance to come back is below 1/2, below 3/4 of what it was after the last visit;
    - won back: in good standing now, lost one window ago;
    - regular: everybody else.

    When the history is too short or too small for a back-test, silence longer than one window is slipping
    and longer than two is lost; then `auc` is None and `reason` says why. Customers with the same visits
    get the same state. `counted` are all customers at `as_of`. The judge is returned too: other analyses ask
    it about earlier days.
    """
    today = fit_scores(counted)
    try:
        result, reason = race(rollup, today, window_days=window_days), None
    except NotEnoughData as refusal:
        result, reason = None, str(refusal)
    judge = Judge(today.by_name[result.winner if result else "hiatus"], result, window_days)
    customers = _states(rollup, judge).cache()
    slipping_after, lost_after = _silence_in_days(judge, result, rollup.span_days)
    called_lost = _called_lost(result, window_days) if result else ()
    return (
        Lifecycle(
            window_days=window_days,
            score=result.winner if result else "hiatus",
            auc=result.aucs[result.winner] if result else None,
            reason=reason,
            candidates=_candidates(result),
            origins=tuple(past.at for past in result.pasts) if result else (),
            fresh_chance=result.fresh_chance if result else None,
            false_alarms=_false_alarms(called_lost),
            called_lost=called_lost,
            slipping_after_days=slipping_after,
            lost_after_days=lost_after,
            states=_count_states(rollup, customers),
            customers=customers,
        ),
        judge,
    )


def as_snapshot(customers: ir.Table) -> ir.Table:
    """The rollup's customers with the columns of a snapshot at `as_of`."""
    return customers.mutate(frequency=customers.visits - 1)


def _states(rollup: Rollup, judge: Judge) -> ir.Table:
    now = judge.apply(as_snapshot(rollup.customers))
    then = snapshot(rollup.days, at=rollup.as_of - dt.timedelta(days=judge.window_days))
    # who has not come since then cannot have been won back
    then = then.filter(then.visits > 0).semi_join(
        now.filter(now.recency_days < judge.window_days).select("customer_id"), "customer_id"
    )
    then = judge.apply(then)
    were_lost = then.filter(judge.lost(then)).select(lost_id=then.customer_id)
    now = now.left_join(were_lost, now.customer_id == were_lost.lost_id)
    state = ibis.cases(
        (now.age_days < judge.window_days, "new"),
        (now.silence == 2, "lost"),
        (now.silence == 1, "slipping"),
        (now.lost_id.notnull(), "won_back"),
        else_="regular",
    )
    return now.select("customer_id", "return_chance", "standing", state=state)


def _count_states(rollup: Rollup, customers: ir.Table) -> dict[str, State]:
    joined = rollup.customers.select("customer_id", "amount", "amount_year").inner_join(customers, "customer_id")
    counted = joined.group_by("state").aggregate(
        customers=joined.count(), amount_year=joined.amount_year.sum(), amount_total=joined.amount.sum()
    )
    rows = {row.pop("state"): State(**row) for row in counted.to_pyarrow().to_pylist()}
    return {state: rows.get(state, State(0, 0, 0)) for state in STATES}


def _candidates(result: Race | None) -> tuple[Candidate, ...]:
    if result is None:
        return ()
    return tuple(Candidate(name, result.aucs.get(name), result.reasons.get(name)) for name in SCORES)


def _called_lost(result: Race, window_days: int) -> tuple[CalledLost, ...]:
    found = []
    for past, left in zip(result.pasts, result.standings, strict=True):
        lost = (degree_of_silence(left) == 2) & (past.age >= window_days)  # the younger ones were new
        amount = int(past.amount_after[lost].sum())
        found.append(CalledLost(past.at, int(lost.sum()), int(past.came_back[lost].sum()), amount))
    return tuple(found)


def _false_alarms(called: tuple[CalledLost, ...]) -> Estimate | None:
    people = sum(one.customers for one in called)
    return wilson(sum(one.came_back for one in called), people) if people else None


def _silence_in_days(judge: Judge, result: Race | None, span_days: int) -> tuple[int | None, int | None]:
    """Days of silence that make a customer slipping and lost, where the same number holds for everybody."""
    if result is not None and result.winner != "hiatus":
        return None, None
    days = np.arange(span_days + 1, dtype=np.float64)
    silence = judge.standing(np.ones_like(days), np.ones_like(days), days + 1)["silence"]
    first = [int(np.argmax(silence >= degree)) if (silence >= degree).any() else None for degree in (1, 2)]
    return first[0], first[1]
