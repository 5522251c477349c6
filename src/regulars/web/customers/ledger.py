"""The ledger of one member: lots and postings, on any day, of each unit."""

import datetime as dt
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from regulars.accounts.rights import Right
from regulars.api.models import ApiKey
from regulars.core.errors import InputError
from regulars.customers.models import Customer
from regulars.foundation.days import end_of_day, read_day, today
from regulars.foundation.models import Business
from regulars.loyalty.actors import names_of
from regulars.loyalty.member_ledger import MemberLedger, ledger_of, units_of
from regulars.web.access import Request, needs
from regulars.web.customers.access import seen_customer


@needs(Right.SEE_PURCHASES)
@require_safe
def page(request: Request, customer_id: int) -> HttpResponse:
    """At the end of the day in the address; now when there is none."""
    customer = seen_customer(request, customer_id)
    context: dict[str, Any] = {
        "customer": customer, "error": "", "today": today(), "zone": Business.current().zone, "ledger": None,
        "units": units_of(customer.pk), "asked": request.GET,
    }  # fmt: skip
    try:
        day = read_day(request.GET.get("day", ""))
        context |= {"day_shown": day or today()} | _shown(request, customer, end_of_day(day), context["units"])
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
