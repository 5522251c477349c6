"""The analyses of reasons, one after another: why customers leave, what they need, what it costs and brings."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Protocol, TypeVar

from regulars.analytics.assortment import Assortment, assortment
from regulars.analytics.baskets import BoughtTogether, bought_together
from regulars.analytics.demand import Demand, demand
from regulars.analytics.discounts import Discounts, discounts
from regulars.analytics.entry import Entry, entry
from regulars.analytics.exits import Exits, exits
from regulars.analytics.findings import Comparison, Finding, Found, Ground
from regulars.analytics.jobs import Jobs, jobs
from regulars.analytics.minimum_order import MinimumOrder, minimum_order
from regulars.analytics.needs import Needs, needs
from regulars.analytics.price_response import PriceResponse, price_response
from regulars.analytics.profile import Profile, profile
from regulars.analytics.pyramid import Pyramid, pyramid
from regulars.analytics.readable import Readable
from regulars.analytics.sequences import BoughtInSequence, bought_in_sequence
from regulars.analytics.service import Service, service
from regulars.analytics.slowing import Slowing, slowing
from regulars.analytics.trials import Trials, trials
from regulars.core.i18n import said as _

FoundT = TypeVar("FoundT", bound=Found)


class Attempt(Protocol):
    """Runs an analysis by name and label; None when the history cannot carry it."""

    def __call__(self, name: str, label: str, run: Callable[[], FoundT], /) -> FoundT | None: ...


@dataclass(frozen=True, repr=False)
class Reasons(Readable):
    """The result of each analysis; None where the history could not carry it."""

    entry: Entry | None = None
    exits: Exits | None = None
    service: Service | None = None
    needs: Needs | None = None
    bought_together: BoughtTogether | None = None
    bought_in_sequence: BoughtInSequence | None = None
    jobs: Jobs | None = None
    trials: Trials | None = None
    discounts: Discounts | None = None
    price_response: PriceResponse | None = None
    minimum_order: MinimumOrder | None = None
    assortment: Assortment | None = None
    slowing: Slowing | None = None
    demand: Demand | None = None
    profile: Profile | None = None
    pyramid: Pyramid | None = None

    def _found(self) -> Iterator[Found]:
        for each in fields(self):
            result = getattr(self, each.name)
            if result is not None:
                yield result

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings: most money first, those without a number last."""
        every = [finding for found in self._found() for finding in found.findings]
        return tuple(sorted(every, key=lambda one: (one.money is None, -one.money.value if one.money else 0.0, one.id)))

    @property
    def comparisons(self) -> tuple[Comparison, ...]:
        """How much was compared, analysis by analysis."""
        return tuple(comparison for found in self._found() for comparison in found.comparisons)


def find_reasons(ground: Ground, attempt: Attempt) -> Reasons:
    """Run every analysis of reasons; `attempt(name, label, run)` gives None when the history cannot carry one."""
    together = attempt("bought_together", _("Bought together"), lambda: bought_together(ground))
    in_sequence = attempt("bought_in_sequence", _("Bought in sequence"), lambda: bought_in_sequence(ground))
    return Reasons(
        entry=attempt("entry", _("What newcomers begin with"), lambda: entry(ground)),
        exits=attempt("exits", _("What regulars buy last"), lambda: exits(ground)),
        service=attempt("service", _("People and places"), lambda: service(ground)),
        needs=attempt("needs", _("What is needed next"), lambda: needs(ground)),
        bought_together=together,
        bought_in_sequence=in_sequence,
        jobs=attempt("jobs", _("Jobs to be done"), lambda: jobs(together, in_sequence)),
        trials=attempt("trials", _("Who may try something new"), lambda: trials(ground)),
        discounts=attempt("discounts", _("Habits of discounts"), lambda: discounts(ground)),
        price_response=attempt("price_response", _("Prices and offers"), lambda: price_response(ground)),
        minimum_order=attempt("minimum_order", _("Minimum order"), lambda: minimum_order(ground)),
        assortment=attempt("assortment", _("Assortment of the best"), lambda: assortment(ground)),
        slowing=attempt("slowing", _("Early warning"), lambda: slowing(ground)),
        demand=attempt("demand", _("Demand"), lambda: demand(ground)),
        profile=attempt("profile", _("Who the best customers are"), lambda: profile(ground)),
        pyramid=attempt("pyramid", _("Loyalty pyramid"), lambda: pyramid(ground)),
    )
