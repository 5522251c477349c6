"""What a customer agreed to: the newest statement of a purpose that concerns the channel holds."""

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from regulars.core.i18n import gettext as _
from regulars.customers.models import Consent, Customer, Purpose
from regulars.customers.models.customer import CustomerSet
from regulars.foundation.models import Business

CHANNELS = (Consent.Channel.EMAIL, Consent.Channel.SMS, Consent.Channel.PHONE, Consent.Channel.MESSENGER)


@dataclass(frozen=True)
class Standing:
    """A purpose, and for each channel the statement that holds, or None."""

    purpose: Purpose
    by_channel: dict[str, Consent | None]

    @property
    def same_for_all(self) -> Consent | bool | None:
        """The one statement that holds for all channels, None when nothing was said, else False."""
        said = list(self.by_channel.values())
        return said[0] if len({one and one.pk for one in said}) == 1 else False


def today() -> dt.date:
    """The day by the clock of the business."""
    business = Business.objects.first()
    return timezone.now().astimezone(business.zone).date() if business else timezone.now().date()


def is_left_in_peace(customer: Customer, day: dt.date) -> bool:
    """Whether nobody may disturb him on this day."""
    return customer.is_quiet and (customer.quiet_until is None or customer.quiet_until >= day)


def left_in_peace(day: dt.date) -> Q:
    """The same as a filter of customers. Whose last day has passed may be disturbed again, though the mark stays."""
    return Q(is_quiet=True) & (Q(quiet_until=None) | Q(quiet_until__gte=day))


def has_agreed(customer: Customer, purpose: str, channel: str) -> bool:
    """Whether the newest statement that concerns the purpose and the channel is a consent."""
    newest = _newest_first(Consent.objects.filter(customer=customer, purpose=purpose), channel).first()
    return newest is not None and newest.is_given


def may_contact(customer: Customer, purpose: str, channel: str, *, on: dt.date | None = None) -> bool:
    """Whether he agreed and is not to be left in peace."""
    return not is_left_in_peace(customer, on or today()) and has_agreed(customer, purpose, channel)


def whom_we_may_contact(customers: CustomerSet, purpose: str, channel: str, *, on: dt.date) -> CustomerSet:
    """The same for many at once, as a filter in the database."""
    said = _newest_first(Consent.objects.filter(customer=OuterRef("pk"), purpose=purpose), channel)
    return customers.alias(agreed=Subquery(said.values("is_given")[:1])).filter(~left_in_peace(on), agreed=True)


def standings(statements: Sequence[Consent], purposes: Sequence[Purpose]) -> list[Standing]:
    """What holds of each purpose; of statements made at one moment the later recorded one holds."""
    ordered = sorted(statements, key=lambda one: (one.at, one.pk), reverse=True)
    return [
        Standing(
            purpose,
            {
                channel: next(
                    (one for one in ordered if one.purpose == purpose.slug and one.channel in (channel, "any")), None
                )
                for channel in CHANNELS
            },
        )
        for purpose in purposes
    ]


def texts_of(statements: Collection[Consent]) -> dict[tuple[str, int | None], str]:
    """The texts that these statements agree to, by purpose and version."""
    slugs = {one.purpose for one in statements if one.text_version}
    found = Purpose.objects.filter(slug__in=slugs, version__in={one.text_version for one in statements})
    return {(one.slug, one.version): one.text for one in found}


def proof_of(statement: Consent) -> str:
    """How the statement came to us, in words."""
    proof = statement.proof
    if "answer" in proof:
        return _("answer {number} to a questionnaire").format(number=proof["answer"])
    if "page" in proof:
        return _("his own page, where he had shown that it is he") if proof.get("proven") else _("his own page")
    if "key" in proof:
        return _("another program, with the key {name!r}").format(name=proof["key"])
    return _("written down on the card") if proof.get("entered") == "card" else ""


def current_purposes() -> list[Purpose]:
    """The newest text of each purpose."""
    return list(Purpose.objects.order_by("slug", "-version").distinct("slug"))


def _newest_first(statements: "QuerySet[Consent]", channel: str) -> "QuerySet[Consent]":
    return statements.filter(channel__in=(channel, Consent.Channel.ANY)).order_by("-at", "-pk")
