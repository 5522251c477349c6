"""Members with points to use: whom to remind that a gift waits, or that points will be gone."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from regulars.accounts.rights import Right
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.customers.models import Customer
from regulars.customers.models.customer import CustomerSet
from regulars.foundation.patience import in_time
from regulars.insights.columns import heading, rows_of
from regulars.insights.selectors.people import PeoplePage, keys_at_once, page_at_once
from regulars.loyalty.leftovers import Leftover, leftovers_of, with_leftovers
from regulars.web.access import Request, needs
from regulars.web.contacts_seen import list_seen
from regulars.web.leftover_columns import LEFTOVERS, leftover_columns
from regulars.web.taking import take

_PATIENCE_MS = 5_000
_PATIENCE_FOR_A_FILE_MS = 120_000


@needs(Right.SEE_PURCHASES)
@require_safe
def page(request: Request, leftover: str) -> HttpResponse:
    """One page of them, the newest customers first."""
    people, error = _people(request, leftover), ""
    try:
        found = in_time(_PATIENCE_MS, lambda: page_at_once(people, after=request.GET.get("after", "")[:60]))
        if found is None:
            raise InputError(_("There are too many points to go through while you wait. Take the list as a file."))
        shown, count = found
    except InputError as problem:
        shown, count, error = PeoplePage([], ""), 0, str(problem)
    columns = leftover_columns(_looked_up(shown.customers))
    list_seen(request, f"leftovers:{leftover}", [one.id for one in columns], len(shown.customers))
    context: dict[str, Any] = {
        "leftover": leftover,
        "kinds": LEFTOVERS,
        "columns": [(one, heading(one)) for one in columns],
        "people": list(zip(shown.customers, rows_of(shown.customers, columns, request.user, {}), strict=True)),
        "count": count,
        "error": error,
        "next": shown.after,
        "may_export": request.user.may(Right.EXPORT_CUSTOMERS),
        "may_see_customers": request.user.may(Right.SEE_CUSTOMERS),
    }
    return render(request, "leftovers.html", context, status=422 if error else 200)


@needs(Right.EXPORT_CUSTOMERS)
@require_POST
def take_out(request: Request, leftover: str) -> HttpResponseBase:
    """The whole list as a file. Who took what out is kept."""
    if not request.user.may(Right.SEE_PURCHASES):
        raise PermissionDenied
    found: dict[int, Leftover] = {}
    columns, people = leftover_columns(found), _people(request, leftover)

    def prepare(customers: list[Customer]) -> None:
        found.clear()
        found.update(_looked_up(customers))

    try:
        keys = in_time(_PATIENCE_FOR_A_FILE_MS, lambda: keys_at_once(people))
        if keys is None:
            raise InputError(_("There are too many points to go through: make a segment by points, and take that."))
        about = f"leftovers:{leftover}"
        return take(request, people, None, columns, about=about, filters={}, prepare=prepare, keys=keys)
    except InputError as problem:
        content = {"error": str(problem), "back": reverse("leftovers", args=[leftover])}
        return render(request, "people_refused.html", content, status=422)


def _people(request: Request, leftover: str) -> CustomerSet:
    if leftover not in LEFTOVERS:
        raise Http404(_("There is no such list."))
    return with_leftovers(leftover, at=timezone.now()).seen_by(request.user)


def _looked_up(customers: list[Customer]) -> dict[int, Leftover]:
    return leftovers_of([one.pk for one in customers], at=timezone.now())
