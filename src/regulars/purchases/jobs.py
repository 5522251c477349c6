"""Imports in the background. Every job may be done again: what was interrupted has left nothing."""

import datetime as dt

from django.utils import timezone
from procrastinate.contrib.django import app

from regulars.purchases.importing import runs

_DRAFT_DAYS = 7


@app.task(queue="imports", pass_context=False)
def run_import(import_id: int) -> None:
    """Bring one file in."""
    runs.run(import_id)


@app.task(queue="imports", pass_context=False)
def undo_import(import_id: int, user_id: int | None) -> None:
    """Take one import back."""
    runs.undo(import_id, user_id=user_id)


@app.periodic(cron="17 3 * * *")
@app.task(queue="imports", pass_context=False)
def forget_old_drafts(timestamp: int) -> None:
    """Files that nobody imported in a week go."""
    runs.forget_old_drafts(before=timezone.now() - dt.timedelta(days=_DRAFT_DAYS))
