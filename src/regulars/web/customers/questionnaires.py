"""Filling a questionnaire: by staff on the card, or by the customer behind his personal link."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from regulars.accounts.rights import Right
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.customers.models import Consent, Form, Purpose
from regulars.customers.services.questionnaires import (
    LINK_DAYS,
    answer_by_link,
    answer_form,
    asked_fields,
    find_link,
    make_link,
)
from regulars.foundation.models import Business
from regulars.web.access import Request, needs
from regulars.web.customers.access import seen_customer
from regulars.web.guessing import misses_too_often


@needs(Right.EDIT_CUSTOMERS)
@require_http_methods(["GET", "POST"])
def fill(request: Request, customer_id: int, form_id: int) -> HttpResponse:
    """Staff fills it while talking with the customer."""
    customer = seen_customer(request, customer_id)
    form = get_object_or_404(Form, pk=form_id, is_archived=False)
    error = ""
    if request.method == "POST":
        try:
            answer_form(form, customer, _typed(form, request.POST), by=request.user, **_agreed(request))
        except InputError as refused:
            error = str(refused)
        else:
            messages.success(request, _("Saved."))
            return redirect("customer", customer.pk)
    context = _context(form, customer.own_fields, request.POST) | {"customer": customer, "error": error, "link": ""}
    return render(request, "customers/form.html", context, status=422 if error else 200)


@needs(Right.EDIT_CUSTOMERS)
@require_POST
def link(request: Request, customer_id: int, form_id: int) -> HttpResponse:
    """A personal link for the customer, shown this once."""
    customer = seen_customer(request, customer_id)
    form = get_object_or_404(Form, pk=form_id, is_archived=False)
    token = make_link(form, customer)
    address = request.build_absolute_uri(f"/q/{token}/")
    context = _context(form, customer.own_fields, QueryDict()) | {"customer": customer, "error": "", "link": address}
    return render(request, "customers/form.html", context | {"days": LINK_DAYS})


@login_not_required
@never_cache
@require_http_methods(["GET", "POST"])
def public(request: HttpRequest, token: str) -> HttpResponse:
    """The customer's own page. It shows nothing that is known of him: a link may go astray."""
    found = find_link(token)
    if found is None:
        # a link that opens is never refused for the wrong ones
        many = misses_too_often(request, "public-form")
        return render(request, "customers/public_void.html", {"many": many}, status=429 if many else 410)
    error = ""
    if request.method == "POST":
        try:
            answer_by_link(token, _typed(found.form, request.POST), **_agreed(request))
        except InputError as refused:
            error = str(refused)
        else:
            return render(request, "customers/public_thanks.html", {"business": Business.objects.first()})
    context = _context(found.form, {}, request.POST) | {"error": error, "business": Business.objects.first()}
    return render(request, "customers/public_form.html", context, status=422 if error else 200)


def _context(form: Form, known: dict[str, Any], typed: QueryDict) -> dict[str, Any]:
    fields = [(field, typed.get(f"own-{slug}", known.get(slug))) for slug, field in asked_fields(form).items()]
    purpose = Purpose.objects.filter(slug=form.purpose).order_by("-version").first() if form.purpose else None
    titles = dict(Consent.Channel.choices)
    channels = [(channel, titles[channel]) for channel in form.channels]
    return {"form": form, "fields": fields, "purpose": purpose, "channels": channels}


def _typed(form: Form, given: QueryDict) -> dict[str, Any]:
    typed: dict[str, Any] = {}
    for slug, field in asked_fields(form).items():
        several = [value for value in given.getlist(f"own-{slug}") if value]
        typed[slug] = several if field.type == "choices" else (several[0] if several else "")
    return typed


def _agreed(request: HttpRequest) -> dict[str, Any]:
    return {"agrees": request.POST.getlist("agrees"), "text": request.POST.get("text", "")}
