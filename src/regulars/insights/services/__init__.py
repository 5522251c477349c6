"""Every write of this package, one file per subject."""

from regulars.insights.services.audits import perform, request_audit, resume_interrupted
from regulars.insights.services.scores import replace_scores
from regulars.insights.services.segments import delete_segment, freeze, save_segment

__all__ = [
    "delete_segment",
    "freeze",
    "perform",
    "replace_scores",
    "request_audit",
    "resume_interrupted",
    "save_segment",
]
