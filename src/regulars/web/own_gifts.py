"""Gifts on the customer's own page: what waits for him, what he could have now, and what is nearest."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from regulars.core import barcodes
from regulars.customers.models import Customer
from regulars.loyalty.gifts import Offer, offers_for, waiting_gifts
from regulars.loyalty.models import Reward
from regulars.loyalty.tastes import fitting

FEW, MANY = 5, 100


@dataclass(frozen=True)
class Shown:
    """A gift that he could have, or nearly, with the reason why it suits him, if there is one."""

    offer: Offer
    reason: str = ""


@dataclass(frozen=True)
class Waiting:
    """A gift that is his already; `square` is its code as readers at tills see it, for himself alone."""

    reward: Reward
    square: Markup | None


def gifts_shown(customer: Customer, *, is_proven: bool, is_long: bool) -> dict[str, Any]:
    """What the section needs; everything in it is bounded."""
    waiting, offers = waiting_gifts(customer)[:MANY], offers_for(customer)
    # whoever has the link sees what its customer bought, and not what he answered about himself
    fits = [
        Shown(one.offer, one.why.told_to_him if is_proven or not one.why.tells_an_answer else "")
        for one in fitting(customer, offers)
    ]
    can = _in_order([one for one in fits if one.offer.can_take], [one for one in offers if one.can_take])
    most = MANY if is_long else FEW
    return {
        "waiting": [Waiting(one, _square(one) if is_proven else None) for one in waiting],
        "can_take": can[:most],
        "has_more_gifts": len(can) > most,
        **_soon(fits, offers),
        # pressed twice it is one gift
        "wish_number": secrets.token_hex(8),
    }


def _in_order(fits: Sequence[Shown], offers: Sequence[Offer]) -> list[Shown]:
    """What suits him, and then the dearest: his points are worth most there."""
    known = {one.offer.gift.pk for one in fits}
    return [*fits, *(Shown(one) for one in reversed(offers) if one.gift.pk not in known)]


def _soon(fits: Sequence[Shown], offers: Sequence[Offer]) -> dict[str, Any]:
    """What he could have with the fewest points more, and what else suits him and is near."""
    suits = [one for one in fits if not one.offer.can_take]
    far = [one for one in offers if one.missing and not one.obstacle]
    if not far:
        return {"nearest": None, "suits_soon": suits}
    nearest = min(far, key=lambda one: one.missing)
    reason = next((one.reason for one in suits if one.offer == nearest), "")
    return {"nearest": Shown(nearest, reason), "suits_soon": [one for one in suits if one.offer != nearest]}


def _square(reward: Reward) -> Markup | None:
    return barcodes.svg(reward.code, barcodes.Kind.QR) if reward.code else None
