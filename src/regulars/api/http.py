"""What all resources share: keys and scopes, errors, pages by cursor, safe repetition."""

import base64
import json
from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError as BadValue
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI, Schema, Status
from ninja.errors import HttpError, ValidationError
from ninja.security import HttpBearer
from ninja.throttling import AuthRateThrottle

from regulars.api.models import ApiKey, Scope
from regulars.api.services import find_key
from regulars.core.errors import InputError, RegularsError
from regulars.core.i18n import gettext as _
from regulars.foundation.retries import OtherBody, once

PAGE = 100
LARGEST_PAGE = 1000
RATE = "1200/m"  # of one key, in each process


class Request(HttpRequest):
    """A request of another program."""

    auth: ApiKey


class Key(HttpBearer):
    """A key that opens this scope."""

    def __init__(self, scope: Scope) -> None:
        super().__init__()
        self.scope = scope

    def authenticate(self, request: HttpRequest, token: str) -> ApiKey | None:  # noqa: ARG002
        """The key; 401 for one that is unknown or revoked, 403 when it does not open this."""
        key = find_key(token)
        if key is not None and not key.opens(self.scope):
            raise HttpError(403, _("This key does not open {scope}.").format(scope=self.scope.value))
        return key


class Throttle(AuthRateThrottle):
    """So many requests of one key in a minute."""

    def get_cache_key(self, request: HttpRequest) -> str:
        """Counted by key."""
        key = getattr(request, "auth", None)
        return f"api-{key.pk if isinstance(key, ApiKey) else request.META.get('REMOTE_ADDR')}"


class Problem(Schema):
    """What went wrong: with which value, and what to do."""

    detail: str


def make_api() -> NinjaAPI:
    """The interface without its resources."""
    api = NinjaAPI(
        title="Regulars", version="1", urls_namespace="api", docs_url=None, openapi_url="/openapi.json",
        throttle=[Throttle(RATE)],
    )  # fmt: skip
    api.exception_handler(InputError)(lambda request, error: _problem(api, request, error, 400))
    api.exception_handler(OtherBody)(lambda request, error: _problem(api, request, error, 422))
    api.exception_handler(RegularsError)(lambda request, error: _problem(api, request, error, 500))
    api.exception_handler(ValidationError)(lambda request, error: _invalid(api, request, error))
    return api


def _problem(api: NinjaAPI, request: HttpRequest, error: Exception, status: int) -> HttpResponse:
    return api.create_response(request, {"detail": str(error)}, status=status)


def _invalid(api: NinjaAPI, request: HttpRequest, error: ValidationError) -> HttpResponse:
    # the values themselves are left out: they may be secrets or very long
    found = [f"{'.'.join(str(part) for part in one['loc'][1:])}: {one['msg']}" for one in error.errors[:10]]
    return api.create_response(request, {"detail": "; ".join(found)}, status=422)


def repeatable(request: Request, write: Callable[[], tuple[int, Any]]) -> "Status[Any]":
    """Run the write once for its Idempotency-Key; without one it runs each time."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return Status(*write())
    body = f"{request.method} {request.path}\n".encode() + request.body
    answered = once(f"api:{request.auth.pk}", key, body, write)
    return Status(answered.status, answered.content)


def page_of(
    rows: "QuerySet[Any]", *, order: tuple[str, ...], cursor: str | None, limit: int
) -> tuple[list[Any], str | None]:
    """Some rows in ascending order of these columns, the last of which is unique, and the cursor of the next page.

    A page is found by where the last one ended, so it costs the same however far it is.
    """
    limit = max(1, min(limit, LARGEST_PAGE))
    if cursor:
        try:
            rows = rows.filter(_after(order, _read_cursor(cursor, len(order))))
        except (ValueError, BadValue):
            raise InputError(
                _("The cursor {value!r} is not one of ours: take it from the answer as it is.").format(
                    value=cursor[:40]
                )
            ) from None
    found = list(rows.order_by(*order)[: limit + 1])
    if len(found) <= limit:
        return found, None
    return found[:limit], _write_cursor(found[limit - 1], order)


def _after(order: tuple[str, ...], values: list[Any]) -> Q:
    """Rows behind these values: (a, b) > (x, y), written out."""
    condition, equal = Q(), Q()
    for name, value in zip(order, values, strict=True):
        condition |= equal & Q(**{f"{name}__gt": value})
        equal &= Q(**{name: value})
    return condition


def _write_cursor(row: Model, order: tuple[str, ...]) -> str:
    values = [getattr(row, name) for name in order]
    text = json.dumps([value.isoformat() if hasattr(value, "isoformat") else value for value in values])
    return base64.urlsafe_b64encode(text.encode()).decode()


def _read_cursor(cursor: str, count: int) -> list[Any]:
    """The values of a cursor; `ValueError` when we cannot have written it."""
    values = json.loads(base64.urlsafe_b64decode(cursor.encode()))
    if not isinstance(values, list) or len(values) != count or not all(isinstance(one, str | int) for one in values):
        raise ValueError(cursor)
    return values
