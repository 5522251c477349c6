"""Customers: found and written by their own id or by the id of the till; contacts, own fields, consent."""

import datetime as dt
from typing import Annotated, Any, Literal

from django.db import connection, transaction
from django.urls import reverse
from django.utils import timezone
from ninja import Field, Path, Router, Schema, Status
from ninja.errors import HttpError

from regulars.accounts.services import log_look
from regulars.api.http import IdempotencyKey, In, Problem, Request, answers, needs, repeatable
from regulars.api.models import Scope
from regulars.api.pages import LARGEST_ID, PAGE, Cursor, NextField, Size, UpdatedAfter, in_utc, page_of
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.customers.contact_values import normalised, region
from regulars.customers.models import Customer
from regulars.customers.selectors.family import by_external_id, survivor
from regulars.customers.services.contacts import add_contact
from regulars.customers.services.customers import add_customer, edit_customer
from regulars.customers.services.erasing import forgotten
from regulars.customers.services.fields import set_own_fields
from regulars.foundation.models import Business
from regulars.loyalty.page_links import link_to, open_page

router = Router(tags=["customers"])

KindName = Literal["person", "company", "intermediary", "supplier", "partner", "employee", "competitor"]
ContactKind = Literal["phone", "email", "card", "telegram", "whatsapp", "viber", "vk", "max"]

CustomerId = Annotated[int, Path(ge=1, le=LARGEST_ID, description="The customer's id here.", examples=[42])]
ExternalId = Annotated[
    str,
    Path(
        max_length=200, pattern=r"^[^\x00-\x20\x7f](?:[^\x00-\x1f\x7f]*[^\x00-\x20\x7f])?$",
        description="The customer's id in the till or in another system. It may contain slashes, written as %2F or as "
        "they are.", examples=["C-000123"],
    ),
]  # fmt: skip


class ContactOut(Schema):
    """A way to reach somebody."""

    kind: ContactKind = Field(description="What the value is.")
    value: str = Field(
        description="The form that is compared: a phone as +79161234567, an e-mail in small letters.",
        examples=["+79161234567"],
    )
    is_main: bool = Field(description="Whether it is the first one to use of its kind.")


class CustomerOut(Schema):
    """One customer."""

    id: int = Field(description="The id here; it stays, also after a merge.", examples=[42])
    external_id: str | None = Field(description="The id in the till or in another system.", examples=["C-000123"])
    kind: KindName = Field(description="Who he is to the business.")
    name: str = Field(description="The name as it is shown.", examples=["Vera Sokolova"])
    family_name: str = Field(description="Of a person.", examples=["Sokolova"])
    given_name: str = Field(description="Of a person.", examples=["Vera"])
    middle_name: str = Field(description="Of a person.")
    birth_date: dt.date | None = Field(description="Of a person.", examples=["1985-03-08"])
    language: str = Field(description="`ru`, `en`, or empty when it is not known.", examples=["en"])
    own_fields: dict[str, Any] = Field(description="Values of the fields that the business defined, by short name.")
    contacts: list[ContactOut] = Field(description="All ways to reach him.")
    updated_at: dt.datetime = Field(description="When anything of this changed last.")


class CustomerPage(Schema):
    """Some customers, and where the next ones begin."""

    items: list[CustomerOut] = Field(description="The customers of this page.")
    next: str | None = Field(description=NextField)


class PageLinkOut(Schema):
    """A link to the customer's own page."""

    url: str = Field(description="What he opens. Send it to him alone: it shows his points and purchases.")
    expires_at: dt.datetime = Field(description="From this moment on it is void; it may be revoked before.")


class ContactIn(In):
    """A way to reach somebody, as it is written."""

    kind: ContactKind = Field(description="What the value is.", examples=["phone"])
    value: str = Field(max_length=254, description="As people write it.", examples=["8 916 123-45-67"])


class CustomerIn(In):
    """What is to be known of a customer. What is left out stays as it is."""

    kind: KindName = Field("person", description="Who he is to the business.", examples=["person"])
    name: str = Field(
        "", max_length=300, examples=["Vera Sokolova"],
        description="The name as it is shown; a person's is put together from its words when they are given.",
    )  # fmt: skip
    family_name: str = Field("", max_length=120, description="Of a person.", examples=["Sokolova"])
    given_name: str = Field("", max_length=120, description="Of a person.", examples=["Vera"])
    middle_name: str = Field("", max_length=120, description="Of a person.", examples=[""])
    birth_date: dt.date | None = Field(None, description="Of a person; null empties it.", examples=["1985-03-08"])
    language: Literal["ru", "en", ""] = Field("", description="In which he is addressed.", examples=["en"])
    own_fields: dict[str, Any] = Field(
        default_factory=dict, max_length=100, examples=[{}],
        description="Values of own fields by short name; null or an empty value takes one away.",
    )  # fmt: skip
    contacts: list[ContactIn] = Field(
        default_factory=list, max_length=50,
        description="Ways to reach him; they are added to those that are there.",
        examples=[[{"kind": "phone", "value": "8 916 123-45-67"}]],
    )  # fmt: skip


