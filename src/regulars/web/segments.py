"""Segments: all of them, one of them, the builder, and why somebody is in one."""

import tempfile
import zipfile
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import FileResponse, Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from regulars.accounts.models import User
from regulars.accounts.rights import Right
from regulars.accounts.services import log
from regulars.core.errors import InputError
from regulars.core.i18n import format_number
from regulars.core.i18n import gettext as _
from regulars.customers.models import Customer
from regulars.insights.advertising import MOST_PEOPLE, write_hashed
from regulars.insights.models import Audience, Segment
from regulars.insights.segments.rule import Rule, checked, is_about_purchases
from regulars.insights.segments.why import why as why_of
from regulars.insights.segments.words import Speaker, sentence
from regulars.insights.selectors.people import Filters, narrowed, people_list
from regulars.insights.selectors.segments import Preview, preview
from regulars.insights.services import delete_segment, freeze, save_segment
from regulars.web.access import Request, needs
from regulars.web.insights import _zone, address_if_any
from regulars.web.segment_form import Draft, choices, draft_of_form, draft_of_rule, empty_draft
from regulars.web.sign_in import address_of

_SHOWN = 200


@needs(Right.SEE_CUSTOMERS)
@require_safe
def page(request: Request) -> HttpResponse:
    """All segments, each as a sentence."""
    found = Segment.objects.order_by("name", "pk").annotate(copies=Count("audiences"))[:_SHOWN]
    copies = Audience.objects.order_by("-pk").select_related("by")[:_SHOWN]
    speaker = Speaker()
    content = {
        "segments": [(one, sentence(one.rule, speaker)) for one in found if may_open(one.rule, request.user)],
        "audiences": [one for one in copies if may_open(one.rule, request.user)][:20],
        "may_edit": request.user.may(Right.EDIT_SEGMENTS),
        "zone": _zone(),
    }
    return render(request, "segments.html", content)


def may_open(rule: Rule, user: User) -> bool:
    """Whether this user may learn who fits the rule."""
    return user.may(Right.SEE_PURCHASES) or not is_about_purchases(rule)


def _opened(request: Request, segment_id: int) -> Segment:
    found = get_object_or_404(Segment, pk=segment_id)
    if not may_open(found.rule, request.user):
        raise PermissionDenied
    return found


@needs(Right.SEE_CUSTOMERS)
@require_safe
def segment(request: Request, segment_id: int) -> HttpResponse:
    """One segment: who belongs, how many, ten of them."""
    found = _opened(request, segment_id)
    content = {
        "segment": found,
        "sentence": sentence(found.rule),
        "preview": preview(found.rule, request.user),
        "card": lambda key: address_if_any("customer", key),
        "audiences": found.audiences.order_by("-pk")[:20],
        "may_edit": request.user.may(Right.EDIT_SEGMENTS),
        "zone": _zone(),
    }
    return render(request, "segment.html", content)


@needs(Right.SEE_CUSTOMERS)
@require_safe
def count(request: Request, segment_id: int) -> HttpResponse:
    """How many there are now: a word for the list of segments."""
    found = _opened(request, segment_id)
    return render(request, "segment_count.html", {"count": preview(found.rule, request.user).count})


@needs(Right.EDIT_SEGMENTS)
@require_http_methods(["GET", "POST"])
def edit(request: Request, segment_id: int | None = None) -> HttpResponse:
    """The builder. A post with `do` only draws it again, without saving anything."""
    segment = None if segment_id is None else _opened(request, segment_id)
    if request.method != "POST":
        draft = empty_draft() if segment is None else draft_of_rule(segment.name, segment.rule)
        if draft is None:
            messages.info(request, _("This rule was written by a program and is too deep for the builder."))
            return redirect("segment", segment_id)
        return _builder(request, segment, draft)
    draft = draft_of_form(request.POST)
    if "do" in request.POST:
        return _builder(request, segment, draft)
    try:
        if draft.problem:
            raise InputError(draft.problem)
        if not may_open(draft.rule, request.user):
            raise PermissionDenied
        saved = save_segment(name=draft.name, rule=draft.rule, by=request.user, segment=segment)
    except InputError as problem:
        return _builder(request, segment, draft, error=str(problem))
    messages.success(request, _("Saved."))
    return redirect("segment", saved.pk)


