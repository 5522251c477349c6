"""Privileges at a till: what a member has proven there. It needs a scope of its own: each opens discounts."""

from typing import Any

from ninja import Router

from regulars.api.http import Problem, Request, answers, needs
from regulars.api.models import Scope
from regulars.api.till_bodies import PrivilegeIn, PrivilegeOut
from regulars.api.till_requests import known, till_of
from regulars.loyalty import members
from regulars.loyalty.proving import prove_privilege

router = Router(tags=["till"])


@router.post(
    "/privileges", response=answers(PrivilegeOut, more={404: Problem, 409: Problem}), **needs(Scope.PRIVILEGES),
    summary="Record a privilege",
)  # fmt: skip
def record_privilege(request: Request, body: PrivilegeIn) -> dict[str, Any]:
    """He has it from now on. A new proof takes the place of the former one; the same again changes nothing."""
    till = till_of(request)
    found = known(request, lambda: members.find(card=body.card, phone=body.phone, code=body.code, till=till))
    source = f"{till} {body.cashier}".strip()[:100]
    made = prove_privilege(found, name=body.name, proof=body.proof, until=body.until, source=source)
    return {"name": made.name, "until": made.until}
