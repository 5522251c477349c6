"""What all requests of tills share: each is written once, and its moment is believed within bounds."""

import datetime as dt
import hashlib
import json
from collections.abc import Sequence
from dataclasses import is_dataclass
from decimal import Decimal
from typing import Any, TypeVar

from django.db import connection

from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.loyalty.ledger import Refused, Written
from regulars.loyalty.models import CardSale, CertificateDeal, Sale, SaleReturn, WaitingReturn

AHEAD = dt.timedelta(minutes=5)  # how far a till's clock may be off
OLDEST = dt.timedelta(days=35)  # how late a till that was offline may tell of a receipt

Told = TypeVar("Told", Sale, SaleReturn, WaitingReturn, CertificateDeal, CardSale)


class NotNow(InputError):
    """The request is right, but not as things stand: another sum by now, or a limit that is reached."""


class OtherTold(NotNow):
    """The number has another request, and always will: to repeat it is of no use."""


def hold_number(till: str, number: str) -> None:
    """Until the end of the transaction nobody else works at this receipt, nor at what comes back of it."""
    hold_numbers([(till, number)])


def hold_numbers(receipts: Sequence[tuple[str, str]]) -> None:
    """The same for several of them, in this order."""
    names = [f"sale\x1f{till}\x1f{number}" for till, number in receipts]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(name, 0)) FROM unnest(%s::text[]) AS name", [names]
        )


def repeated(model: type[Told], till: str, number: str, digest: bytes) -> Told | None:
    """What this request wrote before; None when it is new. Raises `OtherTold` when the number was used for another."""
    found = model._default_manager.filter(till=till, number=number).first()
    if found is not None and bytes(found.digest) != digest:
        raise OtherTold(_("This till has another receipt with the number {number!r}.").format(number=number))
    return found


def digest_of(what: Any, *more: object) -> bytes:
    """By which a repetition is known; the order of names does not matter."""
    told = {name: value for name, value in vars(what).items() if value or name not in _LATER}
    text = json.dumps([told, *more], sort_keys=True, default=_plain, ensure_ascii=False)
    return hashlib.sha256(text.encode(errors="surrogatepass")).digest()


# requests have these since later: while they are empty, what was told before them is known as it was
_LATER = ("certificates", "code", "hold")


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value.normalize():f}" if value.is_finite() else str(value)
    if is_dataclass(value):
        return vars(value)
    return sorted(value) if isinstance(value, frozenset) else str(value)


def check_clock(clock: dt.datetime | None, now: dt.datetime) -> None:
    """Raise when the till's clock is off: then the moments of its receipts are, too. None: the till does not say."""
    if clock is None:
        return
    if clock.utcoffset() is None:
        raise InputError(_("The moment {value} has no time zone.").format(value=clock.isoformat()))
    if abs(clock - now) > AHEAD:
        raise InputError(
            _(
                "The till's clock says {clock}, and it is {now}. Set the clock, move the moments of its receipts by as "
                "much, and tell them again."
            ).format(clock=clock.isoformat(), now=now.isoformat(timespec="seconds"))
        )


def checked_moment(moment: dt.datetime | None, now: dt.datetime) -> dt.datetime:
    """When it was bought; a till whose clock is wrong is told so, and writes nothing."""
    if moment is None:
        return now
    if moment.utcoffset() is None:
        raise InputError(_("The moment {value} has no time zone.").format(value=moment.isoformat()))
    if moment > now + AHEAD:
        raise InputError(
            _("{moment} has not come yet: it is {now}. Set the clock of the till.").format(
                moment=moment.isoformat(), now=now.isoformat(timespec="seconds")
            )
        )
    if moment < now - OLDEST:
        raise InputError(
            _("{moment} is more than {days} days ago. Check the clock of the till; import older receipts.").format(
                moment=moment.isoformat(), days=OLDEST.days
            )
        )
    return min(moment, now)


def wholly(answers: Sequence[Written | Refused]) -> list[Written]:
    """All of them, or the first refusal raised: the caller's transaction goes with it."""
    for one in answers:
        if isinstance(one, Refused):
            raise one
    return [one for one in answers if isinstance(one, Written)]
