"""All resources under one roof."""

from typing import Any, cast

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, JsonResponse
from django.urls import re_path
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI

from regulars.api import (
    consents,
    customers,
    exports,
    insights,
    partner,
    products,
    receipts,
    till,
    till_cards,
    till_certificates,
    till_holds,
    till_privileges,
)
from regulars.api.http import make_api
from regulars.core.i18n import gettext as _


def build() -> NinjaAPI:
    """The whole interface."""
    api = make_api()
    api.add_router("/customers", customers.router)
    api.add_router("", consents.router)
    api.add_router("/products", products.router)
    api.add_router("/receipts", receipts.router)
    api.add_router("", insights.router)
    api.add_router("/exports", exports.router)
    api.add_router("/till", till.router)
    api.add_router("/till", till_certificates.router)
    api.add_router("/till", till_cards.router)
    api.add_router("/till", till_holds.router)
    api.add_router("/till", till_privileges.router)
    api.add_router("/partner", partner.router)
    till.handle_errors(api)
    return api


@csrf_exempt
def nothing(_request: HttpRequest, rest: str) -> JsonResponse:
    """A program that errs in the address reads JSON too."""
    return JsonResponse({"detail": _("There is nothing at {path}.").format(path=rest[:200])}, status=404)


def routes() -> tuple[list[Any], str, str]:
    """The addresses. Programs come with a key, so the page of the log-in is not for them."""
    patterns, app_name, namespace = build().urls
    # they are tried in their order, and tills ask most
    patterns.sort(key=lambda one: not str(one.pattern).startswith("till/"))
    # every character: the converters of paths leave out line feeds
    patterns.append(re_path(r"^(?P<rest>[\s\S]+)$", nothing, name="nothing"))
    for pattern in patterns:
        login_not_required(cast(Any, pattern.callback))
    return patterns, app_name, namespace
