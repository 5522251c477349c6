"""A member's own ledger as it stood at a moment: his lots, and every posting with what he had after it."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import F, Q, QuerySet, Sum

from regulars.core.i18n import gettext as _
from regulars.loyalty.balances import Balance, balance_of, held_of
from regulars.loyalty.models import Account, Posting, Sale, SaleReturn, Transaction, Unit

MOST_LOTS = 100


@dataclass(frozen=True)
class Came:
    """Where points came from or went: the transaction and the document behind it; `receipt` is the one it wrote."""

    kind: str
    actor: str
    reason: str
    document: str
    recorded_at: dt.datetime
    happened_at: dt.datetime
    receipt: int | None


@dataclass(frozen=True)
class HeldLot:
    """Points of one lot at the moment. `state` is "available", "pending" or "over"."""

    points: int
    granted: int
    available_at: dt.datetime
    expires_at: dt.datetime | None
    state: str
    came: Came


@dataclass(frozen=True)
class Moved:
    """One posting: points into a lot or out of it, or of a debt; `after` is all that he had then, less his debt."""

    key: int
    points: int
    after: int
    of_debt: bool
    lot_since: dt.datetime | None
    came: Came


@dataclass(frozen=True)
class MemberLedger:
    """Of one unit at a moment. `lots_left_out`: there are more than are shown; `further` is where the page ends."""

    unit: Unit
    balance: Balance
    held: int
    lots: list[HeldLot]
    lots_left_out: bool
    moved: list[Moved]
    further: str


def units_of(customer: int) -> list[Unit]:
    """In which he has an account, the programme's points first."""
    return list(Unit.objects.filter(pk__in=Account.objects.filter(customer=customer).values("unit")).order_by("pk"))


def ledger_of(customer: int, unit: Unit, *, at: dt.datetime, after: str = "", limit: int = 50) -> MemberLedger:
    """What the ledger knew by then of all accounts that are his today; `after` is where the page before ended."""
    his = Posting.objects.filter(account__customer=customer, account__unit=unit, transaction__recorded_at__lte=at)
    lots = _lots(his)
    rows = _rows(his, after, limit + 1)
    came = _came([*lots, *rows])
    return MemberLedger(
        unit, balance_of(customer, unit, at=at), held_of(customer, unit, at=at),
        [_lot(one, came, at) for one in lots[:MOST_LOTS]], len(lots) > MOST_LOTS,
        _moved(his, rows[:limit], came), _place(rows[limit - 1]) if len(rows) > limit else "",
    )  # fmt: skip


def _named(path: str) -> dict[str, F]:
    """What is asked of a transaction."""
    names = ("id", "kind", "actor", "reason", "source", "number", "recorded_at", "happened_at")
    return {f"t_{one}": F(f"{path}__{one}") for one in names}


def _lots(his: "QuerySet[Posting]") -> list[dict[str, Any]]:
    """Those with points, the soonest to expire first: in this order they are spent."""
    names = ("lot", "lot__granted", "lot__available_at", "lot__expires_at")
    found = his.filter(lot__isnull=False).values(*names, **_named("lot__born_in"))
    having: Any = found.annotate(points=Sum("amount")).filter(points__gt=0)
    return list(having.order_by(F("lot__expires_at").asc(nulls_last=True), "lot__available_at", "lot")[: MOST_LOTS + 1])


def _rows(his: "QuerySet[Posting]", after: str, limit: int) -> list[dict[str, Any]]:
    """The newest first, behind the place."""
    found = his.filter(_earlier(*_read_place(after))) if after else his
    rows: Any = found.values("id", "amount", "lot", "lot__born_in__recorded_at", **_named("transaction"))
    return list(rows.order_by("-transaction__recorded_at", "-id")[:limit])


def _moved(his: "QuerySet[Posting]", rows: list[dict[str, Any]], came: Mapping[int, Came]) -> list[Moved]:
    if not rows:
        return []
    first = rows[0]
    so_far = Q(pk=first["id"]) | _earlier(first["t_recorded_at"], first["id"])
    had, found = int(his.filter(so_far).aggregate(sum=Sum("amount"))["sum"] or 0), []
    for one in rows:
        since = one["lot__born_in__recorded_at"]
        found.append(Moved(one["id"], one["amount"], had, one["lot"] is None, since, came[one["t_id"]]))
        had -= one["amount"]
    return found


def _lot(one: dict[str, Any], came: Mapping[int, Came], at: dt.datetime) -> HeldLot:
    begins, ends = one["lot__available_at"], one["lot__expires_at"]
    state = "pending" if begins > at else "over" if ends is not None and ends <= at else "available"
    return HeldLot(one["points"], one["lot__granted"], begins, ends, state, came[one["t_id"]])


def _came(rows: Iterable[dict[str, Any]]) -> dict[int, Came]:
    """Of all transactions that these rows name, with the receipts that were written with them."""
    by_id = {row["t_id"]: row for row in rows}
    receipts: dict[tuple[str, str, str], int] = {}
    for model, kinds in ((Sale, ("sale",)), (SaleReturn, ("return", "void"))):
        asked = [row for row in by_id.values() if row["t_kind"] in kinds]
        named = {(row["t_source"], row["t_number"]) for row in asked}
        found = model._default_manager.filter(
            till__in={till for till, _number in named}, number__in={number for _till, number in named}
        )
        for till, number, receipt in found.values_list("till", "number", "receipt"):
            receipts |= {(kind, till, number): receipt for kind in kinds}
    return {
        key: Came(
            _(str(Transaction.Kind(row["t_kind"]).label)), row["t_actor"], row["t_reason"], row["t_number"],
            row["t_recorded_at"], row["t_happened_at"],
            receipts.get((row["t_kind"], row["t_source"], row["t_number"])),
        )
        for key, row in by_id.items()
    }  # fmt: skip


def _earlier(recorded_at: dt.datetime, key: int) -> Q:
    return Q(transaction__recorded_at__lt=recorded_at) | Q(transaction__recorded_at=recorded_at, pk__lt=key)


def _place(row: dict[str, Any]) -> str:
    return f"{row['t_recorded_at'].isoformat()}~{row['id']}"


def _read_place(text: str) -> tuple[dt.datetime, int]:
    """Where a page ended; a place that is none is the beginning."""
    moment, _tilde, key = text[:60].partition("~")
    newest = (dt.datetime.max.replace(tzinfo=dt.UTC), 0)
    try:
        at = dt.datetime.fromisoformat(moment)
        if at.tzinfo is None or not (key.isascii() and key.isdigit() and len(key) < 19):
            return newest
        return at.astimezone(dt.UTC), int(key)
    except (ValueError, OverflowError):
        return newest
