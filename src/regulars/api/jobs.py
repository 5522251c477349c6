"""Background work of this package."""

import datetime as dt

from django.utils import timezone
from procrastinate.contrib.django import app

from regulars.api.sending import send_due
from regulars.api.services import hand_out
from regulars.foundation.models import Answer

ANSWERS_KEPT_DAYS = 7


@app.periodic(cron="* * * * * */5", periodic_id="hooks")
@app.task(queueing_lock="hooks", pass_context=False)
def send_hooks(timestamp: int) -> None:
    """Tell what waits to be told."""
    hand_out()
    send_due()


@app.periodic(cron="17 3 * * *", periodic_id="answers")
@app.task(queueing_lock="answers", pass_context=False)
def forget_answers(timestamp: int) -> None:
    """Answers for repetitions are kept for a week."""
    Answer.objects.filter(at__lt=timezone.now() - dt.timedelta(days=ANSWERS_KEPT_DAYS)).delete()
