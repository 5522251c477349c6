"""The owner's page: one period beside the one before it, who was won and lost, and what to do on Monday."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from regulars.accounts.rights import Right
from regulars.core.errors import InputError
from regulars.core.i18n import current_language, format_date
from regulars.core.i18n import gettext as _
from regulars.insights.models import AuditRun
from regulars.insights.periods import PERIODS, USUAL
from regulars.insights.results import index_of, periods_of
from regulars.insights.selectors.periods import bounds_of, figures_between
from regulars.insights.selectors.runs import newest_run, past_runs
from regulars.report import words
from regulars.web.access import Request, needs
from regulars.web.insights import _state

OWN = "own"  # the period between two dates of the reader


@dataclass(frozen=True)
class Number:
    """One number of the period: ready words, how it moved, whether that is good, and whose list it opens."""

    label: str
    value: str
    change: str = ""
    tone: str = ""
    rule: str = ""
    list_id: str = ""


@needs(Right.SEE_INSIGHTS)
@require_safe
def page(request: Request) -> HttpResponse:
    """One page for the owner."""
    run = newest_run()
    if run is None:
        return render(request, "insights_empty.html", _state(request) | {"has_purchases": False})
    found = periods_of(run)
    period, shown, error = _chosen(request, run, found)
    purse = words.Purse(run.headlines["currency"])
    content = {
        "run": run,
        "tab": "insights_business",
        "period": period,
        "periods": [(name, period_name(name)) for name in PERIODS if name in found],
        "span": shown["days"],
        "bounds": bounds_of(run),
        "error": error,
        "days": _days(shown["days"]),
        "days_before": _days(shown["days_before"]) if shown["before"] else "",
        "main": _main(shown, purse),
        "activity": _activity(shown, purse),
        "prediction": _prediction(run, purse),
        "moves": _moves(shown),
        "opportunities": index_of(run, current_language()).opportunities,
        "lost": _lost(run, purse),
    }
    return render(request, "insights_business.html", content, status=422 if error else 200)


def _chosen(request: Request, run: AuditRun, found: dict[str, Any]) -> tuple[str, dict[str, Any], str]:
    """The period of the address, its figures, and what is wrong with the dates that were given."""
    period, error = request.GET.get("period", USUAL), ""
    if period == OWN:
        try:
            return OWN, figures_between(run, *_dates(request)), ""
        except InputError as problem:
            error = str(problem)
    if period not in found:
        period = USUAL if USUAL in found else next(iter(found))
    return period, found[period], error


def _dates(request: Request) -> tuple[dt.date, dt.date]:
    days = []
    for name in ("from", "to"):
        text = request.GET.get(name, "")[:40]
        try:
            days.append(dt.date.fromisoformat(text))
        except ValueError:
            raise InputError(_("{value!r} is no day. Write it as 2026-03-31.").format(value=text)) from None
    return days[0], days[1]


def period_name(period: str) -> str:
    """What the period is called."""
    return {
        "this_week": _("This week"),
        "last_week": _("Last week"),
        "week": _("7 days"),
        "month": _("30 days"),
        "quarter": _("91 days"),
        "year": _("365 days"),
        "this_month": _("This month"),
        "last_month": _("Last month"),
        "last_quarter": _("Last quarter"),
        "last_year": _("Last year"),
    }[period]


def _days(days: list[str]) -> str:
    first, last = (format_date(dt.date.fromisoformat(day)) for day in days)
    return f"{first} – {last}"


def _ratio(figures: dict[str, int] | None, above: str, below: str) -> float | None:
    return figures[above] / figures[below] if figures and figures[below] else None


def _change(now: float | None, before: float | None) -> tuple[str, str]:
    """The change in words and its tone; more is better everywhere on this page."""
    if now is None or before is None or before <= 0:
        return "", ""
    share = now / before - 1
    tone = "" if abs(share) < 0.005 else ("good" if share > 0 else "bad")
    return words.signed_percent(share), tone


def _main(shown: dict[str, Any], purse: words.Purse) -> list[Number]:
    now, before = shown["now"], shown["before"]
    days = ":".join(shown["days"])

    def number(label: str, key: str, say: Any, list_id: str = "", rule: str = "") -> Number:
        return Number(label, say(now[key]), *_change(now[key], before and before[key]), rule, list_id)

    return [
        number(_("Revenue"), "revenue", purse.money, rule=_("All sales less returns.")),
        number(_("Receipts"), "receipts", words.count),
        number(_("Customers who bought"), "customers", words.count, f"bought:{days}"),
        number(_("New customers"), "new", words.count, f"first:{days}"),
    ]


def _activity(shown: dict[str, Any], purse: words.Purse) -> list[Number]:
    now, before = shown["now"], shown["before"]
    rows = (
        (_("Receipts of a customer"), "known_receipts", "customers", lambda value: words.decimal(value, 2)),
        (_("Positions in a receipt"), "items", "known_receipts", lambda value: words.decimal(value, 2)),
        (_("Money of a receipt"), "known_revenue", "known_receipts", purse.money),
        (_("Money of a customer"), "known_revenue", "customers", purse.money),
    )
    found = []
    for label, above, below, say in rows:
        value = _ratio(now, above, below)
        change = _change(value, _ratio(before, above, below))
        found.append(Number(label, "—" if value is None else say(value), *change))
    return found


def _prediction(run: AuditRun, purse: words.Purse) -> list[Number]:
    before = next((one for one in past_runs(60) if one.pk < run.pk), None)
    rows = (
        ("worth_12", _("A customer will bring in a year")),
        ("newcomer_limit_12", _("Winning a customer may cost up to")),
    )
    found = []
    for key, label in rows:
        value = run.headlines.get(key)
        if value is None:
            found.append(Number(label, _("not enough data")))
            continue
        old = before.headlines.get(key) if before else None
        rule = _("likely {range}").format(range=f"{purse.about(value[1])} – {purse.about(value[2])}")
        found.append(Number(label, purse.about(value[0]), *_change(value[0], old and old[0]), rule))
    return found


def _moves(shown: dict[str, Any]) -> list[Number]:
    days, before = ":".join(shown["days"]), shown["days_before"][0]
    moved, all_days = shown["movement"], f"{days}:{before}"
    won = [Number(_("New"), words.count(shown["now"]["new"]), list_id=f"first:{days}")]
    if shown["before"] is None:
        return won
    return [
        *won,
        Number(_("Came back after a pause"), words.count(moved["returned"]), list_id=f"returned:{all_days}"),
        Number(_("Bought before, not in this period"), words.count(moved["stopped"]), list_id=f"stopped:{all_days}"),
    ]


def _lost(run: AuditRun, purse: words.Purse) -> str:
    lost = run.headlines.get("lost_last_year")
    return "" if lost is None else purse.about(lost[0])
