"""Products: what is sold."""

import datetime as dt
from typing import Annotated, Any

from django.db import transaction
from django.utils import timezone
from ninja import Field, Path, Router, Schema, Status

from regulars.api.http import IdempotencyKey, In, Problem, Request, answers, needs, repeatable
from regulars.api.models import Scope
from regulars.api.pages import PAGE, Cursor, NextField, Size, UpdatedAfter, in_utc, page_of
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.purchases.models import Product, Stated
from regulars.purchases.stating import MOST, state

router = Router(tags=["products"])

Code = Annotated[
    str,
    Path(
        max_length=200, pattern=r"^[^\x00-\x20\x7f](?:[^\x00-\x1f\x7f]*[^\x00-\x20\x7f])?$",
        description="The product's code in the till.", examples=["4600123456789"],
    ),
]  # fmt: skip


class ProductOut(Schema):
    """One product."""

    id: int = Field(description="The id here.", examples=[5])
    code: str = Field(description="Its code in the till; without codes its name.", examples=["4600123456789"])
    name: str = Field(description="What it is called.", examples=["Coffee 250 g"])
    category: str = Field(description="Its group; empty when it is not known.", examples=["Coffee"])
    cost: int | None = Field(description="What a unit costs the shop, in minor units; null: unknown.", examples=[600])
    price: int | None = Field(description="What one unit costs the customer; null: not known.", examples=[1000])
    updated_at: dt.datetime = Field(description="When it was changed last.")


class ProductPage(Schema):
    """Some products, and where the next ones begin."""

    items: list[ProductOut] = Field(description="The products of this page.")
    next: str | None = Field(description=NextField)


class ProductIn(In):
    """What is to be known of a product. What is left out stays as it is."""

    name: str = Field("", max_length=500, description="What it is called.", examples=["Coffee 250 g"])
    category: str = Field("", max_length=200, description="Its group.", examples=["Coffee"])
    cost: int | None = Field(
        None, ge=0, le=MOST, examples=[600],
        description="What one unit costs the shop, in minor units: the margin guard asks for it.",
    )  # fmt: skip
    price: int | None = Field(
        None, ge=0, le=MOST, examples=[1000],
        description="What one unit costs the customer. The day when it rises is noted, for the watch on raised prices.",
    )  # fmt: skip


@router.get("", response=answers(ProductPage), **needs(Scope.READ_PURCHASES), summary="List products")
def list_products(
    request: Request, cursor: Cursor = None, limit: Size = PAGE, updated_after: UpdatedAfter = None
) -> dict[str, object]:
    """Products in the order of their last change."""
    rows = Product.objects.all()
    if updated_after is not None:
        rows = rows.filter(updated_at__gt=in_utc(updated_after))
    items, following = page_of(rows, order=("updated_at", "id"), cursor=cursor, limit=limit)
    return {"items": items, "next": following}


@router.put(
    "/by-code/{path:code}",
    response=answers(ProductOut, more={201: ProductOut, 404: Problem, 409: Problem}),
    **needs(Scope.WRITE_PURCHASES),
    summary="Add or change a product",
)
def put_product(request: Request, code: Code, body: ProductIn, idempotency_key: IdempotencyKey = None) -> "Status[Any]":
    """Add the product of this code (201), or change what is given (200)."""
    return repeatable(request, idempotency_key, lambda: _put(request, code, body))


def _put(request: Request, code: str, body: ProductIn) -> tuple[int, Any]:
    given = body.model_dump(exclude_unset=True)
    told = {what: given.pop(what) for what in Stated.What.values if what in given}
    values = {name: value.strip() for name, value in given.items()}
    with transaction.atomic():
        product, is_new = Product.objects.select_for_update().get_or_create(
            code=code, defaults=values | {"name": values.get("name") or code}
        )
        changed = {name for name, value in values.items() if getattr(product, name) != value}
        if not is_new and changed:
            if values.get("name") == "":
                raise InputError(_("A product needs a name."))
            Product.objects.filter(pk=product.pk).update(**values, updated_at=timezone.now())
        state(product, told, program=request.auth.name)
    made = Product.objects.get(pk=product.pk)
    names = ("id", "code", "name", "category", "cost", "price")
    answer = {name: getattr(made, name) for name in names} | {"updated_at": made.updated_at.isoformat()}
    return 201 if is_new else 200, answer
