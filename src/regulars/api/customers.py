"""Customers: found and written by their own id or by the id of the till; contacts, consent, score."""

import datetime as dt
from typing import Any, Literal

from django.db import transaction
from ninja import Field, Router, Schema, Status
from ninja.errors import HttpError

from regulars.api.http import PAGE, Key, Request, page_of, repeatable
from regulars.api.models import Event, Scope
from regulars.core.i18n import gettext as _
from regulars.customers.models import Customer
from regulars.customers.selectors.family import by_external_id, survivor
from regulars.customers.services.consents import record_consent
from regulars.customers.services.contacts import add_contact
from regulars.customers.services.customers import add_customer, edit_customer
from regulars.foundation.outbox import announce

router = Router(tags=["customers"])

KindName = Literal["person", "company", "intermediary", "supplier", "partner", "employee", "competitor"]
ContactKind = Literal["phone", "email", "card", "telegram", "whatsapp", "viber", "vk", "max"]


class ContactOut(Schema):
    """A way to reach somebody, in the form that is compared."""

    kind: str
    value: str
    is_main: bool


class CustomerOut(Schema):
    """One customer."""

    id: int
    external_id: str | None
    kind: str
    name: str
    family_name: str
    given_name: str
    middle_name: str
    birth_date: dt.date | None
    language: str
    own_fields: dict[str, Any]
    contacts: list[ContactOut]
    updated_at: dt.datetime


class CustomerPage(Schema):
    """Some customers, and where the next ones begin."""

    items: list[CustomerOut]
    next: str | None


class ContactIn(Schema):
    """A way to reach somebody, as it is written."""

    kind: ContactKind
    value: str = Field(max_length=254)


class CustomerIn(Schema):
    """What is to be known of a customer. What is left out stays as it is."""

    kind: KindName | None = None
    name: str | None = Field(None, max_length=300)
    family_name: str | None = Field(None, max_length=120)
    given_name: str | None = Field(None, max_length=120)
    middle_name: str | None = Field(None, max_length=120)
    birth_date: dt.date | None = None
    language: Literal["ru", "en", ""] | None = None
    contacts: list[ContactIn] = Field(default_factory=list, max_length=50)


class ConsentIn(Schema):
    """What a customer agreed to, or withdrew."""

    purpose: str = Field(max_length=40)
    channel: Literal["any", "email", "sms", "phone", "messenger"]
    is_given: bool
    source: str = Field(max_length=100)
    at: dt.datetime | None = None
    text_version: int | None = None


class StandingOut(Schema):
    """What holds now for a purpose and a channel."""

    purpose: str
    channel: str
    is_given: bool
    at: dt.datetime
    source: str


@router.get("", response=CustomerPage, auth=Key(Scope.READ_CUSTOMERS))
def list_customers(
    request: Request, cursor: str | None = None, limit: int = PAGE, updated_after: dt.datetime | None = None
) -> dict[str, object]:
    """Customers in the order of their last change; those who were merged into others are left out."""
    rows = Customer.objects.whole().prefetch_related("contacts")
    if updated_after is not None:
        rows = rows.filter(updated_at__gt=updated_after)
    items, following = page_of(rows, order=("updated_at", "id"), cursor=cursor, limit=limit)
    return {"items": [as_dict(one) for one in items], "next": following}


@router.get("/{int:customer_id}", response=CustomerOut, auth=Key(Scope.READ_CUSTOMERS))
def read_customer(request: Request, customer_id: int) -> dict[str, Any]:
    """One customer; who was merged answers with the one that was kept."""
    return as_dict(customer_of(customer_id))


@router.put(
    "/by-external-id/{external_id}", response={200: CustomerOut, 201: CustomerOut}, auth=Key(Scope.WRITE_CUSTOMERS)
)
def put_customer(request: Request, external_id: str, body: CustomerIn) -> "Status[Any]":
    """Add the customer of this id in the till, or change what is given."""
    return repeatable(request, lambda: _put(request, external_id, body))


def _put(request: Request, external_id: str, body: CustomerIn) -> tuple[int, Any]:
    values = body.model_dump(exclude_unset=True, exclude_none=True, exclude={"contacts"})
    source = f"api:{request.auth.name}"
    with transaction.atomic():
        found = by_external_id(external_id)
        event, status = (Event.CUSTOMER_CHANGED, 200) if found else (Event.CUSTOMER_CREATED, 201)
        if found is None:
            values.setdefault("name", external_id)
            found = add_customer(by=None, source=source, external_id=external_id[:200], **values)
        elif values:
            edit_customer(found, by=None, source=source, **values)
        for contact in body.contacts:
            add_contact(found, kind=contact.kind, written=contact.value, by=None, source=source)
        announce(event.value, {"id": found.pk})
    # read anew: the database writes some of it itself
    return status, as_dict(Customer.objects.get(pk=found.pk))


@router.get("/{int:customer_id}/consents", response=list[StandingOut], auth=Key(Scope.READ_CUSTOMERS))
def read_consents(request: Request, customer_id: int) -> list[dict[str, Any]]:
    """What holds now, for every purpose and channel of which anything was said."""
    statements = list(customer_of(customer_id).consents.order_by("-at", "-id"))
    newest: dict[tuple[str, str], Any] = {}
    for one in statements:
        newest.setdefault((one.purpose, one.channel), one)
    return [
        {"purpose": one.purpose, "channel": one.channel, "is_given": one.is_given, "at": one.at, "source": one.source}
        for one in newest.values()
    ]


@router.post("/{int:customer_id}/consents", response={201: StandingOut}, auth=Key(Scope.WRITE_CUSTOMERS))
def write_consent(request: Request, customer_id: int, body: ConsentIn) -> "Status[Any]":
    """Keep a statement; what it withdraws holds no more from this moment."""
    customer = customer_of(customer_id)

    def write() -> tuple[int, Any]:
        made = record_consent(customer, by=None, proof={"key": request.auth.name}, **body.model_dump())
        announce(Event.CONSENT_CHANGED.value, {"customer": customer.pk, "purpose": made.purpose})
        return 201, {
            "purpose": made.purpose, "channel": made.channel, "is_given": made.is_given,
            "at": made.at.isoformat(), "source": made.source,
        }  # fmt: skip

    return repeatable(request, write)


def customer_of(customer_id: int) -> Customer:
    """The customer, or the one that he became; 404 when there is none."""
    found = Customer.objects.filter(pk=customer_id).first()
    if found is None:
        raise HttpError(404, _("There is no customer {id}.").format(id=customer_id))
    return survivor(found)


_PLAIN = ("id", "external_id", "kind", "name", "family_name", "given_name", "middle_name", "language", "own_fields")


def as_dict(customer: Customer) -> dict[str, Any]:
    """The answer, as it is kept for repetitions too."""
    contacts = sorted(customer.contacts.all(), key=lambda one: one.pk)
    return {name: getattr(customer, name) for name in _PLAIN} | {
        "birth_date": customer.birth_date.isoformat() if customer.birth_date else None,
        "updated_at": customer.updated_at.isoformat(),
        "contacts": [{"kind": one.kind, "value": one.value, "is_main": one.is_main} for one in contacts],
    }
