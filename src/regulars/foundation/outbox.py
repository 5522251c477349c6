"""Telling other programs what happened: kept with the write itself, sent later."""

from typing import Any

from django.db import models

from regulars.core.i18n import N_
from regulars.foundation.models import Happening


class Event(models.TextChoices):
    """What other programs may be told."""

    CUSTOMER_CREATED = "customer.created", N_("a customer was added")
    CUSTOMER_CHANGED = "customer.changed", N_("a customer was changed")
    CUSTOMERS_MERGED = "customers.merged", N_("two customers were merged")
    CUSTOMERS_PARTED = "customers.parted", N_("a merge was taken back")
    CUSTOMER_ERASED = "customer.erased", N_("a customer's data were erased")
    CONSENT_CHANGED = "consent.changed", N_("consent was given or withdrawn")
    RECEIPTS_RECORDED = "receipts.recorded", N_("receipts were recorded")
    RECEIPTS_REMOVED = "receipts.removed", N_("an import of receipts was undone")
    TIER_CHANGED = "member.tier_changed", N_("a member's tier changed")
    TIER_ENDING = "member.tier_ending", N_("a member will lose his tier")
    PROGRAMME_PUBLISHED = "programme.published", N_("rules of the programme were published")
    AUDIT_DONE = "audit.done", N_("an audit is ready")


def announce(event: Event, content: dict[str, Any]) -> None:
    """Keep the event for those who want to know it. What is rolled back is not told."""
    Happening.objects.create(event=event.value, content=content)


def announce_each(event: Event, contents: list[dict[str, Any]]) -> None:
    """The same event of many, however many they are."""
    Happening.objects.bulk_create([Happening(event=event.value, content=one) for one in contents], batch_size=5000)
