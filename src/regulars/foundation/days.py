"""Days by the clock of the business: what somebody typed, and the moment at which a day is over."""

import datetime as dt

from django.utils import timezone

from regulars.core.errors import InputError
from regulars.core.i18n import format_date
from regulars.core.i18n import gettext as _
from regulars.foundation.models import Business

BOOKS_BEGIN = dt.date(2000, 1, 1)  # nobody's own books are older


def today() -> dt.date:
    """The day that goes on."""
    return timezone.now().astimezone(Business.current().zone).date()


def read_day(text: str, *, first: dt.date = dt.date.min) -> dt.date | None:
    """A day as forms send it, 2026-03-31, not before the first one; None when nothing was typed."""
    try:
        day = dt.date.fromisoformat(text[:40]) if text else None
    except ValueError:
        raise InputError(_("{value!r} is no day. Write it as 2026-03-31.").format(value=text[:40])) from None
    if day is not None and day < first:
        raise InputError(_("{day} is too far away.").format(day=day.isoformat()))
    return day


def end_of_day(day: dt.date | None) -> dt.datetime:
    """The last moment of the day; this moment while it lasts, and of None.

    `InputError` for a day to come: nobody knows what comes of it.
    """
    now = timezone.now()
    if day is None or day == today():
        return now
    if day > today():
        raise InputError(_("{day} is still to come.").format(day=format_date(day)))
    midnight = dt.datetime.combine(day + dt.timedelta(days=1), dt.time.min, Business.current().zone)
    # of moments, not of what the clock shows: where it goes back at midnight its last hour comes twice
    return midnight.astimezone(dt.UTC) - dt.timedelta(microseconds=1)
