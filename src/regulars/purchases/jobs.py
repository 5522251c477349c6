"""Imports in the background. Every job may be done again: what was interrupted has left nothing."""

import datetime as dt

from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob

from regulars.purchases.importing import runs
from regulars.purchases.models import Import

_DRAFT_DAYS = 7
_FILE_DAYS = 30
_SWEEP_AFTER = dt.timedelta(days=1)  # no upload takes longer
_LOST_AFTER = dt.timedelta(minutes=2)


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
    """Files that nobody imported in a week go; of imports nothing but figures is left after a month."""
    runs.forget_old_drafts(before=timezone.now() - dt.timedelta(days=_DRAFT_DAYS))
    runs.forget_old_files(before=timezone.now() - dt.timedelta(days=_FILE_DAYS))
    runs.sweep(before=timezone.now() - _SWEEP_AFTER)


@app.periodic(cron="*/5 * * * *")
@app.task(queue="imports", queueing_lock="lost imports")
def take_lost_imports_again(timestamp: int) -> None:
    """Imports whose job was lost with the process that had it."""
    runs.take_lost_again(before=timezone.now() - _LOST_AFTER)


def is_queued(import_id: int) -> bool:
    """Whether a job of this import waits or is being done."""
    return ProcrastinateJob.objects.filter(
        task_name__in=(run_import.name, undo_import.name),
        args__import_id=import_id,
        status__in=("todo", "doing"),
    ).exists()


def defer_again(imported: Import) -> None:
    """Queue what its state asks for."""
    if imported.state == Import.State.UNDOING:
        undo_import.defer(import_id=imported.pk, user_id=None)
    else:
        run_import.defer(import_id=imported.pk)
