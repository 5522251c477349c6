"""The cashier's page of receipts that were sold: goods that come back, and a receipt that was a mistake."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from regulars.accounts.rights import Right
from regulars.core.errors import InputError
from regulars.core.i18n import format_number
from regulars.core.i18n import gettext as _
from regulars.core.money import format_money, read_money
from regulars.customers.names import half_name
from regulars.foundation.models import Business
from regulars.loyalty.models import Sale, SaleLine, SaleReturn
from regulars.loyalty.partners import own_stores
from regulars.loyalty.returning import share
from regulars.loyalty.taking_back import (
    Going,
    Wanted,
    foresee,
    latest,
    part_of,
    price_left,
    returnable,
    returns_of,
    take_back,
)
from regulars.purchases.models import Line
from regulars.web.access import Request, needs
from regulars.web.customers.actions import day_of
from regulars.web.sign_in import address_of
from regulars.web.till import STORE, enter, new_number, number_of_form, status_of, whole
from regulars.web.till_basket import GOODS, quantity_of

_WHATS = ("some", "all", "void")


@dataclass(frozen=True)
class Shown:
    """A line of the receipt as its form has it; `is_sum`: its sum alone is known, and part of that may come back."""

    line: SaleLine
    name: str
    typed: str

    @property
    def left(self) -> Decimal:
        """How much of it can come back."""
        return self.line.quantity - self.line.returned

    @property
    def is_sum(self) -> bool:
        """Whether it has a sum, and no pieces."""
        return self.line.product == GOODS

    @property
    def paid_left(self) -> int:
        """What was paid for that, in all ways."""
        return self.line.to_pay - share(self.line.to_pay, self.line.returned, self.line.quantity)

    @property
    def typed_sum(self) -> int | None:
        """What was typed of a sum."""
        return read_money(self.typed, Business.current().currency) if self.is_sum else None

    @property
    def price_left(self) -> int:
        """What of a sum can come back, before discounts."""
        return price_left(self.line)


@needs(Right.SERVE_AT_TILL)
@require_safe
@never_cache
def receipts(request: Request) -> HttpResponse:
    """The last ones that he may take back, or those of a day, or with a number."""
    asked, user = request.GET, request.user
    sees, number = user.may(Right.SEE_PURCHASES), asked.get("number", "").strip()
    stores = own_stores() if sees else []
    store = asked.get("store", request.session.get(STORE, "") if sees else "")
    store = store if store in stores else ""
    day, error = None, ""
    try:
        day = day_of(asked.get("day", ""))
    except InputError as wrong:
        error = str(wrong)
    business = Business.current()
    context = {
        "sales": latest(user, store=store, day=day, number=number), "stores": stores, "store": store, "number": number,
        "day_asked": day, "error": error, "half_name": half_name, "zone": business.zone, "currency": business.currency,
    }  # fmt: skip
    return render(request, "till_receipts.html", context, status=422 if error else 200)


@needs(Right.SERVE_AT_TILL)
@require_http_methods(["GET", "POST"])
@never_cache
def back(request: Request, pk: int) -> HttpResponse:
    """Choose what comes back, look at what goes back for it, and write it."""
    sale = get_object_or_404(returnable(request.user).select_related("customer", "store", "receipt"), pk=pk)
    if request.method != "POST":
        return _page(request, sale)
    wanted = None
    try:
        enter(request)
        wanted = _wanted(request.POST, sale)
        if "done" not in request.POST:
            return _page(request, sale, going=foresee(sale, wanted, by=request.user))
        made = _write(request, sale, wanted)
    except InputError as error:
        return _page(request, sale, going=_going_still(request, sale, wanted), error=error)
    messages.success(request, _said(Going.of(made)))
    return redirect("till_back", sale.pk)


def _write(request: Request, sale: Sale, wanted: Wanted) -> SaleReturn:
    typed = request.POST
    told = Going(**{name: whole(typed.get(name, "")) for name in Going.__annotations__})
    return take_back(sale, wanted, told, reason=typed.get("reason", ""), by=request.user, address=address_of(request))


def _going_still(request: Request, sale: Sale, wanted: Wanted | None) -> Going | None:
    """What was looked at is shown again, as it would be now: the reason may be all that is wrong."""
    if wanted is None or "done" not in request.POST:
        return None
    try:
        return foresee(sale, replace(wanted, number=new_number()), by=request.user)
    except InputError:
        return None


def _said(done: Going) -> str:
    """What the cashier does now, and what was done."""
    currency = Business.current().currency
    said = [_("Written. Give back {money}.").format(money=format_money(done.refund, currency, exact=True))]
    if done.to_certificates:
        money = format_money(done.to_certificates, currency, exact=True)
        said.append(_("{money} went back to the certificates.").format(money=money))
    if done.points_back:
        said.append(_("Points given back: {points}").format(points=format_number(done.points_back)) + ".")
    if done.points_taken:
        said.append(_("Points taken back: {points}").format(points=format_number(done.points_taken)) + ".")
    if done.points_forgiven:
        said.append(_("Points forgiven: {points}").format(points=format_number(done.points_forgiven)) + ".")
    return " ".join(said)


def _wanted(typed: QueryDict, sale: Sale) -> Wanted:
    what, number = typed.get("what", ""), number_of_form(typed)
    if what not in _WHATS:
        raise InputError(_("The form is broken: begin anew."))
    if what != "some":
        return Wanted(number, is_void=what == "void")
    lines = tuple(_parts(typed, sale.lines.order_by("position")))
    if not lines:
        raise InputError(_("Write how much of which goods comes back."))
    return Wanted(number, lines)


def _parts(typed: QueryDict, lines: Iterable[SaleLine]) -> Iterator[tuple[int, Decimal]]:
    currency = Business.current().currency
    for one in lines:
        if text := _typed(typed, one):
            is_sum = one.product == GOODS
            yield one.position, part_of(one, read_money(text, currency)) if is_sum else quantity_of(text)


def _typed(typed: QueryDict, line: SaleLine) -> str:
    """What is written beside a line; nought is nothing."""
    text = typed.get(f"back-{line.position}", "").strip()
    return text if text.strip("0., ") else ""


def _page(request: Request, sale: Sale, *, going: Going | None = None, error: InputError | None = None) -> HttpResponse:
    business, typed = Business.current(), request.POST
    lines = _lines(sale, typed)
    context = {
        "sale": sale, "lines": lines, "going": going, "returns": returns_of(sale), "error": str(error or ""),
        "what": typed.get("what", ""), "reason": typed.get("reason", ""), "form_number": new_number(),
        "is_left": any(one.left for one in lines), "may_see": request.user.may(Right.SEE_PURCHASES),
        "zone": business.zone, "currency": business.currency, "half_name": half_name,
    }  # fmt: skip
    return render(request, "till_back.html", context, status=status_of(error))


def _lines(sale: Sale, typed: QueryDict) -> list[Shown]:
    names = dict(Line.objects.filter(receipt=sale.receipt_id).values_list("position", "product__name"))
    return [
        Shown(one, names.get(one.position) or one.product, _typed(typed, one))
        for one in sale.lines.order_by("position")
    ]
