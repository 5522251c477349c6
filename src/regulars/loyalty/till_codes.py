"""One-time codes that a member shows at a till from his own page: who he is, and that it is he who stands there.

A code is short, so it lives for minutes, and a till that says wrong ones has to wait. The first till that asks for it
has it alone, for as long as a basket takes; the first receipt or gift uses it up.
"""

import datetime as dt
import re
import secrets
from typing import Any

from django.db import transaction
from django.db.models import Case, F, Q, Value, When
from django.utils.crypto import salted_hmac

from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.customers.models import Contact
from regulars.customers.selectors.family import family_of
from regulars.loyalty.models import CustomerPage
from regulars.loyalty.page_links import whose

KIND = "code"  # what the database calls it, beside the kinds of contacts
DIGITS = 8
MINUTES = 5
_AT_THE_TILL = dt.timedelta(minutes=15)
_NOTHING: dict[str, Any] = {"till_digest": None, "till_until": None, "till_seen": ""}


@transaction.atomic
def make_till_code(page: CustomerPage, *, at: dt.datetime) -> str:
    """A new code of this page; a former one of the same customer is void."""
    CustomerPage.objects.filter(customer__in=family_of(whose(page).pk)).update(**_NOTHING)
    code = next(one for one in iter(_drawn, "") if _is_free(one))
    until = at + dt.timedelta(minutes=MINUTES)
    CustomerPage.objects.filter(pk=page.pk).update(till_digest=digest_of_code(code), till_until=until)
    return code


def _drawn() -> str:
    return f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"


def _is_free(code: str) -> bool:
    # whoever serves types a card and a code into one field
    is_card = Contact.objects.filter(kind=Contact.Kind.CARD, value=code).exists()
    return not is_card and not CustomerPage.objects.filter(till_digest=digest_of_code(code)).exists()


def looks_like_code(written: str) -> bool:
    """Whether it could be one."""
    return re.fullmatch(rf"[0-9]{{{DIGITS}}}", _bare(written)) is not None


def is_code(written: str) -> bool:
    """Whether a page has shown it of late."""
    return CustomerPage.objects.filter(till_digest=digest_of_code(written)).exists()


def digest_of_code(written: str) -> str:
    """As the database has it. Raises `InputError` for what is no code."""
    if not looks_like_code(written):
        raise InputError(_("A code of the customer's own page has {n} digits.").format(n=DIGITS))
    return salted_hmac("regulars.till.code", _bare(written), algorithm="sha256").hexdigest()


def show(digest: str, till: str, *, at: dt.datetime) -> bool:
    """Whether the code is good at this till, which has it alone from now on."""
    found = CustomerPage.objects.filter(
        Q(till_seen="") | Q(till_seen=till), till_digest=digest, till_until__gt=at, customer__is_erased=False
    )
    first = Case(When(till_seen="", then=Value(at + _AT_THE_TILL)), default=F("till_until"))
    return bool(found.update(till_until=first, till_seen=till))


def use_up(written: str) -> bool:
    """It was good once; whether it still was. Whoever calls holds the member."""
    return bool(CustomerPage.objects.filter(till_digest=digest_of_code(written)).update(**_NOTHING))


def _bare(written: str) -> str:
    return re.sub(r"[\s-]", "", written)
