"""Writing receipts: their points, goods, sales, and what other programs are told, in one call of the database."""

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

from django.db import connection, models

from regulars.loyalty.ledger import Document, Refused, refusals
from regulars.loyalty.models import Sale, SaleLine
from regulars.purchases.models import Line, Receipt

# what the database gives to each row
_GIVEN = {
    Receipt: ("id", "created_at"), Line: ("receipt_id",), SaleLine: ("id", "sale_id"),
    Sale: ("id", "receipt_id", "transaction_id", "balance"),
}  # fmt: skip


@dataclass(frozen=True)
class Draft:
    """A receipt that is about to be written. Of `documents` the first moves points when `moves_points`.

    Of the receipt and of lines there are the values alone, by their names in the models. The sale's stamps name their
    document by its place among these until the ledger has numbered it.
    """

    receipt: Mapping[str, Any]
    lines: Sequence[Mapping[str, Any]]
    sale: Sale
    sale_lines: Sequence[Mapping[str, Any]]
    documents: tuple[Document, ...]
    moves_points: bool

    def sale_row(self, before: int) -> dict[str, Any]:
        """The sale as the database reads it; so many documents come before its own."""
        sale = _row(self.sale)
        sale["stamps"] = [[*moved, before + place] for *moved, place in self.sale.stamps]
        sale["document"] = before if self.moves_points else None
        return sale


def record(drafts: Sequence[Draft], *, at: dt.datetime) -> None:
    """Write all of them or raise `Refused`; the sales know afterwards what they were given."""
    documents: list[Document] = []
    sales = []
    for draft in drafts:
        sales.append(draft.sale_row(len(documents)))
        documents += draft.documents
    told = {
        "receipts": [_filled(Receipt, one.receipt) for one in drafts], "sales": sales,
        "lines": [[_filled(Line, line) for line in one.lines] for one in drafts],
        "sale_lines": [[_filled(SaleLine, line) for line in one.sale_lines] for one in drafts],
    }  # fmt: skip
    # the quick way leaves what a partner's contract forbids to the triggers: of two tills at once one meets them
    with refusals(), connection.cursor() as cursor:
        said = json.dumps([one.as_json() for one in documents]), json.dumps(told, default=_plain)
        cursor.execute("SELECT loyalty_record(%s, %s, %s)", [*said, at])
        written = json.loads(cursor.fetchone()[0])
    if isinstance(written, dict):
        raise Refused(written["refused"], written["figures"])
    for draft, given in zip(drafts, written, strict=True):
        for name, value in given.items():
            setattr(draft.sale, name, value)
        draft.sale._state.adding, draft.sale._state.db = False, connection.alias


def _filled(model: type[models.Model], values: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a row with these values, and as the model has them where there are none."""
    blank = _blank(model)
    row = {**blank, **values}
    if len(row) > len(blank):
        raise ValueError(f"{model.__name__} has no {sorted(row.keys() - blank)}")
    return row


@cache
def _blank(model: type[models.Model]) -> dict[str, Any]:
    return _row(model())


def _row(one: models.Model) -> dict[str, Any]:
    """Its columns, without those that the database gives."""
    return {column: getattr(one, name) for column, name in _columns(type(one))}


@cache
def _columns(model: type[models.Model]) -> tuple[tuple[str, str], ...]:
    fields: Iterable[Any] = model._meta.concrete_fields
    return tuple((one.column, one.attname) for one in fields if one.column and one.column not in _GIVEN[model])


def _plain(value: Any) -> str:
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    if isinstance(value, Decimal):
        return f"{value:f}"
    assert isinstance(value, dt.date)
    return value.isoformat()
