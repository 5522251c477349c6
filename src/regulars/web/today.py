"""The first page: what waits now, and then what the data suggests."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from regulars.accounts.rights import Right
from regulars.core.i18n import format_date, ngettext
from regulars.core.i18n import gettext as _
from regulars.customers.models import Customer, Erasure, Likeness
from regulars.foundation.models import Business
from regulars.insights.selectors.runs import last_failure, newest_run, open_run
from regulars.insights.selectors.today import Suggestion, what_to_do
from regulars.purchases.models import Import
from regulars.report import words
from regulars.web.access import Request, for_everybody
from regulars.web.insights import address_if_any
from regulars.web.uploads import largest

_MOST = 5
_MOST_COUNTED = 1_000


@dataclass(frozen=True)
class Waiting:
    """Something that waits for a person: what, why, and the one thing to press."""

    title: str
    text: str
    action: str
    address: str
    tone: str = ""


@for_everybody
@require_safe
def page(request: Request) -> HttpResponse:
    """What to do now."""
    user = request.user
    business = Business.objects.first()
    suggestions = what_to_do(user) if user.may(Right.SEE_CUSTOMERS) and user.may(Right.SEE_PURCHASES) else []
    content: dict[str, Any] = {
        "waiting": [*_imports(request), *_duplicates(request), *_erasures(request), *_audit(request)],
        "suggestions": _by_title(suggestions),
        "currency": business.currency if business else "USD",
        "is_empty": not Customer.objects.exists(),
        "may_import": user.may(Right.RUN_IMPORTS),
        "limit_mb": largest() >> 20,
        "run": newest_run(),
        "may_see_insights": user.may(Right.SEE_INSIGHTS),
    }
    return render(request, "today.html", content)


def _by_title(suggestions: list[Suggestion]) -> list[tuple[str, list[tuple[Suggestion, str]]]]:
    """People under what to do with them; first what brings most."""
    groups: dict[str, list[tuple[Suggestion, str]]] = {}
    for one in suggestions:
        groups.setdefault(one.title, []).append((one, address_if_any("customer", one.customer.pk)))
    return list(groups.items())


def _imports(request: Request) -> list[Waiting]:
    if not request.user.may(Right.RUN_IMPORTS):
        return []
    texts = {
        Import.State.FAILED: (_("Import of {file} failed"), _("Nothing of it is in the base."), _("See why"), "bad"),
        Import.State.DRAFT: (_("Import of {file} waits"), _("It is read and waits for your word."), _("Go on"), "warn"),
    }
    found = []
    for one in Import.objects.filter(state__in=list(texts)).order_by("-pk")[:_MOST]:
        title, text, action, tone = texts[Import.State(one.state)]
        address = address_if_any("import", one.pk) or address_if_any("imports")
        found.append(Waiting(title.format(file=words.name(one.file_name)), text, action, address, tone))
    return found


def _duplicates(request: Request) -> list[Waiting]:
    count = 0
    if request.user.may(Right.MERGE_CUSTOMERS):
        count = Likeness.objects.filter(refused_at=None)[: _MOST_COUNTED + 1].count()
    if not count:
        return []
    many = count > _MOST_COUNTED
    title = ngettext("{n} pair may be one person", "{n} pairs may be one person", count).format(
        n=words.count(_MOST_COUNTED) + "+" if many else words.count(count)
    )
    text = _("They have a phone, an address or a name in common.")
    return [Waiting(title, text, _("Look at them"), address_if_any("duplicates"), "warn")]


def _erasures(request: Request) -> list[Waiting]:
    if not request.user.may(Right.ERASE_CUSTOMERS):
        return []
    today = timezone.now().date()
    return [
        Waiting(
            _("Erase the data of {name}").format(name=words.name(str(one.customer))),
            _("Due by {day}.").format(day=format_date(one.due_on)),
            _("Open the card"),
            address_if_any("customer", one.customer_id),
            "bad" if one.due_on <= today else "warn",
        )
        for one in Erasure.objects.filter(done_at=None).select_related("customer").order_by("due_on")[:_MOST]
    ]


def _audit(request: Request) -> list[Waiting]:
    if not request.user.may(Right.SEE_INSIGHTS):
        return []
    address = address_if_any("insights_runs")
    running, failure = open_run(), last_failure()
    if running is not None:
        done, total = running.progress.get("done"), running.progress.get("total")
        text = _("{done} of {total} steps").format(done=done, total=total) if total else _("It has just begun.")
        return [Waiting(_("The audit is running"), text, _("Watch"), address)]
    if failure is not None:
        return [Waiting(_("The audit failed"), failure.reason, _("See why"), address, "bad")]
    run = newest_run()
    days = 0 if run is None or run.finished_at is None else (timezone.now() - run.finished_at).days
    if days > 7:
        text = ngettext("The last one is {n} day old.", "The last one is {n} days old.", days).format(n=days)
        return [Waiting(_("The audit is old"), text, _("Run it"), address, "warn")]
    return []
