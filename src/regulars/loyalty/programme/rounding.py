"""Whole numbers out of shares: the parts always add up to the whole."""

from collections.abc import Sequence


def half_up(numerator: int, denominator: int) -> int:
    """A share that is not negative, as the nearest whole number; a half goes up."""
    return (2 * numerator + denominator) // (2 * denominator)


def parts(numerators: Sequence[int], denominator: int, total: int) -> list[int]:
    """`total` in whole parts, each its share rounded down or up: the largest remainders go up, the first of equals.

    `total` is the sum of the shares, rounded either way. A share that is whole stays as it is.

    >>> parts([10, 10, 10], 3, 10)
    [4, 3, 3]
    """
    found = [one // denominator for one in numerators]
    rest = [one % denominator for one in numerators]
    left = total - sum(found)
    for index in sorted(range(len(found)), key=lambda index: -rest[index])[:left]:
        found[index] += 1
    return found


def spread(total: int, weights: Sequence[int]) -> list[int]:
    """`total` over lines by their weights. No part is above its weight while the total is not above their sum.

    >>> spread(100, [1, 1, 1])
    [34, 33, 33]
    """
    whole = sum(weights)
    if not total or not whole:
        return [0] * len(weights)
    return parts([total * one for one in weights], whole, total)
