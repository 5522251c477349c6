"""The loyalty programme: what it promises in words, its versions, and how a new one begins."""

import datetime as dt
import json
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from django.views.decorators.http import require_http_methods, require_safe

from regulars.accounts.rights import Right
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.customers.models import Customer, Field
from regulars.foundation.models import Business
from regulars.insights.models import Segment
from regulars.insights.selectors.membership import MOST_SEGMENTS, by_segment, segment_names, segments_of
from regulars.loyalty.arbitrage import temptations
from regulars.loyalty.beginnings import BEGINNINGS, begin_with
from regulars.loyalty.drafts import DraftChanged, draft_now, drop_draft, keep_draft
from regulars.loyalty.models import Partner, ProgrammeDraft
from regulars.loyalty.notice import ShortNotice, short_notice
from regulars.loyalty.partners import contracts_from
from regulars.loyalty.programme.rules import RuleSet, as_json, parse
from regulars.loyalty.programme.words import Names, Words
from regulars.loyalty.programmes import LONGEST_NOTE, beginning, checked, publish, rules_from, rules_of, versions
from regulars.loyalty.returning import waiting_returns
from regulars.loyalty.simulated_words import rows, segment_rows, sentences, tier_rows
from regulars.loyalty.simulating import simulate
from regulars.loyalty.unguarded import unguarded, warning
from regulars.purchases.models import Product
from regulars.web.access import Request, needs
from regulars.web.programme_known import categories
from regulars.web.sign_in import address_of

_TYPED = "programme_typed"  # in the session
_BESIDES = ("valid_from", "days", "note")


class TooSoon(InputError):
    """It ends something within a week, and whoever publishes it has not read what. `agreed` says that he has."""

    def __init__(self, notice: ShortNotice, agreed: str) -> None:
        cure = _("Choose a later moment, or press “Publish” once more.")
        super().__init__(f"{notice.said} {cure}")
        self.notice, self.agreed = notice, agreed


@needs(Right.SEE_PURCHASES)
@require_safe
def page(request: Request) -> HttpResponse:
    """The version that is valid now, or the one that was asked for, as sentences."""
    found, now, asked = versions(), timezone.now(), request.GET.get("version", "")
    valid = next((one for one in found if one.valid_from <= now), None)
    shown = next((one for one in found if str(one.pk) == asked), valid or (found[0] if found else None))
    context: dict[str, Any] = {
        "versions": found,
        "valid": valid,
        "shown": shown,
        "zone": Business.current().zone,
        "waiting": waiting_returns(),
        "draft": draft_now() if request.user.may(Right.MANAGE_BUSINESS) else None,
    }
    if shown is not None:
        context |= _said(rules_of(shown))
    return render(request, "programme.html", context)


@needs(Right.MANAGE_BUSINESS)
@require_http_methods(["GET", "POST"])
def write(request: Request) -> HttpResponse:
    """Write the next version: every press keeps the draft, which is looked at, tried, published or thrown away."""
    draft, typed = draft_now(), request.POST
    if "remember" in typed:
        _remember(request, _BESIDES)
        return HttpResponse(status=204)
    shown = request.session.get(_TYPED, {}) | {name: typed[name] for name in _BESIDES if name in typed}
    context: dict[str, Any] = {
        "draft": draft,
        "text": draft.text or rules_before(),
        "note": shown.get("note", draft.note).strip(),
        "typed": shown,
        "error": "",
    }
    if request.method == "POST":
        context["text"] = _typed_rules(typed) or context["text"]
    try:
        if request.method == "POST" and (done := _done(request, context)):
            return done
        if context["draft"].text or versions():
            said = parse(read_json(context["text"]))
            context |= _said(said) | {"unproven": _unproven(said)}
            checked(as_json(said), segments=segment_names())
            # what was tried says it itself
            tried = _simulated(request, said) if "simulate" in typed else None
            context |= tried or {"unguarded": warning(unguarded(said.guard), said.guard)}
    except DraftChanged as changed:
        context |= {"error": str(changed)} | ({"clash": seen_version(typed)} if "rules" in typed else {})
    except TooSoon as asked:
        context |= {"error": str(asked), "notice": asked.notice, "agreed": asked.agreed}
    except InputError as refused:
        context["error"] = str(refused)
    context |= {"zone": Business.current().zone}
    context["is_first"] = not context["draft"].text and not versions()
    if context["is_first"]:
        context |= {"beginnings": BEGINNINGS, "categories": [name for name, _title in categories()]}
    status = 422 if request.method == "POST" and context["error"] else 200
    return render(request, "programme_write.html", context, status=status)


