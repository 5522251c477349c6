"""All resources under one roof."""

from typing import Any, cast

from django.contrib.auth.decorators import login_not_required
from ninja import NinjaAPI

from regulars.api import consents, customers, exports, insights, products, receipts
from regulars.api.http import make_api


def build() -> NinjaAPI:
    """The whole interface."""
    api = make_api()
    api.add_router("/customers", customers.router)
    api.add_router("", consents.router)
    api.add_router("/products", products.router)
    api.add_router("/receipts", receipts.router)
    api.add_router("", insights.router)
    api.add_router("/exports", exports.router)
    return api


def routes() -> tuple[list[Any], str, str]:
    """The addresses. Programs come with a key, so the page of the log-in is not for them."""
    patterns, app_name, namespace = build().urls
    for pattern in patterns:
        login_not_required(cast(Any, pattern.callback))
    return patterns, app_name, namespace
