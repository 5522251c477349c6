"""How many people a trial must leave alone, so that its result can be told from chance."""

import math

import scipy

ERROR = 0.05  # two-sided chance to see a difference where there is none
POWER = 0.80  # chance to see the difference that is there


def control_group(people: int, *, gain: float, variances: tuple[float, float]) -> int | None:
    """The smallest control group out of `people`, when all the others are contacted; None when half is not enough.

    `gain` is the difference of means to be proved, `variances` are those of one person's outcome without and
    with the contact. From z = gain / sqrt(v0 / c + v1 / (n - c)) with z = z(1 - error / 2) + z(power), as for two
    samples of unequal size (Cochran 1977, section 4.4 of Fleiss, Levin & Paik 2003 for shares).

    >>> control_group(2000, gain=0.1, variances=(0.25, 0.24))
    220
    >>> control_group(100, gain=0.1, variances=(0.25, 0.24)) is None
    True
    """
    if people < 2 or gain <= 0:
        return None
    needed = (gain / float(scipy.stats.norm.ppf(1 - ERROR / 2) + scipy.stats.norm.ppf(POWER))) ** 2
    before, after = variances
    # v0 / c + v1 / (n - c) = needed is a quadratic in c: needed c^2 - (needed n + v0 - v1) c + v0 n = 0
    middle = needed * people + before - after
    under_root = middle**2 - 4 * needed * before * people
    if under_root < 0:
        return None
    size = math.ceil((middle - math.sqrt(under_root)) / (2 * needed))
    return max(size, 1) if size <= people / 2 else None