def _unproven(said: RuleSet) -> list[str]:
    """New rules that every member would get at once: what these earn nobody could ever tell."""
    known = {one.id for rules in rules_from(timezone.now()) for one in rules.rules}
    new = (one for one in said.rules if one.id not in known)
    return [one.title or one.id for one in new if one.for_ != "everybody" and not one.holdout]


def _done(request: Request, context: dict[str, Any]) -> HttpResponse | None:
    """Keep what was typed; the answer, when the page is not to be shown again."""
    typed, version, user = request.POST, seen_version(request.POST), request.user
    if "throw" in typed:
        drop_draft(version=version, by=user)
        request.session.pop(_TYPED, None)
        messages.success(request, _("The draft is thrown away."))
        return redirect("programme")
    if not typed.keys().isdisjoint(("start", "remove", "remove_bonus")):
        return _changed(request)
    context["draft"] = draft = keep_draft(context["text"], context["note"], version=version, by=user)
    _remember(request, _BESIDES[:2])
    if "publish" in typed:
        _publish(request, draft)
        request.session.pop(_TYPED, None)
        messages.success(request, _("Published."))
        return redirect("programme")
    if "look" in typed or "simulate" in typed:
        return None
    messages.success(request, _("The draft is saved."))
    return redirect("programme_write")


def _changed(request: Request) -> HttpResponse:
    """Fill the draft with a programme to begin with, or take a rule or a bonus out of it."""
    typed, draft = request.POST, draft_now()
    if "start" in typed:
        if draft.text:
            raise InputError(_("A draft is being written already. Go on with it, or throw it away first."))
        category = typed.get("category", "").strip()
        data = begin_with(typed["start"], currency=Business.current().currency, category=category)
        said = _("The draft is saved.")
    else:
        data = _without(read_json(draft.text or rules_before()), typed)
        said = _("It is taken out of the draft. What is published stays as it is.")
    parse(data)
    keep_draft(pretty(data), draft.note, version=seen_version(typed), by=request.user)
    messages.success(request, said)
    return redirect("programme_write")


def _remember(request: Request, names: tuple[str, ...]) -> None:
    """Keep what is typed beside the rules while he goes to their forms and comes back."""
    request.session[_TYPED] = {name: request.POST[name][:LONGEST_NOTE] for name in names if name in request.POST}


def _without(data: Any, typed: QueryDict) -> dict[str, Any]:
    part, name = ("rules", typed["remove"]) if "remove" in typed else ("volume", typed["remove_bonus"])
    parse(data)
    kept = [one for one in data.get(part, []) if one["id"].strip() != name]
    return data | {part: kept} if kept or part == "rules" else {key: data[key] for key in data if key != part}


@transaction.atomic
def _publish(request: Request, draft: ProgrammeDraft) -> None:
    data, begin = read_json(draft.text), _moment(request.POST.get("valid_from", ""), Business.current())
    drop_draft(version=draft.version, by=request.user)
    segments = segment_names()
    _check_notice(request, draft.text, short_notice(checked(data, segments=segments), begin, names_of=names_of))
    publish(data, by=request.user, valid_from=begin, note=draft.note, address=address_of(request), segments=segments)


