"""Fiscal receipts as operators of fiscal data (OFD) and the tax service give them: JSON, money in kopecks.

A receipt is its fiscal drive, its document number and its fiscal sign; nothing else decides. The names are those of
the fiscal data format. Moments are the shop's wall clock, numbers of seconds included: that is how tills write them.
"""

import datetime as dt
import json
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from regulars.core.errors import FileProblem, InputError
from regulars.core.i18n import gettext as _
from regulars.ingest.phones import normalise
from regulars.purchases.keys import name_text

# the whole document is in memory at once, ten times its size
_MOST_BYTES = 200 << 20
_DEEPEST = 12

_INCOME, _INCOME_RETURN = 1, 2
_CORRECTIONS = (31, "31")  # the form of a correction receipt
_BUYER = ("buyerPhoneOrAddress", "buyerAddress", "clientAddress", "buyer")


@dataclass
class Fiscal:
    """What a file of fiscal receipts holds."""

    region: str
    lines: list[dict[str, Any]] = field(default_factory=list)
    documents: int = 0
    reasons: Counter[str] = field(default_factory=Counter)


def read_fiscal(path: Path, *, region: str, currency: str) -> Fiscal:
    """All receipts of a file; `InputError` when there is none that can be used."""
    if currency != "RUB":
        raise InputError(_("Fiscal receipts are in roubles, and the business counts in {code}.").format(code=currency))
    found = Fiscal(region)
    for document in _documents(_content(path), 0):
        found.documents += 1
        lines = list(_lines(document, found))
        found.lines += lines
    if not found.lines:
        raise FileProblem(
            _(
                "{file} holds no fiscal receipt: an object with fiscalDriveNumber, fiscalDocumentNumber, fiscalSign, "
                "dateTime and items."
            ).format(file=path)
        )
    return found


def _content(path: Path) -> Any:
    if path.stat().st_size > _MOST_BYTES:
        raise FileProblem(
            _(
                "The file has {has} MB, and receipts of cash registers are read in files of at most {size} MB. "
                "Have the operator export them by month or by store; receipts that come twice count once."
            ).format(has=-(-path.stat().st_size >> 20), size=_MOST_BYTES >> 20)
        )
    try:
        text = path.read_text(encoding="utf-8-sig")
        try:
            return json.loads(text)
        except json.JSONDecodeError:
            # one document a line
            return [json.loads(line) for line in text.splitlines() if line.strip()]
    except (ValueError, RecursionError) as error:
        raise FileProblem(_("{file} is no JSON: {error}").format(file=path, error=error)) from error


def _documents(content: Any, depth: int) -> Iterator[dict[str, Any]]:
    """Operators wrap receipts in envelopes of their own: each object with a fiscal drive is one."""
    if depth > _DEEPEST:
        return
    if isinstance(content, list):
        for one in content:
            yield from _documents(one, depth + 1)
    elif isinstance(content, dict):
        if "fiscalDriveNumber" in content and "fiscalDocumentNumber" in content:
            yield content
        else:
            for one in content.values():
                yield from _documents(one, depth + 1)


def _lines(document: dict[str, Any], found: Fiscal) -> Iterator[dict[str, Any]]:
    operation = _whole(document.get("operationType", _INCOME))
    moment = _moment(document.get("localDateTime") or document.get("dateTime"))
    items = document.get("items")
    name = [document.get(part) for part in ("fiscalDriveNumber", "fiscalDocumentNumber", "fiscalSign")]
    if operation not in (_INCOME, _INCOME_RETURN):
        found.reasons["no_sale"] += 1
        return
    if _is_correction(document) and not items:
        # it names a sum that was not rung up, or not so, and no goods
        items = [{"name": None, "sum": document.get("totalSum")}]
    if moment is None or not all(name) or not isinstance(items, list) or not items:
        found.reasons["no_receipt"] += 1
        return
    sign = -1 if operation == _INCOME_RETURN else 1
    head = {
        "customer_id": _buyer(document, found.region),
        "purchased_at": moment,
        "receipt_id": str(name[1]),
        "receipt_name": name_text("fiscal", ":".join(_text(part) or "" for part in name)),
        "store": _text(document.get("retailPlace") or document.get("retailPlaceAddress") or document.get("userInn")),
        "staff": _text(document.get("operator")),
    }
    lines = [_line(item, sign) for item in items]
    if any(line is None for line in lines):
        found.reasons["bad_item"] += 1
        return
    yield from (head | line for line in lines if line is not None)


def _is_correction(document: dict[str, Any]) -> bool:
    return document.get("code") in _CORRECTIONS or "correctionType" in document


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value


def _line(item: Any, sign: int) -> dict[str, Any] | None:
    if not isinstance(item, dict):
        return None
    amount, quantity = item.get("sum"), item.get("quantity")
    if not isinstance(amount, int) or isinstance(amount, bool) or abs(amount) > 10**15:
        return None
    number = isinstance(quantity, (int, float)) and math.isfinite(quantity)
    return {
        "product": _text(item.get("name")),
        "amount": sign * amount,
        "quantity": sign * float(quantity) if number and quantity is not None else None,
    }


def _moment(value: Any) -> dt.datetime | None:
    try:
        if isinstance(value, (int, float)):
            return dt.datetime(1970, 1, 1) + dt.timedelta(seconds=int(value))
        return dt.datetime.fromisoformat(str(value)).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None


def _buyer(document: dict[str, Any], region: str) -> str | None:
    text = next((_text(document[key]) or "" for key in _BUYER if isinstance(document.get(key), str)), "")
    if "@" in text:
        return text.casefold()
    return normalise(text, region) if text else None


def _text(value: Any) -> str | None:
    if value is None:
        return None
    # JSON can hold half of a letter, which no table can
    whole = str(value).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return whole.strip() or None
