"""Regulars: knows each customer, sees who is leaving, in money, and what to do about it.

    history = regulars.read_purchases("sales.xlsx")
    result = regulars.audit(history, as_of=history.last_day)
    result.people("state:slipping").limit(10).execute()

The names below are the whole public library; everything they return is documented in `regulars.analytics`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from regulars.analytics.audit import Audit, audit
    from regulars.analytics.purchases import History
    from regulars.analytics.summary import summary
    from regulars.core.errors import (
        ColumnProblem,
        FileProblem,
        InputError,
        NotEnoughData,
        OutputError,
        RegularsError,
        TooManyRejects,
    )
    from regulars.ingest import inspect, read_attributes, read_purchases

_HOMES = {
    "Audit": "regulars.analytics.audit",
    "audit": "regulars.analytics.audit",
    "History": "regulars.analytics.purchases",
    "inspect": "regulars.ingest",
    "read_attributes": "regulars.ingest",
    "read_purchases": "regulars.ingest",
    "summary": "regulars.analytics.summary",
    "ColumnProblem": "regulars.core.errors",
    "FileProblem": "regulars.core.errors",
    "InputError": "regulars.core.errors",
    "NotEnoughData": "regulars.core.errors",
    "OutputError": "regulars.core.errors",
    "RegularsError": "regulars.core.errors",
    "TooManyRejects": "regulars.core.errors",
}

__all__ = [
    "Audit",
    "ColumnProblem",
    "FileProblem",
    "History",
    "InputError",
    "NotEnoughData",
    "OutputError",
    "RegularsError",
    "TooManyRejects",
    "audit",
    "inspect",
    "read_attributes",
    "read_purchases",
    "summary",
]


def __getattr__(name: str) -> Any:
    """Public names are imported on first use: the engine takes a second to import, and `--help` needs none."""
    if name not in _HOMES:
        raise AttributeError(f"module 'regulars' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
