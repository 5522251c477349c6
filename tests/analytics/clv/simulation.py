"""Customers who do exactly what a model says, purchase by purchase, with what happened after the observation."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from regulars.analytics.clv import Counted

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Customers:
    """One element per customer; times in units, `future` counts purchases in (age, age + horizon]."""

    frequency: Floats
    last_purchase_age: Floats
    age: Floats
    log_gaps: Floats
    alive: NDArray[np.bool_]
    future: Floats

    def counted(self, unit_days: float = 7.0) -> Counted:
        return Counted.from_days(
            self.frequency,
            self.last_purchase_age * unit_days,
            self.age * unit_days,
            sum_log_gaps=self.log_gaps + self.frequency * np.log(unit_days),
            unit_days=unit_days,
        )

    @property
    def history(self) -> tuple[Floats, Floats, Floats]:
        return self.frequency, self.last_purchase_age, self.age


def simulate(
    model: str,
    parameters: dict[str, float],
    customers: int,
    *,
    ages: tuple[float, float],
    horizon: float = 0.0,
    seed: int = 1,
) -> Customers:
    """`model` is a fit's name; ages are uniform between `ages`."""
    rng = np.random.default_rng(seed)
    k = int(parameters.get("k", 1))
    rate = rng.gamma(parameters["r"], 1 / parameters["alpha"], customers)
    age = rng.uniform(*ages, customers)
    chance, leaves_at = _leaving(model, parameters, customers, rng)
    x, last, log_gaps, future = (np.zeros(customers) for _ in range(4))
    now = np.zeros(customers)
    here = np.arange(customers)
    if model.startswith("mbg"):
        here = here[rng.random(here.size) >= chance[here]]
        gone_at_start = np.ones(customers, dtype=bool)
        gone_at_start[here] = False
        leaves_at[gone_at_start] = 0.0
    while here.size:
        gap = rng.gamma(k, 1, here.size) / np.maximum(rate[here], 1e-300)
        then = now[here] + gap
        bought = then <= np.minimum(age[here] + horizon, leaves_at[here])
        here, gap, then = here[bought], gap[bought], then[bought]
        now[here] = then
        seen = then <= age[here]
        watched = here[seen]
        x[watched] += 1
        last[watched] = then[seen]
        log_gaps[watched] += np.log(gap[seen])
        future[here[~seen]] += 1
        leaves = rng.random(here.size) < chance[here]
        leaves_at[here[leaves]] = then[leaves]
        here = here[~leaves]
    return Customers(x, last, age, log_gaps, leaves_at > age, future)


def _leaving(
    model: str, parameters: dict[str, float], customers: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """The chance to leave at a purchase, and when a customer leaves whatever they buy."""
    if model == "nbd":
        return np.zeros(customers), np.full(customers, np.inf)
    if model == "pareto_nbd":
        rate = rng.gamma(parameters["s"], 1 / parameters["beta"], customers)
        return np.zeros(customers), rng.exponential(1, customers) / rate
    return rng.beta(parameters["a"], parameters["b"], customers), np.full(customers, np.inf)
