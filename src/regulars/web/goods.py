"""What goods cost and are sold for: the list, one product with what was said of it, and the kinds of prices of 1C."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from regulars.accounts.rights import Right
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.core.money import read_money, to_units
from regulars.foundation.models import Business
from regulars.foundation.patience import in_time
from regulars.purchases.models import PriceKind, Product, Stated
from regulars.purchases.selectors import products_named
from regulars.purchases.stating import choose_kinds, history_of, last_said, state
from regulars.web.access import Request, needs
from regulars.web.uploads import largest

_PAGE = 50
_PATIENCE_MS = 5_000
_LONGEST_QUERY = 100


@dataclass(frozen=True)
class Row:
    """One product, and who said last what it costs and is sold for."""

    product: Product
    cost: Stated | None
    price: Stated | None

    @property
    def margin(self) -> float | None:
        """The share of the price that is above the cost."""
        cost, price = self.product.cost, self.product.price
        return None if cost is None or not price else (price - cost) / price


@needs(Right.SEE_INSIGHTS)
@require_safe
def page(request: Request) -> HttpResponse:
    """The goods by name: all, those with a text in them, those without a cost."""
    return _page(request)


def _page(request: Request, *, error: str = "") -> HttpResponse:
    query = request.GET.get("q", "").strip()[:_LONGEST_QUERY]
    without, after = request.GET.get("cost") == "none", _last_shown(request.GET.get("after", ""))
    status = 422 if error else 200
    found = in_time(
        _PATIENCE_MS, lambda: products_named(query, without_cost=without, after=after, limit=_PAGE + 1)
    )  # fmt: skip
    if found is None:
        found, error, status = [], _("There are too many goods to look through: search for a longer text."), 422
    shown, more = found[:_PAGE], len(found) > _PAGE
    said = last_said(shown)
    context: dict[str, Any] = {
        "rows": [Row(one, said.get((one.pk, "cost")), said.get((one.pk, "price"))) for one in shown],
        "query": query, "without": without, "error": error,
        "next": _address(query, without, shown[-1]) if more else None,
        "is_empty": not shown and not Product.objects.exists(), "currency": Business.current().currency,
        "zone": Business.current().zone, "may_say": request.user.may(Right.RUN_IMPORTS),
        "kinds": list(PriceKind.objects.order_by("name", "id")), "meanings": _meanings(), "limit_mb": largest() >> 20,
    }  # fmt: skip
    return render(request, "goods.html", context, status=status)


def _address(query: str, without: bool, last: Product) -> str:
    parts = {"q": query, "cost": "none" if without else "", "after": last.pk}
    return "?" + urlencode({name: value for name, value in parts.items() if value})


def _last_shown(text: str) -> Product | None:
    """The product after which the page begins; when it is gone, or none, it begins at the first."""
    is_id = text.isascii() and text.isdigit() and len(text) < 19
    return Product.objects.filter(pk=int(text)).first() if is_id else None


def _meanings() -> list[tuple[str, str]]:
    return [(Stated.What.COST.value, _("What goods cost you")), (Stated.What.PRICE.value, _("What they are sold for"))]


@needs(Right.SEE_INSIGHTS)
@require_safe
def product(request: Request, product_id: int) -> HttpResponse:
    """One product, and all that was said of it."""
    return _product(request, get_object_or_404(Product, pk=product_id))


def _product(request: Request, found: Product, *, error: str = "") -> HttpResponse:
    business = Business.current()
    shown = {what: _typed(getattr(found, what), business.currency) for what in Stated.What.values}
    context: dict[str, Any] = {
        "product": found, "margin": Row(found, None, None).margin, "history": history_of(found), "error": error,
        "shown": shown, "typed": {what: request.POST.get(what, shown[what]) for what in shown},
        "currency": business.currency, "zone": business.zone, "may_say": request.user.may(Right.RUN_IMPORTS),
    }  # fmt: skip
    return render(request, "product.html", context, status=422 if error else 200)


@needs(Right.RUN_IMPORTS)
@require_POST
def say(request: Request, product_id: int) -> HttpResponse:
    """A person says what it costs, or is sold for. What the form showed and he left as it was is not said anew."""
    if not request.user.may(Right.SEE_INSIGHTS):
        raise PermissionDenied
    try:
        with transaction.atomic():
            # the lock first: who says it at the same moment waits
            found = get_object_or_404(Product.objects.select_for_update(), pk=product_id)
            state(found, _said(request, Business.current().currency), by=request.user)
    except InputError as refused:
        return _product(request, get_object_or_404(Product, pk=product_id), error=str(refused))
    messages.success(request, _("Saved."))
    return redirect("product", product_id)


def _said(request: Request, currency: str) -> dict[str, int | None]:
    typed = {what: request.POST.get(what, "").strip() for what in Stated.What.values if what in request.POST}
    changed = {what: text for what, text in typed.items() if text != request.POST.get(f"{what}_shown", "")}
    return {what: read_money(text, currency) if text else None for what, text in changed.items()}


def _typed(value: int | None, currency: str) -> str:
    return "" if value is None else str(to_units(value, currency))


@needs(Right.RUN_IMPORTS)
@require_POST
def kinds(request: Request) -> HttpResponse:
    """Say which kind of 1C's prices is the cost, and which the price."""
    if not request.user.may(Right.SEE_INSIGHTS):
        raise PermissionDenied
    try:
        choose_kinds({what: request.POST.get(what, "") for what in Stated.What.values})
    except InputError as refused:
        return _page(request, error=str(refused))
    messages.success(request, _("Saved. The next exchange brings them; let 1C send all its offers once."))
    return redirect("goods")
