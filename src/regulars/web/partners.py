"""Partners of the coalition: what is agreed with each, how it stands with them, and what is billed."""

import datetime as dt
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from regulars.accounts.rights import Right
from regulars.core.errors import InputError
from regulars.core.i18n import current_language
from regulars.core.i18n import gettext as _
from regulars.core.money import minor_digits, to_minor
from regulars.foundation.models import Business
from regulars.loyalty.arbitrage import PER, temptations
from regulars.loyalty.models import Partner, SettlementNet, Statement
from regulars.loyalty.partner_rules import PartnerRule, rules_at
from regulars.loyalty.partners import (
    LIMITS,
    MOST_PRICE,
    MOST_WAIT,
    Terms,
    add_partner,
    agree,
    catalogue,
    contracts_from,
    edit_partner,
    give_store,
    stores_of_others,
    take_store,
)
from regulars.loyalty.programmes import valid_at
from regulars.loyalty.settling import ONE_DAY, details, last_closed, make_statement, read_lines, standing_of, standings
from regulars.web.access import Request, needs
from regulars.web.partner_files import csv_of
from regulars.web.programme import names_of
from regulars.web.sign_in import address_of
from regulars.web.streaming import in_language

_DAYS_SHOWN = 31
_FRESH = 300  # seconds for which the public page may be kept by a browser or a proxy


class PartnerForm(forms.Form):
    """A new partner."""

    name = forms.CharField(max_length=100)
    slug = forms.CharField(max_length=40, widget=forms.TextInput(attrs={"placeholder": "coffee-house"}))


class TextsForm(forms.Form):
    """What everybody reads of a partner."""

    name = forms.CharField(max_length=100)
    about_ru = forms.CharField(max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2}))
    about_en = forms.CharField(max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2}))
    addresses = forms.CharField(max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 3}))
    is_listed = forms.BooleanField(required=False)


