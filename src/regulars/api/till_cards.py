"""Paid cards at a till: what one costs, selling it, and taking the payment back."""

from typing import Any

from ninja import Router

from regulars.api.http import Problem, Request, answers, needs
from regulars.api.models import Scope
from regulars.api.till_bodies import CardIn, CardOfferOut, CardSoldIn, CardSoldOut, CardVoidIn
from regulars.api.till_requests import known, till_of
from regulars.loyalty.models import CardSale
from regulars.loyalty.paid_cards import CardOffer, CardWish, cancel_card_sale, offer_for, sell_card

router = Router(tags=["till"])

_WRONG: dict[int, Any] = {404: Problem, 409: Problem}


@router.post(
    "/cards/find", response=answers(CardOfferOut, more=_WRONG), **needs(Scope.TILL), summary="What a paid card costs"
)
def find_paid_card(request: Request, body: CardIn) -> dict[str, Any]:
    """What the card of this member costs, and until when he would have its privilege."""
    return _offer(known(request, lambda: offer_for(body.card)))


@router.post("/cards/sell", response=answers(CardSoldOut, more=_WRONG), **needs(Scope.TILL), summary="Sell a paid card")
def sell_paid_card(request: Request, body: CardSoldIn) -> dict[str, Any]:
    """He has the privilege, or has it longer; once for each number. Make him a member with this card before."""
    wish = CardWish(till_of(request), body.number, body.card, body.paid, body.cashier)
    return _sold(known(request, lambda: sell_card(wish)))


@router.post(
    "/cards/cancel", response=answers(CardSoldOut, more=_WRONG), **needs(Scope.TILL), summary="Take a payment back"
)
def cancel_paid_card(request: Request, body: CardVoidIn) -> dict[str, Any]:
    """Undo a payment that this till took: the days that it paid for are taken off. Twice is the same as once."""
    return _sold(cancel_card_sale(till_of(request), body.number, cashier=body.cashier))


def _offer(found: CardOffer) -> dict[str, Any]:
    return {
        "privilege": found.privilege, "price": found.price, "valid_through": found.until,
        "then_through": found.until_then,
    }  # fmt: skip


def _sold(made: CardSale) -> dict[str, Any]:
    return {
        "till": made.till, "number": made.number, "privilege": made.batch.privilege, "price": made.price,
        "valid_through": made.until, "state": "cancelled" if made.cancelled_at else "sold",
    }  # fmt: skip
