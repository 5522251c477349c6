"""The description of the API, for people: without a script and without anything from elsewhere."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from regulars.api.http import DESCRIPTION
from regulars.api.models import Scope
from regulars.api.reference import reference
from regulars.foundation.outbox import Event


@login_not_required
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """What can be asked. It says nothing of this installation, so everybody may read it."""
    content = {"reference": reference(), "about": DESCRIPTION, "scopes": list(Scope), "events": list(Event)}
    return render(request, "api_docs.html", content)
