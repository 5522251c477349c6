"""Ways to a customer's own page: links that are signed and end, codes that are read out, and the proof that it is he.

A link shows the page. Whoever forwards it shows it to others; so his card, and what changes anything, wait for a proof:
the number of his card, or a code of the shop.
"""

import datetime as dt
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import F
from django.utils.crypto import constant_time_compare, salted_hmac

from regulars.accounts.models import User
from regulars.accounts.services import log
from regulars.core.errors import InputError
from regulars.customers.contact_values import normalised, region
from regulars.customers.models import Contact, Customer
from regulars.customers.selectors.family import family_of, survivor
from regulars.customers.services.living import lock_living
from regulars.loyalty.cards import why_blocked
from regulars.loyalty.codes import drawn
from regulars.loyalty.models import CustomerPage

LINK_DAYS = 90
CODE_HOURS = 24
_LINK = re.compile(r"([0-9a-f]{16})-([0-9a-f]{5})-([0-9a-f]{32})")

# numbers of cards follow one another: five tries at once, then one in an hour, whoever tries and wherever
_PACE = dt.timedelta(hours=1)
_AT_ONCE = 5
_TRY = """
UPDATE loyalty_customerpage SET tired_until = greatest(coalesce(tired_until, %(at)s), %(at)s) + %(pace)s
WHERE id = %(page)s AND greatest(coalesce(tired_until, %(at)s), %(at)s) <= %(at)s + %(ahead)s
"""


class TooManyTries(InputError):
    """Nobody may try for a while."""


@dataclass(frozen=True)
class Link:
    """A link, without the address of the server, and its last day by UTC."""

    token: str
    last_day: dt.date

    @property
    def expires_at(self) -> dt.datetime:
        """The moment from which it is void."""
        return _end_of(self.last_day)


def open_page(customer: Customer, *, by: User | None, at: dt.datetime) -> CustomerPage:
    """His page, made when he has none. Raises `InputError` for somebody who was erased."""
    found = CustomerPage.objects.filter(customer=customer).first()
    if found is not None:
        return found
    with transaction.atomic():
        lock_living(customer)
        found, is_new = CustomerPage.objects.get_or_create(
            customer=customer, defaults={"name": secrets.token_hex(8), "made_at": at}
        )
        if is_new:
            log("page_made", user=by, about=f"#{customer.pk}")
    return found


def link_to(page: CustomerPage, *, at: dt.datetime) -> Link:
    """A link that is valid for `LINK_DAYS` days. The same one all day."""
    last = (at + dt.timedelta(days=LINK_DAYS)).date()
    ends = f"{last.toordinal():05x}"
    return Link(f"{page.name}-{ends}-{_signature(page, ends)}", last)


def page_behind(token: str, *, at: dt.datetime) -> CustomerPage | None:
    """The page that the link opens; None for one that was made up, revoked or has ended, whichever it is."""
    parts = _LINK.fullmatch(token)
    if parts is None:
        return None
    name, ends, signature = parts.groups()
    found = _living(CustomerPage.objects.select_related("customer").filter(name=name).first())
    if found is None or not constant_time_compare(signature, _signature(found, ends)):
        return None
    return found if at < _end_of(dt.date.fromordinal(int(ends, 16))) else None


def page_named(name: str, version: int) -> CustomerPage | None:
    """The page that a device has opened before, unless its links were revoked since."""
    return _living(CustomerPage.objects.select_related("customer").filter(name=name, version=version).first())


def revoke_links(customer: Customer, *, by: User) -> None:
    """All links to his page are void from now on, those that came by a merge too; its tries begin anew."""
    pages = CustomerPage.objects.filter(customer__in=family_of(customer.pk))
    pages.update(
        version=F("version") + 1, code_digest=None, code_until=None, tired_until=None, till_digest=None,
        till_until=None, till_seen="",
    )  # fmt: skip
    log("page_links_revoked", user=by, about=f"#{customer.pk}")


def make_code(customer: Customer, *, by: User, at: dt.datetime) -> str:
    """A code that opens his page once; a former one is void."""
    page, code = open_page(customer, by=by, at=at), drawn()
    until = at + dt.timedelta(hours=CODE_HOURS)
    CustomerPage.objects.filter(pk=page.pk).update(code_digest=_digest(code), code_until=until)
    log("page_code_made", user=by, about=f"#{customer.pk}")
    return code


def page_by_code(written: str, *, at: dt.datetime) -> CustomerPage | None:
    """The page of this code, which is used up by it."""
    digest = _digest(written)
    found = CustomerPage.objects.select_related("customer").filter(code_digest=digest).first()
    return found if found is not None and _use_one_of([found.customer_id], digest, at) else None


def prove(page: CustomerPage, written: str, *, at: dt.datetime) -> bool:
    """Whether this is the number of his card, or the code that the shop gave him. Raises `TooManyTries`.

    Who was merged keeps his old links, and the shop reads out codes of the page of whoever was kept: any page of the
    family takes a code of another. The try is counted before it is looked at: many at one moment are as bounded as
    many in a row.
    """
    with connection.cursor() as cursor:
        values: dict[str, Any] = {"page": page.pk, "at": at, "pace": _PACE, "ahead": _PACE * (_AT_ONCE - 1)}
        cursor.execute(_TRY, values)
        if not cursor.rowcount:
            raise TooManyTries
    customer = whose(page)
    if not (_has_card(customer, written) or _use_one_of(family_of(customer.pk), _digest(written), at)):
        return False
    CustomerPage.objects.filter(pk=page.pk).update(tired_until=None)
    return True


def whose(page: CustomerPage) -> Customer:
    """The customer, or the one that he became."""
    return survivor(page.customer)


def _living(page: CustomerPage | None) -> CustomerPage | None:
    return None if page is None or page.customer.is_erased else page


def _use_one_of(customers: Sequence[int], digest: str, at: dt.datetime) -> bool:
    found = CustomerPage.objects.filter(
        customer__in=customers, code_digest=digest, code_until__gt=at, customer__is_erased=False
    )
    return bool(found.update(code_digest=None, code_until=None))


def _has_card(customer: Customer, written: str) -> bool:
    try:
        value = normalised(Contact.Kind.CARD, written, region=region())
    except InputError:
        return False
    held = Contact.objects.filter(customer=customer, kind=Contact.Kind.CARD, value=value).exists()
    # whoever found a lost card must not see the new one
    return held and not why_blocked(value)


def _signature(page: CustomerPage, ends: str) -> str:
    signed = f"{page.name} {page.version} {ends}"
    return salted_hmac("regulars.page.link", signed, algorithm="sha256").hexdigest()[:32]


def _digest(code: str) -> str:
    bare = re.sub(r"[\s-]", "", code).upper()
    return salted_hmac("regulars.page.code", bare, algorithm="sha256").hexdigest()


def _end_of(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), tzinfo=dt.UTC) + dt.timedelta(days=1)
