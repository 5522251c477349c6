"""Background work of this package."""

import datetime as dt

from django.utils import timezone
from procrastinate.contrib.django import app

from regulars.api import export_files
from regulars.api.models import Delivery
from regulars.api.sending import send_due
from regulars.api.services import hand_out
from regulars.foundation.models import Answer
from regulars.insights.selectors.membership import segments_of
from regulars.loyalty.offline import write_waiting

ANSWERS_KEPT_DAYS = 7
DELIVERIES_KEPT_DAYS = 30


@app.periodic(cron="* * * * * */5", periodic_id="hooks")
@app.task(queueing_lock="hooks", pass_context=False)
def send_hooks(timestamp: int) -> None:
    """Tell what waits to be told."""
    hand_out()
    send_due()


@app.periodic(cron="17 3 * * *", periodic_id="answers")
@app.task(queueing_lock="answers", pass_context=False)
def forget_answers(timestamp: int) -> None:
    """Answers for repetitions are kept for a week, what was told for a month."""
    Answer.objects.filter(at__lt=timezone.now() - dt.timedelta(days=ANSWERS_KEPT_DAYS)).delete()
    told = Delivery.objects.exclude(state=Delivery.State.WAITING)
    told.filter(last_at__lt=timezone.now() - dt.timedelta(days=DELIVERIES_KEPT_DAYS)).delete()


@app.task(name=export_files.TASK, queue="exports", pass_context=False)
def write_export(export_id: int) -> None:
    """Write one list to its file."""
    export_files.write_export(export_id)


@app.periodic(cron="37 * * * *", periodic_id="exports")
@app.task(queueing_lock="old exports", pass_context=False)
def forget_exports(timestamp: int) -> None:
    """Files that were there to be fetched go."""
    export_files.forget_old(before=timezone.now() - dt.timedelta(hours=export_files.KEPT_HOURS))


@app.periodic(cron="* * * * *", periodic_id="receipts of tills without a line")
@app.task(queueing_lock="receipts of tills without a line", lock="receipts of tills without a line", pass_context=False)
def write_offline(timestamp: int) -> None:
    """Every minute: what tills told after it had happened, when they have told all."""
    write_waiting(timezone.now(), segments=segments_of)
