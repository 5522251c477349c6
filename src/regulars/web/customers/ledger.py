"""The ledger of one member: lots and postings, on any day, of each unit; and the orders that wait now."""

import datetime as dt
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from regulars.accounts.rights import Right
from regulars.api.models import ApiKey
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.customers.models import Customer
from regulars.foundation.days import end_of_day, read_day, today
from regulars.foundation.models import Business
from regulars.loyalty.actors import names_of
from regulars.loyalty.member_ledger import MemberLedger, ledger_of, units_of
from regulars.loyalty.order_holds import holds_of, let_go_by_hand, number_of, waiting_orders
from regulars.web.access import Request, needs
from regulars.web.customers.access import seen_customer
from regulars.web.sign_in import address_of


@needs(Right.SEE_PURCHASES)
@require_safe
def page(request: Request, customer_id: int) -> HttpResponse:
    """At the end of the day in the address; now when there is none."""
    return _page(request, seen_customer(request, customer_id))


@needs(Right.CORRECT_POINTS)
@require_POST
def let_go(request: Request, customer_id: int, hold_id: int) -> HttpResponse:
    """The points of an order are free again; pressed twice is the same as once."""
    if not request.user.may(Right.SEE_PURCHASES):
        raise PermissionDenied  # the answer is the ledger
    customer = seen_customer(request, customer_id)
    hold = get_object_or_404(holds_of(customer.pk), pk=hold_id)
    try:
        let_go_by_hand(hold, by=request.user, about=customer.pk, address=address_of(request))
    except InputError as refused:
        return _page(request, customer, str(refused))
    messages.success(request, _("The points of the order {number} are free again.").format(number=number_of(hold)))
    return redirect("customer_ledger", customer_id)


def _page(request: Request, customer: Customer, problem: str = "") -> HttpResponse:
    context: dict[str, Any] = {
        "customer": customer, "error": problem, "today": today(), "zone": Business.current().zone, "ledger": None,
        "units": units_of(customer.pk), "asked": request.GET, "orders": [],
        "may_let_go": request.user.may(Right.CORRECT_POINTS),
    }  # fmt: skip
    try:
        day = read_day(request.GET.get("day", ""))
        context |= {"day_shown": day or today()} | _shown(request, customer, end_of_day(day), context["units"])
        if (found := context["ledger"]) and context["day_shown"] == today():
            context["orders"] = waiting_orders(customer.pk, found.unit)
    except InputError as refused:
        context |= {"error": str(refused), "day_shown": today()}
    return render(request, "customers/ledger.html", context, status=422 if context["error"] else 200)


def _shown(request: Request, customer: Customer, at: dt.datetime, units: list[Any]) -> dict[str, Any]:
    slug = request.GET.get("unit", "")
    unit = next((one for one in units if one.slug == slug), units[0] if units else None)
    if unit is None:
        return {}
    found = ledger_of(customer.pk, unit, at=at, after=request.GET.get("after", ""))
    return {"ledger": found, "names": _names(found)}


def _names(found: MemberLedger) -> dict[str, str]:
    """Who did it, in words; tills go by the names of their keys."""
    who = {one.came.actor for one in found.moved}
    keys = {one: one.removeprefix("till:") for one in who if one.startswith("till:")}
    asked = [int(key) for key in keys.values() if key.isascii() and key.isdigit() and len(key) < 10]
    tills = {f"till:{key}": name for key, name in ApiKey.objects.filter(pk__in=asked).values_list("pk", "name")}
    return names_of(who) | {one: tills[one] for one in who if one in tills}
