"""Settings: the business, people and their roles, the log of safety."""

from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from regulars.accounts import services
from regulars.accounts.models import Invitation, LogEntry, Role, User
from regulars.accounts.rights import TITLES, Right
from regulars.core.errors import InputError
from regulars.core.i18n import format_number, ngettext
from regulars.core.i18n import gettext as _
from regulars.core.zones import check_zone
from regulars.customers.selectors.owners import has_customers
from regulars.customers.services.handing_over import hand_over, may_hand_over
from regulars.foundation.changes import acting
from regulars.foundation.models import Business
from regulars.web.access import Request, needs
from regulars.web.log_words import Speaker
from regulars.web.profile import LANGUAGE_NAMES

LOG_PAGE = 100


class BusinessForm(forms.ModelForm):  # type: ignore[type-arg]
    """What can be changed of the business. The currency stays: all money is in it."""

    language = forms.ChoiceField(choices=LANGUAGE_NAMES)

    class Meta:
        model = Business
        fields = ("name", "time_zone", "language", "region")

    def clean_time_zone(self) -> str:
        """A zone that exists."""
        name: str = self.cleaned_data["time_zone"]
        try:
            return check_zone(name)
        except InputError as error:
            raise forms.ValidationError(str(error)) from None

    def clean_region(self) -> str:
        """Two letters of a country."""
        region = str(self.cleaned_data["region"]).upper()
        if len(region) != 2 or not region.isascii() or not region.isalpha():
            raise forms.ValidationError(_("Give the two letters of a country, such as RU or US."))
        return region


class InvitationForm(forms.Form):
    """Whom to invite, and as what."""

    email = forms.EmailField(max_length=254)
    role = forms.ModelChoiceField(queryset=Role.objects.order_by("id"), empty_label=None)


class RoleForm(forms.ModelForm):  # type: ignore[type-arg]
    """A role's name and rights."""

    rights = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)

    class Meta:
        model = Role
        fields = ("name", "rights", "own_customers_only")

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.fields["name"].widget.attrs["placeholder"] = self.instance.title
        # in the reader's language, so at each request anew
        field = self.fields["rights"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [(right.value, _(title)) for right, title in TITLES.items()]


@needs(Right.MANAGE_BUSINESS)
@require_http_methods(["GET", "POST"])
def business(request: Request) -> HttpResponse:
    """The business itself."""
    current = Business.current()
    form = BusinessForm(request.POST or None, instance=current)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Saved."))
        return redirect("business")
    return render(request, "settings/business.html", {"form": form, "business": current})


@needs(Right.MANAGE_USERS)
@require_safe
def people(request: Request) -> HttpResponse:
    """Who may log in, and who is invited."""
    return _people(request, InvitationForm())


def _people(request: Request, form: InvitationForm, link: str = "", status: int = 200) -> HttpResponse:
    content = {
        "form": form,
        "link": link,
        "users": User.objects.select_related("role")
        .annotate(has_customers=has_customers())
        .order_by("-is_active", "name", "id"),
        "heirs": User.objects.filter(is_active=True).order_by("name", "id") if may_hand_over(request.user) else [],
        "roles": Role.objects.annotate(people=Count("users")).order_by("id"),
        "invitations": Invitation.objects.filter(used_at=None).select_related("role").order_by("-id"),
    }
    return render(request, "settings/people.html", content, status=status)


@needs(Right.MANAGE_USERS)
@require_POST
def invite(request: Request) -> HttpResponse:
    """Make an invitation and show its link, this once."""
    form = InvitationForm(request.POST)
    if form.is_valid():
        try:
            token = services.invite(**form.cleaned_data, by=request.user)
        except InputError as error:
            form.add_error(None, str(error))
        else:
            link = request.build_absolute_uri(reverse("invitation", args=[token]))
            return _people(request, InvitationForm(), link)
    return _people(request, form, status=422)


@needs(Right.MANAGE_USERS)
@require_POST
def change_user(request: Request, user_id: int) -> HttpResponse:
    """Give another role, or let the user in no more."""
    user, action = get_object_or_404(User, pk=user_id), request.POST.get("action")
    try:
        # all of it or nothing: who is shut out must not leave half of his customers behind
        with transaction.atomic():
            if action == "deactivate":
                services.deactivate(user, by=request.user)
            elif action != "hand_over":
                role = get_object_or_404(Role, slug=request.POST.get("role", ""))
                services.change_role(user, role, by=request.user)
            handed = _hand_over(request, user)
    except InputError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, handed or _("Saved."))
    return redirect("users")


def _hand_over(request: Request, user: User) -> str:
    """Give his customers to whom the form names; what to say of it, nothing when they stay with him."""
    wanted = request.POST.get("heir", "")
    if not wanted:
        return ""
    heir = None if wanted == "nobody" else get_object_or_404(User, pk=wanted if wanted.isdecimal() else 0)
    handed = hand_over(user, heir, by=request.user)
    if handed.is_going_on:
        told = ngettext(
            "{count} customer is being handed over. It takes some minutes.",
            "{count} customers are being handed over. It takes some minutes.",
            handed.count,
        )
    else:
        told = ngettext("{count} customer is handed over.", "{count} customers are handed over.", handed.count)
    return told.format(count=format_number(handed.count))


@needs(Right.MANAGE_USERS)
@require_http_methods(["GET", "POST"])
def role(request: Request, slug: str) -> HttpResponse:
    """What a role may do."""
    found = get_object_or_404(Role, slug=slug)
    return _edit_role(request, found)


@needs(Right.MANAGE_USERS)
@require_http_methods(["GET", "POST"])
def new_role(request: Request) -> HttpResponse:
    """A role of one's own."""
    return _edit_role(request, Role())


def _edit_role(request: Request, role: Role) -> HttpResponse:
    form = RoleForm(request.POST or None, instance=role)
    if request.method == "POST" and form.is_valid():
        try:
            with acting(request.user.pk, "web"):
                services.save_role(form.save(commit=False), by=request.user)
        except InputError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Saved."))
            return redirect("users")
    return render(request, "settings/role.html", {"form": form, "role": role}, status=422 if form.errors else 200)


@needs(Right.SEE_LOG)
@require_safe
def log(request: Request) -> HttpResponse:
    """What happened that matters to safety, newest first."""
    entries = LogEntry.objects.select_related("user").order_by("-id")
    before = request.GET.get("before", "")
    if before.isdigit():
        entries = entries.filter(pk__lt=int(before[:18]))
    found = list(entries[: LOG_PAGE + 1])
    content = {"entries": found[:LOG_PAGE], "more": len(found) > LOG_PAGE, "zone": Business.current().zone}
    return render(request, "settings/log.html", content | {"events": services.event_titles(), "speaker": Speaker()})
