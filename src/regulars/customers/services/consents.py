"""The ledger of consent: statements are added, never changed."""

import datetime as dt
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from regulars.accounts.models import User
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.customers.models import Consent, Customer, Purpose
from regulars.customers.services.living import lock_living
from regulars.foundation.changes import acting
from regulars.foundation.clashes import or_told
from regulars.foundation.outbox import Event, announce


def record_consent(
    customer: Customer, *, purpose: str, channel: str, is_given: bool, source: str, by: User | None,
    text_version: int | None = None, at: dt.datetime | None = None, proof: dict[str, Any] | None = None,
) -> Consent:  # fmt: skip
    """Write down what a customer said. Consent refers to the text that he saw; a refusal needs none."""
    if channel not in Consent.Channel.values:
        raise InputError(_("There is no channel {value!r}.").format(value=channel))
    if not source.strip():
        raise InputError(_("Write where it was said: it is the proof in a dispute."))
    moment = at or timezone.now()
    if moment > timezone.now() + dt.timedelta(minutes=5):
        raise InputError(_("A consent cannot be given in the future."))
    if is_given:
        text_version = text_version or newest_version(purpose)
        if text_version is None or not Purpose.objects.filter(slug=purpose, version=text_version).exists():
            raise InputError(_("There is no text for {purpose!r} yet: write it first.").format(purpose=purpose))
    # a program and a questionnaire have said already who acts
    with acting(by.pk, "web") if by else transaction.atomic():
        lock_living(customer)
        made = Consent.objects.create(
            customer=customer, purpose=purpose, channel=channel, is_given=is_given, text_version=text_version,
            source=source.strip()[:100], proof=proof or {}, at=moment, recorded_by=by,
        )  # fmt: skip
        announce(Event.CONSENT_CHANGED, {"customer": customer.pk, "purpose": purpose, "channel": channel})
        return made


@transaction.atomic
def write_purpose(slug: str, *, title: str, text: str) -> Purpose:
    """A new purpose, or a new version of its text; the versions that people agreed to stay."""
    if not (slug.strip() and title.strip() and text.strip()):
        raise InputError(_("A purpose needs a short name, a title and the text that people agree to."))
    newest = Purpose.objects.select_for_update().filter(slug=slug).order_by("-version").first()
    if newest is not None and (newest.title, newest.text) == (title.strip(), text.strip()):
        return newest
    with or_told(_("Somebody wrote another text meanwhile. Look at it first.")):
        return Purpose.objects.create(
            slug=slug, title=title.strip()[:200], text=text.strip(), version=newest.version + 1 if newest else 1
        )


def text_read(shown: str) -> Purpose:
    """The text that a form showed, such as "news/2"; `InputError` when another one holds by now."""
    slug, _slash, version = shown.partition("/")
    newest = Purpose.objects.filter(slug=slug).order_by("-version").first()
    if newest is None or version != str(newest.version):
        raise InputError(_("The text of the consent has changed meanwhile. Read the new one first."))
    return newest


def newest_version(purpose: str) -> int | None:
    """The version of the text that is shown now."""
    version: int | None = Purpose.objects.filter(slug=purpose).aggregate(newest=Max("version"))["newest"]
    return version
