"""Who looked at whose phones and addresses, in the log of safety: a row for a page of a list, one a day for a card."""

from collections.abc import Iterable

from django.utils import timezone

from regulars.accounts.rights import Right
from regulars.accounts.services import log, log_look
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
    """The card, when its reader sees contacts in full: once a day."""
    if not request.user.may(Right.SEE_CONTACTS):
        return
    since = Business.midnight(timezone.now())
    log_look(since=since, user=request.user, about=f"#{customer.pk}", address=address_of(request))
