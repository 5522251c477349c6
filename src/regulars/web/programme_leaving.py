"""Why members leave the programme: signs before leaving, against members who stayed, and who left with them."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from regulars.accounts.rights import Right
from regulars.foundation.models import Business
from regulars.foundation.patience import in_time
from regulars.insights.selectors.membership import drawn_by_state
from regulars.insights.selectors.runs import newest_run
from regulars.loyalty.leavers import leavers_of
from regulars.loyalty.leaving import MOST, Leaving, why_they_leave
from regulars.loyalty.leaving_words import rows, sentences, title_of
from regulars.web.access import Request, needs

_PATIENCE_MS = 20_000  # of each question to the database: ten thousand of both kinds take some ten seconds


@needs(Right.SEE_INSIGHTS)
@require_safe
def page(request: Request) -> HttpResponse:
    """By the states of the newest audit."""
    content: dict[str, Any] = {"has_audit": newest_run() is not None, "is_late": False, "rows": [], "leavers": []}
    left = drawn_by_state(["lost"], MOST * 2)
    if left:
        content |= in_time(_PATIENCE_MS, lambda: _compared(request, left)) or {"is_late": True}
    return render(request, "programme_leaving.html", content)


def _compared(request: Request, left: list[int]) -> dict[str, Any]:
    found = why_they_leave(left, drawn_by_state(["regular", "won_back"], MOST * 2), at=timezone.now())
    said = {"rows": rows(found), "said": sentences(found), **_who(request, found)} if found.left else {}
    return {"is_late": False} | said


def _who(request: Request, found: Leaving) -> dict[str, Any]:
    """The leavers by name, for whoever may open their cards and see what they bought."""
    if not (request.user.may(Right.SEE_CUSTOMERS) and request.user.may(Right.SEE_PURCHASES)):
        return {}
    return {"leavers": leavers_of(found, request.user), "title_of": title_of, "currency": Business.current().currency}
