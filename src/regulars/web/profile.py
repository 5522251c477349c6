"""A user's own page: name, language, password."""

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from regulars.accounts.models import User
from regulars.core.i18n import gettext as _
from regulars.core.i18n import use_language
from regulars.web.access import Request, for_everybody

LANGUAGE_NAMES = (("ru", "Русский"), ("en", "English"))


class Profile(forms.ModelForm):  # type: ignore[type-arg]
    """What a user may change of himself."""

    language = forms.ChoiceField(choices=LANGUAGE_NAMES)

    class Meta:
        model = User
        fields = ("name", "language")


@for_everybody
@require_http_methods(["GET", "POST"])
def page(request: Request) -> HttpResponse:
    """Show it, or change it."""
    form = Profile(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        form.save()
        with use_language(form.cleaned_data["language"]):
            messages.success(request, _("Saved."))
        return redirect("profile")
    return render(request, "profile.html", {"form": form})
