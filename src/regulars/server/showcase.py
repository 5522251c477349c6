"""A demonstration installation: a real supermarket's history with invented people. Called inside `application`."""

from pathlib import Path

from django.core import signing
from django.db import connection, transaction

from regulars.accounts.models import User
from regulars.accounts.services import create_owner
from regulars.core.errors import InputError, RegularsError
from regulars.core.i18n import gettext as _
from regulars.core.progress import Progress
from regulars.customers.models import Contact, Customer
from regulars.customers.services.search import refresh_search_of_import
from regulars.demo.people import person
from regulars.demo.supermarket import CURRENCY
from regulars.foundation.changes import acting
from regulars.foundation.models import Business
from regulars.insights import warehouse
from regulars.insights.models import AuditRun
from regulars.insights.services import perform, request_audit
from regulars.purchases.importing.runs import Wishes, import_now
from regulars.purchases.models import Import
from regulars.web.sign_in import DEMONSTRATION

OWNER = "owner@example.com"


def refuse_a_real_business(home: Path) -> None:
    """`InputError` where somebody's own business is: it must not become a demonstration."""
    tables = connection.introspection.table_names()
    if Business._meta.db_table in tables and Business.objects.filter(is_demo=False).exists():
        raise InputError(
            _("In {folder} there is a business of somebody's own, not a demonstration. Choose another folder.").format(
                folder=home
            )
        )


def fill(source: Path, *, language: str, progress: Progress) -> None:
    """Load the history, name the households, run the audit. What is there already stays."""
    owner = _owner(language)
    if not Import.objects.filter(state=Import.State.DONE).exists():
        brought = import_now(source, wishes=Wishes(is_demo=True), by=owner, progress=progress)
        if brought.state != Import.State.DONE:
            raise RegularsError(brought.error)
    # beside the import and not inside it: a demonstration that was stopped in between gets its names now
    for brought in Import.objects.filter(state=Import.State.DONE, options__is_demo=True):
        _name_households(brought.pk, owner)
    if not AuditRun.objects.filter(state=AuditRun.State.DONE).exists():
        progress.step(_("The audit"), None, None)
        run = request_audit(owner)
        warehouse.refresh(progress=progress)
        perform(run.pk, warehouse.history)


def way_in() -> str:
    """The end of a link that lets the owner of the demonstration in."""
    return signing.dumps({"user": User.objects.get(email=OWNER).pk}, salt=DEMONSTRATION)


def _owner(language: str) -> User:
    Business.objects.get_or_create(
        id=1,
        defaults={
            "name": _("Supermarket (a demonstration)"),
            "currency": CURRENCY,
            "time_zone": "America/New_York",
            "language": language,
            "region": "US",
            "is_demo": True,
        },
    )
    found = User.objects.filter(email=OWNER).first()
    return found or create_owner(email=OWNER, name=_("Owner"), language=language)


@transaction.atomic
def _name_households(import_id: int, owner: User) -> None:
    """The history names nobody: each household gets an invented person, marked as such by the e-mail.

    All are named or none: where somebody has a name, what people changed since stays.
    """
    households = list(Customer.objects.filter(import_id=import_id).order_by("id"))
    if any(customer.name for customer in households):
        return
    contacts = []
    for number, customer in enumerate(households):
        one = person(number)
        customer.given_name, customer.family_name, customer.sex = one.given_name, one.family_name, one.sex
        customer.name, customer.birth_date, customer.language = (
            f"{one.given_name} {one.family_name}",
            one.birth_date,
            "en",
        )
        for kind, value in (("phone", one.phone), ("email", one.email)):
            contacts.append(Contact(customer=customer, kind=kind, value=value, written=value, is_main=True))
    fields = ["given_name", "family_name", "name", "sex", "birth_date", "language"]
    with acting(owner.pk, f"import:{import_id}"):
        Customer.objects.bulk_update(households, fields, batch_size=1000)
        Contact.objects.bulk_create(contacts, batch_size=1000)
        refresh_search_of_import(import_id)
