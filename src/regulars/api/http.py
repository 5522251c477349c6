"""What all resources share: keys and scopes, errors, bodies, safe repetition."""

import datetime as dt
import json
import logging
from collections.abc import Callable
from typing import Annotated, Any

from django.core.exceptions import RequestDataTooBig
from django.db import DataError, IntegrityError, OperationalError
from django.http import HttpRequest, HttpResponse
from ninja import Field, Header, NinjaAPI, Schema, Status
from ninja.errors import HttpError, ValidationError
from ninja.operation import Operation
from ninja.parser import Parser
from ninja.renderers import JSONRenderer
from ninja.responses import NinjaJSONEncoder
from ninja.security import HttpBearer
from psycopg.errors import DeadlockDetected, LockNotAvailable
from pydantic import BaseModel, ConfigDict

from regulars.api.limits import BURST, PER_SECOND, Limit
from regulars.api.models import ApiKey, Scope
from regulars.api.services import find_key
from regulars.core.errors import InputError, RegularsError
from regulars.core.i18n import gettext as _
from regulars.foundation.retries import LONGEST_KEY, OtherBody, once

DESCRIPTION = f"""Customers, purchases and what the audit says of them, for other programs.

Every request carries a key: `Authorization: Bearer rg_…`. Keys are made in Settings, Other programs; each opens only
its scopes. Bodies and answers are JSON in UTF-8; money is in minor units (kopecks, cents), moments are in UTC.
Lists come in pages: give `next` of one answer as `cursor` of the following request until it is null.
A write with an `Idempotency-Key` may be repeated: it happens once, and the same answer comes again.
A key may ask {PER_SECOND:g} times a second, and {BURST} times at once; beyond that the answer is 429.
"""

_log = logging.getLogger("regulars.api")

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key", min_length=1, max_length=LONGEST_KEY, pattern=r"^[\x20-\x7e]+$",
        description="Makes the request safe to repeat for a week; the same key with another body is refused with 422.",
        examples=["order-4711"],
    ),
]  # fmt: skip


class Request(HttpRequest):
    """A request of another program."""

    auth: ApiKey


class In(BaseModel):
    """What a program sends. A name that is not known is refused: a misspelt field must not be lost in silence."""

    model_config = ConfigDict(extra="forbid")


class Problem(Schema):
    """What went wrong: with which value, and what to do."""

    detail: str = Field(description="What happened, to which value, and what to do about it.")


_WRONG = {400: Problem, 401: Problem, 403: Problem, 422: Problem, 429: Problem}


def answers(model: Any, *, status: int = 200, more: dict[int, Any] | None = None) -> dict[int, Any]:
    """What an operation may answer, for its description."""
    return {status: model, **(more or {}), **_WRONG}


class Key(HttpBearer):
    """A key that opens this scope."""

    def __init__(self, scope: Scope) -> None:
        super().__init__()
        self.scope = scope

    def authenticate(self, request: HttpRequest, token: str) -> ApiKey | None:  # noqa: ARG002
        """The key; 401 for one that is unknown, revoked or over, 403 when it does not open this."""
        key = find_key(token)
        if key is not None and not key.opens(self.scope):
            raise HttpError(403, _("This key does not open {scope}.").format(scope=self.scope.value))
        return key


def needs(scope: Scope) -> dict[str, Any]:
    """The scope of an operation, for the guard and for its description."""
    return {"auth": Key(scope), "openapi_extra": {"x-scope": scope.value}}


class Api(NinjaAPI):
    """The interface, whose operations are called as their functions."""

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """The name in the description."""
        return operation.view_func.__name__


class _Json(Parser):
    """JSON bodies. PostgreSQL keeps no zero byte, so texts lose theirs, as in an import."""

    def parse_body(self, request: HttpRequest) -> Any:
        # UTF-8 alone: JSON may be written otherwise too, and then a zero byte would look different
        body = request.body.decode()
        found = json.loads(body)
        return _without_zero_bytes(found) if "\\u0000" in body else found


