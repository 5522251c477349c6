"""Who may open which page. Every page says it; a test lists all pages against all roles."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django_htmx.middleware import HtmxDetails

from regulars.accounts.models import User
from regulars.accounts.rights import Right

View = Callable[..., HttpResponseBase]


class Request(HttpRequest):
    """A request as pages see it: somebody is logged in."""

    user: User
    htmx: HtmxDetails


def needs(right: Right) -> Callable[[View], View]:
    """A page for those who have this right; others get 403 and nothing happens."""

    def wrap(view: View) -> View:
        @wraps(view)
        def guarded(request: Request, *arguments: Any, **named: Any) -> HttpResponseBase:
            if not request.user.may(right):
                raise PermissionDenied
            return view(request, *arguments, **named)

        guarded.right = right  # type: ignore[attr-defined]
        return guarded

    return wrap


def for_everybody(view: View) -> View:
    """A page for whoever is logged in."""
    view.right = None  # type: ignore[attr-defined]
    return view
