"""The analyses of reasons, one after another: why customers leave, what they need, what it costs and brings."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Protocol, TypeVar

from regulars.analytics.demand import Demand, demand
from regulars.analytics.findings import Comparison, Finding, Found, Ground
from regulars.analytics.profile import Profile, profile
from regulars.analytics.pyramid import Pyramid, pyramid
from regulars.analytics.readable import Readable
from regulars.core.i18n import gettext as _

F = TypeVar("F", bound=Found)


class Attempt(Protocol):
    """Runs one analysis."""

    def __call__(self, name: str, label: str, run: Callable[[], F], /) -> F | None:
        """Its result; None when the history cannot carry it."""


@dataclass(frozen=True, repr=False)
class Reasons(Readable):
    """The result of each analysis; None where the history could not carry it."""

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
    return Reasons(
        demand=attempt("demand", _("Demand"), lambda: demand(ground)),
        profile=attempt("profile", _("Who the best customers are"), lambda: profile(ground)),
        pyramid=attempt("pyramid", _("Loyalty pyramid"), lambda: pyramid(ground)),
    )
