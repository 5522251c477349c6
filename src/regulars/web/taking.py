"""Lists of customers taken out as files: who took what is kept in the log."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from django.http import FileResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone

from regulars.accounts.services import log
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.core.money import minor_digits
from regulars.customers.models import Customer
from regulars.customers.models.customer import CustomerSet
from regulars.foundation.models import Business
from regulars.insights.columns import Column
from regulars.insights.exports import MOST_XLSX_ROWS, csv_lines, rows_to_take, write_xlsx
from regulars.insights.selectors.people import all_of, all_with, count_of
from regulars.insights.selectors.today import titles
from regulars.report import words
from regulars.web.access import Request
from regulars.web.sign_in import address_of
from regulars.web.streaming import in_language

_MOST_CSV_ROWS = 10_000_000


def take(
    request: Request,
    people: CustomerSet,
    money: str | None,
    columns: Sequence[Column],
    *,
    about: str,
    filters: Mapping[str, Any],
    prepare: Callable[[list[Customer]], None] | None = None,
    keys: Sequence[int] | None = None,
) -> HttpResponseBase:
    """The people as a file of the form that was asked for; `InputError` when it would be too long for a workbook.

    With `keys` they were found already, and nobody is looked for again.
    """
    kind = "csv" if request.POST.get("form") == "csv" else "xlsx"
    most = MOST_XLSX_ROWS if kind == "xlsx" else _MOST_CSV_ROWS
    count, more = count_of(people, most=most) if keys is None else (len(keys), len(keys) > most)
    if more:
        raise InputError(
            _("A workbook takes {most} customers at most. Take this list as CSV.").format(
                most=words.count(MOST_XLSX_ROWS)
            )
        )
    details = {"rows": count, "columns": [column.id for column in columns], "form": kind, "filters": dict(filters)}
    log("exported", user=request.user, about=about[:200], details=details, address=address_of(request))
    pieces = all_of(people, money) if keys is None else all_with(keys)
    rows = rows_to_take(pieces, columns, request.user, titles(), prepare)
    name = f"customers-{timezone.now():%Y-%m-%d}.{kind}"
    if kind == "xlsx":
        return _workbook(columns, rows, name)
    return StreamingHttpResponse(
        in_language(csv_lines(columns, rows, currency())),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _workbook(columns: Any, rows: Any, name: str) -> FileResponse:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list.xlsx"
        write_xlsx(path, columns, rows, currency())
        # open already: the name may go, the bytes stay until they are sent
        return FileResponse(path.open("rb"), as_attachment=True, filename=name)


def whole_money(minor: int, code: str) -> str:
    """Money in a list: kopecks only disturb the comparison."""
    unit = 10 ** minor_digits(code)
    return words.Purse(code).exact(round(minor / unit) * unit)


def currency() -> str:
    """That of the business."""
    business = Business.objects.first()
    return business.currency if business else "USD"
