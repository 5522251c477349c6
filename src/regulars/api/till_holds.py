"""Points for orders that are paid later: set aside, let go; the receipt that names them spends them."""

from typing import Any

from ninja import Router

from regulars.api.http import Problem, Request, answers, needs
from regulars.api.models import Scope
from regulars.api.till_bodies import HoldEndIn, HoldIn, HoldOut
from regulars.api.till_requests import known, till_of
from regulars.loyalty.members import Shown
from regulars.loyalty.models import Hold
from regulars.loyalty.order_holds import Aside, let_points_go, number_of, set_points_aside

router = Router(tags=["till"])

_WRONG: dict[int, Any] = {404: Problem, 409: Problem}


@router.post("/holds", response=answers(HoldOut, more=_WRONG), **needs(Scope.TILL), summary="Set points aside")
def hold_points(request: Request, body: HoldIn) -> dict[str, Any]:
    """Points for an order, once for each number at all tills of an owner; the same again tells how they stand."""
    shown = Shown(body.card, body.phone, body.code)
    wanted = Aside(till_of(request), body.number, body.points, body.until, shown)
    return _held(request, known(request, lambda: set_points_aside(wanted)))


@router.post("/holds/release", response=answers(HoldOut, more=_WRONG), **needs(Scope.TILL), summary="Let points go")
def release_points(request: Request, body: HoldEndIn) -> dict[str, Any]:
    """The order is not paid any more: his points are free again. Twice is the same as once.

    Any till of the owner who set them aside may let them go.
    """
    return _held(request, let_points_go(till_of(request), body.number))


def _held(request: Request, found: Hold) -> dict[str, Any]:
    return {
        "till": till_of(request), "number": number_of(found), "points": found.amount, "state": found.state,
        "until": found.until,
    }  # fmt: skip
