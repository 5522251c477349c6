"""Writing one bonus for what is bought in a whole period into the draft, without JSON."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from regulars.accounts.rights import Right
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.loyalty.drafts import draft_now
from regulars.loyalty.programme.reading import write_record
from regulars.loyalty.programme.rules import parse
from regulars.loyalty.programme.volume import Volume
from regulars.loyalty.programme.words import Words
from regulars.loyalty.programmes import versions
from regulars.web.access import Request, needs
from regulars.web.programme import names_of
from regulars.web.programme_condition_form import changed, of_members, rows
from regulars.web.programme_editing import (
    Written,
    form_context,
    save,
    unreadable,
    was_there,
    with_record,
    written_now,
)
from regulars.web.programme_typed import Known, Typed
from regulars.web.programme_volume_form import BONUS, FORM, bonus_of_typed


@needs(Right.MANAGE_BUSINESS)
@require_http_methods(["GET", "POST"])
def bonus(request: Request) -> HttpResponse:
    """One bonus of the draft, or a new one. A post with `do` only draws the form again, without saving anything."""
    name = (request.POST if request.method == "POST" else request.GET).get("id", "")
    if not draft_now().text and not versions():
        return redirect("programme_write")
    try:
        written = written_now()
    except InputError as broken:
        return unreadable(request, broken)
    stored = next((one for one in written.rules.volume if one.id == name), None)
    if name and stored is None and not was_there(request, written):
        raise Http404
    if request.method == "POST":
        return _posted(request, written, name, stored)
    typed = FORM.typed_of(write_record(stored), written.known)[0] if stored else Typed({"period": ["quarter"]})
    if stored is not None and not typed.one("period"):
        typed.put("period", stored.period)
    return _page(request, written, stored, typed)


def _posted(request: Request, written: Written, name: str, stored: Volume | None) -> HttpResponse:
    typed, known = Typed(dict(request.POST.lists())), written.known
    try:
        if "do" in request.POST:
            changed(typed, typed.one("do"), known)
            return _page(request, written, stored, typed)
        made = _made(typed, written, stored, known)
        made |= {"id": name} if name else {}
        save(request, written, lambda data: with_record(data, "volume", Volume, made), "volume")
    except InputError as refused:
        return _page(request, written, stored, typed, refused)
    messages.success(request, _("The draft is saved."))
    return redirect(reverse("programme_write") + "#bonuses")


def _made(typed: Typed, written: Written, stored: Volume | None, known: Known) -> dict[str, Any]:
    taken = [one.id for one in written.rules.volume]
    return bonus_of_typed(typed, write_record(stored) if stored else None, taken, known)


def _page(
    request: Request, written: Written, stored: Volume | None, typed: Typed, refused: InputError | None = None
) -> HttpResponse:
    known = written.known
    kept = FORM.kept(typed, write_record(stored) if stored else None, known)
    words = Words(written.rules, names_of(written.rules))
    context = form_context(request, written, typed, refused) | {
        "id": request.POST.get("id", "") or (stored.id if stored else ""), "stored": stored, "boxes": BONUS,
        "kept": {part: words.condition(stored.when) if part == "when" else "" for part in kept if stored},
        "rows": rows(typed, known), "offered": of_members(known), "said": _sentence(written, stored, typed, known),
    }  # fmt: skip
    is_refused = refused is not None and "do" not in request.POST
    return render(request, "programme_volume.html", context, status=422 if is_refused else 200)


def _sentence(written: Written, stored: Volume | None, typed: Typed, known: Known) -> str:
    """The bonus as it stands in the form, in words; nothing while it is not finished."""
    try:
        made = _made(typed, written, stored, known)
        rules = parse(with_record(written.data, "volume", Volume, made))
    except InputError:
        return ""
    return Words(rules, names_of(rules)).volume(next(one for one in rules.volume if one.id == made["id"]))
