"""Why members leave the programme: signs before leaving, against members who stayed."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from regulars.accounts.rights import Right
from regulars.insights.selectors.membership import drawn_by_state
from regulars.insights.selectors.runs import newest_run
from regulars.loyalty.leaving import MOST, why_they_leave
from regulars.loyalty.leaving_words import rows, sentences
from regulars.web.access import Request, needs


@needs(Right.SEE_INSIGHTS)
@require_safe
def page(request: Request) -> HttpResponse:
    """By the states of the newest audit."""
    content = {"has_audit": newest_run() is not None, "rows": [], "said": []}
    left = drawn_by_state(["lost"], MOST * 2)
    if left:
        found = why_they_leave(left, drawn_by_state(["regular", "won_back"], MOST * 2), at=timezone.now())
        if found.left:
            content |= {"rows": rows(found), "said": sentences(found)}
    return render(request, "programme_leaving.html", content)
