"""Why somebody is in a segment, or is not: each condition with its answer and the fact that gave it."""

from dataclasses import dataclass
from typing import Any

from regulars.core.i18n import format_date, ngettext
from regulars.core.i18n import gettext as _
from regulars.core.money import format_money
from regulars.customers.models import Consent, Customer
from regulars.customers.selectors.family import family_of
from regulars.foundation.models import Business
from regulars.insights.segments.attributes import Attribute
from regulars.insights.segments.query import Compiler
from regulars.insights.segments.rule import Rule
from regulars.insights.segments.words import Speaker
from regulars.report import words


@dataclass(frozen=True)
class Answer:
    """A condition or a group: whether it holds, what is known, and for a group its items."""

    text: str
    holds: bool
    fact: str = ""
    items: tuple["Answer", ...] = ()


def why(customer: Customer, rule: Rule) -> Answer:
    """The rule gone through for one customer."""
    return _Judge(customer).group(rule)


class _Judge:
    def __init__(self, customer: Customer) -> None:
        self.customer = customer
        self.compiler = Compiler()
        self.speaker = Speaker()
        business = Business.objects.first()
        self.currency = business.currency if business else "USD"

    def group(self, rule: Rule) -> Answer:
        items = tuple(self.group(item) if "items" in item else self.condition(item) for item in rule["items"])
        if len(items) == 1 and not rule["not"]:
            return items[0]
        held = [item.holds for item in items]
        holds = all(held) if rule["join"] == "all" else any(held)
        text = _("all of these hold") if rule["join"] == "all" else _("at least one of these holds")
        if rule["not"]:
            text = _("not: {text}").format(text=text)
        return Answer(text, holds != rule["not"], items=items)

    def condition(self, leaf: Rule) -> Answer:
        found = Customer.objects.filter(pk=self.customer.pk).filter(self.compiler.condition(leaf)).exists()
        return Answer(self.speaker.condition(leaf), found, self._fact(leaf))

    def _fact(self, leaf: Rule) -> str:
        attribute = self.compiler.known.get(leaf["what"])
        if attribute is None:
            return ""
        if attribute.fact is not None:
            return attribute.fact(self.customer.pk)
        special = {"bought": self._bought, "consent": self._consent}
        if attribute.type in special:
            return special[attribute.type](leaf)
        if attribute.id == "tag":
            return ", ".join(self.customer.tags.values_list("name", flat=True)) or _("none")
        value = Customer.objects.filter(pk=self.customer.pk).values_list(attribute.path, flat=True).first()
        return self._said(attribute, value)

    def _said(self, attribute: Attribute, value: Any) -> str:
        if value is None or value == "":
            return _("nobody") if attribute.id == "owner" else _("not known")
        if isinstance(value, bool):
            return _("yes") if value else _("no")
        if attribute.type in ("choice", "own_choice"):
            labels = self.speaker.labels(attribute.id, attribute.options)
            values = value if isinstance(value, list) else [value]
            return ", ".join(words.name(labels.get(str(one), one)) for one in values)
        return self._measured(attribute, value)

    def _measured(self, attribute: Attribute, value: Any) -> str:
        if attribute.type == "money":
            return format_money(value, self.currency)
        if attribute.type == "share":
            return words.percent(value)
        if attribute.type in ("days", "birthday"):
            return format_date(value.date() if hasattr(value, "date") else value)
        return words.decimal(value) if isinstance(value, int | float) else words.name(value)

    def _bought(self, leaf: Rule) -> str:
        receipts = self.compiler.receipts(leaf).filter(customer__in=family_of(self.customer.pk))
        value = receipts.aggregate(measured=self.compiler.measure(leaf))["measured"] or 0
        if leaf["measure"] == "amount":
            return format_money(value, self.currency)
        if leaf["measure"] == "quantity":
            return words.decimal(value)
        return ngettext("{n} time", "{n} times", value).format(n=words.count(value))

    def _consent(self, leaf: Rule) -> str:
        said = Consent.objects.filter(
            customer=self.customer, purpose=leaf["purpose"], channel__in=(leaf["channel"], Consent.Channel.ANY)
        )
        newest = said.order_by("-at", "-pk").first()
        if newest is None:
            return _("never asked")
        text = _("given on {day}") if newest.is_given else _("refused on {day}")
        return text.format(day=format_date(newest.at.astimezone(self.compiler.zone).date()))
