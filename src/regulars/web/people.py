"""The people behind a number: columns to choose, filters in the address, page by page, and the list to take away."""

import tempfile
from pathlib import Path
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpResponse, QueryDict, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from regulars.accounts.models import User
from regulars.accounts.rights import Right
from regulars.accounts.services import log
from regulars.analytics.lifecycle import STATES
from regulars.analytics.rfm import SEGMENTS
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.core.money import minor_digits
from regulars.customers.models import Tag
from regulars.foundation.models import Business
from regulars.insights.columns import allowed, chosen, heading, rows_of
from regulars.insights.exports import MOST_XLSX_ROWS, csv_lines, rows_to_take, write_xlsx
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
from regulars.report import names, words
from regulars.web.access import Request, needs
from regulars.web.insights import address_if_any
from regulars.web.sign_in import address_of
from regulars.web.streaming import in_language

_MOST_CHOICES = 200
_BY_SEGMENT = ("segment", "audience")


@needs(Right.SEE_CUSTOMERS)
@require_safe
def page(request: Request, list_id: str) -> HttpResponse:
    """One page of a list."""
    listed = _listed(request, list_id)
    columns = chosen(listed, request.GET.getlist("columns")[:30], request.user)
    filters, error, status = Filters.of(request.GET), "", 200
    try:
        people = narrowed(listed.people, filters, request.user)
        shown = page_of(people, listed.money, after=request.GET.get("after", "")[:60])
        count, more = count_of(people)
    except InputError as problem:
        shown, count, more, error, status = PeoplePage([], ""), 0, False, str(problem), 422
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
        "choices": _choices(),
        "count": count,
        "more": more,
        "most": MOST_COUNTED,
        "error": error,
        "query": _query(request, without=("after",)),
        "next": _query(request, without=("after",), after=shown.after) if shown.after else "",
        "is_first": "after" not in request.GET,
        "may_export": request.user.may(Right.EXPORT_CUSTOMERS),
        "money_of": lambda minor: _whole(minor, _currency()),
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
    filters = Filters.of(request.POST)
    kind = "csv" if request.POST.get("form") == "csv" else "xlsx"
    try:
        people = narrowed(listed.people, filters, request.user)
        count, more = count_of(people, most=MOST_XLSX_ROWS if kind == "xlsx" else 10_000_000)
        if more:
            raise InputError(
                _("A workbook takes {most} customers at most. Take this list as CSV.").format(most=MOST_XLSX_ROWS)
            )
    except InputError as problem:
        return render(request, "people_refused.html", {"error": str(problem), "list_id": list_id}, status=422)
    details = {"rows": count, "columns": [column.id for column in columns], "form": kind, "filters": filters.given}
    log("exported", user=request.user, about=list_id[:200], details=details, address=address_of(request))
    rows = rows_to_take(people, listed.money, columns, request.user, titles())
    name = f"customers-{timezone.now():%Y-%m-%d}.{kind}"
    if kind == "csv":
        lines = csv_lines(columns, rows, _currency())
        return StreamingHttpResponse(
            in_language(lines),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )
    return _workbook(columns, rows, name)


def _workbook(columns: Any, rows: Any, name: str) -> FileResponse:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list.xlsx"
        write_xlsx(path, columns, rows, _currency())
        # open already: the name may go, the bytes stay until they are sent
        return FileResponse(path.open("rb"), as_attachment=True, filename=name)


def _listed(request: Request, list_id: str) -> PeopleList:
    kind = list_id.partition(":")[0]
    if kind not in _BY_SEGMENT and not request.user.may(Right.SEE_INSIGHTS):
        raise PermissionDenied
    found = people_list(list_id) if len(list_id) <= 400 and "\x00" not in list_id else None
    if found is None:
        raise Http404
    return found


def _choices() -> dict[str, list[tuple[str, str]]]:
    users = User.objects.filter(is_active=True).order_by("name")[:_MOST_CHOICES]
    return {
        "state": [(state, names.state(state)) for state in STATES],
        "rfm": [(segment, names.segment(segment)) for segment in SEGMENTS],
        "abc": [(letter, letter) for letter in "ABC"],
        "owner": [("nobody", _("nobody")), *((str(user.pk), str(user)) for user in users)],
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


def _whole(minor: int, currency: str) -> str:
    """Money in a list: kopecks only disturb the comparison."""
    unit = 10 ** minor_digits(currency)
    return words.Purse(currency).exact(round(minor / unit) * unit)


def _currency() -> str:
    business = Business.objects.first()
    return business.currency if business else "USD"
