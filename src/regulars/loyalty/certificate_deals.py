"""Certificates at a till: sold, taken back unused, paid with, and given back what they paid when goods come back.

To sell one is no sale of goods: no receipt is written and no points are earned, because the goods that are paid with
it will earn them.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.foundation.models import Business
from regulars.loyalty.certificates import Kind, NoCertificate, ending, find, plain, why_foreign, why_worthless
from regulars.loyalty.models import Certificate, CertificateDeal, CertificateMovement, Partner, Sale, SaleReturn
from regulars.loyalty.partners import check_same_partner, partner_at
from regulars.loyalty.telling import NotNow, digest_of, hold_number, repeated

MOST_ON_A_RECEIPT = 20
LEAST_DAYS = 30  # what comes back to a certificate can be spent at least so long


@dataclass(frozen=True)
class Deal:
    """Certificates that a till sells by one number of its own, and what was paid for all of them."""

    till: str
    number: str
    certificates: tuple[str, ...]
    paid: int
    cashier: str = ""


@dataclass(frozen=True)
class Undoing:
    """Certificates that come back unused, of which deal of which till; none named: all of the deal."""

    till: str
    number: str
    deal_till: str
    deal_number: str
    certificates: tuple[str, ...] = ()
    cashier: str = ""


@dataclass(frozen=True)
class Payment:
    """What a certificate pays of a receipt, and what is left on it."""

    certificate: Certificate
    pays: int

    @property
    def left(self) -> int:
        """What can be spent another time."""
        return self.certificate.balance - self.pays


def sell_certificates(deal: Deal) -> CertificateDeal:
    """From now on they are money: all of them or none, once for each (till, number).

    Raises `NoCertificate`, and `NotNow` when one is sold already or they cost another sum than `paid`.
    """
    digest = digest_of(deal)
    refuse_partner(partner_at(deal.till))
    with transaction.atomic():
        hold_number(deal.till, f"certificate\x1f{deal.number}")
        if known := repeated(CertificateDeal, deal.till, deal.number, digest):
            return known
        now, held = timezone.now(), _held(deal.certificates)
        for one in held:
            _check_printed(one)
        amount = sum(one.batch.amount for one in held)
        if amount != deal.paid:
            raise NotNow(
                _("These certificates cost {now} minor units, not {told}: tell the customer.").format(
                    now=amount, told=deal.paid
                )
            )
        made = CertificateDeal.objects.create(
            till=deal.till, number=deal.number, digest=digest, cashier=deal.cashier, amount=amount, made_at=now
        )
        for one in held:
            _move(one, Kind.SOLD, one.batch.amount, now, until=_until(now, one.batch.days), deal=made)
    return made


def _check_printed(one: Certificate) -> None:
    if one.sold_for is not None:
        raise NotNow(_("Certificate {number} was sold before: take another one.").format(number=ending(one)))
    if problem := why_foreign(one):
        raise NotNow(problem)


def take_back_certificates(wanted: Undoing) -> CertificateDeal:
    """The money is given back and they are cancelled for good: whoever had one may know its number.

    Once for each (till, number). Raises `NotNow` when something was paid with one of them.
    """
    digest = digest_of(wanted)
    refuse_partner(partner_at(wanted.till))
    check_same_partner(wanted.till, wanted.deal_till)
    with transaction.atomic():
        hold_number(wanted.till, f"certificate\x1f{wanted.number}")
        if known := repeated(CertificateDeal, wanted.till, wanted.number, digest):
            return known
        deal = CertificateDeal.objects.filter(till=wanted.deal_till, number=wanted.deal_number, reverses=None).first()
        if deal is None:
            raise NoCertificate(_("No certificates were sold with the number {number!r}.").format(
                number=wanted.deal_number
            ))  # fmt: skip
        sold = set(deal.movements.values_list("certificate__number", flat=True))
        numbers = [plain(one) for one in wanted.certificates] or sorted(sold)
        if not sold.issuperset(numbers):
            raise NoCertificate(_("Not all of these certificates were sold with that number."))
        held, now = _held(numbers), timezone.now()
        for one in held:
            if one.is_cancelled or one.balance != one.sold_for or one.movements.exclude(kind=Kind.SOLD).exists():
                raise NotNow(_("Certificate {number} was used: it is not taken back.").format(number=ending(one)))
        made = CertificateDeal.objects.create(
            till=wanted.till, number=wanted.number, digest=digest, cashier=wanted.cashier, made_at=now, reverses=deal,
            amount=sum(one.balance for one in held),
        )  # fmt: skip
        for one in held:
            _move(one, Kind.CANCELLED, -one.balance, now, deal=made)
    return made


def payers(numbers: Sequence[str], partner: Partner | None, *, hold: bool = False) -> tuple[Certificate, ...]:
    """Those with which somebody wants to pay, in the order in which they pay: the soonest to expire first.

    With `hold` nobody else pays with them until the end of the transaction. Raises `NoCertificate` and `NotNow`.
    """
    if not numbers:
        return ()
    refuse_partner(partner)
    found, now = _held(numbers, hold=hold), timezone.now()
    for one in found:
        if problem := why_worthless(one, at=now):
            raise NotNow(problem)
    latest = dt.datetime.max.replace(tzinfo=dt.UTC)
    return tuple(sorted(found, key=lambda one: one.expires_at or latest))


def payments(certificates: Sequence[Certificate], to_pay: int) -> tuple[Payment, ...]:
    """How they pay this sum, each as much as it can."""
    found = []
    for one in certificates:
        found.append(Payment(one, min(one.balance, to_pay)))
        to_pay -= found[-1].pays
    return tuple(found)


def spend_certificates(paid: Sequence[Payment], sale: Sale) -> None:
    """Write down that they paid for this receipt; they are held since it was judged."""
    for one in paid:
        if one.pays:
            _move(one.certificate, Kind.SPENT, -one.pays, sale.recorded_at, sale=sale)


@dataclass(frozen=True)
class Share:
    """What of a receipt a certificate paid and has not back yet."""

    certificate: Certificate
    amount: int


def hold_shares(sale: Sale) -> list[Share]:
    """What can go back to certificates, the last one spent first; they are held until the end of the transaction.

    What a cancelled one paid comes back in money: somebody has decided that nothing is to be paid with it.
    """
    if not sale.by_certificates:
        return []
    moved = CertificateMovement.objects.filter(sale=sale)
    ids = moved.filter(kind=Kind.SPENT).order_by("-pk").values_list("certificate_id", flat=True)
    held = {
        one.pk: one
        for one in Certificate.objects.select_for_update(of=("self",)).select_related("batch")
        .filter(pk__in=list(ids)).order_by("pk")
    }  # fmt: skip
    left = dict(moved.order_by().values_list("certificate").annotate(left=-Sum("amount")))
    return [Share(held[key], left[key]) for key in ids if left[key] and not held[key].is_cancelled]


def split(shares: Sequence[Share], money: int) -> list[Share]:
    """What of this money goes back to which of them; the rest is paid out."""
    found = []
    for one in shares:
        part = min(one.amount, money)
        money -= part
        if part:
            found.append(Share(one.certificate, part))
    return found


def give_back_to(parts: Sequence[Share], back: SaleReturn) -> None:
    """The certificates have it again, for at least thirty days. What had expired stays expired."""
    now = timezone.now()
    for part in parts:
        one = part.certificate
        if one.expires_at is not None and one.expires_at <= now and one.balance:
            _move(one, Kind.EXPIRED, -one.balance, now)
        until = one.expires_at
        if until is not None:
            until = max(until, _until(now, LEAST_DAYS) or until)
        _move(one, Kind.RETURNED, part.amount, now, until=until, sale=back.sale, back=back)


def expire_certificates(at: dt.datetime) -> int:
    """Write down what is left on those whose time is over; how many they were. A second time finds none.

    Nobody could pay with them before either.
    """
    written, last = 0, 0
    while True:
        due = Certificate.objects.filter(balance__gt=0, expires_at__lte=at, pk__gt=last)
        with transaction.atomic():
            # whoever is at work on one of them is waited for: it may be back to life
            found = list(due.order_by("pk").select_for_update()[:_AT_ONCE])
            for one in found:
                _move(one, Kind.EXPIRED, -one.balance, at)
        if not found:
            return written
        written, last = written + len(found), found[-1].pk


_AT_ONCE = 200  # few enough that tills wait for a moment only


def deal_of(one: Certificate) -> CertificateDeal | None:
    """By which it was sold."""
    sold = one.movements.filter(kind=Kind.SOLD).select_related("deal").first()
    return sold.deal if sold else None


def _held(numbers: Sequence[str], *, hold: bool = True) -> list[Certificate]:
    """The certificates of these numbers in this order, each once."""
    wanted = list(dict.fromkeys(plain(one) for one in numbers))
    if len(wanted) < len(numbers):
        raise InputError(_("A certificate is named twice: name each of them once."))
    found = Certificate.objects.select_related("batch").filter(number__in=wanted).order_by("pk")
    known = {one.number: one for one in (found.select_for_update(of=("self",)) if hold else found)}
    # the first unknown one raises
    return [known.get(one) or find(one) for one in wanted]


def refuse_partner(partner: Partner | None) -> None:
    """Raise `NotNow` at a partner's till."""
    if partner is not None:
        raise NotNow(_("Certificates are money of the operator: partners neither sell nor take them."))


def _until(now: dt.datetime, days: int | None) -> dt.datetime | None:
    """The end of the last of so many whole days after this one, by the clock of the business."""
    if days is None:
        return None
    zone = Business.current().zone
    day = now.astimezone(zone).date() + dt.timedelta(days=days + 1)
    return dt.datetime.combine(day, dt.time.min, zone).astimezone(dt.UTC)


def _move(
    one: Certificate, kind: str, amount: int, at: dt.datetime, *, until: dt.datetime | None = None,
    deal: CertificateDeal | None = None, sale: Sale | None = None, back: SaleReturn | None = None,
) -> None:  # fmt: skip
    CertificateMovement.objects.create(
        certificate=one, kind=kind, amount=amount, balance=0, until=until, moved_at=at, deal=deal, sale=sale, back=back
    )
