"""Likely duplicates, the comparison of two customers, merging and taking it back."""

from django.contrib import messages
from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from procrastinate.exceptions import AlreadyEnqueued

from regulars.accounts.rights import Right
from regulars.core.errors import InputError
from regulars.core.i18n import N_
from regulars.core.i18n import gettext as _
from regulars.customers.jobs import find_duplicates
from regulars.customers.models import Contact, Customer, Likeness, Merge, MergeRule
from regulars.customers.selectors.duplicates import REASONS, compare, known_of
from regulars.customers.selectors.family import chain_of
from regulars.customers.services import duplicates, merging
from regulars.web.access import Request, needs
from regulars.web.contacts_seen import card_seen, list_seen
from regulars.web.customers.access import seen_customer

_PER_PAGE = 30
RULES = (
    ("same_phone_and_name", N_("Merge without asking: the same phone and the same name")),
    ("same_email_and_name", N_("Merge without asking: the same e-mail and the same name")),
)


@needs(Right.MERGE_CUSTOMERS)
@require_safe
def likely(request: Request) -> HttpResponse:
    """Pairs, the most likely first."""
    seen = Customer.objects.whole().seen_by(request.user)
    pairs = Likeness.objects.filter(refused_at=None, first__in=seen, second__in=seen)
    after = request.GET.get("after", "").partition("-")
    if after[0].isascii() and after[0].isdigit() and after[2].isascii() and after[2].isdigit():
        score, key = int(after[0][:4]), int(after[2][:18])
        pairs = pairs.filter(Q(score__lt=score) | Q(score=score, pk__lt=key))
    rows = list(
        pairs.select_related("first", "second").prefetch_related("first__contacts", "second__contacts")
        .order_by("-score", "-pk")[: _PER_PAGE + 1]
    )  # fmt: skip
    more, rows = len(rows) > _PER_PAGE, rows[:_PER_PAGE]
    list_seen(request, "duplicates", Contact.Kind.values, 2 * len(rows))
    context = {
        "rows": rows,
        "next": f"?after={rows[-1].score}-{rows[-1].pk}" if more else "",
        "reasons": REASONS,
        "may_see_contacts": request.user.may(Right.SEE_CONTACTS),
        "rules": RULES,
        "rules_on": set(MergeRule.objects.filter(is_on=True).values_list("slug", flat=True)),
    }
    return render(request, "customers/duplicates.html", context)


@needs(Right.MERGE_CUSTOMERS)
@require_POST
def search(request: Request) -> HttpResponse:
    """Look through the base now, in the background."""
    try:
        find_duplicates.defer()
    except AlreadyEnqueued:
        messages.info(request, _("The search is waiting for its turn already."))
    else:
        messages.success(request, _("The search has begun. Look here again in a minute."))
    return redirect("duplicates")


@needs(Right.MERGE_CUSTOMERS)
@require_POST
def refuse(request: Request, likeness_id: int) -> HttpResponse:
    """They are two."""
    pair = get_object_or_404(Likeness, pk=likeness_id)
    seen_customer(request, pair.first_id)
    seen_customer(request, pair.second_id)
    duplicates.refuse(pair, by=request.user)
    return redirect("duplicates")


@needs(Right.MANAGE_FIELDS)
@require_POST
def rule(request: Request, slug: str) -> HttpResponse:
    """Switch a rule on or off."""
    if slug not in duplicates.RULES:
        raise Http404
    duplicates.switch_rule(slug, is_on=request.POST.get("on") == "yes")
    messages.success(request, _("Saved."))
    return redirect("duplicates")


@needs(Right.MERGE_CUSTOMERS)
@require_http_methods(["GET", "POST"])
def pair(request: Request, customer_id: int, other_id: int) -> HttpResponse:
    """Compare two customers side by side, and merge the second into the first."""
    kept, gone = seen_customer(request, customer_id), seen_customer(request, other_id)
    if kept.pk == gone.pk:
        raise Http404
    card_seen(request, kept)
    card_seen(request, gone)
    known = known_of({kept.pk, gone.pk})
    score, reasons = compare(known[kept.pk], known[gone.pk])
    error = ""
    if request.method == "POST":
        try:
            merging.merge(kept, gone, by=request.user, reasons=reasons)
        except InputError as refused:
            error = str(refused)
        else:
            messages.success(request, _("They are one now. It can be taken back from the timeline."))
            return redirect("customer", kept.pk)
    context = {
        "kept": kept, "gone": gone, "score": score, "reasons": [REASONS[one] for one in reasons], "error": error,
        "may_see_contacts": request.user.may(Right.SEE_CONTACTS),
    }  # fmt: skip
    return render(request, "customers/merge.html", context, status=422 if error else 200)


@needs(Right.MERGE_CUSTOMERS)
@require_http_methods(["GET", "POST"])
def undo(request: Request, merge_id: int) -> HttpResponse:
    """Take a merge back: asked first, because it is rare."""
    made = get_object_or_404(Merge.objects.select_related("kept", "gone", "by"), pk=merge_id, undone_at=None)
    holder = chain_of(made.kept_id)[-1]
    seen_customer(request, holder)
    error = ""
    if request.method == "POST":
        try:
            gone = merging.unmerge(made, by=request.user)
        except InputError as refused:
            error = str(refused)
        else:
            messages.success(request, _("They are two again."))
            return redirect("customer", gone.pk)
    moved = sum(len(ids) for ids in made.moved.get("rows", {}).values())
    context = {"merge": made, "moved": moved, "holder": holder, "error": error}
    return render(request, "customers/unmerge.html", context, status=422 if error else 200)
