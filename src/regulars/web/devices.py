"""Browsers that a user has logged in with before.

Whoever knows an e-mail can fail to log in with it until the account takes no more attempts. A browser of the user's
own has attempts of its own, so nobody locks him out of it.
"""

import hashlib
import secrets
from collections.abc import Callable

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

from regulars.accounts.models import User
from regulars.web.middleware import comes_with_key

COOKIE = "device"
_SALT = "regulars.device"
_SECONDS = 365 * 24 * 3600

Handler = Callable[[HttpRequest], HttpResponse]


def remember_device(handle: Handler) -> Handler:
    """Mark the browser of whoever is logged in as his."""

    def remembering(request: HttpRequest) -> HttpResponse:
        response = handle(request)
        if not comes_with_key(request) and request.user.is_authenticated and _owner_of(request) != request.user.pk:
            token = signing.dumps([request.user.pk, secrets.token_hex(8)], salt=_SALT)
            response.set_cookie(
                COOKIE, token, max_age=_SECONDS, httponly=True, samesite="Lax", secure=settings.SESSION_COOKIE_SECURE
            )
        return response

    return remembering


def attempts_key(request: HttpRequest, email: str) -> str:
    """What attempts to log in are counted by: the account, or the account in this browser of its user."""
    email = email.strip().lower()
    owner = _owner_of(request)
    if owner is None or not User.objects.filter(pk=owner, email=email).exists():
        return email
    return f"{email} {hashlib.sha256(request.COOKIES[COOKIE].encode()).hexdigest()}"


def _owner_of(request: HttpRequest) -> int | None:
    try:
        owner, _number = signing.loads(request.COOKIES.get(COOKIE, ""), salt=_SALT, max_age=_SECONDS)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return int(owner)
