"""Those to whom something happened beside those who were like them before: exact matching on coarse strata.

It removes what the strata tell apart, and nothing else: whoever chose what happened to him differs in his wish too.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from regulars.analytics.estimate import Estimate

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Matched:
    """How many were treated, how many of them found somebody like them, beside how many; and the difference."""

    treated: int
    matched: int
    others: int
    difference: Estimate


def matched_difference(who: Ints, is_treated: Flags, strata: Ints, change: Floats) -> Matched | None:
    """The mean change of the treated less that of the others of their stratum; None when nobody finds his like.

    One row is one person at one moment; `who` names the person, who may stand in several rows: his rows are one
    cluster. Strata with a treated person and two others count, weighted by their treated people (coarsened exact
    matching: Iacus, King & Porro 2012, equation 1). With `change` = after - before it is a difference in differences.
    The variance is that of the sum of every person's influence; the treated stray about the difference of all, so a
    stratum with one of them counts too.

    >>> who = np.arange(6)
    >>> strata = np.array([1, 1, 1, 2, 2, 3])
    >>> treated = np.array([True, False, False, True, False, True])
    >>> found = matched_difference(who, treated, strata, np.array([5.0, 1.0, 3.0, 9.0, 9.0, 9.0]))
    >>> found.treated, found.matched, found.others, found.difference.value  # one other is too few, none as well
    (3, 1, 2, 3.0)
    """
    _values, stratum = np.unique(strata, return_inverse=True)
    size = int(stratum.max(initial=-1)) + 1
    treated = np.bincount(stratum[is_treated], minlength=size)
    others = np.bincount(stratum[~is_treated], minlength=size)
    usable = ((treated > 0) & (others > 1))[stratum]
    of_treated, of_others = usable & is_treated, usable & ~is_treated
    count = int(of_treated.sum())
    if not count:
        return None
    means = np.bincount(stratum[~is_treated], weights=change[~is_treated], minlength=size) / np.maximum(others, 1)
    off = change - means[stratum]
    difference = float(off[of_treated].mean())
    influence = np.zeros(change.size)
    influence[of_treated] = (off[of_treated] - difference) / count
    weight = treated / np.maximum(others, 1) * np.sqrt(others / np.maximum(others - 1, 1)) / count
    influence[of_others] = -(off * weight[stratum])[of_others]
    _people, person = np.unique(who, return_inverse=True)
    half = 1.96 * float(np.sqrt((np.bincount(person, weights=influence) ** 2).sum()))
    each = Estimate(difference, difference - half, difference + half)
    return Matched(int(is_treated.sum()), count, int(np.unique(who[of_others]).size), each)