def _check_notice(request: Request, text: str, notice: ShortNotice | None) -> None:
    """Raise `TooSoon` unless he has read what ends by exactly these rules, at this moment, after this version."""
    if notice is None:
        return
    about = [request.user.pk, text, request.POST.get("valid_from", ""), notice.before.pk]
    agreed = salted_hmac("regulars.notice", json.dumps(about), algorithm="sha256").hexdigest()
    if not constant_time_compare(request.POST.get("agreed", ""), agreed):
        raise TooSoon(notice, agreed)


def rules_before() -> str:
    """What one begins with: the newest version."""
    newest = next(iter(versions()), None)
    return pretty(as_json(rules_of(newest)) if newest else beginning(Business.current().currency))


def _typed_rules(typed: QueryDict) -> str:
    return typed.get("rules", "").replace("\r\n", "\n")


def seen_version(typed: QueryDict) -> int:
    """The version of the draft that the form was made from, or that its writer wants to replace."""
    text = typed.get("over") or typed.get("version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _simulated(request: Request, rules: RuleSet) -> dict[str, Any]:
    typed = request.POST.get("days", "")
    days = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 6 else 0
    found = simulate(rules, days=days, segments=segments_of, among=by_segment)
    groups = {_("By tier"): tier_rows(found, rules), _("By segment"): segment_rows(found, rules)}
    return {
        "simulated": sentences(found, rules), "costs": rows(found, rules), "groups": groups,
        "named": _named(request, {key for each in groups.values() for one in each for key in one.people}),
        "segments_left_out": max(0, Segment.objects.count() - MOST_SEGMENTS),
    }  # fmt: skip


def _named(request: Request, ids: set[int]) -> dict[int, Customer]:
    """Those of them whose cards he may open."""
    if not request.user.may(Right.SEE_CUSTOMERS):
        return {}
    return Customer.objects.whole().seen_by(request.user).defer("search_text", "search_parts").in_bulk(ids)


def _said(rules: RuleSet) -> dict[str, Any]:
    words = Words(rules, names_of(rules))
    today = timezone.now().astimezone(Business.current().zone).date()
    return {
        "rules": [
            (one.title or one.id, f"{words.rule(one)} {words.held_out(one)}".strip(), one.id) for one in rules.rules
        ],
        "bonuses": [(one.name, words.volume(one), one.id) for one in rules.volume],
        "together": words.whole_set(),
        "temptations": temptations(contracts_from(today), rules.spending.worth),
    }


def names_of(rules: RuleSet) -> Names:
    """What people call the goods and segments that the rules name by their codes."""
    codes = _texts(as_json(rules))
    partners = dict(Partner.objects.values_list("slug", "name"))
    products = dict(Product.objects.filter(code__in=codes).values_list("code", "name"))
    segments = {str(key): name for key, name in Segment.objects.values_list("pk", "name")}
    questions = dict(Field.objects.values_list("slug", "title"))
    known = {"product": products, "segment": segments, "partner": partners, "question": questions}
    return lambda kind, code: known.get(kind, {}).get(code, code)


def _texts(data: Any) -> set[str]:
    """Every text of the rules: among them are the codes of goods."""
    if isinstance(data, str):
        return {data}
    inner = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    return {text for one in inner for text in _texts(one)}


def pretty(rules: dict[str, Any]) -> str:
    """The JSON as people write it."""
    return json.dumps(rules, ensure_ascii=False, indent=2)


def read_json(text: str) -> Any:
    """What a draft says, whatever it is."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(_("This is no JSON: {why}").format(why=error)) from error


def _moment(text: str, business: Business) -> dt.datetime | None:
    if not text:
        return None
    try:
        return dt.datetime.fromisoformat(text).replace(tzinfo=business.zone)
    except ValueError:
        raise InputError(_("{value!r} is no moment. Choose a day and a time.").format(value=text[:40])) from None
