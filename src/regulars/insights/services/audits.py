"""Runs of the audit: asked for, performed one at a time, taken up again when a worker was killed."""

import datetime as dt
import logging
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from regulars.accounts.models import User
from regulars.analytics.audit import audit
from regulars.analytics.purchases import History
from regulars.analytics.rollup import roll_up
from regulars.core.errors import RegularsError
from regulars.core.i18n import gettext as _
from regulars.core.i18n import use_language
from regulars.foundation.models import Business
from regulars.foundation.outbox import Event, announce
from regulars.insights.headlines import headline_numbers
from regulars.insights.models import AuditRun
from regulars.insights.periods import period_figures
from regulars.insights.results import CUSTOMERS, folder_of, with_lists, write_results
from regulars.insights.services.scores import replace_scores

TASK = "insights.audit"
_LOCK = 7_340_001  # the number of the advisory lock that an audit holds while it runs
_KEPT_DAYS = 35
_OPEN = (AuditRun.State.WAITING, AuditRun.State.RUNNING)

logger = logging.getLogger(__name__)

HistorySource = Callable[[], History]


def request_audit(by: User | None) -> AuditRun:
    """Have the worker run an audit; the one that already waits or runs is given instead of a second."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            # two who press the button at one moment get one audit
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK + 1])
        run = AuditRun.objects.filter(state__in=_OPEN).order_by("-id").first()
        if run is None:
            run = AuditRun.objects.create(by=by)
            app.configure_task(TASK).defer(run_id=run.pk)
    return run


def resume_interrupted() -> int:
    """Hand runs that nobody works on to the worker again; returns how many."""
    with _alone() as alone:
        if not alone:
            return 0
        recently = timezone.now() - dt.timedelta(minutes=1)
        # one that waits since a moment ago has its job still ahead
        lost = AuditRun.objects.filter(state__in=_OPEN).exclude(state=AuditRun.State.WAITING, created_at__gt=recently)
        count = 0
        for run in lost.order_by("id"):
            try:
                with transaction.atomic():
                    app.configure_task(TASK, queueing_lock=f"{TASK}:{run.pk}").defer(run_id=run.pk)
            except AlreadyEnqueued:
                continue
            count += 1
        return count


def perform(run_id: int, history: HistorySource) -> bool:
    """Run the audit; False when another process is at one, or this one is done already.

    May be called again after a crash at any point: the folder is made anew, and the scores and the state of the
    run change in one transaction.
    """
    with _alone() as alone:
        run = AuditRun.objects.filter(pk=run_id, state__in=_OPEN).first()
        if not alone or run is None:
            return False
        AuditRun.objects.filter(pk=run_id).update(state=AuditRun.State.RUNNING, progress={}, error="")
        business = Business.objects.first()
        try:
            with use_language(business.language if business else "en"):
                _run(run, history())
        except RegularsError as refusal:
            _fail(run, str(refusal))
        except Exception:
            _fail(run, _("The program failed. The log of the worker says where."))
            raise
        return True


def _run(run: AuditRun, history: History) -> None:
    as_of = history.last_day
    progress = _Progress(run)
    found = audit(history, as_of=as_of, progress=progress)
    periods = period_figures(roll_up(history, as_of=as_of))
    folder = _new_folder(run)
    write_results(with_lists(found), periods, folder)
    final = Path(settings.AUDITS_ROOT) / str(run.pk)
    shutil.rmtree(final, ignore_errors=True)  # left by a run that was killed right here
    folder.rename(final)
    with transaction.atomic():
        replace_scores(final / CUSTOMERS)
        AuditRun.objects.filter(pk=run.pk).update(
            state=AuditRun.State.DONE,
            as_of=as_of,
            folder=final.name,
            headlines=headline_numbers(found),
            progress={},
            finished_at=timezone.now(),
        )
        announce(Event.AUDIT_DONE, {"audit": run.pk, "as_of": as_of.isoformat()})
    _forget_old(as_of)


def _new_folder(run: AuditRun) -> Path:
    root = Path(settings.AUDITS_ROOT)
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = root / f".{run.pk}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    return folder


def _fail(run: AuditRun, words: str) -> None:
    AuditRun.objects.filter(pk=run.pk).update(state=AuditRun.State.FAILED, error=words, finished_at=timezone.now())


def _forget_old(today: dt.date) -> None:
    """Free the disk of old results: after five weeks the last of each month stays. The numbers of all of them stay."""
    done = AuditRun.objects.filter(state=AuditRun.State.DONE).exclude(folder="").order_by("-as_of", "-id")
    seen: set[tuple[int, int]] = set()
    for run in done:
        assert run.as_of is not None
        month = (run.as_of.year, run.as_of.month)
        if (today - run.as_of).days > _KEPT_DAYS and month in seen:
            path = folder_of(run)
            AuditRun.objects.filter(pk=run.pk).update(folder="")
            shutil.rmtree(path, ignore_errors=True)
        seen.add(month)


class _Progress:
    """Writes down how far it is, at most once a second."""

    def __init__(self, run: AuditRun) -> None:
        self.run = run
        self.told_at = 0.0

    def step(self, label: str, done: int | None, total: int | None) -> None:  # noqa: ARG002 - in one language only
        if time.monotonic() - self.told_at < 1:
            return
        self.told_at = time.monotonic()
        shown: dict[str, Any] = {"done": done, "total": total}
        AuditRun.objects.filter(pk=self.run.pk).update(progress=shown)


@contextmanager
def _alone() -> Iterator[bool]:
    """Whether no other process runs an audit; while the block lasts, no other will."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
        (mine,) = cursor.fetchone()
    try:
        yield mine
    finally:
        # a connection that broke has lost its lock by itself
        if mine and connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])
