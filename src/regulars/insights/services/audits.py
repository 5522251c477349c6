"""Runs of the audit: asked for, performed one at a time, taken up again when a worker was killed."""

import datetime as dt
import logging
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
from babel import Locale, UnknownLocaleError
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from regulars.accounts.models import User
from regulars.analytics.audit import audit
from regulars.analytics.opportunities import Budget
from regulars.analytics.purchases import History
from regulars.analytics.rollup import roll_up
from regulars.core.errors import RegularsError
from regulars.core.i18n import LANGUAGES, again, said, use_language
from regulars.foundation.models import Business
from regulars.foundation.outbox import Event, announce
from regulars.insights.beside import attributes_for
from regulars.insights.headlines import headline_numbers
from regulars.insights.models import AuditRun, AuditSettings
from regulars.insights.periods import Days, days_of, period_figures
from regulars.insights.results import CUSTOMERS, DAYS, folder_of, with_lists, write_results
from regulars.insights.services.scores import replace_scores
from regulars.purchases.models import Receipt

TASK = "insights.audit"
NIGHT_HOUR = 3  # by the clock of the business
MOST_ATTEMPTS = 3
_LOCK = 7_340_001  # the number of the advisory lock that an audit holds while it runs
_KEPT_DAYS = 35
_OPEN = (AuditRun.State.WAITING, AuditRun.State.RUNNING)

logger = logging.getLogger(__name__)

HistorySource = Callable[[], History]


def request_audit(by: User | None) -> AuditRun:
    """Have the worker run an audit; the one that already waits or runs is given instead of a second."""
    with _asking():
        return _open_run() or _defer(AuditRun.objects.create(by=by))


def request_nightly(now: dt.datetime) -> AuditRun | None:
    """The audit of the night, once for each day of the business; None when there is nothing to do.

    A machine that was off at night does it when it is on again. A night that failed is not tried again: it is told,
    and the next one goes on.
    """
    business = Business.objects.first()
    if business is None or not Receipt.objects.exists():
        return None
    local = now.astimezone(business.zone)
    if local.hour < NIGHT_HOUR:
        return None
    with _asking():
        if _open_run() is not None or AuditRun.objects.filter(night=local.date()).exists():
            return None
        return _defer(AuditRun.objects.create(night=local.date()))


@contextmanager
def _asking() -> Iterator[None]:
    """Two who ask at one moment get one audit."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK + 1])
        yield


def _open_run() -> AuditRun | None:
    return AuditRun.objects.filter(state__in=_OPEN).order_by("-id").first()


def _defer(run: AuditRun) -> AuditRun:
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
    run change in one transaction. What kills its worker every time is given up after a few attempts.
    """
    with _alone() as alone:
        run = AuditRun.objects.filter(pk=run_id, state__in=_OPEN).first()
        if not alone or run is None:
            return False
        _sweep()
        if run.attempts >= MOST_ATTEMPTS:
            _fail(run, said("It was stopped in the middle several times. Perhaps memory or room on the disk ran out."))
            return True
        AuditRun.objects.filter(pk=run_id).update(
            state=AuditRun.State.RUNNING, attempts=run.attempts + 1, progress={}, error="", reasons={}
        )
        _try(run, history)
        return True


def _try(run: AuditRun, history: HistorySource) -> None:
    business = Business.objects.first()
    try:
        with use_language(business.language if business else "en"):
            _run(run, history())
    except RegularsError as refusal:
        _fail(run, str(refusal))
    except (OSError, duckdb.IOException) as fault:
        logger.exception("audit %s cannot write", run.pk)
        _fail(run, said("Its results cannot be written: {error}. Is there room on the disk?").format(error=fault))
    except Exception:
        _fail(run, said("The program failed. The log of the worker says where."))
        raise


def _run(run: AuditRun, history: History) -> None:
    # a receipt from the future must not make everybody lost
    as_of = min(history.last_day, business_today())
    folder = _new_folder(run)
    chosen = AuditSettings.current()
    found = audit(
        history,
        as_of=as_of,
        margin_share=None if chosen.margin_pct is None else chosen.margin_pct / 100,
        budget=_budget(chosen),
        attributes=attributes_for(history, folder),
        progress=_Progress(run),
    )
    rollup = roll_up(history, as_of=as_of)
    days = Days(days_of(rollup).cache(), rollup.first_day, as_of)
    write_results(with_lists(found), rollup, folder, periods=period_figures(days, week_starts=first_weekday()))
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


def business_today() -> dt.date:
    """The day by the clock of the business."""
    business = Business.objects.first()
    return timezone.now().astimezone(business.zone if business else dt.UTC).date()


def first_weekday() -> int:
    """On which day weeks begin where the business is: 0 for Monday, 6 for Sunday."""
    business = Business.objects.first()
    if business is None:
        return 0
    try:
        return int(Locale.parse(f"{business.language}_{business.region}").first_week_day)
    except (UnknownLocaleError, ValueError):
        return int(Locale.parse(business.language).first_week_day)


def _budget(chosen: AuditSettings) -> Budget | None:
    if chosen.budget is None or chosen.contact_cost is None:
        return None
    return Budget(chosen.budget, chosen.contact_cost)


def _new_folder(run: AuditRun) -> Path:
    folder = _root() / f".{run.pk}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    return folder


def _root() -> Path:
    root = Path(settings.AUDITS_ROOT)
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    return root


def _sweep() -> None:
    """Free the disk of what runs left that were killed or failed; nobody else writes there meanwhile."""
    kept = set(AuditRun.objects.filter(state=AuditRun.State.DONE).exclude(folder="").values_list("folder", flat=True))
    for path in _root().iterdir():
        if path.name.lstrip(".").isdigit() and path.name not in kept:
            shutil.rmtree(path, ignore_errors=True)


def _fail(run: AuditRun, words: str) -> None:
    reasons = {}
    for language in LANGUAGES:
        with use_language(language):
            reasons[language] = again(words)
    AuditRun.objects.filter(pk=run.pk).update(
        state=AuditRun.State.FAILED, error=str(words), reasons=reasons, progress={}, finished_at=timezone.now()
    )
    shutil.rmtree(_root() / f".{run.pk}", ignore_errors=True)


def _forget_old(today: dt.date) -> None:
    """Free the disk of old results: after five weeks the last of each month stays. The numbers of all of them stay.

    The sales by day, the largest file beside the customers, are kept of the newest audit alone.
    """
    done = AuditRun.objects.filter(state=AuditRun.State.DONE).exclude(folder="").order_by("-as_of", "-id")
    seen: set[tuple[int, int]] = set()
    for place, run in enumerate(done):
        if place:
            (folder_of(run) / DAYS).unlink(missing_ok=True)
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
