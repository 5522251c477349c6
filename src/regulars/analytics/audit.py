"""The audit: all analyses of one history at one day, as one frozen result."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import TypeVar

import ibis
import ibis.expr.types as ir

from regulars.analytics.attributes import Attributes
from regulars.analytics.base import Base, abc_of, base
from regulars.analytics.check import Check, Pillars, check, pillars
from regulars.analytics.cohorts import Cohorts, cohorts
from regulars.analytics.findings import Finding, Ground
from regulars.analytics.first_purchase import first_purchase
from regulars.analytics.lifecycle import STATES, Judge, Lifecycle, lifecycle
from regulars.analytics.lost import PARTS, LostLastYear, lost_last_year, no_loss_known
from regulars.analytics.ltv import Ltv, ltv
from regulars.analytics.models import Models, fit_models
from regulars.analytics.newcomers import Newcomers, newcomers
from regulars.analytics.opportunities import (
    OPPORTUNITIES,
    Budget,
    Opportunities,
    no_opportunity_known,
    opportunities,
)
from regulars.analytics.purchases import History, Reading
from regulars.analytics.pyramid import SEEN_IN_PURCHASES
from regulars.analytics.reasons import Reasons, find_reasons
from regulars.analytics.revenue_change import RevenueChange, revenue_change
from regulars.analytics.rfm import SEGMENTS, Rfm, rfm
from regulars.analytics.rhythm import Rhythm, rhythm
from regulars.analytics.rollup import Rollup, roll_up
from regulars.analytics.scores import UNIT_DAYS
from regulars.analytics.visit_period import VisitPeriod, visit_period
from regulars.analytics.window import business_window
from regulars.core.errors import NotEnoughData
from regulars.core.i18n import said as _
from regulars.core.progress import Progress, Silent

T = TypeVar("T")

FEWEST_FOR_MONEY = 100  # customers


@dataclass(frozen=True)
class Model:
    """A fitted customer model, for those who want to check it.

    `unit` is that of its times (week), or of its money (the currency).
    """

    name: str
    parameters: dict[str, float]
    standard_errors: dict[str, float]
    log_likelihood: float
    customers: int
    unit: str


@dataclass(frozen=True)
class Audit:
    """The audit of one purchase history.

    A result that the history could not carry is None, and `skipped` says why, by the field's name.
    `customers` has one row per known customer: everything the audit knows about them.
    """

    as_of: dt.date
    first_day: dt.date
    currency: str
    reading: Reading
    window_days: int
    base: Base
    customers: ir.Table
    rfm: Rfm
    lifecycle: Lifecycle
    opportunities: Opportunities
    lost_last_year: LostLastYear
    newcomers: Newcomers
    ltv: Ltv
    cohorts: Cohorts | None = None
    check: Check | None = None
    pillars: Pillars | None = None
    visit_period: VisitPeriod | None = None
    revenue_change: RevenueChange | None = None
    reasons: Reasons = field(default_factory=Reasons)
    models: dict[str, Model] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)

    def people(self, list_id: str) -> ir.Table:
        """The customers behind a number, most money first; ties by customer.

        `list_id` is `state:lost`, `lost:shrunken` (or `lost:any`), `rfm:champions`,
        `newcomers:never_returned`, `opportunity:win_back_lost`, `abc:A`, `pyramid:prefers`, or the id of a
        finding after `finding:`. `KeyError` for another.
        """
        if list_id.startswith("finding:"):
            return self._people_of(list_id.removeprefix("finding:"))
        column, value, money = _list_of(list_id, tuple(item.id for item in self.opportunities.items))
        rows = self.customers
        chosen = rows.filter(rows[column].notnull() if value is None else rows[column] == value)
        return chosen.order_by([chosen[money].desc(), chosen.customer_id])

    def _people_of(self, finding_id: str) -> ir.Table:
        people = next((one.people for one in self.reasons.findings if one.id == finding_id), None)
        if people is None:
            raise KeyError(finding_id)
        chosen = self.customers.inner_join(people.select("customer_id", found_amount="amount"), "customer_id")
        return chosen.order_by([chosen.found_amount.desc(), chosen.customer_id])

    def __repr__(self) -> str:
        states = ", ".join(f"{name} {state.customers:,}" for name, state in self.lifecycle.states.items())
        return (
            f"Audit of {self.base.customers:,} customers from {self.first_day} to {self.as_of}, {self.currency}\n"
            f"  states: {states}\n"
            f"  analyses left out: {', '.join(self.skipped) or 'none'}"
        )


def _list_of(list_id: str, opportunity_ids: tuple[str, ...]) -> tuple[str, str | bool | None, str]:
    """The column, its value (None: any) and the money that ranks a list of people."""
    kind, _colon, value = list_id.partition(":")
    lists: dict[str, tuple[str, tuple[str, ...], str]] = {
        "state": ("state", STATES, "amount"),
        "lost": ("lost_kind", (*PARTS, "any"), "missed_amount"),
        "rfm": ("rfm_segment", SEGMENTS, "amount"),
        "newcomers": ("never_returned", ("never_returned",), "amount"),
        "opportunity": ("opportunity", (*OPPORTUNITIES, *opportunity_ids), "opportunity_amount"),
        "abc": ("abc", ("A", "B", "C"), "amount"),
        "pyramid": ("loyalty_stage", SEEN_IN_PURCHASES, "amount"),
    }
    if kind not in lists or value not in lists[kind][1]:
        raise KeyError(list_id)
    column, _values, money = lists[kind]
    if kind == "newcomers":
        return column, True, money
    return column, None if value == "any" else value, money


def audit(
    history: History,
    *,
    as_of: dt.date,
    margin_share: float | None = None,
    budget: Budget | None = None,
    attributes: Attributes | ir.Table | None = None,
    progress: Progress | None = None,
) -> Audit:
    """Run every analysis that the history can carry, as seen at the end of the day `as_of`.

    `margin_share` (0..1) stands in where the lines carry no cost; `budget` is for contacting customers. `attributes` is
    what else is known of the customers: a table with `customer_id` and any other columns. Raises `NotEnoughData` when
    no customer has bought anything by then; an analysis that lacks data is left out and explained in `skipped`.
    """
    work = _Work(progress or Silent())
    rollup = work.step(_("Receipts, visits, customers"), lambda: roll_up(history, as_of=as_of))
    window_days = business_window(rollup)
    summary = work.step(_("The base"), lambda: base(rollup, window_days=window_days, margin_share=margin_share))
    models = work.step(_("Customer models"), lambda: fit_models(rollup))
    states, judge = work.step(
        _("Who is leaving: back-test"), lambda: lifecycle(rollup, models.counted, window_days=window_days)
    )
    given = Attributes.of_table(attributes) if isinstance(attributes, ir.Table) else attributes
    return _Chapters(work, rollup, window_days, summary, models, states, judge, budget, given).audit()


class _Work:
    """Counts the steps, tells the listener, and keeps the reasons of what was left out."""

    STEPS = 14 + len(fields(Reasons))

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.done = 0
        self.skipped: dict[str, str] = {}

    def step(self, label: str, run: Callable[[], T]) -> T:
        self.progress.step(label, self.done, self.STEPS)
        self.done += 1
        return run()

    def attempt(self, name: str, label: str, run: Callable[[], T]) -> T | None:
        try:
            return self.step(label, run)
        except NotEnoughData as refusal:
            self.skipped[name] = str(refusal)
            return None


@dataclass(frozen=True)
class _Chapters:
    """Everything that follows once it is known who is who."""

    work: _Work
    rollup: Rollup
    window_days: int
    base: Base
    models: Models
    lifecycle: Lifecycle
    judge: Judge
    budget: Budget | None
    attributes: Attributes | None

    def audit(self) -> Audit:
        work, rollup = self.work, self.rollup
        own = rhythm(rollup, self.models)
        scores = work.step("RFM", lambda: rfm(rollup))
        periods = work.attempt("visit_period", _("Visit period"), lambda: visit_period(rollup, scores.customers))
        lost = work.step(_("Lost last year"), lambda: self._lost(own))
        fresh = work.step(_("Newcomers"), lambda: newcomers(rollup, window_days=self.window_days))
        first = first_purchase(rollup)
        first = first.cache() if first is not None else None
        value = work.step(_("Customer value"), lambda: self._ltv(own, scores, first))
        reasons = find_reasons(self._ground(own, value), work.attempt)
        chances = work.step(_("Opportunities"), lambda: self._opportunities(own, reasons))
        return Audit(
            as_of=rollup.as_of,
            first_day=rollup.first_day,
            currency=rollup.history.currency,
            reading=rollup.history.reading,
            window_days=self.window_days,
            base=self.base,
            customers=self._customers(
                scores=scores,
                periods=periods,
                lost=lost,
                fresh=fresh,
                value=value,
                chances=chances,
                first=first,
                reasons=reasons,
            ).cache(),
            rfm=scores,
            lifecycle=self.lifecycle,
            opportunities=chances,
            lost_last_year=lost,
            newcomers=fresh,
            ltv=value,
            visit_period=periods,
            cohorts=work.attempt("cohorts", _("Cohorts"), lambda: cohorts(rollup, self.lifecycle.customers)),
            check=work.attempt("check", _("Average check"), lambda: check(rollup)),
            pillars=work.attempt("pillars", _("Frequency, breadth, check"), lambda: pillars(rollup)),
            revenue_change=work.attempt("revenue_change", _("Why revenue changed"), lambda: revenue_change(rollup)),
            reasons=reasons,
            models=self._models(),
            skipped=self._reasons(),
        )

    def _ground(self, own: Rhythm, value: Ltv) -> Ground:
        expected = value.customers
        if "expected_value_12" not in expected.columns:
            expected = expected.mutate(expected_value_12=ibis.null("int64"))
        return Ground(
            rollup=self.rollup,
            window_days=self.window_days,
            lifecycle=self.lifecycle,
            rhythm=own,
            values=expected.select("customer_id", "expected_value_12"),
            margin_share=self.base.margin_share,
            attributes=self.attributes,
        )

    def _too_few(self) -> str | None:
        """Why no money of the future or of the missed past can be named: a few people say little about rates."""
        if self.base.customers >= FEWEST_FOR_MONEY:
            return None
        return _("Money that did not come can be estimated from {need} customers on; there are {count}.").format(
            need=FEWEST_FOR_MONEY, count=self.base.customers
        )

    def _lost(self, own: Rhythm) -> LostLastYear:
        if reason := self._too_few():
            return no_loss_known(self.rollup, reason)
        return lost_last_year(
            self.rollup, self.lifecycle.customers, self.judge, own, margin_share=self.base.margin_share
        )

    def _ltv(self, own: Rhythm, scores: Rfm, first: ir.Table | None) -> Ltv:
        profile = _join(self.lifecycle.customers.select("customer_id", "state"), scores.customers, "rfm_segment")
        if first is not None:
            profile = _join(profile, first, *[name for name in first.columns if name != "customer_id"])
        race = self.judge.chance_of
        return ltv(
            self.rollup,
            self.models,
            own,
            profile,
            window_days=self.window_days,
            pasts=race.pasts if race else (),
            margin_share=self.base.margin_share,
        )

    def _opportunities(self, own: Rhythm, reasons: Reasons) -> Opportunities:
        if reason := self._too_few():
            return no_opportunity_known(reason)
        return opportunities(
            self.rollup,
            self.lifecycle.customers,
            own,
            findings=reasons.findings,
            margin_share=self.base.margin_share,
            budget=self.budget,
        )

    def _reasons(self) -> dict[str, str]:
        reasons = dict(self.work.skipped)
        if self.lifecycle.reason:
            reasons["backtest"] = self.lifecycle.reason
        if reason := self._too_few():
            reasons |= {"lost_last_year": reason, "opportunities": reason}
        return reasons | {f"model:{name}": reason for name, reason in self.models.reasons.items()}

    def _models(self) -> dict[str, Model]:
        units = ((self.models.visits, unit_name(UNIT_DAYS)), (self.models.value, self.rollup.history.currency))
        return {
            fit.name: Model(fit.name, fit.parameters, fit.standard_errors, fit.log_likelihood, fit.customers, unit)
            for fit, unit in units
            if fit is not None
        }

    def _customers(
        self,
        *,
        scores: Rfm,
        periods: VisitPeriod | None,
        lost: LostLastYear,
        fresh: Newcomers,
        value: Ltv,
        chances: Opportunities,
        first: ir.Table | None,
        reasons: Reasons,
    ) -> ir.Table:
        rows = self.rollup.customers.drop("customer_no", "sum_log_gaps", "last_purchase_age_days")
        rows = rows.mutate(mean_check=(rows.amount / rows.receipts).round().cast("int64"))
        rows = _join(rows, abc_of(self.rollup.customers), "abc")
        rows = _join(rows, self.lifecycle.customers, "state", "return_chance", "standing")
        rows = _join(rows, scores.customers, "r", "f", "m", "rfm_segment")
        if periods is not None:
            rows = _join(rows, periods.customers_table, "visit_period_days")
        rows = _join(rows, value.customers, *[name for name in value.customers.columns if name != "customer_id"])
        rows = _join(rows, lost.people, "lost_kind", "missed_amount")
        never = fresh.people.select("customer_id", never_returned=ibis.literal(True))
        rows = _join(rows, never, "never_returned")
        rows = rows.mutate(never_returned=rows.never_returned.fill_null(False))
        rows = _join(rows, chances.people, *[name for name in chances.people.columns if name != "customer_id"])
        if first is not None:
            rows = _join(rows, first, *[name for name in first.columns if name != "customer_id"])
        if reasons.pyramid is not None:
            rows = _join(rows, reasons.pyramid.people, "loyalty_stage")
        if reasons.profile is not None and reasons.profile.alike is not None:
            rows = _join(rows, reasons.profile.alike.scores, "look_alike")
        rows = _join(rows, _findings_of_each(reasons.findings), "findings")
        return rows.mutate(currency=ibis.literal(self.rollup.history.currency))


def _findings_of_each(findings: tuple[Finding, ...]) -> ir.Table:
    """`customer_id` and the sorted ids of the findings about that customer."""
    lists = [
        one.people.select("customer_id", finding=ibis.literal(one.id)) for one in findings if one.people is not None
    ]
    if not lists:
        return ibis.memtable([], schema={"customer_id": "string", "findings": "array<string>"})
    pairs = ibis.union(*lists) if len(lists) > 1 else lists[0]
    return pairs.group_by("customer_id").aggregate(findings=pairs.finding.collect().sort())


def unit_name(days: float) -> str:
    """The name of a unit of time of so many days."""
    return {1.0: "day", 7.0: "week"}.get(days, f"{days:g} days")


def _join(rows: ir.Table, other: ir.Table, *columns: str) -> ir.Table:
    """`rows` with columns of `other` beside; null where `other` has no such customer."""
    joined = rows.left_join(other.select("customer_id", *columns), "customer_id")
    return joined.drop("customer_id_right")
