"""Gift certificates: made in batches for the printer, found by their number, and cancelled by a person.

A certificate is money of whoever holds it, so its number is nowhere shown but to who types it.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from django.db import connection, transaction
from django.utils import timezone

from regulars.accounts.models import User
from regulars.accounts.services import log
from regulars.core.errors import InputError
from regulars.core.i18n import format_date, format_moment
from regulars.core.i18n import gettext as _
from regulars.foundation.clashes import or_told
from regulars.foundation.models import Business
from regulars.loyalty.card_numbers import LUHN, drawn, is_right, number_of
from regulars.loyalty.models import Certificate, CertificateBatch, CertificateMovement
from regulars.loyalty.telling import NotNow

Kind = CertificateMovement.Kind

# ten million million numbers: whoever tries a million of them, of a million that are sold, meets one once in ten
_PREFIX, _DIGITS = "99", 16
MOST_CERTIFICATES = 100_000
MOST_AMOUNT = 10**11
MOST_DAYS = 3_660
_LONGEST_NAME = 60
_AT_ONCE = 10_000


class NoCertificate(InputError):
    """No certificate has this number."""


def make_certificates(
    name: str, *, count: int, amount: int, days: int | None, by: User | None, address: str | None = None
) -> CertificateBatch:
    """So many numbers that nobody can guess, each for `amount`. They are worth nothing until a till sells them.

    `days`: how many whole days after the sale they live; None: for ever. Raises `InputError`.
    """
    name = " ".join(name.split())
    _check(name, count, amount, days)
    with transaction.atomic(), or_told(_named_already(name)):
        if CertificateBatch.objects.filter(name__iexact=name).exists():
            raise InputError(_named_already(name))
        batch = CertificateBatch.objects.create(
            name=name, amount=amount, currency=Business.current().currency, days=days, made_at=timezone.now(),
            made_by=by,
        )  # fmt: skip
        serials, missing = drawn(_PREFIX, _DIGITS), count
        while missing:
            missing -= _written(batch, list(islice(serials, min(missing, _AT_ONCE))))
        log("certificates_made", user=by, about=name, details={"certificates": count}, address=address)
    return batch


def _check(name: str, count: int, amount: int, days: int | None) -> None:
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise InputError(_("Name the batch with 1 to {most} signs.").format(most=_LONGEST_NAME))
    if not 1 <= count <= MOST_CERTIFICATES:
        raise InputError(_("Make 1 to {most} certificates at once.").format(most=MOST_CERTIFICATES))
    if not 1 <= amount <= MOST_AMOUNT:
        raise InputError(_("Say for how much money each certificate is sold."))
    if days is not None and not 1 <= days <= MOST_DAYS:
        raise InputError(_("A certificate lives 1 to {most} days; leave it empty for ever.").format(most=MOST_DAYS))


def _named_already(name: str) -> str:
    return _("There are certificates named {name!r} already: choose another name.").format(name=name)


def _written(batch: CertificateBatch, serials: list[int]) -> int:
    """How many of them were new."""
    numbers = [number_of(one, prefix=_PREFIX, digits=_DIGITS, scheme=LUHN) for one in serials]
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO loyalty_certificate (batch_id, number, balance, is_cancelled)
            SELECT %s, unnest(%s::text[]), 0, false ON CONFLICT (number) DO NOTHING""",
            [batch.pk, numbers],
        )
        return int(cursor.rowcount)


def take_numbers(batch: CertificateBatch, *, by: User | None, address: str | None = None) -> Iterator[str]:
    """The numbers for the printer: once. Raises `NotNow` when they were taken before.

    A file that got lost costs nothing: none of its numbers is worth anything yet, and another batch is quickly made.
    """
    with transaction.atomic():
        free = CertificateBatch.objects.filter(pk=batch.pk, taken_at=None)
        if not free.update(taken_at=timezone.now(), taken_by=by):
            batch.refresh_from_db()
            assert batch.taken_at is not None
            raise NotNow(
                _("The numbers were taken on {moment} by {who}. They leave once: make another batch.").format(
                    moment=format_moment(batch.taken_at, Business.current().zone),
                    who=batch.taken_by.name if batch.taken_by else "-",
                )
            )
        log("certificates_taken", user=by, about=batch.name, address=address)
    return batch.certificates.order_by("pk").values_list("number", flat=True).iterator(_AT_ONCE)


