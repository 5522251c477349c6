"""Audiences for advertising systems: hashed contacts of those who agreed, and of nobody else."""

from pathlib import Path

from regulars.analytics.attributes import KEY, Attributes
from regulars.analytics.purchases import connect
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.customers.models import Consent, Purpose
from regulars.customers.models.customer import CustomerSet
from regulars.customers.selectors.consents import today, whom_we_may_contact
from regulars.foundation.models import Business
from regulars.purchases.importing.exchange import pull
from regulars.report.audience import Written, write_audience

MOST_PEOPLE = 200_000  # made while the browser waits
_MEMORY = "256MB"
_PEOPLE, _CONTACTS = "listed", "contacts"


def write_hashed(people: CustomerSet, system: str, path: Path, *, purpose: str) -> Written:
    """Write the hashes of their contacts for one system: an address of those who agreed to e-mail for this purpose, a
    phone of those who agreed to calls or messages. Who is to be left in peace is left out.

    Raises `InputError` without such a text of consent, for an unknown system, and when nobody is left.
    """
    if not Purpose.objects.filter(slug=purpose).exists():
        raise InputError(
            _("Choose the text of consent that covers advertising: only those who agreed are handed over.")
        )
    work = path.parent
    engine = connect(memory_limit=_MEMORY)
    query, parameters = people.order_by().values("pk").query.sql_with_params()
    pull(engine.con, query, _PEOPLE, {KEY: "VARCHAR"}, folder=work, parameters=parameters)
    said, values = [], []
    for kind, channels in _CHANNELS.items():
        agreed = [whom_we_may_contact(people, purpose, channel, on=today()) for channel in channels]
        for some in agreed:
            query, parameters = some.order_by().values("pk").query.sql_with_params()
            wanted = ("k.value, NULL", "NULL, k.value")[kind == "email"]
            said.append(
                f"SELECT DISTINCT k.customer_id, {wanted} FROM customers_contact k JOIN ({query}) AS agreed (id) "
                "ON agreed.id = k.customer_id WHERE k.is_valid AND k.kind = %s"
            )
            values += [*parameters, kind]
    columns = {KEY: "VARCHAR", "phone": "VARCHAR", "email": "VARCHAR"}
    pull(engine.con, " UNION ".join(said), _CONTACTS, columns, folder=work, parameters=values)
    contacts = Attributes(
        engine.table(_CONTACTS), {"phone": "phone", "email": "email"}, phones=("phone",), emails=("email",)
    )
    return write_audience(engine.table(_PEOPLE), system, path, attributes=contacts, region=Business.current().region)


_CHANNELS = {"email": (Consent.Channel.EMAIL,), "phone": (Consent.Channel.PHONE, Consent.Channel.SMS)}
