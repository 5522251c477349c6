"""Promo codes in the office: batches of them, which rules they are for, and what became of one."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, QueryDict, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.text import slugify
from django.views.decorators.http import require_POST, require_safe

from regulars.accounts.models import User
from regulars.accounts.rights import Right
from regulars.accounts.services import log
from regulars.api.limits import A_MISS, charge, of_user, take
from regulars.api.models import ApiKey
from regulars.core.errors import InputError
from regulars.core.i18n import N_, format_number, ngettext
from regulars.core.i18n import gettext as _
from regulars.customers.models import Customer
from regulars.customers.selectors.family import survivor
from regulars.foundation.days import read_day, today
from regulars.foundation.models import Business
from regulars.foundation.patience import in_time
from regulars.insights.columns import COLUMNS, Column, rows_of
from regulars.insights.exports import csv_lines
from regulars.insights.models import Segment
from regulars.insights.selectors.membership import people_of
from regulars.loyalty import codes
from regulars.loyalty.codes import LONGEST_WORD, MOST_USES, NoCode, end_batch, find_code, make_batch, state_of
from regulars.loyalty.codes_named import rules_with_codes
from regulars.loyalty.models import CodeBatch, CodeUse, PromoCode
from regulars.web.access import Request, needs
from regulars.web.segments import may_open
from regulars.web.sign_in import address_of
from regulars.web.streaming import in_language

MOST_AT_ONCE = 100_000  # a browser waits for them
_KINDS = {
    "each": N_("For anybody: many codes, each counts once"),
    "word": N_("For anybody: one code for all"),
    "personal": N_("Personal: a code for each customer of a segment"),
}
# what a state is called, and how its badge looks
_STATES = {"valid": (N_("can be used"), "good"), "used": (N_("is used up"), ""), "over": (N_("is over"), "")}
_ROWS = 50
_SHOWN_USES = 100
_PATIENCE_MS = 60_000
_CODE = Column("code", N_("Code"), "text", lambda _one, _extra: None)
_EXTERNAL = Column("external_id", N_("Key in the till or in 1C"), "text", lambda one, _extra: one.external_id)
_HIS = (_EXTERNAL, COLUMNS["name"], COLUMNS["phone"])


@needs(Right.SEE_PURCHASES)
@require_safe
def page(request: Request) -> HttpResponse:
    """All batches, and a form for the next one."""
    return _page(request)


@needs(Right.MANAGE_BUSINESS)
@require_POST
def make(request: Request) -> HttpResponse:
    """A new batch. Its name is its own, so that a form sent twice makes one."""
    typed = request.POST
    try:
        wanted = _wanted(typed, request.user)
        wanted |= {"until": read_day(typed.get("until", "")), "by": request.user, "address": address_of(request)}
        batch = make_batch(typed.get("name", ""), **wanted)
    except InputError as error:
        return _page(request, error=str(error), status=422)
    count = batch.codes.count()
    said = ngettext("{n} code is made.", "{n} codes are made.", count)
    messages.success(request, said.format(n=format_number(count)))
    return redirect(f"{reverse('promo_codes')}?made={batch.pk}")


def _wanted(typed: QueryDict, user: User) -> dict[str, Any]:
    """Codes of which kind, and for whom; `InputError` when there would be too many."""
    kind = typed.get("kind", "")
    if kind not in _KINDS:
        raise InputError(_("Choose whom the codes are for."))
    if kind == "word":
        return {"count": 1, "word": typed.get("word", ""), "uses": _uses(typed.get("uses", ""))}
    people = _people(typed.get("segment", ""), user) if kind == "personal" else []
    count = len(people) or _whole(typed.get("count", ""))
    if not 1 <= count <= MOST_AT_ONCE:
        raise InputError(
            _("Make 1 to {most} codes at once; more are made on the server: regulars programme codes.").format(
                most=format_number(MOST_AT_ONCE)
            )
        )
    return {"customers": people} if people else {"count": count}


def _uses(text: str) -> int:
    uses = _whole(text)
    if not 1 <= uses <= MOST_USES:
        raise InputError(_("Say how often the code counts: 1 to {most} times.").format(most=format_number(MOST_USES)))
    return uses


def _people(text: str, user: User) -> list[int]:
    """The customers of a segment that he may open; of them those whom he may see."""
    found = next((one for one in _segments(user) if str(one.pk) == text), None)
    if found is None:
        raise InputError(_("Choose the segment whose customers get the codes."))
    people = in_time(_PATIENCE_MS, lambda: people_of(found.pk, by=user))
    if people is None:
        raise InputError(_("To find these customers takes too long: on the server, regulars programme codes does it."))
    return people


def _segments(user: User) -> list[Segment]:
    if not user.may(Right.SEE_CUSTOMERS):
        return []
    return [one for one in Segment.objects.order_by("name", "pk") if may_open(one.rule, user)]


@needs(Right.MANAGE_BUSINESS)
@require_POST
def take_file(request: Request, batch_id: int) -> HttpResponseBase:
    """The codes of a batch as CSV, personal ones with whose they are. Who took them is kept in the log."""
    batch = get_object_or_404(CodeBatch, pk=batch_id)
    is_personal = batch.codes.exclude(customer=None).exists()
    if is_personal and not _may_take_people(request.user):
        raise PermissionDenied
    details: dict[str, object] = {"columns": [one.id for one in _HIS]} if is_personal else {}
    log("promo_codes_taken", user=request.user, about=batch.name, details=details, address=address_of(request))
    columns = (_CODE, *_HIS) if is_personal else (_CODE,)
    rows = _personal_rows(batch, request.user) if is_personal else ((code,) for code, _none in codes.codes_of(batch))
    name = slugify(batch.name) or str(batch.pk)
    return StreamingHttpResponse(
        in_language(csv_lines(columns, rows, Business.current().currency)), content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="codes-{name}.csv"'},
    )  # fmt: skip


def _may_take_people(user: User) -> bool:
    return user.may(Right.SEE_CUSTOMERS) and user.may(Right.EXPORT_CUSTOMERS)


def _personal_rows(batch: CodeBatch, user: User) -> Iterator[tuple[Any, ...]]:
    """Each code with whose it is now: of those customers whom this user may see."""
    made = codes.codes_of(batch)
    while some := list(islice(made, 1_000)):
        whose = _owners({key for _code, key in some if key}, user)
        rows = dict(zip(whose, rows_of(list(whose.values()), _HIS, user, {}), strict=True))
        yield from ((code, *rows[key]) for code, key in some if key in rows)


def _owners(keys: set[int], user: User) -> dict[int, Customer]:
    """The customers of these rows, or those whom they became part of, when he may see them."""
    parts = Customer.objects.defer("search_text", "search_parts").in_bulk(keys)
    now = {key: survivor(one) for key, one in parts.items()}
    if not user.role.own_customers_only:
        return now
    return {key: one for key, one in now.items() if one.owner_id in (None, user.pk)}


@needs(Right.MANAGE_BUSINESS)
@require_POST
def end(request: Request, batch_id: int) -> HttpResponse:
    """No code of the batch counts from now on."""
    batch = get_object_or_404(CodeBatch, pk=batch_id)
    try:
        end_batch(batch, by=request.user, address=address_of(request))
    except InputError as error:
        return _page(request, error=str(error), status=422)
    messages.success(request, _("The codes “{name}” count no more.").format(name=batch.name))
    return redirect("promo_codes")


@needs(Right.SEE_PURCHASES)
@require_POST
def find(request: Request) -> HttpResponse:
    """What became of this code. It is sent as a form: addresses stand in logs."""
    try:
        if not take(of_user(request.user.pk)):
            return _page(request, error=_("Too many codes were tried: wait half a minute."), status=429)
        found = find_code(request.POST.get("code", ""))
    except NoCode as error:
        charge(of_user(request.user.pk), A_MISS)
        return _page(request, error=str(error), status=404)
    except InputError as error:
        return _page(request, error=str(error), status=422)
    return redirect("promo_code", found.pk)


@needs(Right.SEE_PURCHASES)
@require_safe
def one(request: Request, code_id: int) -> HttpResponse:
    """Whose it is, and on which receipts it gave something. It is not shown itself: this page opens without it."""
    found = get_object_or_404(PromoCode.objects.select_related("batch", "customer"), pk=code_id)
    uses = CodeUse.objects.filter(code=found).select_related("sale__customer").order_by("-pk")[:_SHOWN_USES]
    owners = _owners({found.customer_id} if found.customer_id else set(), request.user)
    context = {
        "code": found, "state": _STATES[state_of(found)], "ending": codes.ending(found),
        "zone": Business.current().zone,
        "owner": next(iter(owners.values()), None),
        "uses": [(use, _may_see_sale(use, request.user)) for use in uses], "all_uses": found.uses.count(),
        "may_see_customers": request.user.may(Right.SEE_CUSTOMERS),
        "tills": {f"till:{key}": name for key, name in ApiKey.objects.values_list("pk", "name")},
    }  # fmt: skip
    return render(request, "promo_code.html", context)


def _may_see_sale(use: CodeUse, user: User) -> bool:
    """A receipt of somebody else's customer is not there for who sees only his own."""
    buyer = use.sale.customer
    return buyer is None or not user.role.own_customers_only or survivor(buyer).owner_id in (None, user.pk)


def _page(request: Request, *, error: str = "", status: int = 200) -> HttpResponse:
    user, start = request.user, _whole(request.GET.get("from", ""))
    found, may_make = codes.batches(since=start, most=_ROWS + 1), request.user.may(Right.MANAGE_BUSINESS)
    made = request.GET.get("made", "")
    context: dict[str, Any] = {
        "batches": found[:_ROWS], "before": max(0, start - _ROWS) if start else None,
        "next": start + _ROWS if len(found) > _ROWS else None,
        "made": next((one for one in found if str(one.batch.pk) == made), None),
        "named": rules_with_codes(drafted=may_make), "may_make": may_make, "may_take_people": _may_take_people(user),
        "zone": Business.current().zone, "error": error, "typed": request.POST, "kinds": _KINDS,
        "segments": _segments(user) if may_make else [], "today": today(), "longest_word": LONGEST_WORD,
    }  # fmt: skip
    return render(request, "promo_codes.html", context, status=status)


def _whole(text: str) -> int:
    return int(text) if re.fullmatch(r"[0-9]{1,8}", text.strip()) else 0
