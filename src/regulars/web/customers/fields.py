"""What a business defines for its customers: own fields, texts of consent, questionnaires."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from regulars.accounts.rights import Right
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.customers.models import Field, Form, Purpose
from regulars.customers.selectors.consents import CHANNELS, current_purposes
from regulars.customers.services.consents import write_purpose
from regulars.customers.services.fields import add_field, change_field
from regulars.customers.services.questionnaires import write_form
from regulars.web.access import Request, needs


@needs(Right.MANAGE_FIELDS)
@require_http_methods(["GET", "POST"])
def own(request: Request) -> HttpResponse:
    """All own fields, and a new one."""
    error = ""
    if request.method == "POST":
        try:
            add_field(
                title=request.POST.get("title", ""), type=request.POST.get("type", ""),
                choices=request.POST.get("choices", "").splitlines(),
            )  # fmt: skip
        except InputError as refused:
            error = str(refused)
        else:
            messages.success(request, _("Added."))
            return redirect("fields")
    context = {"fields": list(Field.objects.all()), "types": Field.Type.choices, "error": error, "typed": request.POST}
    return render(request, "customers/fields.html", context, status=422 if error else 200)


@needs(Right.MANAGE_FIELDS)
@require_http_methods(["GET", "POST"])
def change(request: Request, field_id: int) -> HttpResponse:
    """Another title, other choices, out of use or back."""
    field, error = get_object_or_404(Field, pk=field_id), ""
    if request.method == "POST":
        try:
            change_field(
                field, title=request.POST.get("title", ""), choices=request.POST.get("choices", "").splitlines(),
                is_archived=request.POST.get("archived") == "yes",
            )  # fmt: skip
        except InputError as refused:
            error = str(refused)
        else:
            messages.success(request, _("Saved."))
            return redirect("fields")
    return render(request, "customers/field.html", {"field": field, "error": error}, status=422 if error else 200)


@needs(Right.MANAGE_FIELDS)
@require_http_methods(["GET", "POST"])
def purposes(request: Request) -> HttpResponse:
    """The texts that customers agree to; a change of one is a new version."""
    error = ""
    if request.method == "POST":
        try:
            slug = request.POST.get("slug", "").strip().casefold()
            if not (slug.isascii() and slug.replace("_", "").isalnum() and len(slug) <= 40):
                raise InputError(_("The short name has Latin letters and digits only, such as marketing."))
            write_purpose(slug, title=request.POST.get("title", ""), text=request.POST.get("text", "")[:20_000])
        except InputError as refused:
            error = str(refused)
        else:
            messages.success(request, _("Saved."))
            return redirect("purposes")
    earlier = Purpose.objects.order_by("slug", "-version")
    context = {"purposes": current_purposes(), "earlier": list(earlier[:500]), "error": error, "typed": request.POST}
    return render(request, "customers/purposes.html", context, status=422 if error else 200)


@needs(Right.MANAGE_FIELDS)
@require_http_methods(["GET", "POST"])
def questionnaires(request: Request) -> HttpResponse:
    """All questionnaires, and a new one."""
    return _edit_form(request, None)


@needs(Right.MANAGE_FIELDS)
@require_http_methods(["GET", "POST"])
def questionnaire(request: Request, form_id: int) -> HttpResponse:
    """Other questions."""
    return _edit_form(request, get_object_or_404(Form, pk=form_id, is_archived=False))


def _edit_form(request: Request, form: Form | None) -> HttpResponse:
    error = ""
    if request.method == "POST":
        try:
            write_form(
                form, title=request.POST.get("title", ""), intro=request.POST.get("intro", ""),
                fields=request.POST.getlist("field"), purpose=request.POST.get("purpose", ""),
                channels=request.POST.getlist("channel"),
            )  # fmt: skip
        except InputError as refused:
            error = str(refused)
        else:
            messages.success(request, _("Saved."))
            return redirect("questionnaires")
    context = {
        "form": form,
        "asked": [question["field"] for question in form.questions] if form else [],
        "forms": list(Form.objects.filter(is_archived=False).order_by("title")),
        "fields": list(Field.objects.filter(is_archived=False)),
        "purposes": current_purposes(),
        "channels": [(one.value, one.label) for one in CHANNELS],
        "chosen": request.POST.getlist("channel") if error else (form.channels if form else []),
        "error": error,
        "typed": request.POST,
    }
    return render(request, "customers/questionnaires.html", context, status=422 if error else 200)