def _builder(request: Request, segment: Segment | None, draft: Draft, *, error: str = "") -> HttpResponse:
    words, shown = "", None
    try:
        rule = checked(draft.rule)
    except InputError:
        pass  # nothing is finished yet
    else:
        if not may_open(rule, request.user):
            raise PermissionDenied
        words, shown = sentence(rule), preview(rule, request.user)
    content: dict[str, Any] = {
        "segment": segment,
        "draft": draft,
        "choices": choices(),
        "sentence": words,
        "preview": shown or Preview("", [], exact=True),
        "card": lambda key: address_if_any("customer", key),
        "error": error,
    }
    return render(request, "segment_edit.html", content, status=422 if error else 200)


@needs(Right.EDIT_SEGMENTS)
@require_POST
def remove(request: Request, segment_id: int) -> HttpResponse:
    """Forget the rule."""
    found = _opened(request, segment_id)
    delete_segment(found, by=request.user)
    messages.success(request, _("The segment “{name}” is gone; its audiences stay.").format(name=found.name))
    return redirect("segments")


@needs(Right.EDIT_SEGMENTS)
@require_POST
def copy(request: Request, segment_id: int) -> HttpResponse:
    """Freeze who is in it now."""
    audience = freeze(_opened(request, segment_id), by=request.user)
    messages.success(request, _("The audience is kept as it is now."))
    return redirect("segment_people", f"audience:{audience.pk}")


@needs(Right.EXPORT_CUSTOMERS)
@require_POST
def hashed(request: Request, audience_id: int) -> HttpResponseBase:
    """An audience for an advertising system: hashes of the contacts of those who agreed. It is kept in the log."""
    audience = get_object_or_404(Audience, pk=audience_id)
    listed = people_list(f"audience:{audience_id}")
    # a hash of a phone is found out by trying all phones
    if listed is None or not may_open(audience.rule, request.user) or not request.user.may(Right.SEE_CONTACTS):
        raise PermissionDenied
    system, purpose = request.POST.get("system", "")[:40], request.POST.get("purpose", "")[:40]
    people = narrowed(listed.people, Filters(), request.user)
    with tempfile.TemporaryDirectory() as folder:
        try:
            if audience.size > MOST_PEOPLE:
                raise InputError(
                    _("At most {most} customers go out at once. Divide the segment, and freeze its parts.").format(
                        most=format_number(MOST_PEOPLE)
                    )
                )
            written = write_hashed(people, system, Path(folder) / f"audience-{audience_id}.csv", purpose=purpose)
        except InputError as problem:
            content = {"error": str(problem), "back": reverse("segment_people", args=[listed.id])}
            return render(request, "people_refused.html", content, status=422)
        about = {"system": system, "purpose": purpose, "phones": written.phones, "emails": written.emails}
        log("exported", user=request.user, about=f"{listed.id}:hashed", details=about, address=address_of(request))
        return _file_of(written.files, f"audience-{audience_id}")


def _file_of(files: list[Path], name: str) -> FileResponse:
    """One file as it is, several in an archive; open already, so that the names may go."""
    if len(files) == 1:
        return FileResponse(files[0].open("rb"), as_attachment=True, filename=files[0].name)
    archive = files[0].with_name(f"{name}.zip")
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for file in files:
            packed.write(file, file.name)
    return FileResponse(archive.open("rb"), as_attachment=True, filename=archive.name)


@needs(Right.SEE_CUSTOMERS)
@require_safe
def why(request: Request, segment_id: int, customer_id: int) -> HttpResponse:
    """Why this person is in the segment, or is not."""
    found = _opened(request, segment_id)
    people = Customer.objects.whole().seen_by(request.user)
    customer = people.filter(pk=customer_id).select_related("score").first()
    if customer is None:
        raise Http404
    content = {
        "segment": found,
        "customer": customer,
        "card": address_if_any("customer", customer.pk),
        "sentence": sentence(found.rule),
        "answer": why_of(customer, found.rule),
    }
    return render(request, "segment_why.html", content)
