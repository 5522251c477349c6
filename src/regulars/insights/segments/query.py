"""A rule as one query with parameters. Nothing of a rule's text ever becomes SQL."""

import datetime as dt
from typing import Any

from django.db.models import (
    BooleanField,
    Count,
    Exists,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
)
from django.db.models.functions import Coalesce
from django.utils import timezone

from regulars.core.money import minor_digits
from regulars.customers.models import Consent, Customer
from regulars.customers.models.customer import CustomerSet
from regulars.foundation.models import Business
from regulars.insights.merged import anybody_was_merged, of_family, with_parts
from regulars.insights.segments.attributes import Attribute, attributes
from regulars.insights.segments.rule import Rule, conditions
from regulars.purchases.models import Product, Receipt

Moment = dt.datetime


def customers_of(rule: Rule, *, one_by_one: bool = False) -> CustomerSet:
    """Who fits the rule now. The rule must have been checked.

    `one_by_one` looks purchases up customer by customer: quick when few customers are asked about, slow for all.
    """
    compiler = Compiler(one_by_one=one_by_one)
    people: CustomerSet = Customer.objects.whole()
    # what is left of such a rule may be the whole base: nobody is safer
    return people.filter(compiler.group(rule)) if compiler.knows(rule) else people.none()


class Compiler:
    """Knows the day and the money of the business while a rule is compiled."""

    def __init__(self, *, one_by_one: bool = False) -> None:
        self.one_by_one = one_by_one
        business = Business.objects.first()
        self.zone: dt.tzinfo = business.zone if business else dt.UTC
        self.today = timezone.now().astimezone(self.zone).date()
        self.unit = 10 ** minor_digits(business.currency if business else "USD")
        self.known = attributes()
        self.has_merged = anybody_was_merged()

    def knows(self, rule: Rule) -> bool:
        """Whether everything that the rule speaks of is still there, and of the same type."""
        return all(
            leaf["what"] in self.known and leaf["how"] in self.known[leaf["what"]].hows for leaf in conditions(rule)
        )

    def group(self, rule: Rule) -> Q:
        """All or any of the items."""
        items = [self.group(item) if "items" in item else self.condition(item) for item in rule["items"]]
        found = Q()
        for item in items:
            found = found & item if rule["join"] == "all" else found | item
        return ~found if rule["not"] else found

    def condition(self, leaf: Rule) -> Q:
        """One condition. A field that was archived since fits nobody."""
        attribute = self.known.get(leaf["what"])
        if attribute is None:
            return Q(pk__in=[])
        if attribute.find is not None:
            return attribute.find(leaf, midnight=self._start, one_by_one=self.one_by_one)
        by_type = {
            "choice": self._choice,
            "own_choice": self._own_choice,
            "days": self._days,
            "own_date": self._own_date,
            "birthday": self._birthday,
            "text": self._text,
            "consent": self._consent,
            "bought": self._bought,
            "yes_no": self._yes_no,
        }
        return by_type.get(attribute.type, self._amount)(attribute, leaf)

    @staticmethod
    def _yes_no(attribute: Attribute, leaf: Rule) -> Q:
        return Q(**{attribute.path: leaf["how"] == "yes"})

    def _choice(self, attribute: Attribute, leaf: Rule) -> Q:
        if attribute.id == "tag":
            tagged = Customer.tags.through.objects.filter(customer=OuterRef("pk"), tag__name__in=leaf["value"])
            found = Q(Exists(tagged))
        elif attribute.id == "owner":
            keys = [int(value) for value in leaf["value"] if value != "nobody"]
            found = Q(owner__in=keys)
            if "nobody" in leaf["value"]:
                found |= Q(owner=None)
        else:
            found = Q(**{f"{attribute.path}__in": leaf["value"]})
        return found if leaf["how"] == "in" else ~found

    @staticmethod
    def _own_choice(attribute: Attribute, leaf: Rule) -> Q:
        found = Q()
        for value in leaf["value"]:
            # one of several is a text, some of several a list of texts
            found |= Q(**{attribute.path: value}) | Q(**{f"{attribute.path}__contains": [value]})
        return found if leaf["how"] == "in" else ~found

    def _amount(self, attribute: Attribute, leaf: Rule) -> Q:
        value = leaf["value"]
        if attribute.type == "money":
            value = round(value * self.unit)
        elif attribute.type == "share":
            value = value / 100
        return Q(**{f"{attribute.path}__{'gte' if leaf['how'] == 'at_least' else 'lte'}": value})

    def _since(self, days: int) -> dt.date:
        return max(self.today - dt.timedelta(days=days), dt.date(1900, 1, 1))

    def _start(self, days: int) -> Moment:
        return dt.datetime.combine(self._since(days), dt.time(), self.zone)

    def _days(self, attribute: Attribute, leaf: Rule) -> Q:
        since = self._start(leaf["value"]) if attribute.path == "created_at" else self._since(leaf["value"])
        return Q(**{f"{attribute.path}__{'gte' if leaf['how'] == 'within' else 'lt'}": since})

    def _own_date(self, attribute: Attribute, leaf: Rule) -> Q:
        since = self._since(leaf["value"]).isoformat()
        return Q(**{f"{attribute.path}__{'gte' if leaf['how'] == 'within' else 'lt'}": since})

    def _birthday(self, _attribute: Attribute, leaf: Rule) -> Q:
        if leaf["value"] >= 365:
            return Q(birth_date__isnull=False)
        days = [self.today + dt.timedelta(days=number) for number in range(leaf["value"] + 1)]
        months: dict[int, set[int]] = {}
        for day in days:
            months.setdefault(day.month, set()).add(day.day)
            if (day.month, day.day) == (3, 1) and not _is_leap(day.year):
                months.setdefault(2, set()).add(29)
        found = Q()
        for month, numbers in months.items():
            found |= Q(birth_date__month=month, birth_date__day__in=sorted(numbers))
        return found

    @staticmethod
    def _text(attribute: Attribute, leaf: Rule) -> Q:
        empty = Q(**{attribute.path: ""}) | Q(**{f"{attribute.path}__isnull": True})
        simple = {"filled": ~empty, "empty": empty}
        if leaf["how"] in simple:
            return simple[leaf["how"]]
        return Q(**{f"{attribute.path}__{'iexact' if leaf['how'] == 'is' else 'icontains'}": leaf["value"]})

    @staticmethod
    def _consent(_attribute: Attribute, leaf: Rule) -> Q:
        said = Consent.objects.filter(
            customer=OuterRef("pk"), purpose=leaf["purpose"], channel__in=(leaf["channel"], Consent.Channel.ANY)
        ).order_by("-at", "-pk")
        agreed = Coalesce(Subquery(said.values("is_given")[:1]), Value(False), output_field=BooleanField())
        return Q(agreed) if leaf["how"] == "given" else ~Q(agreed)

    def _bought(self, _attribute: Attribute, leaf: Rule) -> Q:
        own = self._bought_by(Q(customer=OuterRef("pk")), leaf, one_by_one=self.one_by_one)
        if not self.has_merged:
            return own
        family = self._bought_by(Q(of_family("customer_id")), leaf, one_by_one=True)
        return (~Q(pk__in=with_parts()) & own) | (Q(pk__in=with_parts()) & family)

    def _bought_by(self, his: Q, leaf: Rule, *, one_by_one: bool) -> Q:
        least = leaf["value"] if leaf["how"] == "at_least" else leaf["value"] + (1 if self._is_whole(leaf) else 0)
        if leaf["how"] == "at_least":
            return self._bought_least(his, leaf, least, one_by_one=one_by_one)
        # one look-up per customer: a list of all who did is too long to be left out at once
        return ~Q(Exists(self._more(self._as_one(leaf, his), leaf, least)))

    def _bought_least(self, his: Q, leaf: Rule, least: float, *, one_by_one: bool) -> Q:
        if leaf["measure"] == "receipts" and least <= 1:
            return Q(Exists(self.receipts(leaf).filter(his)))
        if one_by_one:
            return Q(Exists(self._more(self._as_one(leaf, his), leaf, least)))
        known = self.receipts(leaf).filter(customer__isnull=False)
        return Q(pk__in=self._more(known.order_by().values("customer"), leaf, least).values("customer"))

    def _as_one(self, leaf: Rule, his: Q) -> "QuerySet[Any, Any]":
        """His receipts as one group, also where several rows are one person now."""
        return self.receipts(leaf).filter(his).order_by().annotate(all_of_them=Value(1)).values("all_of_them")

    @staticmethod
    def _is_whole(leaf: Rule) -> bool:
        return bool(leaf["measure"] == "receipts")

    def _more(self, groups: "QuerySet[Any, Any]", leaf: Rule, least: float) -> "QuerySet[Any, Any]":
        value = round(least * self.unit) if leaf["measure"] == "amount" else least
        strictly = leaf["how"] == "at_most" and leaf["measure"] != "receipts"
        measured: QuerySet[Any, Any] = groups.annotate(measured=self.measure(leaf))
        return measured.filter(**{f"measured__{'gt' if strictly else 'gte'}": value})

    def receipts(self, leaf: Rule) -> "QuerySet[Receipt]":
        """The receipts that a condition on purchases is about."""
        found = Receipt.objects.all()
        if "days" in leaf:
            found = found.filter(purchased_at__gte=self._start(leaf["days"]))
        which = str(leaf.get("which", ""))
        if leaf["of"] == "product":
            found = found.filter(lines__product__in=Product.objects.filter(name__icontains=which))
        elif leaf["of"] == "category":
            found = found.filter(lines__product__in=Product.objects.filter(category=which))
        elif leaf["of"] == "store":
            found = found.filter(store=int(which))
        return found

    @staticmethod
    def measure(leaf: Rule) -> Any:
        """What is summed up of these receipts."""
        by_line = leaf["of"] in ("product", "category")
        if leaf["measure"] == "amount":
            return Sum("lines__amount" if by_line else "amount")
        if leaf["measure"] == "quantity":
            return Sum("lines__quantity")
        return Count("pk", distinct=True)


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
