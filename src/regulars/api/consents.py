"""Consent: what customers said, what holds now, and new statements."""

import datetime as dt
from typing import Annotated, Any, Literal

from ninja import Field, Query, Router, Schema, Status

from regulars.api.customers import CustomerId, customer_of
from regulars.api.http import IdempotencyKey, In, Problem, Request, answers, needs, repeatable
from regulars.api.models import Scope
from regulars.api.pages import LARGEST_ID, PAGE, Cursor, NextField, Size, in_utc, page_of
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.customers.models import Consent
from regulars.customers.services.consents import record_consent

router = Router(tags=["consents"])

ChannelName = Literal["any", "email", "sms", "phone", "messenger"]
_EARLIEST = dt.datetime(1990, 1, 1, tzinfo=dt.UTC)


class ConsentIn(In):
    """What a customer agreed to, or withdrew."""

    purpose: str = Field(
        max_length=40, pattern=r"^[-a-zA-Z0-9_]+$", description="Short name of the purpose.", examples=["news"]
    )
    channel: ChannelName = Field(description="By which way he may be addressed.", examples=["email"])
    is_given: bool = Field(description="True: he agreed; false: he withdrew or refused.", examples=[True])
    source: str = Field(
        min_length=1, max_length=100, description="Where he said it: the proof in a dispute.", examples=["site"]
    )
    at: dt.datetime | None = Field(
        None, description="When he said it; without a zone it is UTC, without a value it is now.",
        examples=["2026-03-01T10:00:00Z"],
    )  # fmt: skip
    text_version: int | None = Field(
        None, ge=1, le=2**31 - 1, description="Which version of the text he saw; the newest without a value.",
        examples=[None],
    )  # fmt: skip


class StandingOut(Schema):
    """What holds now for a purpose and a channel."""

    purpose: str = Field(description="Short name of the purpose.", examples=["news"])
    channel: ChannelName = Field(description="By which way he may be addressed.")
    is_given: bool = Field(description="Whether he agrees.")
    at: dt.datetime = Field(description="When he said it.")
    source: str = Field(description="Where he said it.", examples=["site"])


class StatementOut(StandingOut):
    """One statement of the ledger."""

    id: int = Field(description="Number of the statement.", examples=[7])
    customer_id: int = Field(description="Who said it.", examples=[42])
    text_version: int | None = Field(description="Which version of the text he saw.")


class StatementPage(Schema):
    """Some statements, and where the next ones begin."""

    items: list[StatementOut] = Field(description="The statements of this page.")
    next: str | None = Field(description=NextField)


@router.get("/consents", response=answers(StatementPage), **needs(Scope.READ_CUSTOMERS), summary="List all statements")
def list_consents(
    request: Request,
    cursor: Cursor = None,
    limit: Size = PAGE,
    after_id: Annotated[
        int, Query(ge=0, le=LARGEST_ID, description="Only statements with a greater id: what was written since.")
    ] = 0,
) -> dict[str, object]:
    """All statements in the order in which they were written; they are added, never changed, so `after_id` gives all
    that was written since.
    """
    items, following = page_of(Consent.objects.filter(pk__gt=after_id), order=("id",), cursor=cursor, limit=limit)
    return {"items": items, "next": following}


@router.get(
    "/customers/{int:customer_id}/consents",
    response=answers(list[StandingOut], more={404: Problem}),
    **needs(Scope.READ_CUSTOMERS),
    summary="Read what holds now",
)
def read_consents(request: Request, customer_id: CustomerId) -> list[Consent]:
    """What holds now, for every purpose and channel of which anything was said."""
    newest = customer_of(customer_id).consents.order_by("purpose", "channel", "-at", "-id")
    return list(newest.distinct("purpose", "channel"))


@router.post(
    "/customers/{int:customer_id}/consents",
    response=answers(StandingOut, status=201, more={404: Problem}),
    **needs(Scope.WRITE_CUSTOMERS),
    summary="Record a statement",
)
def write_consent(
    request: Request, customer_id: CustomerId, body: ConsentIn, idempotency_key: IdempotencyKey = None
) -> "Status[Any]":
    """Keep a statement; what it withdraws holds no more from this moment."""
    customer = customer_of(customer_id)
    values = body.model_dump() | {"at": None if body.at is None else _moment(body.at)}

    def write() -> tuple[int, Any]:
        made = record_consent(customer, by=None, proof={"key": request.auth.name}, **values)
        return 201, {
            "purpose": made.purpose, "channel": made.channel, "is_given": made.is_given,
            "at": made.at.isoformat(), "source": made.source,
        }  # fmt: skip

    return repeatable(request, idempotency_key, write)


def _moment(at: dt.datetime) -> dt.datetime:
    found = in_utc(at)
    if found < _EARLIEST:
        raise InputError(_("{day} is no moment that can be compared.").format(day=at.isoformat()))
    return found