@router.get("", response=answers(CustomerPage), **needs(Scope.READ_CUSTOMERS), summary="List customers")
def list_customers(
    request: Request, cursor: Cursor = None, limit: Size = PAGE, updated_after: UpdatedAfter = None
) -> dict[str, object]:
    """Customers in the order of their last change; those who were merged into others are left out."""
    rows = Customer.objects.whole().prefetch_related("contacts")
    if updated_after is not None:
        rows = rows.filter(updated_at__gt=in_utc(updated_after))
    items, following = page_of(rows, order=("updated_at", "id"), cursor=cursor, limit=limit)
    _note_contacts(request)
    return {"items": [as_dict(one) for one in items], "next": following}


@router.get(
    "/{int:customer_id}",
    response=answers(CustomerOut, more={404: Problem}),
    **needs(Scope.READ_CUSTOMERS),
    summary="Read a customer",
)
def read_customer(request: Request, customer_id: CustomerId) -> dict[str, Any]:
    """One customer; who was merged answers with the one that was kept."""
    found = customer_of(customer_id)
    _note_contacts(request)
    return as_dict(found)


@router.get(
    "/by-external-id/{path:external_id}",
    response=answers(CustomerOut, more={404: Problem}),
    **needs(Scope.READ_CUSTOMERS),
    summary="Read a customer by the id of the till",
)
def read_customer_by_external_id(request: Request, external_id: ExternalId) -> dict[str, Any]:
    """One customer; who was merged answers with the one that was kept."""
    found = by_external_id(external_id)
    if found is None:
        raise HttpError(404, _("There is no customer {id}.").format(id=external_id))
    _note_contacts(request)
    return as_dict(found)


@router.put(
    "/by-external-id/{path:external_id}",
    response=answers(CustomerOut, more={201: CustomerOut, 404: Problem, 409: Problem}),
    **needs(Scope.WRITE_CUSTOMERS),
    summary="Add or change a customer",
)
def put_customer(
    request: Request, external_id: ExternalId, body: CustomerIn, idempotency_key: IdempotencyKey = None
) -> "Status[Any]":
    """Add the customer of this id in the till (201), or change what is given (200)."""
    return repeatable(request, idempotency_key, lambda: _put(request, external_id, body))


@router.post(
    "/{int:customer_id}/page-link",
    response=answers(PageLinkOut, more={404: Problem}),
    **needs(Scope.PAGE_LINKS),
    summary="Make a link to the customer's own page",
)
def make_page_link(request: Request, customer_id: CustomerId) -> dict[str, Any]:
    """A signed link for your own mailing; those that were given before stay valid, and all of one day are the same."""
    now = timezone.now()
    link = link_to(open_page(customer_of(customer_id), by=None, at=now), at=now)
    address = request.build_absolute_uri(reverse("own_door", args=[link.token]))
    return {"url": address, "expires_at": link.expires_at}


def _put(request: Request, external_id: str, body: CustomerIn) -> tuple[int, Any]:
    values = body.model_dump(exclude_unset=True, exclude={"contacts", "own_fields"})
    source = f"api:{request.auth.name}"[:100]
    with transaction.atomic():
        _take_turns(external_id)
        found = by_external_id(external_id)
        status = 200 if found else 201
        if found is None:
            _refuse_forgotten(external_id, body.contacts)
            values["name"] = values.get("name") or external_id
            found = add_customer(by=None, source=source, external_id=external_id, **values)
        elif values:
            edit_customer(found, by=None, source=source, **values)
        if body.own_fields:
            set_own_fields(found, body.own_fields, by=None, source=source)
        for contact in body.contacts:
            add_contact(found, kind=contact.kind, written=contact.value, by=None, source=source)
    # read anew: the database writes some of it itself
    return status, as_dict(Customer.objects.get(pk=found.pk))


def _take_turns(external_id: str) -> None:
    """Two requests for one new customer: the second finds what the first has made."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 7461002))", [external_id])


def _refuse_forgotten(external_id: str, contacts: list[ContactIn]) -> None:
    """Who asked to be erased is not brought back by a program."""
    values = {(one.kind, normalised(one.kind, one.value, region=region())) for one in contacts}
    if forgotten({("key", external_id), *values}):
        raise InputError(_("This person asked to be erased: nothing is kept of him."))


def customer_of(customer_id: int) -> Customer:
    """The customer, or the one that he became; 404 when there is none."""
    found = Customer.objects.filter(pk=customer_id).first()
    if found is None:
        raise HttpError(404, _("There is no customer {id}.").format(id=customer_id))
    return survivor(found)


_PLAIN = ("id", "external_id", "kind", "name", "family_name", "given_name", "middle_name", "language", "own_fields")


def _note_contacts(request: Request) -> None:
    """That this program reads phones and addresses is kept, once a day."""
    log_look(
        since=Business.midnight(timezone.now()), who=f"API: {request.auth.name}",
        about="customers", address=request.META.get("REMOTE_ADDR") or None,
    )  # fmt: skip


def as_dict(customer: Customer) -> dict[str, Any]:
    """The answer, as it is kept for repetitions too."""
    contacts = sorted(customer.contacts.all(), key=lambda one: one.pk)
    return {name: getattr(customer, name) for name in _PLAIN} | {
        "birth_date": customer.birth_date.isoformat() if customer.birth_date else None,
        "updated_at": customer.updated_at.isoformat(),
        "contacts": [{"kind": one.kind, "value": one.value, "is_main": one.is_main} for one in contacts],
    }
