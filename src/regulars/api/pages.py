"""Lists in pages. A page is found by where the last one ended, so it costs the same however far it is."""

import base64
import datetime as dt
import json
from typing import Annotated, Any

from django.db.models import Model, Q, QuerySet
from ninja import Query

from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _

PAGE = 100
LARGEST_PAGE = 1000
LARGEST_ID = 2**63 - 1
_LONGEST_CURSOR = 400

Cursor = Annotated[
    str | None,
    Query(max_length=_LONGEST_CURSOR, description="`next` of the page before, as it is; without it the first page."),
]
Size = Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="How many at most.", examples=[PAGE])]
UpdatedAfter = Annotated[
    dt.datetime | None,
    Query(
        description="Only what was changed after this moment; without a zone it is UTC.",
        examples=["2026-03-01T00:00:00Z"],
    ),
]
NextField = "Cursor of the next page; null when this is the last one."


def in_utc(moment: dt.datetime) -> dt.datetime:
    """A moment that the database can compare; one without a zone is UTC already."""
    try:
        found = moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment.astimezone(dt.UTC)
    except OverflowError:
        raise InputError(_("{day} is no moment that can be compared.").format(day=moment.isoformat())) from None
    return found


def page_of(
    rows: "QuerySet[Any]", *, order: tuple[str, ...], cursor: str | None, limit: int
) -> tuple[list[Any], str | None]:
    """Some rows in ascending order of these columns, the last of which is unique, and the cursor of the next page."""
    if cursor:
        rows = rows.filter(_after(order, _read(cursor, order)))
    found = list(rows.order_by(*order)[: limit + 1])
    if len(found) <= limit:
        return found, None
    return found[:limit], _write(found[limit - 1], order)


def _after(order: tuple[str, ...], values: list[Any]) -> Q:
    """Rows behind these values: (a, b) > (x, y), written out."""
    # the first condition is what an index can be entered at
    condition, behind, equal = Q(**{f"{order[0]}__gte": values[0]}), Q(), Q()
    for name, value in zip(order, values, strict=True):
        behind |= equal & Q(**{f"{name}__gt": value})
        equal &= Q(**{name: value})
    return condition & behind


def _write(row: Model, order: tuple[str, ...]) -> str:
    values = [getattr(row, name) for name in order]
    text = json.dumps([value.isoformat() if isinstance(value, dt.datetime) else value for value in values])
    return base64.urlsafe_b64encode(text.encode()).decode()


def _read(cursor: str, order: tuple[str, ...]) -> list[Any]:
    """The values of a cursor: a moment where the column is one, else a number of a row."""
    try:
        values = json.loads(base64.b64decode(cursor, altchars=b"-_", validate=True))
        if not isinstance(values, list) or len(values) != len(order):
            raise ValueError(cursor)
        return [_value(name, value) for name, value in zip(order, values, strict=True)]
    except (ValueError, RecursionError):
        raise InputError(
            _("The cursor {value!r} is not one of ours: take it from the answer as it is.").format(
                value=cursor[:40].encode(errors="replace").decode()
            )
        ) from None


def _value(name: str, value: Any) -> Any:
    if name.endswith("_at"):
        if not isinstance(value, str):
            raise ValueError(value)
        moment = dt.datetime.fromisoformat(value)
        if moment.tzinfo is None or moment.year < 1900:
            raise ValueError(value)
        return moment
    if type(value) is not int or not 0 <= value <= LARGEST_ID:
        raise ValueError(value)
    return value
