"""Background work of this package. Each job may be done twice without harm."""

import datetime as dt

from django.utils import timezone
from procrastinate.contrib.django import app

from regulars.customers.services import duplicates, files

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
