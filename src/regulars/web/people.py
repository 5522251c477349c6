"""The people behind a number: columns to choose, filters in the address, page by page, and the list to take away."""

from functools import partial

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from regulars.accounts.models import User
from regulars.accounts.rights import Right
from regulars.analytics.lifecycle import STATES
from regulars.analytics.rfm import SEGMENTS
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.customers.models import Tag
from regulars.customers.selectors.consents import current_purposes
from regulars.customers.selectors.owners import owner_choices
from regulars.insights.columns import allowed, chosen, heading, rows_of
from regulars.insights.selectors.people import (
    MOST_COUNTED,
    Filters,
    PeopleList,
    PeoplePage,
    count_of,
    narrowed,
    page_of,
    people_list,
)
from regulars.insights.selectors.today import titles
from regulars.insights.titles import title_of
from regulars.report import names
from regulars.report.audience import SYSTEMS
from regulars.web.access import Request, needs
from regulars.web.contacts_seen import list_seen
from regulars.web.insights import address_if_any
from regulars.web.segments import may_open
from regulars.web.taking import currency, take, whole_money

_MOST_CHOICES = 200
_BY_SEGMENT = ("segment", "audience")


@needs(Right.SEE_CUSTOMERS)
@require_safe
def page(request: Request, list_id: str) -> HttpResponse:
    """One page of a list."""
    listed = _listed(request, list_id)
    columns = chosen(listed, request.GET.getlist("columns")[:30], request.user)
    filters, error, status = _filters(request), "", 200
    try:
        people = narrowed(listed.people, filters, request.user)
        shown = page_of(people, listed.money, after=request.GET.get("after", "")[:60])
        count, more = count_of(people)
    except InputError as problem:
        shown, count, more, error, status = PeoplePage([], ""), 0, False, str(problem), 422
    list_seen(request, list_id, [column.id for column in columns], len(shown.customers))
    rows = rows_of(shown.customers, columns, request.user, titles())
    content = {
        "listed": listed,
        "title": title_of(listed),
        "columns": [(column, heading(column)) for column in columns],
        "people": [
            (one, address_if_any("customer", one.pk), row) for one, row in zip(shown.customers, rows, strict=True)
        ],
        "all_columns": [(column, heading(column)) for column in allowed(request.user) if column.id != "name"],
        "chosen": {column.id for column in columns},
        "filters": filters,
        "choices": _choices(request.user),
        "may_see_purchases": request.user.may(Right.SEE_PURCHASES),
        "count": count,
        "more": more,
        "most": MOST_COUNTED,
        "error": error,
        "query": _query(request, without=("after",)),
        "next": _query(request, without=("after",), after=shown.after) if shown.after else "",
        "is_first": "after" not in request.GET,
        "may_export": request.user.may(Right.EXPORT_CUSTOMERS),
        "money_of": partial(whole_money, code=currency()),
        "systems": SYSTEMS if listed.kind == "audience" and _may_advertise(request.user) else (),
        "purposes": current_purposes() if listed.kind == "audience" else [],
        "tab": "",
        "may_see_insights": request.user.may(Right.SEE_INSIGHTS),
    }
    return render(request, "people.html", content, status=status)


@needs(Right.EXPORT_CUSTOMERS)
@require_POST
def export(request: Request, list_id: str) -> HttpResponseBase:
    """The whole list as a file. Who took what out is kept."""
    listed = _listed(request, list_id)
    columns = chosen(listed, request.POST.getlist("columns")[:30], request.user)
    filters = _filters(request)
    try:
        people = narrowed(listed.people, filters, request.user)
        return take(request, people, listed.money, columns, about=list_id, filters=filters.given)
    except InputError as problem:
        content = {"error": str(problem), "back": reverse("people", args=[list_id])}
        return render(request, "people_refused.html", content, status=422)


def _listed(request: Request, list_id: str) -> PeopleList:
    kind = list_id.partition(":")[0]
    if kind not in _BY_SEGMENT and not (request.user.may(Right.SEE_INSIGHTS) and request.user.may(Right.SEE_PURCHASES)):
        raise PermissionDenied
    found = people_list(list_id) if len(list_id) <= 400 and "\x00" not in list_id else None
    if found is None:
        raise Http404
    if not may_open(found.rule or {"items": []}, request.user):
        raise PermissionDenied
    return found


def _filters(request: Request) -> Filters:
    """Those of the request; who may not see purchases does not learn of them by narrowing a list."""
    given = request.POST if request.method == "POST" else request.GET
    filters = Filters.of(given)
    return filters if request.user.may(Right.SEE_PURCHASES) else filters.of_base()


def _may_advertise(user: User) -> bool:
    return user.may(Right.EXPORT_CUSTOMERS) and user.may(Right.SEE_CONTACTS)


def _choices(user: User) -> dict[str, list[tuple[str, str]]]:
    sees = user.may(Right.SEE_PURCHASES)
    return {
        "state": [(state, names.state(state)) for state in STATES if sees],
        "rfm": [(segment, names.segment(segment)) for segment in SEGMENTS if sees],
        "abc": [(letter, letter) for letter in "ABC" if sees],
        "owner": [("nobody", _("nobody")), *owner_choices(_MOST_CHOICES)],
        "tag": [(name, name) for name in Tag.objects.order_by("name").values_list("name", flat=True)[:_MOST_CHOICES]],
    }


def _query(request: Request, *, without: tuple[str, ...], **more: str) -> str:
    """The address's filters and columns, as they were given."""
    query: QueryDict = request.GET.copy()
    for name in without:
        query.pop(name, None)
    for name, value in more.items():
        query[name] = value
    return query.urlencode()
