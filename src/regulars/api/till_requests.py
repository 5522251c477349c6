"""What all operations of tills share: by which name a till is known, and that misses are counted."""

from collections.abc import Callable
from typing import TypeVar

from regulars.api.http import Request
from regulars.api.limits import A_MISS, A_WRONG_CODE, charge
from regulars.loyalty.certificates import NoCertificate
from regulars.loyalty.members import NoMember, NoTillCode
from regulars.loyalty.setting_aside import NoCode

T = TypeVar("T")


def till_of(request: Request) -> str:
    """The name under which a key's receipts are written: what a request says of itself counts for nothing."""
    return f"till:{request.auth.pk}"


def known(request: Request, work: Callable[[], T]) -> T:
    """Do it; whoever names a card, phone, code or certificate that nobody has may ask seldom afterwards."""
    try:
        return work()
    except (NoMember, NoCertificate, NoCode) as error:
        charge(request.auth.pk, miss(error))
        raise


def miss(error: Exception) -> int:
    """What it costs to have named it."""
    return A_WRONG_CODE if isinstance(error, NoTillCode) else A_MISS
