"""What a partner of the coalition sees: its own receipts and statements. Who bought is not among it."""

import datetime as dt
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from django.utils import timezone
from ninja import Field, Query, Router, Schema
from ninja import Path as InPath
from ninja.errors import HttpError

from regulars.api.http import Problem, Request, answers, needs
from regulars.api.models import Scope
from regulars.api.pages import LARGEST_ID, PAGE, Cursor, NextField, Size, page_of
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.loyalty.models import Partner, Sale, SaleLine, Statement
from regulars.loyalty.partner_rules import rules_at
from regulars.loyalty.partners import partner_at
from regulars.loyalty.programmes import valid_at
from regulars.loyalty.settling import read_lines

_TOLD = 20  # tills in a message

router = Router(tags=["partner"])

Id = Annotated[int, InPath(ge=1, le=LARGEST_ID, description="The receipt here, as the till was answered.")]
Number = Annotated[int, InPath(ge=1, le=LARGEST_ID, description="The number of the statement.")]


class PartnerReceiptOut(Schema):
    """A receipt of the partner's tills."""

    receipt_id: int = Field(description="The receipt here.", examples=[1001])
    till: str = Field(description="The till that sold it.", examples=["till:3"])
    number: str = Field(description="Its number there.", examples=["17"])
    store: str = Field(description="Where it was bought.", examples=["Coffee House"])
    purchased_at: dt.datetime = Field(description="When.")
    price: int = Field(description="Before discounts, in minor units.", examples=[20000])
    discount: int = Field(description="What rules took off.", examples=[1000])
    by_points: int = Field(description="What points paid.", examples=[0])
    to_pay: int = Field(description="What was paid in money.", examples=[19000])
    points_spent: int = Field(description="How many points were spent.", examples=[0])
    points_earned: int = Field(description="How many points were given.", examples=[19])


class PartnerReceiptsOut(Schema):
    """A page of receipts, the oldest first."""

    items: list[PartnerReceiptOut] = Field(description="The receipts.")
    next: str | None = Field(description=NextField)


class PartnerLineOut(Schema):
    """One line of a receipt."""

    product_id: str = Field(description="The product's code.", examples=["4600123456789"])
    quantity: float = Field(description="How many, or how much by weight.", examples=[2])
    returned: float = Field(description="How much of it came back.", examples=[0])
    price: int = Field(description="Before discounts, in minor units.", examples=[20000])
    discount: int = Field(description="What rules took off.", examples=[1000])
    by_points: int = Field(description="What points paid of it.", examples=[0])
    points: int = Field(description="Points for it.", examples=[19])


class WholePartnerReceiptOut(PartnerReceiptOut):
    """A receipt with its lines."""

    lines: list[PartnerLineOut] = Field(description="The lines in their order.")


class StatementLineOut(Schema):
    """Points of one kind by one contract."""

    kind: Literal["issued", "redeemed", "owed"] = Field(
        description="Points that were given, points that were taken, or given points that a member owed."
    )
    is_back: bool = Field(description="Whether these came back with goods; of owed ones, whether they are paid.")
    count: int = Field(description="Of how many receipts or returns.", examples=[12])
    points: int = Field(description="How many; less than zero for what came back.", examples=[340])
    price: int = Field(description="Of 1,000 points by the contract, in minor units.", examples=[90000])
    amount: int = Field(description="To pay, in minor units; below zero: to get.", examples=[30600])


class StatementOut(Schema):
    """What is to be paid for some days."""

    number: int = Field(description="Its number, from 1.", examples=[3])
    first: dt.date = Field(description="The first day of it.")
    last: dt.date = Field(description="The last day of it.")
    amount: int = Field(description="To pay, in minor units; below zero: to get.", examples=[30600])
    lines: list[StatementLineOut] = Field(description="What it is made of.")


class StatementsOut(Schema):
    """A page of statements, the oldest first."""

    items: list[StatementOut] = Field(description="The statements.")
    next: str | None = Field(description=NextField)


class PartnerRuleOut(Schema):
    """A rule that can hold at the partner's tills."""

    id: str = Field(description="Its name in the rules, as receipts tell it.", examples=["coffee-double"])
    title: str = Field(description="What people call it.", examples=["Double points"])
    text: str = Field(description="The rule in words.", examples=["2 points for every $1 for members."])
    is_own: bool = Field(description="Whether it can hold at this partner's tills alone.")


class PartnerRulesOut(Schema):
    """The rules of now."""

    valid_from: dt.datetime | None = Field(description="Since when; null: no programme is valid.")
    items: list[PartnerRuleOut] = Field(description="The rules, the partner's own first.")
    left_out: int = Field(description="How many are for segments or promo codes, and are not told.", examples=[0])


