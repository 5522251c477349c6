"""The audits that were run."""

from regulars.insights.models import AuditRun


def newest_run() -> AuditRun | None:
    """The newest audit whose pages can be shown."""
    return AuditRun.objects.filter(state=AuditRun.State.DONE).exclude(folder="").order_by("-id").first()


def open_run() -> AuditRun | None:
    """The audit that waits or runs now."""
    return AuditRun.objects.filter(state__in=(AuditRun.State.WAITING, AuditRun.State.RUNNING)).order_by("-id").first()


def last_failure() -> AuditRun | None:
    """The newest audit, when it failed."""
    run = AuditRun.objects.order_by("-id").first()
    return run if run is not None and run.state == AuditRun.State.FAILED else None


def past_runs(limit: int = 400) -> list[AuditRun]:
    """Finished audits, the newest first; their numbers are there even where their pages are not."""
    return list(AuditRun.objects.filter(state=AuditRun.State.DONE).order_by("-id")[:limit])
