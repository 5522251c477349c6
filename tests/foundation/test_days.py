"""The moment at which a day of the business is over."""

import datetime as dt

import pytest

from regulars.core.errors import InputError
from regulars.foundation.days import end_of_day, today
from regulars.foundation.models import Business

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("zone", "day", "over"),
    [
        ("Europe/Moscow", dt.date(2025, 10, 30), "2025-10-30T20:59:59.999999+00:00"),
        # the clock goes back at midnight: the last hour comes twice, and both belong to the day
        ("Africa/Cairo", dt.date(2025, 10, 30), "2025-10-30T21:59:59.999999+00:00"),
        ("Europe/Berlin", dt.date(2025, 3, 30), "2025-03-30T21:59:59.999999+00:00"),
    ],
)
def test_a_day_ends_with_its_last_moment(zone: str, day: dt.date, over: str) -> None:
    Business.objects.update_or_create(id=1, defaults={"name": "Shop", "currency": "EUR", "time_zone": zone})
    assert end_of_day(day).astimezone(dt.UTC).isoformat() == over


def test_a_day_to_come_is_refused() -> None:
    Business.objects.update_or_create(id=1, defaults={"name": "Shop", "currency": "EUR", "time_zone": "Europe/Riga"})
    assert abs(end_of_day(today()) - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=1)
    with pytest.raises(InputError, match="is still to come"):
        end_of_day(today() + dt.timedelta(days=1))
