"""What the audit cannot learn from purchases is set by people."""

from regulars.accounts.models import User
from regulars.foundation.changes import acting
from regulars.insights.models import AuditSettings


def save_audit_settings(
    *, margin_pct: float | None, budget: int | None, contact_cost: int | None, by: User
) -> AuditSettings:
    """For the audits to come; money in minor units, None for what is not known."""
    with acting(by.pk, "web"):
        values = {"margin_pct": margin_pct, "budget": budget, "contact_cost": contact_cost}
        return AuditSettings.objects.update_or_create(pk=1, defaults=values)[0]
