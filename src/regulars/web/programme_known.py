"""What the rules of the programme may name: goods, stores, segments and whatever else the business has."""

from collections.abc import Callable, Iterable, Sequence
from functools import cache, partial

from regulars.core.i18n import N_
from regulars.core.i18n import gettext as _
from regulars.customers.models import Field
from regulars.foundation.models import Business
from regulars.insights.models import Segment
from regulars.loyalty.codes import batches
from regulars.loyalty.models import Partner
from regulars.loyalty.privileges import names_of_privileges
from regulars.loyalty.programme.rules import RuleSet
from regulars.loyalty.programme.words import weekdays
from regulars.purchases.models import Product, Receipt, Store
from regulars.web.programme_condition_form import kind_of_answers
from regulars.web.programme_typed import Known, Options

_MOST = 500
_RECEIPTS = 2_000

_WORDS = {
    "for": (("members", N_("Members")), ("everybody", N_("Everybody, without a card, too"))),
    "period": (
        ("all", N_("Of all time")), ("year", N_("Of this year")), ("quarter", N_("Of this quarter")),
        ("month", N_("Of this month")), ("days", N_("Of the last days:")),
    ),
    "card": (
        ("plastic", N_("Of plastic")), ("virtual", N_("Without plastic")), ("paid", N_("Paid for")),
        ("corporate", N_("Of a company")),
    ),
    "as": (
        ("discount", N_("A discount: they lower the price")), ("payment", N_("A means of payment: the price stays")),
    ),
    "basis": (
        ("after_discounts", N_("What is left after discounts")), ("before_discounts", N_("The price before discounts")),
    ),
    "unknown_cost": (
        ("no_discount", N_("Are not discounted")), ("allow", N_("Are discounted freely")),
        ("at_most", N_("Are discounted by at most so much")),
    ),
    "choose": (
        ("best_for_customer", N_("The one that gives the customer most")), ("priority", N_("The first in order")),
    ),
    "percent_of": (("original", N_("The original price")), ("running", N_("What earlier discounts left"))),
    "thresholds": (("original", N_("Before discounts")), ("running", N_("After earlier discounts"))),
    "multipliers": (("greatest", N_("The greatest counts")), ("multiply", N_("They multiply one another"))),
    "limit_of": (
        ("member", N_("Of a card")), ("cashier", N_("Of a cashier")), ("till", N_("Of a till")),
        ("shop", N_("Of a shop")),
    ),
    "limit_per": (("day", N_("In a day")), ("hour", N_("In an hour"))),
    "limit_refuse": (("", N_("People are asked to look")), ("yes", N_("The receipt is not written"))),
    "floor": (("floor", N_("Least margin, %")), ("free", N_("Is not guarded"))),
    "volume_period": (("month", N_("A month")), ("quarter", N_("A quarter")), ("year", N_("A year"))),
    "reach": (("receipt", N_("One acts on a receipt")), ("line", N_("One acts on each line"))),
}  # fmt: skip


def known_of(rules: RuleSet) -> Known:
    """What forms over these rules offer. Each list is read when a form asks for it, once."""
    lists: dict[str, Callable[[], Options]] = {name: partial(_said, pairs) for name, pairs in _WORDS.items()}
    lists |= {
        "weekday": lambda: [(str(day), name) for day, name in enumerate(weekdays(), 1)],
        "group": lambda: [("", _("No group")), *((name, name) for name in rules.stacking.groups)],
        "tier": lambda: [(one.id, one.title or one.id) for one in rules.tiers.levels] if rules.tiers else [],
        "category": categories,
        "guarded": lambda: _same(sorted({*(one for one, _name in categories()), *_guarded(rules)})),
        "product": lambda: list(Product.objects.order_by("name").values_list("code", "name")[:_MOST]),
        "store": lambda: _same(Store.objects.order_by("name").values_list("name", flat=True)[:_MOST]),
        "channel": _channels,
        "partner": lambda: list(Partner.objects.order_by("name").values_list("slug", "name")),
        "segment": lambda: [
            (str(key), name) for key, name in Segment.objects.order_by("name").values_list("pk", "name")
        ],
        "privilege": lambda: _same(names_of_privileges()),
        "promo_code": lambda: _same(one.name for one in batches()),
        "question": lambda: list(Field.objects.filter(is_archived=False).values_list("slug", "title")),
    }
    lists |= {kind_of_answers(one.slug): _answers(one) for one in Field.objects.all()}
    return Known(
        Business.current().currency, {name: cache(read) for name, read in lists.items()}, _product, _product_names
    )


def _said(pairs: Iterable[tuple[str, str]]) -> Options:
    return [(value, _(text)) for value, text in pairs]


def _guarded(rules: RuleSet) -> Iterable[str]:
    # one that no goods are of any more keeps its margin
    return rules.guard.categories if rules.guard else ()


def categories() -> Options:
    """Categories of goods."""
    found = Product.objects.exclude(category="").order_by("category").values_list("category", flat=True).distinct()
    return _same(found[:_MOST])


def _same(names: Iterable[str]) -> Options:
    return [(one, one) for one in names]


def _channels() -> Options:
    # there may be millions of receipts; what is used is among the newest ones
    newest = Receipt.objects.order_by("-pk").values_list("channel", flat=True)[:_RECEIPTS]
    return _same(sorted({one for one in newest if one}))


def _answers(field: Field) -> Callable[[], Options]:
    if field.type == Field.Type.YES_NO:
        return lambda: [("True", _("yes")), ("False", _("no"))]
    return lambda: _same(field.choices)


def _product(typed: str) -> str:
    """The code of the product of this code or whole name; empty when there is none, or several of the name."""
    if Product.objects.filter(code=typed).exists():
        return typed
    found = list(Product.objects.filter(name__iexact=typed).values_list("code", flat=True)[:2])
    return found[0] if len(found) == 1 else ""


def _product_names(codes: Sequence[str]) -> dict[str, str]:
    return dict(Product.objects.filter(code__in=codes).values_list("code", "name"))
