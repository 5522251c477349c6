"""Logging in: by e-mail and password with a second factor, or by an invitation's link. Nobody signs up alone."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.utils import is_mfa_enabled
from django import forms
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.core import signing
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from regulars.accounts.models import User
from regulars.accounts.services import accept, find_invitation, log
from regulars.core.errors import InputError
from regulars.core.i18n import current_language
from regulars.core.i18n import gettext as _
from regulars.foundation.models import Business
from regulars.web.devices import attempts_key

DEMONSTRATION = "regulars.demo"
DEMONSTRATION_SECONDS = 24 * 3600
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


class Adapter(DefaultAccountAdapter):  # type: ignore[misc]
    """How the log-in library fits into this application."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002
        """People come by invitation only."""
        return False

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """What failed attempts are counted by, besides the address."""
        return attempts_key(request, str(credentials.get("email") or credentials.get("username") or ""))


class Acceptance(forms.Form):
    """What a new user says of himself."""

    name = forms.CharField(max_length=200)
    password = forms.CharField(max_length=200, strip=False, widget=forms.PasswordInput(render_value=False))

    def clean_password(self) -> str:
        """A password that is not easy to guess."""
        password: str = self.cleaned_data["password"]
        validate_password(password, User(email=self.initial.get("email", ""), name=self.data.get("name", "")))
        return password


@login_not_required
@never_cache
@require_http_methods(["GET", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """The page behind an invitation's link."""
    found = find_invitation(token)
    if found is None:
        return render(request, "invitation_void.html", status=410)
    known = User.objects.filter(email=found.email).first()
    form = Acceptance(request.POST or None, initial={"email": found.email, "name": known.name if known else ""})
    if request.method == "POST" and form.is_valid():
        try:
            user = accept(token, **form.cleaned_data, language=current_language())
        except InputError as error:
            form.add_error(None, str(error))
        else:
            if is_mfa_enabled(user):
                # the link and a password are one factor
                messages.success(request, _("Your password is saved. Log in with it and with your code."))
                return redirect("account_login")
            login(request, user, backend=BACKEND)
            return redirect("today")
    return render(request, "invitation.html", {"form": form, "email": found.email, "role": found.role})


@login_not_required
@never_cache
@require_http_methods(["GET"])
def demonstration(request: HttpRequest, ticket: str) -> HttpResponse:
    """The link that `regulars demo` prints. It opens a demonstration only, and for a day."""
    try:
        told = signing.loads(ticket, salt=DEMONSTRATION, max_age=DEMONSTRATION_SECONDS)
    except signing.BadSignature:
        told = {}
    user = User.objects.filter(pk=told.get("user"), is_active=True).first()
    if user is None or not Business.objects.filter(is_demo=True).exists():
        return render(request, "invitation_void.html", status=410)
    login(request, user, backend=BACKEND)
    return redirect("today")


@receiver(user_logged_in)
def _logged_in(sender: Any, request: HttpRequest, user: User, **_rest: Any) -> None:
    log("logged_in", user=user, address=address_of(request))


@receiver(user_login_failed)
def _failed(sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **_rest: Any) -> None:
    who = str(credentials.get("email") or credentials.get("username") or "")[:254]
    log("login_failed", who=who, address=address_of(request) if request else None)


def address_of(request: HttpRequest) -> str | None:
    """Where the request came from."""
    return request.META.get("REMOTE_ADDR") or None
