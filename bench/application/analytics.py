"""The columnar copy kept up to date against written anew, and the audit over it against the original file."""

import sys
import time
from pathlib import Path

from bench.application.installation import Memory, Program, Spent, clocked
from bench.measure import Measured, run
from regulars.insights import warehouse
from regulars.insights.models import AuditRun
from regulars.insights.services import request_audit

_AUDIT = """
import sys
from regulars.analytics.audit import audit
from regulars.server.application import application
from regulars.server.config import load
import regulars

def history():
    if sys.argv[1] != "copy":
        return regulars.read_purchases(sys.argv[1], currency="RUB", memory_limit="4GB")
    from regulars.insights import warehouse
    return warehouse.history()

with application(load()):
    found = history()
    audit(found, as_of=found.last_day)
"""
_LOOK_SECONDS = 0.5


def refreshed() -> Spent:
    """The copy after a day's purchases."""
    with clocked() as spent:
        warehouse.refresh()
    return spent


def rebuilt() -> Spent:
    """The copy written anew."""
    with clocked() as spent:
        warehouse.rebuild()
    return spent


def audited(source: Path | None) -> Measured:
    """The whole audit in a process of its own, without writing it: of a file, or of the copy."""
    return run(sys.executable, "-c", _AUDIT, str(source) if source else "copy")


def audited_by_worker(worker: Program) -> tuple[Spent, Memory]:
    """An audit as the night brings it: from asking to the scores of all customers and the pages, in the worker."""
    with clocked(worker) as spent:
        run_id = request_audit(None).pk
        while (found := AuditRun.objects.get(pk=run_id)).state in (AuditRun.State.WAITING, AuditRun.State.RUNNING):
            time.sleep(_LOOK_SECONDS)
    if found.state != AuditRun.State.DONE:
        raise RuntimeError(found.error)
    return spent, worker.memory()
