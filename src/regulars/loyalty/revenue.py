"""Points as a promise: which part of the price is revenue only when they are redeemed (IFRS 15, B39-B43)."""

from collections.abc import Sequence
from fractions import Fraction


def allocate(price: int, standalone: Sequence[Fraction]) -> list[int]:
    """Split a price, in minor units, between promises by their stand-alone selling prices (IFRS 15.74-76).

    Parts are whole and add up to the price: what rounding leaves goes to the largest remainders, of equal ones to
    the first. Of points, the stand-alone price is their value times the share expected to be redeemed (B42).
    Raises ValueError when the promises are worth nothing together, or one of them is worth less than nothing.
    """
    total = sum(standalone)
    if total <= 0 or min(standalone) < 0:
        raise ValueError("stand-alone prices must not be negative, and not all of them zero")
    exact = [price * one / total for one in standalone]
    parts = [one.numerator // one.denominator for one in exact]
    order = sorted(range(len(parts)), key=lambda place: (parts[place] - exact[place], place))
    for place in order[: price - sum(parts)]:
        parts[place] += 1
    return parts


def earned(deferred: int, *, redeemed: int, expected: int) -> int:
    """Of the deferred revenue, in minor units: what has been earned in all so far.

    `redeemed` and `expected` are points since the beginning; `expected` is today's estimate of all that ever will be
    redeemed, so a new estimate changes what is earned now and never the years before (IFRS 15, example 52). All of it
    is earned when as many were redeemed as are expected. Raises ValueError when fewer are expected than were redeemed.
    """
    if not 0 <= redeemed <= expected:
        raise ValueError(f"{redeemed} points redeemed, {expected} expected: expect at least what was redeemed")
    return round(Fraction(deferred * redeemed, expected)) if expected else deferred
