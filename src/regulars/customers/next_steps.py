"""What to do next with a customer: one step first. Packages above register what they know to suggest."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from regulars.accounts.models import User
from regulars.customers.models import Customer


@dataclass(frozen=True)
class Step:
    """Something to do, why, and where. The lowest `order` is shown first, as the one action of the card."""

    order: int
    title: str
    why: str
    address: str = ""  # a page, or a place on the card: "#contacts"
    tone: str = ""


Suggest = Callable[[Customer, User, dt.date], Sequence[Step]]
_suggesters: list[Suggest] = []


def register(suggest: Suggest) -> None:
    """Let this be asked for steps, too."""
    if suggest not in _suggesters:
        _suggesters.append(suggest)


def steps_for(customer: Customer, user: User, day: dt.date) -> list[Step]:
    """All suggestions, the most pressing first."""
    found = [step for suggest in _suggesters for step in suggest(customer, user, day)]
    return sorted(found, key=lambda one: one.order)
