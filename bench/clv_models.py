"""Our customer-base models against the `lifetimes` package, same data, same process, one after the other.

    python -m bench.clv_models          about a minute and a half
    python -m bench.clv_models --full   five more: lifetimes fits Pareto/NBD to a million customers

What is timed is what a user waits for: from one row per customer (days) to fitted parameters. Ours counts
unique tuples, fits, and computes standard errors; lifetimes fits. Without `--full` its Pareto/NBD is timed on
100,000 customers and the row says so; nothing is extrapolated.
"""

import argparse
import datetime as dt
import importlib
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regulars.analytics.clv import Counted, Fit, PurchaseFit, fit_bg_nbd, fit_mbg_nbd, fit_pareto_nbd

Floats = NDArray[np.float64]

MILLION = 1_000_000
PARETO_WITHOUT_FULL = 100_000

_CALIBRATED_ON = dt.date(1997, 9, 30)
_YEAR_DAYS = 365


@dataclass(frozen=True, eq=False)
class Base:
    """One element per customer, in days."""

    name: str
    frequency: Floats
    last_purchase_age: Floats
    age: Floats

    @property
    def columns(self) -> tuple[Floats, Floats, Floats]:
        return self.frequency, self.last_purchase_age, self.age


@dataclass(frozen=True)
class Row:
    """One comparison; `same` is the largest relative difference between the two sets of parameters."""

    name: str
    ours_seconds: float
    theirs_seconds: float
    ratio: float
    same: float


def cdnow(which: str) -> Base:
    """CDNOW from the data files of lifetimes: `sample` (2,357 customers) or `master` (23,570)."""
    path = metadata.distribution("lifetimes").locate_file(f"lifetimes/datasets/CDNOW_{which}.txt")
    customer, day = (1, 2) if which == "sample" else (0, 1)
    end, days = _CALIBRATED_ON.toordinal(), dict[str, set[int]]()
    for line in Path(str(path)).read_text().splitlines():
        parts = line.split()
        if parts and parts[0].isdigit():
            date = parts[day]
            bought = dt.date(int(date[:4]), int(date[4:6]), int(date[6:])).toordinal()
            if bought <= end:
                days.setdefault(parts[customer], set()).add(bought)
    rows = [(len(d) - 1, max(d) - min(d), end - min(d)) for d in days.values()]
    return Base(f"CDNOW {which}, {len(rows):,} customers", *np.array(rows, dtype=np.float64).T)


def simulated(customers: int, *, pareto: bool, seed: int = 1) -> Base:
    """Customers of the last year with CDNOW's parameters (of BG/NBD or Pareto/NBD), purchases counted by day."""
    rng = np.random.default_rng(seed)
    age = rng.integers(0, _YEAR_DAYS + 1, customers).astype(np.float64)
    rate = rng.gamma(0.553 if pareto else 0.243, 1 / (10.578 if pareto else 4.414), customers) / 7
    leaves_at, chance = np.full(customers, np.inf), np.zeros(customers)
    if pareto:
        leaves_at = rng.exponential(1, customers) / rng.gamma(0.606, 1 / 11.669, customers) * 7
    else:
        chance = rng.beta(0.793, 2.426, customers)
    x, last, now = np.zeros(customers), np.zeros(customers), np.zeros(customers)
    here = np.arange(customers)
    while here.size:
        now[here] += rng.exponential(1, here.size) / np.maximum(rate[here], 1e-300)
        here = here[now[here] < np.minimum(age[here], leaves_at[here])]
        day = np.ceil(now[here])
        another = here[day > last[here]]
        x[another] += 1
        last[here] = day
        here = here[rng.random(here.size) >= chance[here]]
    return Base(f"simulated, {customers:,} customers", x, last, age)


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def _theirs(model: str) -> Any:
    """A fitter of lifetimes. With pandas 3 its import needs one deprecation warning out of the way, no more."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        lifetimes = importlib.import_module("lifetimes")
    return {"BG/NBD": lifetimes.BetaGeoFitter, "Pareto/NBD": lifetimes.ParetoNBDFitter}[model]()


_OURS: dict[str, Callable[[Counted], Fit]] = {"BG/NBD": fit_bg_nbd, "Pareto/NBD": fit_pareto_nbd}


def compare(model: str, base: Base) -> Row:
    """Fit `model` to `base` with both packages, ours first; times in weeks on both sides."""
    weeks = (base.frequency, base.last_purchase_age / 7, base.age / 7)
    ours, fit = _timed(lambda: _OURS[model](Counted.from_days(*base.columns)))
    fitter = _theirs(model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs, fitted = _timed(lambda: fitter.fit(*weeks))
    names = fit.parameters.keys()
    same = max(abs(float(fitted.params_[name]) / fit.parameters[name] - 1) for name in names)
    return Row(f"{model}, {base.name}", ours, theirs, theirs / ours, same)


def bench_fits(*, full: bool = False) -> list[Row]:
    """BG/NBD and Pareto/NBD on the CDNOW sample, the whole of CDNOW, and a million simulated customers."""
    _warm_up()
    rows = [compare(model, cdnow(which)) for which in ("sample", "master") for model in _OURS]
    rows.append(compare("BG/NBD", simulated(MILLION, pareto=False)))
    rows.append(compare("Pareto/NBD", simulated(MILLION if full else PARETO_WITHOUT_FULL, pareto=True)))
    return rows


def bench_ours() -> list[tuple[str, float]]:
    """Seconds that our own steps take on a million simulated customers; no peer does these in minutes."""
    base = simulated(MILLION, pareto=True)
    weeks = (base.frequency, base.last_purchase_age / 7, base.age / 7)
    seconds, counted = _timed(lambda: Counted.from_days(*base.columns))
    found = [(f"count 1 M customers into {counted.age.size:,} tuples", seconds)]
    fits: dict[str, Callable[[Counted], PurchaseFit]] = {"MBG/NBD": fit_mbg_nbd, "Pareto/NBD": fit_pareto_nbd}
    for name, fit in fits.items():
        seconds, model = _timed(partial(fit, counted))
        found.append((f"fit {name} to 1 M customers", seconds))
        found.append((f"{name}: P(alive) of 1 M customers", _timed(partial(model.p_alive, *weeks))[0]))
        expected = partial(model.expected_purchases_given, *weeks, 52.0)
        found.append((f"{name}: expected purchases of 1 M customers", _timed(expected)[0]))
    return found


def _warm_up() -> None:
    """The first call of a numeric library pays for its loading: not a cost of either fit."""
    for model in _OURS:
        compare(model, cdnow("sample"))


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="let lifetimes fit Pareto/NBD to a million customers")
    for row in bench_fits(full=parser.parse_args().full):
        print(
            f"{row.name:55} ours {row.ours_seconds:8.3f} s   lifetimes {row.theirs_seconds:8.2f} s   "
            f"{row.ratio:6.1f} x   parameters within {row.same:.1e}"
        )
    for name, seconds in bench_ours():
        print(f"{name:55} ours {seconds:8.3f} s")


if __name__ == "__main__":
    main()
