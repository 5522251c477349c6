"""What a rule of a segment may speak of."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

from django.db.models import Q

from regulars.analytics.lifecycle import STATES
from regulars.analytics.opportunities import OPPORTUNITIES
from regulars.analytics.pyramid import SEEN_IN_PURCHASES
from regulars.analytics.rfm import SEGMENTS
from regulars.core.i18n import N_, current_language
from regulars.core.i18n import gettext as _
from regulars.customers.models import Consent, Field, Purpose, Tag
from regulars.customers.models.customer import Kind
from regulars.customers.selectors.owners import owner_choices
from regulars.insights.results import index_of
from regulars.insights.selectors.runs import newest_run
from regulars.purchases.models import Product, Store
from regulars.report import names, words

Options = list[tuple[str, str]]  # value, what a person reads

MOST_OPTIONS = 500

# what may be said of each type, the usual first
HOWS = {
    "choice": ("in", "not_in"),
    "number": ("at_least", "at_most"),
    "money": ("at_least", "at_most"),
    "share": ("at_least", "at_most"),
    "days": ("within", "before"),
    "birthday": ("within",),
    "text": ("is", "contains", "filled", "empty"),
    "own_choice": ("in", "not_in"),
    "own_number": ("at_least", "at_most"),
    "own_date": ("within", "before"),
    "yes_no": ("yes", "no"),
    "consent": ("given", "not_given"),
    "bought": ("at_least", "at_most"),
    "within": ("at_least",),
}
MEASURES = ("receipts", "amount", "quantity")
THINGS = ("anything", "product", "category", "store")


class Finder(Protocol):
    """Finds whom a condition of another package is about.

    `midnight` is the beginning of the day so many days ago by the clock of the business; `one_by_one` is told when few
    customers are asked about.
    """

    def __call__(self, leaf: dict[str, Any], *, midnight: Callable[[int], dt.datetime], one_by_one: bool) -> Q:
        """What a customer must fulfil."""


@dataclass(frozen=True)
class Attribute:
    """One thing that a condition can be about; `path` is where the database keeps it.

    What another package keeps is found by `find`, told of one customer by `fact`, and said by `say` where the words of
    its type do not fit.
    """

    id: str
    title: str
    group: str
    type: str
    path: str = ""
    options: Callable[[], Options] = list
    find: Finder | None = None
    fact: Callable[[int], str] | None = None
    say: Callable[[dict[str, Any]], str] | None = None

    @property
    def hows(self) -> tuple[str, ...]:
        """What may be said of it."""
        return HOWS[self.type]


def attributes() -> dict[str, Attribute]:
    """All of them in the language of the reader, those of the business's own fields included."""
    found = [replace(one, title=_(one.title), group=_(one.group)) for one in (*_BUILT_IN, *_REGISTERED)]
    own = [_own(field) for field in Field.objects.filter(is_archived=False)[:100]]
    return {one.id: one for one in (*found, *own)}


_REGISTERED: list[Attribute] = []


def register(*made: Attribute) -> None:
    """Called once, when the application is ready: what packages beside this one know of customers' purchases."""
    _REGISTERED.extend(made)


def tells_of_purchases(what: str) -> bool:
    """Whether this is to be known to those alone who may see purchases."""
    return what in _OF_PURCHASES or any(one.id == what for one in _REGISTERED)


def _own(field: Field) -> Attribute:
    types = {
        "text": "text",
        "number": "own_number",
        "date": "own_date",
        "yes_no": "yes_no",
        "choice": "own_choice",
        "choices": "own_choice",
    }
    choices = [(str(choice), str(choice)) for choice in field.choices]
    path = f"own_fields__{field.slug}"
    return Attribute(f"own:{field.slug}", field.title, _("Own fields"), types[field.type], path, lambda: choices)


def _kinds() -> Options:
    return [(kind.value, _(str(kind.label))) for kind in Kind]


def _sexes() -> Options:
    return [("f", _("Woman")), ("m", _("Man"))]


