"""Products: what is sold."""

import datetime as dt

from ninja import Router, Schema

from regulars.api.http import PAGE, Key, Request, page_of
from regulars.api.models import Scope
from regulars.purchases.models import Product

router = Router(tags=["products"])


class ProductOut(Schema):
    """One product."""

    id: int
    code: str
    name: str
    category: str
    updated_at: dt.datetime


class ProductPage(Schema):
    """Some products, and where the next ones begin."""

    items: list[ProductOut]
    next: str | None


@router.get("", response=ProductPage, auth=Key(Scope.READ_PURCHASES))
def list_products(
    request: Request, cursor: str | None = None, limit: int = PAGE, updated_after: dt.datetime | None = None
) -> dict[str, object]:
    """Products in the order of their last change."""
    rows = Product.objects.all()
    if updated_after is not None:
        rows = rows.filter(updated_at__gt=updated_after)
    items, following = page_of(rows, order=("updated_at", "id"), cursor=cursor, limit=limit)
    return {"items": items, "next": following}
