"""The catalogue of gifts: what there is, how attractive it is, and who could take something."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from regulars.accounts.rights import Right
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.core.money import minor_digits, to_minor, to_units
from regulars.foundation.models import Business
from regulars.foundation.patience import in_time
from regulars.loyalty.gifts import GiftData, add_gift, catalogue, change_gift, taken_of
from regulars.loyalty.measured_words import attractiveness, time_to_reward
from regulars.loyalty.measuring import latest
from regulars.loyalty.models import Gift
from regulars.loyalty.programmes import valid_at
from regulars.web.access import Request, needs
from regulars.web.leftover_columns import LEFTOVERS
from regulars.web.sign_in import address_of

_DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
_MOST_UNITS = Decimal(10) ** 11
_ROWS = 50
_PATIENCE_MS = 2_000


class GiftForm(forms.Form):
    """One gift. When it is changed, the stock is told as a difference."""

    name = forms.CharField(max_length=200)
    product = forms.CharField(max_length=200, required=False)
    points = forms.IntegerField(min_value=1)
    cost = forms.DecimalField(min_value=0, max_value=_MOST_UNITS)
    stock = forms.IntegerField()
    begins_on = forms.DateField(required=False, widget=_DAY)
    ends_on = forms.DateField(required=False, widget=_DAY)
    most_each = forms.IntegerField(required=False, min_value=1)
    tiers = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)

    def __init__(self, *arguments: Any, tiers: Sequence[tuple[str, str]], currency: str, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.currency = currency
        field = self.fields["tiers"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = tiers

    def clean_cost(self) -> int:
        """In minor units."""
        return to_minor(self.cleaned_data["cost"], self.currency)

    def data_of(self) -> GiftData:
        """What the catalogue takes."""
        given = {name: value for name, value in self.cleaned_data.items() if name != "stock"}
        return GiftData(**given | {"tiers": tuple(given["tiers"])})


@needs(Right.SEE_PURCHASES)
@require_safe
def page(request: Request) -> HttpResponse:
    """The catalogue."""
    business, measured, start = Business.current(), latest(), _start(request)
    found = catalogue(since=start, most=_ROWS + 1)
    if start and not found:
        return redirect("gifts")
    gifts, titles = found[:_ROWS], dict(_tiers())
    taken = in_time(_PATIENCE_MS, lambda: taken_of(gifts))
    figures = measured[1] if measured else None
    context = {
        "gifts": [(one, taken[one.pk] if taken else None, _titles_of(one, titles)) for one in gifts],
        "is_counted": taken is not None,
        "before": max(0, start - _ROWS) if start else None,
        "next": start + _ROWS if len(found) > _ROWS else None,
        "currency": business.currency,
        "day_now": timezone.now().astimezone(business.zone).date(),
        "zone": business.zone,
        "measured_at": measured[0] if measured else None,
        "by_gift": figures.gifts if figures else {},
        "attractiveness": attractiveness(figures) if figures else [],
        "is_dump": figures is not None and figures.is_dump,
        "time_to_reward": time_to_reward(figures.rewards) if figures else [],
        "leftovers": LEFTOVERS,
        "may_change": request.user.may(Right.MANAGE_BUSINESS),
    }
    return render(request, "gifts.html", context)


@needs(Right.MANAGE_BUSINESS)
@require_http_methods(["GET", "POST"])
def new(request: Request) -> HttpResponse:
    """Add a gift."""
    return _form_page(request, None)


@needs(Right.MANAGE_BUSINESS)
@require_http_methods(["GET", "POST"])
def edit(request: Request, gift_id: int) -> HttpResponse:
    """Change a gift."""
    return _form_page(request, get_object_or_404(Gift, pk=gift_id))


def _form_page(request: Request, gift: Gift | None) -> HttpResponse:
    business = Business.current()
    form = GiftForm(
        request.POST or None, initial=_shown(gift, business.currency), tiers=_tiers(), currency=business.currency
    )
    if request.method == "POST" and form.is_valid():
        try:
            _save(request, gift, form)
        except InputError as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("Saved."))
            return redirect("gifts")
    context = {"form": form, "gift": gift, "currency": business.currency, "step": _step(business.currency)}
    return render(request, "gift.html", context, status=422 if form.errors else 200)


def _save(request: Request, gift: Gift | None, form: GiftForm) -> None:
    stock, address = form.cleaned_data["stock"], address_of(request)
    if gift is None:
        add_gift(form.data_of(), stock=stock, by=request.user, address=address)
    else:
        change_gift(gift, form.data_of(), more=stock, by=request.user, address=address)


def _shown(gift: Gift | None, currency: str) -> dict[str, Any]:
    if gift is None:
        return {}
    names = ("name", "product", "points", "begins_on", "ends_on", "most_each", "tiers")
    return {name: getattr(gift, name) for name in names} | {"cost": to_units(gift.cost, currency), "stock": 0}


def _step(currency: str) -> str:
    return str(Decimal(1).scaleb(-minor_digits(currency)))


def _tiers() -> list[tuple[str, str]]:
    valid = valid_at(timezone.now())
    levels = valid[1].tiers.levels if valid is not None and valid[1].tiers is not None else ()
    return [(one.id, one.title or one.id) for one in levels]


def _titles_of(gift: Gift, titles: Mapping[str, str]) -> str:
    return ", ".join(titles.get(one, one) for one in gift.tiers)


def _start(request: Request) -> int:
    """At which place of the catalogue the page begins."""
    given = request.GET.get("from", "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 10 else 0
