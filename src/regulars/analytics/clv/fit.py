"""What a fitted model is, and what every purchase model checks before and after the fit."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from regulars.analytics.clv.counted import Counted, Floats, checked_tuples, floats
from regulars.analytics.clv.optimum import Objective, Optimum, climb
from regulars.core.errors import NotEnoughData
from regulars.core.i18n import said as _

# Below this, four parameters and the curve of leaving are mostly noise.
MINIMUM_CUSTOMERS = 300

# One repeat buyer per this many required customers.
_REPEATERS_SHARE = 10

# Twice this is the 5 % point of chi-square with two degrees of freedom: what leaving must add to be seen.
_LEAVING_GAIN = 3.0

# A gain on the coarse copy that no rounding of ages can explain.
_PLAIN_GAIN = 100.0

# The parameters that are times: the scales of the gamma distributions of rates.
_TIMES = ("alpha", "beta")

# e**-30 of the customers leave: none.
_NOBODY = -30.0

# Bases with more distinct tuples than this are searched on a coarse copy first.
_COARSE_ABOVE = 20_000
_COARSE_CELLS = 64


@dataclass(frozen=True)
class Fit:
    """A fitted model.

    - `parameters`: in the order of the model's paper, times in units of `unit_days` days;
    - `standard_errors`: asymptotic, by the same names; NaN where the data do not identify the parameter;
    - `log_likelihood`: at the maximum, for times in units (another unit shifts it by a constant);
    - `customers`: how many the model was fitted on;
    - `unit_days`: days in a unit of time, NaN when the model has no time.
    """

    name: str
    parameters: dict[str, float]
    standard_errors: dict[str, float]
    log_likelihood: float
    customers: int
    unit_days: float


class PurchaseFit(Fit, ABC):
    """A fitted model of purchases and leaving. Times go in and come out in units of `unit_days` days."""

    @abstractmethod
    def p_alive(self, frequency: ArrayLike, last_purchase_age: ArrayLike, age: ArrayLike) -> Floats:
        """Probability that the customer has not left by `age`."""

    @abstractmethod
    def rate_given_alive(self, frequency: ArrayLike, last_purchase_age: ArrayLike, age: ArrayLike) -> Floats:
        """Expected purchases per unit of time of a customer who has not left by `age`."""

    @abstractmethod
    def expected_purchases(self, t: ArrayLike) -> Floats:
        """Expected repeat purchases of a random new customer in (0, t]."""

    @abstractmethod
    def expected_purchases_given(
        self, frequency: ArrayLike, last_purchase_age: ArrayLike, age: ArrayLike, t: ArrayLike
    ) -> Floats:
        """Expected purchases in (age, age + t] of a customer with this history."""


def checked_horizon(t: ArrayLike) -> Floats:
    """`t` as floats; `ValueError` unless every horizon is a finite number, 0 or more."""
    horizon = floats(t)
    if not np.isfinite(horizon).all() or (horizon < 0).any():
        raise ValueError("t must be a finite number of units, 0 or more")
    return horizon


def flat_history(
    frequency: ArrayLike, last_purchase_age: ArrayLike, age: ArrayLike, t: ArrayLike = 0.0
) -> tuple[Floats, Floats, Floats, Floats, tuple[int, ...]]:
    """The checked columns of a history and a horizon, flattened, and the shape to give back."""
    x, t_x, whole, horizon = np.broadcast_arrays(*checked_tuples(frequency, last_purchase_age, age), checked_horizon(t))
    return x.ravel(), t_x.ravel(), whole.ravel(), horizon.ravel(), x.shape


def require_history(counted: Counted, minimum: int) -> None:
    """`NotEnoughData` unless enough customers were observed for a while and enough of them came back."""
    if counted.n_customers < minimum:
        raise NotEnoughData(
            _(
                "A model of leaving needs about {minimum} customers, there are {customers}. "
                "Load a longer history or more stores."
            ).format(minimum=minimum, customers=counted.n_customers)
        )
    if counted.repeaters == 0:
        raise NotEnoughData(
            _("No customer has bought on more than one day, so there is no rhythm to learn. Load a longer history.")
        )
    if counted.repeaters < minimum / _REPEATERS_SHARE:
        raise NotEnoughData(
            _(
                "Too few customers have bought on more than one day: {repeaters}, and a model of leaving needs "
                "about {needed}. Load a longer history."
            ).format(repeaters=counted.repeaters, needed=-(-minimum // _REPEATERS_SHARE))
        )


def require_arrival(optimum: Optimum) -> None:
    """`NotEnoughData` when the climb did not reach a top."""
    if not (optimum.arrived and np.isfinite(optimum.log_likelihood)):
        raise NotEnoughData(
            _(
                "The data do not single out one model: its likelihood has no clear top. "
                "A longer history or more customers are needed."
            )
        )


def climb_from(starts: Sequence[Floats], objective: Objective, nearby: Objective | None = None) -> Optimum:
    """The first climb that arrives, or the last one."""
    for start in starts:
        optimum = climb(objective, start, nearby)
        if optimum.arrived:
            break
    return optimum


def time_scale(counted: Counted) -> float:
    """The average age: parameters are searched in this unit, so that any base looks alike."""
    return float(counted.customers @ counted.age) / float(counted.customers.sum())


def in_own_units(
    optimum: Optimum, names: Sequence[str], scale: float, purchases: float
) -> tuple[dict[str, float], dict[str, float], float]:
    """Parameters, standard errors and log-likelihood of a base that was measured in units of `scale`.

    Every purchase is a density in time, so each adds a log(scale) to the likelihood.
    """
    unit = np.array([scale if name in _TIMES else 1.0 for name in names])
    values, errors = np.exp(optimum.theta) * unit, optimum.standard_errors() * unit
    named = [dict(zip(names, column.tolist(), strict=True)) for column in (values, errors)]
    return named[0], named[1], optimum.log_likelihood - purchases * float(np.log(scale))


def search_copy(counted: Counted) -> Counted:
    """What to search for a starting point on: the base itself, or a coarse copy when it has many tuples."""
    return counted.coarse(_COARSE_CELLS) if counted.age.size > _COARSE_ABOVE else counted


def leaving_starts(counted: Counted) -> list[Floats]:
    """Where to start (rate shape, rate scale, two parameters of leaving) when the average age is one unit."""
    mean_purchases = counted.purchases / float(counted.customers.sum())
    tries = [(0.5, 0.7, 2.0), (2.0, 0.3, 1.0), (0.2, 2.0, 2.0)]
    return [np.log([shape, shape / mean_purchases, one, other]) for shape, one, other in tries]


def fit_leaving(objective_of: Callable[[Counted], Objective], scaled: Counted) -> Optimum:
    """Fit a four-parameter model of purchases and leaving to a base whose average age is one unit.

    The last two parameters are those of leaving. Raises `NotEnoughData` when leaving explains nothing
    (the ridge on which its parameters run away) or the likelihood has no clear top.
    """
    copy = search_copy(scaled)
    objective, nearby = objective_of(scaled), None if copy is scaled else objective_of(copy)
    optimum = climb_from(leaving_starts(scaled), objective, nearby)
    # The coarse copy answers at once when leaving is plain; a close call is made on the real data.
    if nearby is None or _leaving_gain(nearby, optimum.theta) < _PLAIN_GAIN:
        _require_leaving(_leaving_gain(objective, optimum.theta))
    require_arrival(optimum)
    return optimum


def _leaving_gain(objective: Objective, theta: Floats) -> float:
    """What leaving adds to the log-likelihood over the best fit in which nobody leaves."""

    def nobody_leaves(rates: Floats) -> tuple[float, Floats]:
        value, gradient = objective(np.concatenate([rates, [_NOBODY, 0.0]]))
        return value, gradient[:2]

    return objective(theta)[0] - climb(nobody_leaves, theta[:2]).log_likelihood


def _require_leaving(gain: float) -> None:
    if not gain >= _LEAVING_GAIN:
        raise NotEnoughData(
            _(
                "The customers show no sign of leaving: a model in which nobody leaves explains the purchases as "
                "well. The data do not tell who is gone; look at the time since the last purchase instead."
            )
        )
