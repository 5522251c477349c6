"""Addresses that try secrets which nobody has: counted, for pages that open without a log-in."""

from django.core.cache import cache
from django.http import HttpRequest

from regulars.web.sign_in import address_of

_MISSES = 30
_SECONDS = 300


def misses_too_often(request: HttpRequest, where: str) -> bool:
    """Count a wrong guess; whether this address has guessed too often of late."""
    key = f"{where}:{address_of(request)}"
    if cache.add(key, 1, _SECONDS):
        return False
    try:
        return cache.incr(key) > _MISSES
    except ValueError:
        # it ran out between the two
        return False
