"""Settings of the audit: what it cannot learn from purchases."""

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from regulars.accounts.rights import Right
from regulars.core.i18n import gettext as _
from regulars.core.money import to_minor, to_units
from regulars.insights.models import AuditSettings
from regulars.insights.services.settings import save_audit_settings
from regulars.web.access import Request, needs
from regulars.web.taking import currency

_MOST = Decimal(10) ** 12


class AuditForm(forms.Form):
    """Each may stay empty."""

    margin_pct = forms.FloatField(required=False)
    budget = forms.DecimalField(required=False, max_value=_MOST, decimal_places=3)
    contact_cost = forms.DecimalField(required=False, max_value=_MOST, decimal_places=3)

    def clean_margin_pct(self) -> float | None:
        """A share that leaves something on both sides."""
        share: float | None = self.cleaned_data["margin_pct"]
        if share is not None and not 0 < share < 100:
            raise forms.ValidationError(_("Give a share above 0 and below 100 %."))
        return share

    def clean(self) -> dict[str, Any]:
        """A budget says something only beside the cost of one contact."""
        given: dict[str, Any] = super().clean() or {}
        for name in ("budget", "contact_cost"):
            value = given.get(name)
            given[name] = None if value is None else to_minor(value, currency())
            if given[name] is not None and given[name] <= 0:
                self.add_error(name, _("Give a sum above zero."))
        if not self.errors and (given.get("budget") is None) != (given.get("contact_cost") is None):
            raise forms.ValidationError(_("The budget and the cost of one contact go together: give both or neither."))
        return given


@needs(Right.MANAGE_BUSINESS)
@require_http_methods(["GET", "POST"])
def page(request: Request) -> HttpResponse:
    """Margin, budget, cost of a contact."""
    chosen = AuditSettings.current()
    form = AuditForm(request.POST or None, initial=_shown(chosen))
    if request.method == "POST" and form.is_valid():
        save_audit_settings(**form.cleaned_data, by=request.user)
        messages.success(request, _("Saved. The next audit takes it into account."))
        return redirect("audit_settings")
    content = {"form": form, "currency": currency()}
    return render(request, "settings/audit.html", content, status=422 if form.errors else 200)


def _shown(chosen: AuditSettings) -> dict[str, Any]:
    money = {name: getattr(chosen, name) for name in ("budget", "contact_cost")}
    shown = {name: None if value is None else to_units(value, currency()) for name, value in money.items()}
    return {"margin_pct": chosen.margin_pct, **shown}
