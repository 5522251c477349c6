"""Writing the programme without JSON: one rule, and the terms of all. Both change the one draft."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from regulars.accounts.rights import Right
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.foundation.models import Business
from regulars.insights.selectors.membership import segment_names
from regulars.loyalty.drafts import DraftChanged, draft_now, keep_draft
from regulars.loyalty.models import ProgrammeDraft
from regulars.loyalty.programme.reading import read_record, write_record
from regulars.loyalty.programme.rules import Rule, RuleSet, as_json, parse
from regulars.loyalty.programme.words import Words
from regulars.loyalty.programmes import checked, versions
from regulars.web.access import Request, needs
from regulars.web.programme import names_of, pretty, read_json, rules_before, seen_version
from regulars.web.programme_boxes import OFFLINE, SCOPE, fresh
from regulars.web.programme_condition_form import changed, conditions, rows
from regulars.web.programme_known import known_of
from regulars.web.programme_rows import limit_rows, rows_of, times_rows
from regulars.web.programme_rule_form import (
    DISCOUNTS,
    GIVES,
    ON,
    POINTS,
    RULE,
    kept_parts,
    redrawn,
    rule_of_typed,
    typed_of_rule,
)
from regulars.web.programme_terms_form import PARTS, opened, terms_of_typed, typed_of_terms
from regulars.web.programme_typed import Known, Mistyped, Typed

Changed = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True)
class Written:
    """What is being written: the draft, or the newest version when there is none."""

    draft: ProgrammeDraft
    text: str
    data: dict[str, Any]
    rules: RuleSet

    @cached_property
    def known(self) -> Known:
        """What its rules may name."""
        return known_of(self.rules)

    def rule(self, name: str) -> Rule | None:
        """The rule of this id."""
        return next((one for one in self.rules.rules if one.id == name), None)


def written_now() -> Written:
    """What a form changes; `InputError` when nobody can read it."""
    draft = draft_now()
    text = draft.text or rules_before()
    data = read_json(text)
    return Written(draft, text, data, parse(data))


@needs(Right.MANAGE_BUSINESS)
@require_http_methods(["GET", "POST"])
def rule(request: Request) -> HttpResponse:
    """One rule of the draft, or a new one. A post with `do` only draws the form again, without saving anything."""
    name = (request.POST if request.method == "POST" else request.GET).get("id", "")
    if not draft_now().text and not versions():
        return redirect("programme_write")
    try:
        written = written_now()
    except InputError as broken:
        return unreadable(request, broken)
    stored = written.rule(name)
    if name and stored is None and not was_there(request, written):
        raise Http404
    if request.method == "POST":
        return _posted_rule(request, written, name, stored)
    if stored is None and request.GET.get("gives") not in GIVES:
        kinds = {_("Discounts"): DISCOUNTS, _("Points"): POINTS}
        return render(request, "programme_rule_new.html", {"kinds": kinds})
    return _rule_page(request, written, stored, _opened(request, stored, written.known))


def was_there(request: Request, written: Written) -> bool:
    """Whether somebody else took the rule away while this form was open."""
    typed = request.POST
    return request.method == "POST" and ("over" in typed or seen_version(typed) != written.draft.version)


def _opened(request: Request, stored: Rule | None, known: Known) -> Typed:
    if stored is not None:
        return typed_of_rule(write_record(stored), known)[0]
    typed = Typed({"gives": [request.GET.get("gives", "")]})
    fresh(GIVES[typed.one("gives")].boxes, "g.", typed)
    return typed


def _posted_rule(request: Request, written: Written, name: str, stored: Rule | None) -> HttpResponse:
    typed, known = Typed(dict(request.POST.lists())), written.known
    before = write_record(stored) if stored else None
    try:
        if "do" in request.POST:
            redrawn(typed, typed.one("do"), known)
            return _rule_page(request, written, stored, typed)
        made = rule_of_typed(typed, before, [one.id for one in written.rules.rules], known)
        made |= {"id": name} if name else {}
        save(request, written, lambda data: with_record(data, "rules", Rule, made), "rules")
    except InputError as refused:
        return _rule_page(request, written, stored, typed, refused)
    messages.success(request, _("The draft is saved."))
    return redirect(reverse("programme_write") + "#rules-now")


def with_record(data: dict[str, Any], part: str, kind: type[Any], made: dict[str, Any]) -> dict[str, Any]:
    """The set with this record in the place of the one of its id in the list, or at the end.

    What says the same stays as it was.
    """
    before = data.get(part, [])
    new = read_record(kind, made, part)
    known = [_id_of(one) for one in before]
    if new.id not in known:
        return data | {part: [*before, made]}
    place = known.index(new.id)
    if read_record(kind, before[place], "") == new:
        return data
    return data | {part: [*before[:place], made, *before[place + 1 :]]}


def _id_of(raw: Mapping[str, Any]) -> str:
    return str(raw["id"]).strip()


def save(request: Request, written: Written, change: Changed, part: str = "") -> None:
    """Keep the draft with the change; `part` is the list that it may add to.

    A set that could be published before must be one that can be after it.
    """
    data = change(written.data)
    if data == written.data:
        return
    if part and request.POST.get("id", "") == "" and _is_there(written, data, part, seen_version(request.POST)):
        return
    try:
        checked(data, segments=segment_names())
    except InputError:
        parse(data)
        if _is_sound(written.data):
            raise
    keep_draft(pretty(data), written.draft.note, version=seen_version(request.POST), by=request.user)


def _is_sound(data: dict[str, Any]) -> bool:
    try:
        checked(data, segments=segment_names())
    except InputError:
        return False
    return True


def _is_there(written: Written, data: dict[str, Any], part: str, version: int) -> bool:
    """Whether this is a press that was sent twice: somebody saves anew what the draft has got since then."""
    before = written.data.get(part, [])
    if version == written.draft.version or len(data[part]) == len(before):
        return False
    new = {name: value for name, value in data[part][-1].items() if name != "id"}
    return any({name: value for name, value in one.items() if name != "id"} == new for one in before)


@needs(Right.MANAGE_BUSINESS)
@require_http_methods(["GET", "POST"])
def terms(request: Request) -> HttpResponse:
    """What holds for all rules: what points are worth, how long they live, tiers, and the guard of the margin."""
    if not draft_now().text and not versions():
        return redirect("programme_write")
    try:
        written = written_now()
    except InputError as broken:
        return unreadable(request, broken)
    known = written.known
    if request.method != "POST":
        return _terms_page(request, written, typed_of_terms(as_json(written.rules), known)[0])
    typed = Typed(dict(request.POST.lists()))
    try:
        if "do" in request.POST:
            changed(typed, typed.one("do"), known)
            return _terms_page(request, written, typed)
        save(request, written, lambda data: terms_of_typed(typed, data, known))
    except InputError as refused:
        return _terms_page(request, written, typed, refused)
    messages.success(request, _("The draft is saved."))
    return redirect(reverse("programme_write") + "#rules-now")


# --- how they are shown ---


def unreadable(request: Request, broken: InputError) -> HttpResponse:
    """The page that leads to the JSON."""
    status = 422 if request.method == "POST" else 200
    return render(request, "programme_unreadable.html", {"error": str(broken)}, status=status)


def form_context(request: Request, written: Written, typed: Typed, refused: InputError | None) -> dict[str, Any]:
    """What every form of the programme shows."""
    is_clash = isinstance(refused, DraftChanged)
    version = str(seen_version(request.POST)) if request.method == "POST" else str(written.draft.version)
    return {
        "typed": typed, "known": written.known, "goods": SCOPE, "error": str(refused or ""), "draft": draft_now(),
        "wrong": refused.name if isinstance(refused, Mistyped) else "", "is_clash": is_clash, "version": version,
        "rows_of": rows_of, "times_rows": times_rows, "limit_rows": limit_rows, "offline": OFFLINE,
        "currency": Business.current().currency,
    }  # fmt: skip


def _rule_page(
    request: Request, written: Written, stored: Rule | None, typed: Typed, refused: InputError | None = None
) -> HttpResponse:
    context = form_context(request, written, typed, refused)
    before = write_record(stored) if stored else None
    known, name = written.known, request.POST.get("id", "") or (stored.id if stored else "")
    words = Words(written.rules, names_of(written.rules))
    kept = kept_parts(typed, before, known)
    context |= {
        "id": name, "stored": stored, "kept": {part: _kept_words(part, stored, words) for part in kept if stored},
        "kinds": {_("Discounts"): DISCOUNTS, _("Points"): POINTS}, "shape": GIVES.get(typed.one("gives")),
        "rows": rows(typed, known), "offered": conditions(known), "rule_boxes": RULE, "on": ON,
        "said": _sentence(written, before, typed, known),
    }  # fmt: skip
    is_refused = refused is not None and "do" not in request.POST
    return render(request, "programme_rule.html", context, status=422 if is_refused else 200)


def _kept_words(part: str, stored: Rule, words: Words) -> str:
    """What stays as it is, in words."""
    match part:
        case "when":
            return words.condition(stored.when)
        case "gives":
            return words.effect(stored.gives)
        case "on":
            return words.scope(stored.on)
    return str(write_record(stored).get(part, ""))


def _sentence(written: Written, before: dict[str, Any] | None, typed: Typed, known: Known) -> str:
    """The rule as it stands in the form, in words; nothing while it is not finished."""
    try:
        made = rule_of_typed(typed, before, [one.id for one in written.rules.rules], known)
        rules = parse(with_record(written.data, "rules", Rule, made))
    except InputError:
        return ""
    said = next(one for one in rules.rules if one.id == made["id"])
    words = Words(rules, names_of(rules))
    return f"{words.rule(said)} {words.held_out(said)}".strip()


def _terms_page(request: Request, written: Written, typed: Typed, refused: InputError | None = None) -> HttpResponse:
    context = form_context(request, written, typed, refused)
    words = Words(written.rules, names_of(written.rules))
    kept = typed_of_terms(as_json(written.rules), written.known)[1]
    shown = as_json(written.rules)
    context |= {
        "parts": PARTS, "now": words.aside(), "opened": opened(typed, shown, written.known),
        "kept": {part: json.dumps(shown[part], ensure_ascii=False) for part in kept},
    }  # fmt: skip
    is_refused = refused is not None and "do" not in request.POST
    return render(request, "programme_terms.html", context, status=422 if is_refused else 200)
