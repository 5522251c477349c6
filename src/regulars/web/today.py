"""The first page: what waits now, and then what the data suggests."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from regulars.web.access import Request, for_everybody


@for_everybody
@require_safe
def page(request: Request) -> HttpResponse:
    """What to do now."""
    return render(request, "today.html")
