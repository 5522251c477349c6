"""One receipt with its lines."""

from django.core.exceptions import ObjectDoesNotExist
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_safe

from regulars.accounts.models import User
from regulars.accounts.rights import Right
from regulars.customers.models import Customer
from regulars.foundation.models import Business
from regulars.loyalty.models import Sale
from regulars.loyalty.standing import return_of, sale_of
from regulars.loyalty.taking_back import returnable, returns_of
from regulars.purchases.models import Receipt
from regulars.purchases.selectors import zone_of
from regulars.web.access import Request, needs

# a receipt of a wholesaler has hundreds of lines; nobody reads more than this
_MOST_LINES = 1000


@needs(Right.SEE_PURCHASES)
@require_safe
def page(request: Request, pk: int) -> HttpResponse:
    """Who bought what, when and where. Receipts of somebody else's customers are not there."""
    receipt = get_object_or_404(Receipt.objects.select_related("store", "seller", "imported_by"), pk=pk)
    customer = None
    if receipt.customer_id is not None:
        try:
            customer = Customer.objects.all().seen_by(request.user).get(pk=receipt.customer_id)
        except ObjectDoesNotExist:
            raise Http404 from None
    lines = list(receipt.lines.select_related("product").order_by("position")[: _MOST_LINES + 1])
    business = Business.current()
    sale = sale_of(receipt.pk)
    context = {
        "receipt": receipt,
        "customer": customer,
        "customer_address": _address_of(customer),
        "lines": lines[:_MOST_LINES],
        "is_cut": len(lines) > _MOST_LINES,
        "currency": business.currency,
        "zone": zone_of(receipt, business),
        "may_see_import": receipt.imported_by is not None and request.user.may(Right.RUN_IMPORTS),
        "sale": sale,
        "returns": returns_of(sale) if sale else [],
        "may_take_back": sale is not None and _may_take_back(request.user, sale),
        "back": return_of(receipt.pk),
        "has_discounts": any(line.discount for line in lines),
    }
    return render(request, "receipt.html", context)


def _may_take_back(user: User, sale: Sale) -> bool:
    return user.may(Right.SERVE_AT_TILL) and returnable(user).filter(pk=sale.pk).exists()


def _address_of(customer: Customer | None) -> str | None:
    if customer is None:
        return None
    try:
        return reverse("customer", args=[customer.merged_into_id or customer.pk])
    except NoReverseMatch:
        return None
