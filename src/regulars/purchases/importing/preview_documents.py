"""What a file of documents would bring: CommerceML of 1C, receipts of tills. They have no columns to choose."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from regulars.core.errors import InputError
from regulars.foundation.models import Business
from regulars.purchases.importing.commerceml import read_commerceml
from regulars.purchases.importing.fiscal import read_fiscal
from regulars.purchases.importing.preview import SHOWN_ROWS, SMALL_FILE
from regulars.purchases.models import Import
from regulars.purchases.stating import kept_kinds

_COLUMNS = ("customer_id", "purchased_at", "amount", "receipt_id", "product", "quantity", "store")


@dataclass(frozen=True)
class DocumentsPreview:
    """Counts of what is in the file, its first lines, and why some documents would be left out; `problems` stop it."""

    problems: tuple[str, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    reasons: Mapping[str, int] = field(default_factory=dict)
    columns: tuple[str, ...] = _COLUMNS
    rows: tuple[tuple[Any, ...], ...] = ()
    is_read: bool = True  # a large file is not read before its import


def preview_documents(kind: str, path: Path, name: str) -> DocumentsPreview:
    """Look into a file; `name` is what the user calls it."""
    if path.stat().st_size > SMALL_FILE:
        return DocumentsPreview(is_read=False)
    business = Business.current()
    try:
        if kind == Import.Kind.FISCAL:
            fiscal = read_fiscal(path, region=business.region, currency=business.currency)
            return _of(fiscal.lines, fiscal.documents, fiscal.reasons, {})
        orders = read_commerceml(path, currency=business.currency, kinds=kept_kinds())
        return _of(
            orders.lines, orders.documents, orders.reasons,
            {"products": len(orders.products), "customers": len(orders.people),
             "told_costs": len(orders.prices.get("cost", ())), "told_prices": len(orders.prices.get("price", ())),
             **orders.unused},
        )  # fmt: skip
    except InputError as error:
        return DocumentsPreview((str(error).replace(str(path), name),))


def _of(
    lines: Sequence[Mapping[str, Any]], documents: int, reasons: Mapping[str, int], besides: Mapping[str, int]
) -> DocumentsPreview:
    rows = tuple(tuple(line.get(name) for name in _COLUMNS) for line in lines[:SHOWN_ROWS])
    left_out = sum(reasons.values())
    counts = {"receipts": documents - left_out, "lines": len(lines), "left_out": left_out, **besides}
    return DocumentsPreview((), {what: count for what, count in counts.items() if count}, dict(reasons), rows=rows)