@router.get("/rules", response=answers(PartnerRulesOut), **needs(Scope.PARTNER), summary="Read the rules at its tills")
def list_partner_rules(request: Request) -> dict[str, Any]:
    """What members get at the partner's tills now. Rules for segments and promo codes are counted, not told."""
    partner, valid = _partner(request), valid_at(timezone.now())
    found = rules_at(partner, valid[1]) if valid else []
    told = [{"id": one.id, "title": one.title, "text": one.text, "is_own": one.is_own} for one in found if one.is_told]
    return {"valid_from": valid and valid[0].valid_from, "items": told, "left_out": len(found) - len(told)}


@router.get(
    "/receipts", response=answers(PartnerReceiptsOut), **needs(Scope.PARTNER), summary="List the partner's receipts"
)
def list_partner_receipts(
    request: Request, cursor: Cursor = None, limit: Size = PAGE, till: Annotated[
        str, Query(max_length=100, description="Of this till alone.", examples=["till:3"])
    ] = "",
) -> dict[str, Any]:  # fmt: skip
    """Receipts of the partner's own tills in the order in which they came."""
    partner = _partner(request)
    rows = Sale.objects.filter(partner=partner).select_related("receipt__store")
    if till:
        rows = rows.filter(till=_till(partner, till))
    found, following = page_of(rows, order=("id",), cursor=cursor, limit=limit)
    return {"items": [_receipt(one) for one in found], "next": following}


@router.get(
    "/receipts/{receipt_id}", response=answers(WholePartnerReceiptOut, more={404: Problem}), **needs(Scope.PARTNER),
    summary="Read a receipt of the partner",
)  # fmt: skip
def read_partner_receipt(request: Request, receipt_id: Id) -> dict[str, Any]:
    """One receipt with its lines. One of somebody else is not there."""
    rows = Sale.objects.filter(partner=_partner(request), receipt=receipt_id).select_related("receipt__store")
    found = rows.first()
    if found is None:
        raise HttpError(404, _("This partner has no receipt {number}.").format(number=receipt_id))
    return _receipt(found) | {"lines": [_line(one) for one in found.lines.order_by("position")]}


@router.get(
    "/statements", response=answers(StatementsOut), **needs(Scope.PARTNER), summary="List the partner's statements"
)
def list_partner_statements(request: Request, cursor: Cursor = None, limit: Size = PAGE) -> dict[str, Any]:
    """What was billed so far."""
    found, following = page_of(_statements(request), order=("number",), cursor=cursor, limit=limit)
    return {"items": [_statement(one) for one in found], "next": following}


@router.get(
    "/statements/{number}", response=answers(StatementOut, more={404: Problem}), **needs(Scope.PARTNER),
    summary="Read a statement of the partner",
)  # fmt: skip
def read_partner_statement(request: Request, number: Number) -> dict[str, Any]:
    """One statement by its number."""
    found = _statements(request).filter(number=number).first()
    if found is None:
        raise HttpError(404, _("This partner has no statement {number}.").format(number=number))
    return _statement(found)


def _partner(request: Request) -> Partner:
    """Whose key it is: nothing in the request can name another."""
    found = partner_at(f"till:{request.auth.pk}")
    if found is None:
        raise HttpError(403, _("This key belongs to no partner: make one that does."))
    return found


def _till(partner: Partner, till: str) -> str:
    """Of its own; whether there is another one of this name is not told."""
    if not partner.tills.filter(till=till).exists():
        known = ", ".join(partner.tills.order_by("-pk").values_list("till", flat=True)[:_TOLD])
        raise InputError(_("{value!r} is no till of yours. Yours: {known}.").format(value=till, known=known))
    return till


def _statements(request: Request) -> Any:
    return Statement.objects.filter(partner=_partner(request))


def _receipt(sale: Sale) -> dict[str, Any]:
    same = (
        "receipt_id", "till", "number", "purchased_at", "price", "discount", "by_points", "to_pay", "points_spent",
        "points_earned",
    )  # fmt: skip
    return _some(sale, same) | {"store": str(sale.receipt.store or "")}


def _line(line: SaleLine) -> dict[str, Any]:
    same = ("quantity", "returned", "price", "discount", "by_points")
    return _some(line, same) | {"product_id": line.product, "points": line.earned}


def _statement(statement: Statement) -> dict[str, Any]:
    lines = [_some(one, ("kind", "is_back", "count", "points", "price", "amount")) for one in read_lines(statement)]
    return _some(statement, ("number", "first", "last", "amount")) | {"lines": lines}


def _some(row: object, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}
