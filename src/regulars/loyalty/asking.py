"""What a new member is asked beside his name and phone: birthday, e-mail, own fields, and what he agrees to.

Of the own fields those are asked for that a questionnaire of the business asks for. Who is known already is not written
over, nor what he said of a consent before: whoever says his phone comes as far as here.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from regulars.accounts.models import User
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.customers.contact_values import normalised, region
from regulars.customers.field_values import read_value
from regulars.customers.models import Consent, Contact, Customer, Field, Form
from regulars.customers.services.consents import record_consent, text_read
from regulars.customers.services.contacts import add_contact
from regulars.customers.services.customers import check_birthday, edit_customer
from regulars.customers.services.fields import set_own_fields
from regulars.foundation.changes import acting


@dataclass(frozen=True)
class Answers:
    """What he said. `agrees` has the texts as they were shown, such as "news/2"."""

    birth_date: dt.date | None = None
    email: str = ""
    own_fields: Mapping[str, Any] = field(default_factory=dict)
    agrees: tuple[str, ...] = ()


NOTHING = Answers()


def questions() -> list[Field]:
    """The own fields that are asked for, in their order."""
    forms = Form.objects.filter(is_archived=False).values_list("questions", flat=True)
    asked = {question.get("field") for form in forms for question in form}
    return [one for one in Field.objects.filter(is_archived=False) if one.slug in asked]


def write_answers(customer: Customer, told: Answers, *, by: User | None, source: str) -> None:
    """Fill in what is not known of him, and write down what he agrees to. Raises `InputError` for what cannot be.

    The caller has a transaction: of what cannot be written wholly nothing is left.
    """
    fields = {one.slug: one for one in questions()}
    if unknown := sorted(told.own_fields.keys() - fields.keys()):
        raise InputError(_("No questionnaire asks for the field {name!r}.").format(name=unknown[0]))
    read = {slug: read_value(fields[slug], value) for slug, value in told.own_fields.items()}
    # looked at also when it is known already: what is refused must not tell what is
    if told.birth_date is not None:
        check_birthday(told.birth_date)
    email = told.email.strip() and normalised(Contact.Kind.EMAIL, told.email, region=region())
    texts = [text_read(shown) for shown in dict.fromkeys(told.agrees)]
    with acting(by.pk if by else None, source):
        found = Customer.objects.select_for_update(no_key=True).get(pk=customer.pk)
        if told.birth_date is not None and found.birth_date is None:
            edit_customer(found, by=by, source=source, birth_date=told.birth_date)
        if email and not found.contacts.filter(kind=Contact.Kind.EMAIL).exists():
            add_contact(found, kind=Contact.Kind.EMAIL, written=told.email, by=by, source=source)
        new = {slug: value for slug, value in read.items() if value is not None and slug not in found.own_fields}
        if new:
            set_own_fields(found, new, by=by, source=source)
        # whoever says his phone must not take back what he withdrew: one for any channel would lift that of each
        said = set(found.consents.values_list("purpose", flat=True))
        for text in (one for one in texts if one.slug not in said):
            record_consent(
                found, purpose=text.slug, channel=Consent.Channel.ANY, is_given=True, source=_("At the till"), by=by,
                text_version=text.version, proof={"entered": "till" if by else source},
            )  # fmt: skip
