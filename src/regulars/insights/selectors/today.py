"""What the newest audit suggests: whom to contact, with what, and why; and what it says of one customer."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from regulars.accounts.models import User
from regulars.accounts.rights import Right
from regulars.core.i18n import current_language, format_date
from regulars.core.i18n import gettext as _
from regulars.core.money import format_money
from regulars.customers.models import Customer
from regulars.customers.next_steps import Step
from regulars.customers.selectors.consents import is_left_in_peace, left_in_peace, today
from regulars.foundation.models import Business
from regulars.insights.columns import next_visit
from regulars.insights.models import AuditRun, Score
from regulars.insights.results import index_of
from regulars.insights.selectors.runs import newest_run
from regulars.report import names, words

_BEFORE_TIDYING = 30  # what somebody waits for goes first, what merely completes the card after


@dataclass(frozen=True)
class Suggestion:
    """One customer to contact: with what, why, and the money that it may bring (minor units)."""

    customer: Customer
    title: str
    why: str
    gain: int


def titles() -> dict[str, str]:
    """What the lists of the newest audit are called, by id, in the language of the reader."""
    run = newest_run()
    return {} if run is None else {key: one.title for key, one in index_of(run, current_language()).lists.items()}


def what_to_do(user: User, *, most: int = 10) -> list[Suggestion]:
    """The customers with most at stake among those whom this user sees; those left in peace are left out."""
    people = Customer.objects.whole().seen_by(user)
    chosen = (
        people.filter(score__opportunity_amount__gt=0)
        .exclude(score__opportunity="")
        .exclude(left_in_peace(today()))
        .select_related("score", "owner")
        .order_by("-score__opportunity_amount", "-score__customer_id")[:most]
    )
    called = titles()
    return [
        Suggestion(one, _title(one.score, called), why_now(one.score), one.score.opportunity_amount or 0)
        for one in chosen
    ]


def _title(score: Score, called: Mapping[str, str]) -> str:
    return called.get(f"opportunity:{score.opportunity}") or names.opportunity(score.opportunity)


def why_now(score: Score) -> str:
    """The fact behind it, in a few words."""
    if score.last_on is None:
        return ""
    if score.visits == 1:
        return _("Came once, on {day}").format(day=format_date(score.last_on))
    if score.state in ("slipping", "lost") and score.visit_period_days:
        return _("Came every {usual}, silent since {day}").format(
            usual=words.days(max(1, score.visit_period_days)), day=format_date(score.last_on)
        )
    return _("Last visit on {day}").format(day=format_date(score.last_on))


def suggest(customer: Customer, user: User, day: dt.date) -> Sequence[Step]:
    """The best thing to do with a customer by the audit, for his card; nothing while he is left in peace."""
    if not user.may(Right.SEE_PURCHASES) or is_left_in_peace(customer, day):
        return []
    score = Score.objects.filter(customer=customer, opportunity_amount__gt=0).exclude(opportunity="").first()
    if score is None:
        return []
    business = Business.objects.first()
    gain = format_money(score.opportunity_amount or 0, business.currency if business else "USD")
    fact = why_now(score).rstrip(".")  # a Russian date ends with one
    why = [f"{fact}."] if fact else []
    why.append(_("It may bring {money} in a year.").format(money=gain))
    return [Step(_BEFORE_TIDYING, _title(score, titles()), " ".join(why), "#contacts")]


@dataclass(frozen=True)
class Need:
    """A product that he will need next: when by his own rhythm, how likely, and what he usually pays for it."""

    product: str
    due_on: dt.date
    chance: float
    amount: int

    @classmethod
    def of(cls, written: Sequence[Any]) -> "Need":
        """As the scores keep it."""
        product, due_on, chance, amount = written
        return cls(str(product), dt.date.fromisoformat(due_on), chance / 100, amount)


@dataclass(frozen=True)
class Said:
    """What the audit says of one customer, in words; None and empty where it says nothing."""

    as_of: dt.date | None

    state: str
    state_id: str
    meaning: str
    segment: str
    stage: str
    amount: int
    visits: int
    value: int | None  # expected in 12 months, minor units
    missed: int | None
    value_why: str  # why no money is expected
    next_on: dt.date | None
    next_why: str  # why no visit is expected
    needs: tuple[Need, ...]
    needs_why: str  # why nothing is foretold
    opportunity: str
    gain: int | None
    advice: tuple[str, ...]  # of the findings that he is one of


def score_of(customer: Customer) -> Said | None:
    """What the newest audit says of this customer; None when it does not know him."""
    score = Score.objects.filter(customer=customer).first()
    if score is None:
        return None
    run = newest_run()
    lists = {} if run is None else index_of(run, current_language()).lists
    found = [lists[f"finding:{one}"] for one in score.findings if f"finding:{one}" in lists]
    needs = tuple(Need.of(one) for one in score.needs)
    return Said(
        as_of=None if run is None else run.as_of,
        state=names.state(score.state),
        state_id=score.state,
        meaning=names.state_meaning(score.state),
        segment=names.segment(score.rfm_segment) if score.rfm_segment else "",
        stage=names.loyalty_stage(score.loyalty_stage) if score.loyalty_stage else "",
        amount=score.amount,
        visits=score.visits,
        value=score.expected_value_12,
        missed=score.missed_amount,
        value_why="" if score.expected_value_12 is not None else _("The history does not carry a forecast yet."),
        next_on=next_visit(score),
        next_why=_why_no_visit(score),
        needs=needs,
        needs_why="" if needs else _why_no_needs(score, run),
        opportunity=_title(score, {key: one.title for key, one in lists.items()}) if score.opportunity else "",
        gain=score.opportunity_amount,
        advice=tuple(one.title for one in found),
    )


def _why_no_visit(score: Score) -> str:
    if score.visits < 2:
        return _("One visit tells no rhythm.")
    return _("The lost are not expected back by themselves.") if score.state == "lost" else ""


def _why_no_needs(score: Score, run: AuditRun | None) -> str:
    if run is not None and (reason := index_of(run, current_language()).no_needs):
        return str(reason)
    if score.state == "lost":
        return _("What somebody will need is told only of those who still come.")
    return _("No product was bought twice, or none is likely to be bought soon.")