class _Encoder(NinjaJSONEncoder):
    """Moments to the microsecond: else `updated_after` the moment of an answer would give the same row again."""

    def default(self, o: Any) -> Any:
        return o.isoformat().replace("+00:00", "Z") if isinstance(o, dt.datetime) else super().default(o)


class _Renderer(JSONRenderer):
    encoder_class = _Encoder


def _without_zero_bytes(found: Any) -> Any:
    if isinstance(found, str):
        return found.replace("\0", "")
    if isinstance(found, list):
        return [_without_zero_bytes(one) for one in found]
    if isinstance(found, dict):
        return {_without_zero_bytes(name): _without_zero_bytes(value) for name, value in found.items()}
    return found


def make_api() -> NinjaAPI:
    """The interface without its resources."""
    api = Api(
        title="Regulars", version="1", description=DESCRIPTION, urls_namespace="api", docs_url=None,
        openapi_url="/openapi.json", throttle=[Limit()], parser=_Json(), renderer=_Renderer(),
    )  # fmt: skip
    api.exception_handler(InputError)(lambda request, error: _problem(api, request, str(error), 400))
    api.exception_handler(OtherBody)(lambda request, error: _problem(api, request, str(error), 422))
    api.exception_handler(RegularsError)(lambda request, error: _problem(api, request, str(error), 500))
    api.exception_handler(ValidationError)(lambda request, error: _invalid(api, request, error))
    api.exception_handler(RequestDataTooBig)(lambda request, _error: _problem(api, request, _too_big(), 413))
    api.exception_handler(IntegrityError)(lambda request, _error: _raced(api, request))
    api.exception_handler(DataError)(lambda request, _error: _unstorable(api, request))
    api.exception_handler(OperationalError)(lambda request, error: _busy(api, request, error))
    return api


def _problem(api: NinjaAPI, request: HttpRequest, words: str, status: int) -> HttpResponse:
    return api.create_response(request, {"detail": words}, status=status)


def _invalid(api: NinjaAPI, request: HttpRequest, error: ValidationError) -> HttpResponse:
    # the values themselves are left out: they may be secrets or very long
    found = [f"{'.'.join(str(part)[:40] for part in one['loc'][1:])}: {one['msg']}"[:300] for one in error.errors[:10]]
    return _problem(api, request, "; ".join(found).encode(errors="replace").decode(), 422)


def _too_big() -> str:
    return _("The body is too large: send it in smaller batches.")


def _raced(api: NinjaAPI, request: HttpRequest) -> HttpResponse:
    """Another request wrote the same a moment before, and the database took one of the two."""
    _log.warning("two writes met", exc_info=True)
    return _problem(api, request, _("Something else wrote the same at this moment: repeat the request."), 409)


def _busy(api: NinjaAPI, request: HttpRequest, error: OperationalError) -> HttpResponse:
    """An import holds what this write needs: better say so than keep a process of the web server waiting."""
    if isinstance(error.__cause__, DeadlockDetected):
        response, wait = _problem(api, request, _("Two writes waited for each other: repeat the request."), 503), "1"
    elif isinstance(error.__cause__, LockNotAvailable):
        response = _problem(api, request, _("An import is being written: repeat the request in a while."), 503)
        wait = "10"
    else:
        raise error
    response["Retry-After"] = wait
    return response


def _unstorable(api: NinjaAPI, request: HttpRequest) -> HttpResponse:
    _log.warning("a value that the database does not take", exc_info=True)
    return _problem(api, request, _("A number or a text is too large to be kept, or no text at all."), 400)


def repeatable(request: Request, key: str | None, write: Callable[[], tuple[int, Any]]) -> "Status[Any]":
    """Run the write once for its Idempotency-Key; without one it runs each time."""
    if key is None:
        return Status(*write())
    body = f"{request.method} {request.path}\n".encode(errors="surrogatepass") + request.body
    answered = once(f"api:{request.auth.pk}", key, body, write)
    return Status(answered.status, answered.content)
