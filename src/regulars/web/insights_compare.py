"""Two audits side by side: their headlines, the states, and who moved where."""

from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from regulars.accounts.rights import Right
from regulars.analytics.lifecycle import STATES
from regulars.core.i18n import gettext as _
from regulars.insights.models import AuditRun
from regulars.insights.selectors.flows import NOBODY, flows
from regulars.insights.selectors.runs import past_runs
from regulars.report import names, words
from regulars.web.access import Request, needs
from regulars.web.insights import run_of

_LESS_IS_BETTER = {"lost_last_year", "never_returned", "slipping", "lost"}


@dataclass(frozen=True)
class Row:
    """One headline of both audits."""

    label: str
    older: str
    newer: str
    change: str
    tone: str


@needs(Right.SEE_INSIGHTS)
@require_safe
def page(request: Request) -> HttpResponse:
    """The newest audit against the one before it, or any two by their numbers."""
    runs = past_runs()
    older, newer = _chosen(request, "older", runs, 1), _chosen(request, "newer", runs, 0)
    content: dict[str, Any] = {"tab": "insights_compare", "runs": runs, "older": older, "newer": newer}
    if older is not None and newer is not None and older.pk != newer.pk:
        moved = flows(older, newer)
        content |= {
            "rows": _rows(older.headlines, newer.headlines),
            "flows": moved,
            "states": [(state, names.state(state)) for state in STATES],
            "nobody": NOBODY,
            "state_names": {state: names.state(state) for state in STATES} | {NOBODY: _("Not known yet")},
        }
    return render(request, "insights_compare.html", content)


def _chosen(request: Request, name: str, runs: list[AuditRun], usual: int) -> AuditRun | None:
    if name in request.GET:
        found = run_of(request.GET[name])
        if found is None:
            raise Http404
        return found
    return runs[usual] if len(runs) > usual else None


def _rows(older: dict[str, Any], newer: dict[str, Any]) -> list[Row]:
    purse = words.Purse(newer["currency"])
    found = [
        _row("revenue", _("Revenue of the whole history"), older["revenue"], newer["revenue"], purse.money),
        _row("receipts", _("Receipts"), older["receipts"], newer["receipts"], words.count),
    ]
    found += [_row("customers", _("Customers"), older["customers"], newer["customers"], words.count)]
    for state in STATES:
        counts = [one["states"].get(state, {}).get("customers") for one in (older, newer)]
        found.append(_row(state, names.state(state), counts[0], counts[1], words.count))
    money = purse.about
    for key, label, say in (
        ("lost_last_year", _("Lost last year"), money),
        ("never_returned", _("Newcomers who never came back"), words.percent),
        ("worth_12", _("A customer will bring in a year"), money),
        ("newcomer_limit_12", _("Winning a customer may cost up to"), money),
    ):
        values = [one[key] and one[key][0] for one in (older, newer)]
        found.append(_row(key, label, values[0], values[1], say))
    gains = [sum(one["money"] for one in each["opportunities"]) or None for each in (older, newer)]
    found.append(_row("opportunities", _("All opportunities together"), gains[0], gains[1], money))
    # what was sold in the last year, and in the year before it
    years = [each["revenue_change"] and each["revenue_change"][1] for each in (older, newer)]
    found.insert(1, _row("revenue_year", _("Revenue of the last period"), years[0], years[1], purse.money))
    return found


def _row(key: str, label: str, older: float | None, newer: float | None, say: Any) -> Row:
    shown = ["—" if value is None else say(value) for value in (older, newer)]
    if not older or newer is None:
        return Row(label, shown[0], shown[1], "", "")
    share = newer / older - 1
    tone = ""
    if abs(share) >= 0.005:
        tone = "bad" if (share > 0) == (key in _LESS_IS_BETTER) else "good"
    return Row(label, shown[0], shown[1], words.signed_percent(share), tone)
