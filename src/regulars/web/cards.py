"""Cards of the loyalty programme: batches for the printer, and what became of them."""

from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.text import slugify
from django.views.decorators.http import require_POST, require_safe

from regulars.accounts.rights import Right
from regulars.accounts.services import log
from regulars.core.barcodes import Kind, bars, svg
from regulars.core.errors import InputError
from regulars.core.i18n import format_number, ngettext
from regulars.core.i18n import gettext as _
from regulars.core.money import read_money, to_units
from regulars.foundation.models import Business
from regulars.loyalty.cards import (
    MOST_CARDS,
    MOST_DAYS,
    PREFIX,
    Paid,
    Scheme,
    batches,
    make_cards,
    numbers_of,
    say_cost,
)
from regulars.loyalty.models import CardBatch
from regulars.loyalty.privileges import names_of_privileges
from regulars.web.access import Request, needs
from regulars.web.sign_in import address_of

MOST_ON_SHEETS = 500  # fifty sheets: more is work for a printer with the CSV


@needs(Right.SEE_PURCHASES)
@require_safe
def page(request: Request) -> HttpResponse:
    """All batches, and a form for the next one."""
    return _page(request)


@needs(Right.MANAGE_BUSINESS)
@require_POST
def make(request: Request) -> HttpResponse:
    """A new batch."""
    typed = request.POST
    count = _number(typed.get("count", ""))
    try:
        make_cards(
            typed.get("name", ""), count=count, scheme=typed.get("scheme", ""), prefix=typed.get("prefix", "").strip(),
            digits=_number(typed.get("digits", "")), in_sequence="in_sequence" in typed,
            cost=_cost(typed.get("cost", "")), paid=_paid(typed), by=request.user, address=address_of(request),
        )  # fmt: skip
    except InputError as error:
        return _page(request, error=str(error), status=422)
    said = ngettext("{n} card is made.", "{n} cards are made.", count)
    messages.success(request, said.format(n=format_number(count)))
    return redirect("cards")


@needs(Right.MANAGE_BUSINESS)
@require_POST
def cost(request: Request, batch_id: int) -> HttpResponse:
    """What one card of the batch costs, or that nobody knows."""
    batch = get_object_or_404(CardBatch, pk=batch_id)
    try:
        say_cost(batch, _cost(request.POST.get("cost", "")), by=request.user, address=address_of(request))
    except InputError as error:
        return _page(request, error=str(error), status=422)
    messages.success(request, _("Written down."))
    return redirect("cards")


@needs(Right.MANAGE_BUSINESS)
@require_POST
def take(request: Request, batch_id: int) -> HttpResponseBase:
    """The numbers for the printer. Who took them is kept in the log: whoever knows a number can show a card."""
    batch = get_object_or_404(CardBatch, pk=batch_id)
    if batch.is_virtual:
        raise Http404
    log("cards_taken", user=request.user, about=batch.name, address=address_of(request))
    name = slugify(batch.name) or str(batch.pk)
    return StreamingHttpResponse(
        _lines(batch), content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="cards-{name}.csv"'},
    )  # fmt: skip


@needs(Right.MANAGE_BUSINESS)
@require_POST
def sheet(request: Request, batch_id: int) -> HttpResponse:
    """Cards in their real size, to be printed here: some of the batch, from a place on. It is kept in the log, too."""
    batch = get_object_or_404(CardBatch, pk=batch_id)
    if batch.is_virtual:
        raise Http404
    first, of = _number(request.POST.get("first", "1")), batch.cards.count()
    if not 1 <= first <= of:
        said = _("The batch has {cards} cards: begin with one of 1 to {cards}.").format(cards=format_number(of))
        return _page(request, error=said, status=422)
    log("cards_taken", user=request.user, about=batch.name, address=address_of(request))
    numbers = numbers_of(batch, since=first - 1, most=MOST_ON_SHEETS)
    context = {
        "batch": batch, "first": first, "of": of, "business": Business.current(),
        "cards": [(one, [*filter(None, [bars(one)]), svg(one, Kind.QR)]) for one in numbers],
    }  # fmt: skip
    return render(request, "cards_sheet.html", context)


def _paid(typed: Any) -> Paid | None:
    """Cards for which nobody pays have none of the three."""
    price, privilege, days = (typed.get(name, "").strip() for name in ("price", "privilege", "privilege_days"))
    if not (price or privilege):
        return None
    return Paid(read_money(price, Business.current().currency), privilege, _number(days))


def _lines(batch: CardBatch) -> Iterator[str]:
    yield "number\r\n"
    for number in numbers_of(batch):
        yield f"{number}\r\n"


def _page(request: Request, *, error: str = "", status: int = 200) -> HttpResponse:
    context: dict[str, Any] = {
        "batches": batches(), "schemes": Scheme.choices, "prefix": PREFIX, "most": MOST_CARDS, "error": error,
        "most_on_sheets": MOST_ON_SHEETS,
        "typed": request.POST, "zone": Business.current().zone, "currency": Business.current().currency,
        "units": to_units, "most_days": MOST_DAYS, "privilege_names": names_of_privileges(),
    }  # fmt: skip
    return render(request, "cards.html", context, status=status)


def _cost(text: str) -> int | None:
    return read_money(text, Business.current().currency) if text.strip() else None


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0
