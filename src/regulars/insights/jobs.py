"""Background work: audits, at night and on demand."""

import datetime as dt

from django.conf import settings
from procrastinate.contrib.django import app

from regulars.analytics.purchases import History
from regulars.insights import warehouse
from regulars.insights.services.audits import TASK, perform, request_nightly, resume_interrupted


@app.task(name=TASK)
def run_audit(run_id: int) -> None:
    """One audit; repeatable."""
    perform(run_id, _history)


def _history() -> History:
    # whoever asks right after an import means what was imported
    if warehouse.is_stale():
        warehouse.refresh()
    return warehouse.history(memory_limit=settings.CONFIG.memory_limit)


@app.periodic(cron="7 * * * *")
@app.task(name="insights.nightly")
def nightly(timestamp: int) -> None:
    """Every hour: ask for the audit of the night where it is due."""
    request_nightly(dt.datetime.fromtimestamp(timestamp, dt.UTC))


@app.periodic(cron="*/5 * * * *")
@app.task(name="insights.resume")
def resume(timestamp: int) -> None:
    """Every five minutes: take up audits whose worker was killed."""
    resume_interrupted()
