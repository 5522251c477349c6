"""Which customer a page is about, and what happens when a write is refused."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from regulars.accounts.rights import Right
from regulars.core.errors import InputError, OutputError
from regulars.customers.models import Customer
from regulars.customers.selectors.family import survivor_of
from regulars.web.access import Request, View, needs

Action = Callable[..., str]


def seen_customer(request: Request, customer_id: int) -> Customer:
    """The customer, when this user may see him and he is nobody's part; else there is no such page."""
    found = (
        Customer.objects.whole().seen_by(request.user).filter(pk=customer_id).select_related("owner")
        .defer("search_text", "search_parts").first()
    )  # fmt: skip
    if found is None:
        raise Http404
    return found


def survivor_seen(request: Request, customer_id: int) -> int | None:
    """Whose card a merged customer's old address leads to; None when he was not merged or may not be seen."""
    kept = survivor_of(customer_id)
    if kept is None or kept == customer_id:
        return None
    return kept if Customer.objects.whole().seen_by(request.user).filter(pk=kept).exists() else None


def card_action(right: Right, panel: str) -> Callable[[Action], View]:
    """A write on the card: it returns what to say; when refused, the card comes back with the reason in its panel."""

    def wrap(action: Action) -> View:
        @needs(right)
        @require_POST
        @wraps(action)
        def view(request: Request, customer_id: int, **named: Any) -> HttpResponse:
            # the card shows these actions and is shown by them
            from regulars.web.customers.card import render_card  # noqa: PLC0415

            customer = seen_customer(request, customer_id)
            try:
                said = action(request, customer, **named)
            except (InputError, OutputError) as error:
                fresh = seen_customer(request, customer_id)
                return render_card(request, fresh, errors={panel: str(error)}, status=422)
            if said:
                messages.success(request, said)
            return redirect("customer", customer_id)

        return view

    return wrap
