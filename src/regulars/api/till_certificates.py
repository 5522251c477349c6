"""Gift certificates at a till: what is on one, and selling them. Paying with them is part of a receipt."""

from typing import Any

from django.utils import timezone
from ninja import Router

from regulars.api.http import Problem, Request, answers, needs
from regulars.api.models import Scope
from regulars.api.till_bodies import (
    CertificateDealOut,
    CertificateIn,
    CertificateOut,
    CertificatesBackIn,
    CertificatesSoldIn,
)
from regulars.api.till_requests import known, till_of
from regulars.loyalty.certificate_deals import Deal, Undoing, refuse_partner, sell_certificates, take_back_certificates
from regulars.loyalty.certificates import find, last_day, state_of
from regulars.loyalty.models import Certificate, CertificateDeal
from regulars.loyalty.partners import partner_at

router = Router(tags=["till"])

_WRONG: dict[int, Any] = {404: Problem, 409: Problem}


@router.post(
    "/certificates/find", response=answers(CertificateOut, more={404: Problem}), **needs(Scope.TILL),
    summary="Find a certificate",
)  # fmt: skip
def find_certificate(request: Request, body: CertificateIn) -> dict[str, Any]:
    """What is on it and until when."""
    refuse_partner(partner_at(till_of(request)))
    return known(request, lambda: _certificate(find(body.certificate)))


@router.post(
    "/certificates/sell", response=answers(CertificateDealOut, more=_WRONG), **needs(Scope.TILL),
    summary="Sell certificates",
)  # fmt: skip
def sell_certificate(request: Request, body: CertificatesSoldIn) -> dict[str, Any]:
    """They are worth something from now on; once for each number, the same request again is answered alike."""
    deal = Deal(till_of(request), body.number, tuple(body.certificates), body.paid, body.cashier)
    return known(request, lambda: _deal(sell_certificates(deal)))


@router.post(
    "/certificates/return", response=answers(CertificateDealOut, more=_WRONG), **needs(Scope.TILL),
    summary="Take certificates back",
)  # fmt: skip
def return_certificate(request: Request, body: CertificatesBackIn) -> dict[str, Any]:
    """Give the money for unused certificates back; once for each number. They are cancelled for good."""
    till = till_of(request)
    wanted = Undoing(till, body.number, body.sold_till or till, body.sold, tuple(body.certificates), body.cashier)
    return known(request, lambda: _deal(take_back_certificates(wanted)))


def _deal(made: CertificateDeal) -> dict[str, Any]:
    moved = made.movements.select_related("certificate__batch").order_by("certificate_id")
    found = [_certificate(one.certificate) for one in moved]
    return {"till": made.till, "number": made.number, "amount": made.amount, "certificates": found}


def _certificate(one: Certificate) -> dict[str, Any]:
    state = state_of(one, at=timezone.now())
    return {
        "state": state, "amount": one.batch.amount, "balance": one.balance if state == "valid" else 0,
        "valid_through": last_day(one),
    }  # fmt: skip
