"""Settings of other programs: keys of the API, web-hooks, and what was told to them."""

import datetime as dt
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from regulars.accounts.rights import Right
from regulars.api import services
from regulars.api.models import ApiKey, Delivery, Endpoint, Scope
from regulars.core.errors import InputError
from regulars.core.i18n import N_
from regulars.core.i18n import gettext as _
from regulars.foundation.models import Business
from regulars.foundation.outbox import Event
from regulars.loyalty.models import Partner
from regulars.loyalty.partners import partners_of_tills
from regulars.web.access import Request, needs
from regulars.web.sign_in import address_of

LOG_PAGE = 50
_PERIODS = (("30", N_("30 days")), ("90", N_("90 days")), ("365", N_("a year")), ("", N_("until it is revoked")))
_BADGES = {Delivery.State.DONE: "good", Delivery.State.FAILED: "bad", Delivery.State.WAITING: ""}


class KeyForm(forms.Form):
    """A key: for which program, for what, for how long."""

    name = forms.CharField(max_length=100)
    scopes = forms.MultipleChoiceField(widget=forms.CheckboxSelectMultiple)
    days = forms.ChoiceField(required=False, initial="365")
    partner = forms.ModelChoiceField(Partner.objects.order_by("name"), required=False, to_field_name="slug")

    def __init__(self, request: Request, *arguments: Any) -> None:
        super().__init__(*arguments)
        # in the reader's language, and only what he may give
        scopes, days = self.fields["scopes"], self.fields["days"]
        self.fields["partner"].empty_label = _("nobody's: it is your own")  # type: ignore[attr-defined]
        assert isinstance(scopes, forms.MultipleChoiceField)
        assert isinstance(days, forms.ChoiceField)
        scopes.choices = [
            (scope.value, f"{scope.value}: {_(str(scope.label))}") for scope in services.may_give(request.user)
        ]
        days.choices = [(value, _(title)) for value, title in _PERIODS]


class HookForm(forms.Form):
    """An address and what it wants to know."""

    url = forms.CharField(max_length=500, widget=forms.URLInput(attrs={"placeholder": "https://"}))
    events = forms.MultipleChoiceField(widget=forms.CheckboxSelectMultiple)

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        events = self.fields["events"]
        assert isinstance(events, forms.MultipleChoiceField)
        events.choices = [(event.value, f"{event.value}: {_(str(event.label))}") for event in Event]


@needs(Right.MANAGE_API)
@require_safe
def page(request: Request) -> HttpResponse:
    """The keys and the web-hooks."""
    return _page(request)


def _page(
    request: Request, *, key_form: KeyForm | None = None, hook_form: HookForm | None = None, key: str = "",
    secret: str = "", status: int = 200,
) -> HttpResponse:  # fmt: skip
    content = {
        "key_form": key_form or KeyForm(request),
        "hook_form": hook_form or HookForm(),
        "key": key,
        "secret": secret,
        "keys": ApiKey.objects.select_related("made_by").order_by("-id")[: 2 * services.MOST_KEYS],
        "hooks": Endpoint.objects.select_related("made_by").order_by("id"),
        "has_partners": Partner.objects.exists(),
        "partners_of": partners_of_tills(),
        "now": timezone.now(),
        "zone": Business.current().zone,
    }
    return render(request, "settings/programs.html", content, status=status)


@needs(Right.MANAGE_API)
@require_POST
@never_cache
def make_key(request: Request) -> HttpResponse:
    """Make a key and show it, this once."""
    form = KeyForm(request, request.POST)
    if form.is_valid():
        given = form.cleaned_data
        ends = timezone.now() + dt.timedelta(days=int(given["days"])) if given["days"] else None
        try:
            key = services.make_key(
                name=given["name"], scopes=[Scope(one) for one in given["scopes"]], by=request.user,
                expires_at=ends, address=address_of(request), partner=given["partner"],
            )  # fmt: skip
        except InputError as error:
            form.add_error(None, str(error))
        else:
            return _page(request, key=key)
    return _page(request, key_form=form, status=422)


@needs(Right.MANAGE_API)
@require_POST
def revoke_key(request: Request, key_id: int) -> HttpResponse:
    """Open nothing with it any more."""
    services.revoke_key(get_object_or_404(ApiKey, pk=key_id), by=request.user, address=address_of(request))
    messages.success(request, _("The key opens nothing any more."))
    return redirect("programs")


@needs(Right.MANAGE_API)
@require_POST
@never_cache
def make_hook(request: Request) -> HttpResponse:
    """Add an address and show the secret of its signatures, this once."""
    form = HookForm(request.POST)
    if form.is_valid():
        try:
            made = services.make_endpoint(
                url=form.cleaned_data["url"], events=[Event(one) for one in form.cleaned_data["events"]],
                by=request.user, address=address_of(request),
            )  # fmt: skip
        except InputError as error:
            form.add_error("url", str(error))
        else:
            return _page(request, secret=made.secret)
    return _page(request, hook_form=form, status=422)


@needs(Right.MANAGE_API)
@require_safe
def hook(request: Request, hook_id: int) -> HttpResponse:
    """One web-hook and what it was told, newest first."""
    return _hook(request, get_object_or_404(Endpoint, pk=hook_id))


def _hook(request: Request, found: Endpoint, *, secret: str = "") -> HttpResponse:
    deliveries = found.deliveries.order_by("-id")
    before = request.GET.get("before", "")
    if before.isascii() and before.isdigit():
        deliveries = deliveries.filter(pk__lt=int(before[:18]))
    shown = list(deliveries[: LOG_PAGE + 1])
    content = {
        "hook": found,
        "secret": secret,
        "events": [(event, _(str(Event(event).label))) for event in found.events if event in Event.values],
        "deliveries": shown[:LOG_PAGE],
        "more": len(shown) > LOG_PAGE,
        "badges": _BADGES,
        "zone": Business.current().zone,
    }
    return render(request, "settings/hook.html", content)


@needs(Right.MANAGE_API)
@require_POST
@never_cache
def change_hook(request: Request, hook_id: int) -> HttpResponse:
    """Pause it, let it go on, send a test, give it another secret, or delete it."""
    found = get_object_or_404(Endpoint, pk=hook_id)
    by, address = request.user, address_of(request)
    match request.POST.get("do"):
        case "pause" | "resume" as wish:
            services.set_active(found, is_active=wish == "resume", by=by, address=address)
        case "test":
            try:
                services.send_test(found, by=by, address=address)
            except InputError as error:
                messages.error(request, str(error))
            else:
                messages.success(request, _("The test goes out within seconds: look at the log below."))
        case "rotate":
            return _hook(request, found, secret=services.rotate_secret(found, by=by, address=address))
        case "delete":
            services.delete_endpoint(found, by=by, address=address)
            messages.success(request, _("The web-hook is deleted."))
            return redirect("programs")
    return redirect("hook", hook_id)


@needs(Right.MANAGE_API)
@require_POST
def send_again(request: Request, delivery_id: int) -> HttpResponse:
    """Send one message once more."""
    found = get_object_or_404(Delivery, pk=delivery_id)
    services.replay(found, by=request.user, address=address_of(request))
    messages.success(request, _("It goes out again within seconds, as the same message."))
    return redirect("hook", found.endpoint_id)
