"""Background work of this package. Each job may be done twice without harm."""

import datetime as dt

from django.utils import timezone
from procrastinate.contrib.django import app

from regulars.accounts.models import User
from regulars.customers.services import duplicates, files
from regulars.customers.services.handing_over import AT_ONCE, TASK, give_some

_SWEEP_AFTER = dt.timedelta(days=1)  # no upload takes longer


@app.periodic(cron="40 2 * * *")
@app.task(queueing_lock="find_duplicates", lock="find_duplicates")
def find_duplicates(timestamp: int = 0) -> None:
    """Every night, and when somebody asks."""
    duplicates.find_duplicates()


@app.periodic(cron="27 3 * * *", periodic_id="sweep")
@app.task(queueing_lock="sweep_files")
def sweep_files(timestamp: int = 0) -> None:
    """Bytes that a crash has left without an owner."""
    files.sweep(before=timezone.now() - _SWEEP_AFTER)


@app.task(name=TASK)
def hand_over(leaver_id: int, heir_id: int | None, by_id: int) -> None:
    """The customers of one who leaves, a thousand at a time; what is given stays given when it is done again.

    When the heir's account was closed meanwhile, the rest stays where closed accounts with customers are found.
    """
    if heir_id is not None and not User.objects.filter(pk=heir_id, is_active=True).exists():
        return
    while give_some(leaver_id, heir_id, by_id=by_id) == AT_ONCE:
        pass