def plain(written: str) -> str:
    """The number as it is kept, however it was typed."""
    return "".join(one for one in written if one not in " -\N{NO-BREAK SPACE}\t")


def find(written: str) -> Certificate:
    """The certificate with this number; raises `NoCertificate`."""
    number = plain(written)
    if not number:
        raise InputError(_("Scan the certificate, or type its number."))
    found = Certificate.objects.select_related("batch").filter(number=number).first()
    if found is not None:
        return found
    if not (len(number) == _DIGITS and is_right(number, LUHN)):
        raise NoCertificate(
            _("{number} is no number of a certificate: read its {digits} digits once more.").format(
                number=number[:40], digits=_DIGITS
            )
        )
    raise NoCertificate(_("No certificate has the number {number}.").format(number=number))


def why_worthless(one: Certificate, *, at: dt.datetime) -> str:
    """Why nothing can be paid with it at the moment; empty when something can."""
    number = ending(one)
    if one.sold_for is None:
        return _("Certificate {number} is not sold yet: sell it first.").format(number=number)
    if one.is_cancelled:
        return _("Certificate {number} was cancelled.").format(number=number)
    day = last_day(one)
    if day is not None and one.expires_at is not None and one.expires_at <= at:
        return _("Certificate {number} was valid through {day}.").format(number=number, day=format_date(day))
    if not one.balance:
        return _("Certificate {number} is used up.").format(number=number)
    return why_foreign(one)


def why_foreign(one: Certificate) -> str:
    """Whether it was printed in another money than the shop's of now; empty when it was not."""
    if one.batch.currency == Business.current().currency:
        return ""
    return _("Certificate {number} is in {currency}, which is not yours any more.").format(
        number=ending(one), currency=one.batch.currency
    )


def ending(one: Certificate) -> str:
    """By which people tell it from others without learning its number."""
    return f"…{one.number[-4:]}"


def last_day(one: Certificate) -> dt.date | None:
    """The last day on which it can be used, by the clock of the business."""
    if one.expires_at is None:
        return None
    return (one.expires_at - dt.timedelta(microseconds=1)).astimezone(Business.current().zone).date()


def state_of(one: Certificate, *, at: dt.datetime) -> str:
    """One word: printed, valid, used, expired or cancelled."""
    if one.sold_for is None:
        return "printed"
    if one.is_cancelled:
        return "cancelled"
    if one.balance == 0:
        last = one.movements.order_by("-pk").values_list("kind", flat=True).first()
        return "expired" if last == Kind.EXPIRED else "used"
    return "expired" if one.expires_at is not None and one.expires_at <= at else "valid"


def history(one: Certificate) -> list[CertificateMovement]:
    """All that happened to it, the newest first."""
    return list(one.movements.select_related("deal", "sale__receipt", "back", "actor").order_by("-pk"))


@transaction.atomic
def cancel(one: Certificate, *, reason: str, by: User, address: str | None = None) -> None:
    """It is worth nothing any more: it was stolen, or its money was given back. Raises `NotNow`."""
    reason = " ".join(reason.replace("\0", "").encode(errors="replace").decode().split())[:200]
    if not reason:
        raise InputError(_("Write why: somebody will ask in a year."))
    held = Certificate.objects.select_for_update(of=("self",)).select_related("batch").get(pk=one.pk)
    if held.is_cancelled or not held.balance:
        raise NotNow(_("There is no money on this certificate: nothing to cancel."))
    CertificateMovement.objects.create(
        certificate=held, kind=Kind.CANCELLED, amount=-held.balance, balance=0, moved_at=timezone.now(), actor=by,
        reason=reason,
    )  # fmt: skip
    log("certificate_cancelled", user=by, about=ending(held), address=address)


@dataclass(frozen=True)
class CertificateSummary:
    """A batch for people: how many certificates it has, how many are sold, and what is left on them."""

    batch: CertificateBatch
    certificates: int
    sold: int
    balance: int


def batches() -> list[CertificateSummary]:
    """The newest hundred."""
    newest = list(CertificateBatch.objects.select_related("made_by", "taken_by").order_by("-pk")[:100])
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT batch_id, count(*), count(sold_for), sum(balance)::bigint FROM loyalty_certificate
            WHERE batch_id = ANY (%s) GROUP BY batch_id""",
            [[one.pk for one in newest]],
        )
        counted = {batch: figures for batch, *figures in cursor.fetchall()}
    return [CertificateSummary(one, *counted.get(one.pk, (0, 0, 0))) for one in newest]
