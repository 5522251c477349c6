"""Figures of any days, from the sales by day that the newest audit left."""

import datetime as dt
import json
from typing import Any

from regulars.analytics.purchases import connect
from regulars.core.errors import InputError
from regulars.core.i18n import format_date
from regulars.core.i18n import gettext as _
from regulars.insights.models import AuditRun
from regulars.insights.periods import Days, before_of, figures_of
from regulars.insights.results import DAYS, folder_of

_MEMORY = "512MB"
_KEPT = 50  # answers remembered beside the audit


def bounds_of(run: AuditRun) -> tuple[str, str] | None:
    """The first and the last day that can be asked for; None where the audit left no sales by day."""
    if run.as_of is None or not (folder_of(run) / DAYS).exists():
        return None
    return str(run.headlines["first_day"]), run.as_of.isoformat()


def figures_between(run: AuditRun, first: dt.date, last: dt.date) -> dict[str, Any]:
    """Like those of a ready period, beside as many days before; `InputError` for days that the audit does not know."""
    bounds = bounds_of(run)
    if bounds is None:
        raise InputError(_("This audit keeps no sales by day. The next one will."))
    start, end = map(dt.date.fromisoformat, bounds)
    if first > last:
        raise InputError(_("The first day is after the last one."))
    if first < start or last > end:
        raise InputError(
            _("The audit knows the days from {first} to {last}.").format(
                first=format_date(start), last=format_date(end)
            )
        )
    memory = folder_of(run) / f"period-{first}-{last}.json"
    if memory.exists():
        found: dict[str, Any] = json.loads(memory.read_text())
        return found
    table = connect(memory_limit=_MEMORY).read_parquet(str(folder_of(run) / DAYS))
    found = figures_of(Days(table, start, end), (first, last), before_of((first, last)))
    if len(list(folder_of(run).glob("period-*.json"))) < _KEPT:
        memory.write_text(json.dumps(found))
    return found
