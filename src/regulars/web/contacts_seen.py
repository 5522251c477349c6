"""Who looked at whose phones and addresses, in the log of safety: a row for a page of a list, one a day for a card."""

from collections.abc import Iterable

from django.utils import timezone

from regulars.accounts.models import LogEntry
from regulars.accounts.rights import Right
from regulars.accounts.services import log
from regulars.customers.models import Contact, Customer
from regulars.foundation.models import Business
from regulars.web.access import Request
from regulars.web.sign_in import address_of


def list_seen(request: Request, about: str, columns: Iterable[str], people: int) -> None:
    """A page with these columns of so many customers; nothing when no contact was on it in full."""
    shown = [name for name in columns if name in Contact.Kind.values]
    if people and shown and request.user.may(Right.SEE_CONTACTS):
        details = {"rows": people, "columns": shown}
        log("contacts_seen", user=request.user, about=about[:200], details=details, address=address_of(request))


def card_seen(request: Request, customer: Customer) -> None:
    """The card, when its reader sees contacts in full: how often in one day tells nothing more."""
    if not request.user.may(Right.SEE_CONTACTS):
        return
    business, now, about = Business.objects.first(), timezone.now(), f"#{customer.pk}"
    now = now.astimezone(business.zone) if business else now
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if not LogEntry.objects.filter(event="contacts_seen", user=request.user, about=about, at__gte=midnight).exists():
        log("contacts_seen", user=request.user, about=about, address=address_of(request))