def _tags() -> Options:
    return [(name, name) for name in Tag.objects.order_by("name").values_list("name", flat=True)[:MOST_OPTIONS]]


def _owners() -> Options:
    return [("nobody", _("nobody")), *owner_choices(MOST_OPTIONS)]


def _opportunities() -> Options:
    found = {key: names.opportunity(key) for key in OPPORTUNITIES}
    if (run := newest_run()) is not None:
        lists = index_of(run, current_language()).lists
        found |= {key.partition(":")[2]: words.title for key, words in lists.items() if key.startswith("opportunity:")}
    return list(found.items())


def categories() -> Options:
    """Categories of products."""
    rows = Product.objects.exclude(category="").order_by("category").values_list("category", flat=True).distinct()
    return [(name, words.name(name)) for name in rows[:MOST_OPTIONS]]


def stores() -> Options:
    """Stores."""
    return [(str(pk), name) for pk, name in Store.objects.order_by("name").values_list("pk", "name")[:MOST_OPTIONS]]


def purposes() -> Options:
    """What consent is asked for."""
    newest = Purpose.objects.order_by("slug", "-version").distinct("slug")
    return [(one.slug, one.title) for one in newest[:MOST_OPTIONS]]


def channels() -> Options:
    """By which way."""
    return [(channel.value, _(str(channel.label))) for channel in Consent.Channel if channel != Consent.Channel.ANY]


_WHO, _BUYS, _AUDIT, _MAY = N_("Who it is"), N_("Purchases"), N_("What the audit says"), N_("Consent")

_BUILT_IN = (
    Attribute("state", N_("state"), _AUDIT, "choice", "score__state", lambda: [(i, names.state(i)) for i in STATES]),
    Attribute(
        "rfm",
        N_("RFM segment"),
        _AUDIT,
        "choice",
        "score__rfm_segment",
        lambda: [(i, names.segment(i)) for i in SEGMENTS],
    ),
    Attribute("abc", N_("class by money"), _AUDIT, "choice", "score__abc", lambda: [(i, i) for i in "ABC"]),
    Attribute(
        "stage",
        N_("stage of loyalty"),
        _AUDIT,
        "choice",
        "score__loyalty_stage",
        lambda: [(i, names.loyalty_stage(i)) for i in SEEN_IN_PURCHASES],
    ),
    Attribute("opportunity", N_("best thing to do"), _AUDIT, "choice", "score__opportunity", _opportunities),
    Attribute("value", N_("value expected in 12 months"), _AUDIT, "money", "score__expected_value_12"),
    Attribute("return_chance", N_("chance to return"), _AUDIT, "share", "score__return_chance"),
    Attribute("bought", N_("purchases of something"), _BUYS, "bought"),
    Attribute("last_on", N_("last visit"), _BUYS, "days", "score__last_on"),
    Attribute("first_on", N_("first visit"), _BUYS, "days", "score__first_on"),
    Attribute("visits", N_("number of visits"), _BUYS, "number", "score__visits"),
    Attribute("amount", N_("sum of all purchases"), _BUYS, "money", "score__amount"),
    Attribute("amount_year", N_("sum of purchases in the year"), _BUYS, "money", "score__amount_year"),
    Attribute("mean_check", N_("mean check"), _BUYS, "money", "score__mean_check"),
    Attribute("kind", N_("kind of customer"), _WHO, "choice", "kind", _kinds),
    Attribute("sex", N_("sex"), _WHO, "choice", "sex", _sexes),
    Attribute("birthday", N_("birthday"), _WHO, "birthday", "birth_date"),
    Attribute("tag", N_("tag"), _WHO, "choice", "tags", _tags),
    Attribute("owner", N_("manager"), _WHO, "choice", "owner", _owners),
    Attribute("source", N_("source"), _WHO, "text", "source"),
    Attribute("created", N_("entry into the base"), _WHO, "days", "created_at"),
    Attribute("consent", N_("consent"), _MAY, "consent"),
)
_OF_PURCHASES = frozenset(one.id for one in _BUILT_IN if one.group in (_BUYS, _AUDIT))