class ContractForm(forms.Form):
    """Terms; prices are typed in currency units, as people write them."""

    begins_on = forms.DateField(widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    issue_price = forms.DecimalField(min_value=0)
    redeem_price = forms.DecimalField(min_value=0)
    settled_after_days = forms.IntegerField(min_value=0, max_value=MOST_WAIT, initial=0)
    most_issued_a_day = forms.IntegerField(min_value=0, required=False)
    most_issued_a_month = forms.IntegerField(min_value=0, required=False)
    most_redeemed_a_day = forms.IntegerField(min_value=0, required=False)
    most_redeemed_a_month = forms.IntegerField(min_value=0, required=False)

    def __init__(self, currency: str, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.currency = currency
        for name in ("issue_price", "redeem_price"):
            field = self.fields[name]
            assert isinstance(field, forms.DecimalField)
            field.decimal_places = minor_digits(currency)
            field.widget.attrs["step"] = str(Decimal(1).scaleb(-minor_digits(currency)))

    def terms(self) -> Terms:
        """As they are agreed on."""
        given = self.cleaned_data
        prices = {name: self._minor(given[name]) for name in ("issue_price", "redeem_price")}
        return Terms(**prices, settled_after_days=given["settled_after_days"], **{name: given[name] for name in LIMITS})

    def _minor(self, price: Decimal) -> int:
        # before it is counted with: a number of a million digits is a price too
        return to_minor(price, self.currency) if price <= MOST_PRICE else MOST_PRICE + 1


@needs(Right.SEE_INSIGHTS)
@require_safe
def page(request: Request) -> HttpResponse:
    """All partners, and how it stands with them."""
    return _page(request)


def _page(request: Request, form: PartnerForm | None = None, status: int = 200) -> HttpResponse:
    now, business = timezone.now(), Business.current()
    standing = standings(at=now)
    today = now.astimezone(business.zone).date()
    contracts = contracts_from(today)
    in_force = {one.partner_id: one for one in contracts if one.begins_on <= today}
    content = {
        "partners": [(one, in_force.get(one.pk), standing[one.pk]) for one in Partner.objects.order_by("name", "id")],
        "operator": standing[None],
        "temptations": temptations(contracts, _worth()),
        "currency": business.currency,
        "closed": last_closed(),
        "form": form or PartnerForm(),
        "per": PER,
    }
    return render(request, "partners/list.html", content, status=status)


def _rules(of: Partner) -> list[PartnerRule]:
    """Those of now that can hold at its tills."""
    valid = valid_at(timezone.now())
    return [] if valid is None else rules_at(of, valid[1], names_of(valid[1]))


def _worth() -> int | None:
    """What a point pays at a till now."""
    valid = valid_at(timezone.now())
    return None if valid is None else valid[1].spending.worth


@needs(Right.MANAGE_BUSINESS)
@require_POST
def add(request: Request) -> HttpResponse:
    """A new partner; its contract comes next."""
    form = PartnerForm(request.POST)
    if form.is_valid():
        try:
            made = add_partner(
                form.cleaned_data["slug"], form.cleaned_data["name"], by=request.user, address=address_of(request)
            )
        except InputError as refused:
            form.add_error(None, str(refused))
        else:
            return redirect("partner", made.slug)
    return _page(request, form, 422)


@needs(Right.SEE_INSIGHTS)
@require_safe
def partner(request: Request, partner: str) -> HttpResponse:
    """One partner: contracts, days, statements."""
    return _partner(request, get_object_or_404(Partner, slug=partner))


def _partner(
    request: Request, found: Partner, *, texts: TextsForm | None = None, contract: ContractForm | None = None,
    error: str = "", status: int = 200,
) -> HttpResponse:  # fmt: skip
    business = Business.current()
    today, closed = timezone.now().astimezone(business.zone).date(), last_closed()
    last = found.statements.order_by("-number").first()
    content = {
        "partner": found,
        "contracts": found.contracts.order_by("-begins_on"),
        "valid": found.contracts.filter(begins_on__lte=today).order_by("-begins_on").first(),
        "standing": standing_of(found, at=timezone.now()),
        "days": SettlementNet.objects.filter(partner=found).order_by("-day")[:_DAYS_SHOWN],
        "statements": found.statements.order_by("-number"),
        "may_bill": closed is not None and found.contracts.exists() and (last is None or last.last < closed),
        "closed": closed,
        "tills": found.tills.order_by("pk"),
        "stores": list(found.stores.order_by("store__name").values_list("store__name", flat=True)),
        "other_stores": stores_of_others(found),
        "texts": texts or TextsForm(initial={name: getattr(found, name) for name in TextsForm.base_fields}),
        "contract_form": contract or ContractForm(business.currency, initial={"begins_on": today + ONE_DAY}),
        "temptations": temptations(contracts_from(today), _worth(), of=found),
        "rules": _rules(found),
        "currency": business.currency,
        "error": error,
        "per": PER,
    }  # fmt: skip
    return render(request, "partners/partner.html", content, status=status)


@needs(Right.MANAGE_BUSINESS)
@require_POST
def edit(request: Request, partner: str) -> HttpResponse:
    """What everybody reads of it."""
    found, form = get_object_or_404(Partner, slug=partner), TextsForm(request.POST)
    if not form.is_valid():
        return _partner(request, found, texts=form, status=422)
    given = dict(form.cleaned_data)
    edit_partner(found, {name: given[name] for name in given if name != "is_listed"}, is_listed=given["is_listed"],
                 by=request.user)  # fmt: skip
    messages.success(request, _("Saved."))
    return redirect("partner", found.slug)


@needs(Right.MANAGE_BUSINESS)
@require_POST
def agree_contract(request: Request, partner: str) -> HttpResponse:
    """A contract that follows the last one."""
    found, form = get_object_or_404(Partner, slug=partner), ContractForm(Business.current().currency, request.POST)
    if form.is_valid():
        try:
            agree(
                found, form.terms(), begins_on=form.cleaned_data["begins_on"], by=request.user,
                address=address_of(request),
            )  # fmt: skip
        except InputError as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("Agreed."))
            return redirect("partner", found.slug)
    return _partner(request, found, contract=form, status=422)


@needs(Right.MANAGE_BUSINESS)
@require_POST
def move_store(request: Request, partner: str) -> HttpResponse:
    """A store that is the partner's from now on, or is not any more."""
    found, name = get_object_or_404(Partner, slug=partner), request.POST.get("store", "")
    move = take_store if request.POST.get("move") == "take" else give_store
    try:
        move(name, found, by=request.user, address=address_of(request))
    except InputError as refused:
        return _partner(request, found, error=str(refused), status=422)
    messages.success(request, _("Saved."))
    return redirect("partner", found.slug)


@needs(Right.MANAGE_BUSINESS)
@require_POST
def bill(request: Request, partner: str) -> HttpResponse:
    """The next statement, through the day that was chosen."""
    found = get_object_or_404(Partner, slug=partner)
    try:
        made = make_statement(
            found, last=_day(request.POST.get("last", "")), by=request.user, at=timezone.now(),
            address=address_of(request),
        )  # fmt: skip
    except InputError as refused:
        return _partner(request, found, error=str(refused), status=422)
    return redirect("statement", found.slug, made.number)


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise InputError(_("{value!r} is no day. Choose one.").format(value=text[:40])) from None


@needs(Right.SEE_INSIGHTS)
@require_safe
def statement(request: Request, partner: str, number: int) -> HttpResponse:
    """One statement, fit to be printed."""
    found, business = _statement(partner, number), Business.current()
    lines = read_lines(found)
    content = {
        "statement": found,
        "lines": lines,
        "business": business,
        "zone": business.zone,
        "currency": lines[0].contract.currency if lines else business.currency,
    }
    return render(request, "partners/statement.html", content)


@needs(Right.SEE_INSIGHTS)
@require_safe
def statement_rows(_request: Request, partner: str, number: int) -> StreamingHttpResponse:
    """Every posting behind a statement."""
    found = _statement(partner, number)
    rows = details(found.partner, found.first, found.last)
    answer = StreamingHttpResponse(
        in_language(csv_of(rows, Business.current())), content_type="text/csv; charset=utf-8"
    )
    answer.headers["Content-Disposition"] = f'attachment; filename="{found.partner.slug}-{found.number}.csv"'
    return answer


def _statement(partner: str, number: int) -> Statement:
    return get_object_or_404(Statement.objects.select_related("partner"), partner__slug=partner, number=number)


@login_not_required
@cache_control(public=True, max_age=_FRESH)
@vary_on_headers("Accept-Language", "Cookie")
@require_safe
def public(request: HttpRequest) -> HttpResponse:
    """Where everybody can earn and spend points. Nothing in it depends on who reads."""
    business = Business.objects.first()
    content = {
        "business": business,
        "partners": catalogue(current_language()) if business else [],
        "worth": _worth(),
    }
    return render(request, "partners/public.html", content)
