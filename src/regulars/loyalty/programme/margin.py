"""The margin guard: how far a line and a receipt may be lowered. It says only less, never more."""

from collections.abc import Sequence
from fractions import Fraction

from regulars.loyalty.programme.basket import Line
from regulars.loyalty.programme.rounding import spread
from regulars.loyalty.programme.rules import Guard


def floor_of(line: Line, guard: Guard) -> int:
    """The least that the line may be sold for; its price where that is less already."""
    if line.category in guard.categories:
        margin = guard.categories[line.category]
        if margin is None:
            return 0
    else:
        margin = guard.line
    if line.cost is not None:
        return min(line.price, least_price(line.cost, margin))
    if guard.unknown_cost == "allow":
        return 0
    return line.price - line.price * guard.unknown_most // 100_00


def least_price(cost: int | Fraction, margin: int) -> int:
    """The least price of which so many hundredths of a per cent are above the cost."""
    return -(-cost * 100_00 // (100_00 - margin))


def least_part(cost: int | Fraction, margin: int) -> Fraction:
    """The same before it is rounded up: parts of goods add up exactly."""
    return cost * Fraction(100_00, 100_00 - margin)


def is_in_receipt(line: Line, guard: Guard) -> bool:
    """Whether the floor of the receipt is over it: its cost is known, and it is guarded."""
    return line.cost is not None and guard.categories.get(line.category, 0) is not None


def floor_of_receipt(lines: Sequence[Line], guard: Guard) -> int:
    """The least that those lines may be sold for together; their price where that is less already."""
    counted = [line for line in lines if is_in_receipt(line, guard)]
    return min(sum(line.price for line in counted), least_price(sum(line.cost or 0 for line in counted), guard.receipt))


def allowed(lines: Sequence[Line], guard: Guard | None, wanted: Sequence[int], taken: Sequence[int]) -> list[int]:
    """What may be taken off each line of what is wanted, after what is taken already.

    The receipt has a floor of its own, over the lines of known cost that are guarded: what is above it is taken from
    all discounts in proportion.
    """
    if guard is None:
        return list(wanted)
    found = [
        max(0, min(want, line.price - off - floor_of(line, guard)))
        for line, want, off in zip(lines, wanted, taken, strict=True)
    ]
    counted = [is_in_receipt(line, guard) for line in lines]
    room = _room(lines, guard, taken, counted)
    of_counted = [want if one else 0 for want, one in zip(found, counted, strict=True)]
    if sum(of_counted) <= room:
        return found
    lowered = spread(room, of_counted)
    return [low if one else want for low, want, one in zip(lowered, found, counted, strict=True)]


def _room(lines: Sequence[Line], guard: Guard, taken: Sequence[int], counted: Sequence[bool]) -> int:
    """How much may still come off the counted lines together."""
    known = [(line, off) for line, off, one in zip(lines, taken, counted, strict=True) if one]
    cost = sum((line.cost or 0) if line.in_receipt is None else line.in_receipt for line, _off in known)
    return max(0, sum(line.price - off for line, off in known) - least_price(cost, guard.receipt))
