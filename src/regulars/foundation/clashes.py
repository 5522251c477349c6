"""Two writers at one moment: the database lets one of them through, and the other is told so."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import IntegrityError, transaction

from regulars.core.errors import InputError


@contextmanager
def or_told(message: str) -> Iterator[None]:
    """Write; `InputError` with this message when somebody was quicker by a moment."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        raise InputError(message) from error
