"""The written strategy: why, how and what we do with each market group. Every version stays."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from regulars.accounts.rights import Right
from regulars.core.errors import InputError
from regulars.core.i18n import N_
from regulars.core.i18n import gettext as _
from regulars.customers.models import Strategy
from regulars.customers.services.strategy import write_strategy
from regulars.web.access import Request, needs

GROUPS = {
    "person": N_("Consumers"),
    "company": N_("Companies that buy"),
    "intermediary": N_("Intermediaries"),
    "supplier": N_("Suppliers"),
    "partner": N_("Partners"),
    "employee": N_("Employees"),
    "competitor": N_("Competitors"),
    "owners": N_("The owners"),
}


@needs(Right.SEE_INSIGHTS)
@require_safe
def page(request: Request) -> HttpResponse:
    """All groups, with what is written of each."""
    newest = {one.group: one for one in Strategy.objects.order_by("group", "-version").distinct("group")}
    return render(request, "strategy.html", {"groups": GROUPS, "newest": newest})


@needs(Right.SEE_INSIGHTS)
@require_safe
def group(request: Request, group: str) -> HttpResponse:
    """One group: the newest version, or the one that was asked for."""
    return _show(request, group)


@needs(Right.EDIT_STRATEGY)
@require_http_methods(["GET", "POST"])
def edit(request: Request, group: str) -> HttpResponse:
    """Write a new version."""
    error = ""
    if request.method == "POST" and group in GROUPS:
        based_on = request.POST.get("based_on", "")
        try:
            write_strategy(
                group, why=request.POST.get("why", ""), how=request.POST.get("how", ""),
                what=request.POST.get("what", ""), by=request.user,
                based_on=int(based_on) if based_on.isascii() and based_on.isdigit() else 0,
            )  # fmt: skip
        except InputError as refused:
            error = str(refused)
        else:
            messages.success(request, _("Saved."))
            return redirect("strategy_group", group)
    return _show(request, group, error=error, editing=True)


def _show(request: Request, group: str, *, error: str = "", editing: bool = False) -> HttpResponse:
    if group not in GROUPS:
        raise Http404
    versions = list(Strategy.objects.filter(group=group).select_related("written_by").order_by("-version")[:50])
    asked = request.GET.get("version", "")
    shown = next((one for one in versions if str(one.version) == asked), versions[0] if versions else None)
    context = {
        "group": group, "title": GROUPS[group], "versions": versions, "shown": shown, "error": error,
        "typed": request.POST if error else None,
    }  # fmt: skip
    template = "strategy_edit.html" if editing else "strategy_group.html"
    return render(request, template, context, status=422 if error else 200)
