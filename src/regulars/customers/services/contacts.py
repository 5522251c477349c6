"""Ways to reach and to recognise a customer."""

from regulars.accounts.models import User
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.customers.contact_values import normalised, region
from regulars.customers.models import Contact, Customer
from regulars.customers.services.erasing import refuse_forgotten
from regulars.customers.services.living import lock_living
from regulars.foundation.changes import acting
from regulars.foundation.outbox import Event, announce

MOST_CONTACTS = 100


def add_contact(
    customer: Customer, *, kind: str, written: str, by: User | None, label: str = "", source: str = "web"
) -> Contact:
    """Add one in its normal form; the first of its kind is the main one. What is there already is returned."""
    value = normalised(kind, written, region=region())
    if by is None:
        refuse_forgotten([(kind, value)])
    with acting(by.pk if by else None, source):
        # one at a time for each customer, so that two cannot both become the main one
        lock_living(customer)
        known = list(customer.contacts.all())
        same = next((one for one in known if (one.kind, one.value) == (kind, value)), None)
        if same is not None:
            return same
        _check_room(known, kind, value)
        announce(Event.CUSTOMER_CHANGED, {"id": customer.pk})
        return Contact.objects.create(
            customer=customer, kind=kind, value=value, written=written.strip(), label=label.strip()[:60],
            is_main=not any(one.kind == kind and one.is_main for one in known),
        )  # fmt: skip


def remove_contact(contact: Contact, *, by: User) -> None:
    """Take it away; the next of its kind becomes the main one."""
    with acting(by.pk, "web"):
        contact.delete()
        announce(Event.CUSTOMER_CHANGED, {"id": contact.customer_id})
        following = Contact.objects.filter(customer_id=contact.customer_id, kind=contact.kind).order_by("id").first()
        if contact.is_main and following is not None:
            following.is_main = True
            following.save(update_fields=["is_main"])


def make_main(contact: Contact, *, by: User) -> None:
    """The one to use first among those of its kind."""
    with acting(by.pk, "web"):
        same = Contact.objects.filter(customer_id=contact.customer_id, kind=contact.kind)
        same.filter(is_main=True).update(is_main=False)
        same.filter(pk=contact.pk).update(is_main=True)
        announce(Event.CUSTOMER_CHANGED, {"id": contact.customer_id})


def mark_contact(contact: Contact, *, is_valid: bool, by: User) -> None:
    """It works, or it does not: a number that nobody answers is kept, because it still recognises him."""
    with acting(by.pk, "web"):
        contact.is_valid = is_valid
        contact.save(update_fields=["is_valid"])
        announce(Event.CUSTOMER_CHANGED, {"id": contact.customer_id})


def _check_room(known: list[Contact], kind: str, value: str) -> None:
    if len(known) >= MOST_CONTACTS:
        raise InputError(_("A customer has at most {count} contacts.").format(count=MOST_CONTACTS))
    if kind != Contact.Kind.CARD:
        return
    holder = Contact.objects.filter(kind=kind, value=value).values_list("customer_id", flat=True).first()
    if holder is not None:
        raise InputError(
            _("Card {value} belongs to customer #{number}. Merge the two, or take the card away there.")
            .format(value=value, number=holder)
        )  # fmt: skip
