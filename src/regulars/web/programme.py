"""The loyalty programme: what it promises in words, its versions, and how a new one begins."""

import datetime as dt
import json
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from regulars.accounts.rights import Right
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.foundation.models import Business
from regulars.insights.models import Segment
from regulars.insights.selectors.membership import segment_names, segments_of
from regulars.loyalty.arbitrage import temptations
from regulars.loyalty.codes import batches
from regulars.loyalty.models import Partner
from regulars.loyalty.partners import contracts_from
from regulars.loyalty.programme.rules import RuleSet, as_json
from regulars.loyalty.programme.words import Names, Words
from regulars.loyalty.programmes import beginning, checked, publish, rules_of, versions
from regulars.loyalty.returning import waiting_returns
from regulars.loyalty.simulated_words import rows, sentences
from regulars.loyalty.simulating import simulate
from regulars.purchases.models import Product
from regulars.web.access import Request, needs
from regulars.web.sign_in import address_of

_LONGEST_RULES = 500_000


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
        "batches": batches(),
    }
    if shown is not None:
        context |= _said(rules_of(shown))
    return render(request, "programme.html", context)


@needs(Right.MANAGE_BUSINESS)
@require_http_methods(["GET", "POST"])
def write(request: Request) -> HttpResponse:
    """Write the next version: looked at first, then published."""
    business, typed, error, said = Business.current(), request.POST, "", {}
    newest = next(iter(versions()), None)
    text = typed.get("rules") or _pretty(as_json(rules_of(newest)) if newest else beginning(business.currency))
    if request.method == "POST":
        try:
            data = _read(text)
            if "publish" in typed:
                begin = _moment(typed.get("valid_from", ""), business)
                publish(
                    data, by=request.user, valid_from=begin, note=typed.get("note", "").strip(),
                    address=address_of(request), segments=segment_names(),
                )  # fmt: skip
                messages.success(request, _("Published."))
                return redirect("programme")
            draft = checked(data, segments=segment_names())
            said = _said(draft)
            if "simulate" in typed:
                said |= _simulated(draft, typed.get("days", ""))
        except InputError as refused:
            error = str(refused)
    context = {"text": text, "typed": typed, "error": error, "zone": business.zone, **said}
    return render(request, "programme_write.html", context, status=422 if error else 200)


def _simulated(rules: RuleSet, typed: str) -> dict[str, Any]:
    days = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 6 else 0
    found = simulate(rules, days=days, segments=segments_of)
    return {"simulated": sentences(found, rules), "costs": rows(found, rules)}


def _said(rules: RuleSet) -> dict[str, Any]:
    words = Words(rules, names_of(rules))
    today = timezone.now().astimezone(Business.current().zone).date()
    return {
        "rules": [(one.title or one.id, f"{words.rule(one)} {words.held_out(one)}".strip()) for one in rules.rules],
        "together": words.whole_set(),
        "temptations": temptations(contracts_from(today), rules.spending.worth),
    }


def names_of(rules: RuleSet) -> Names:
    """What people call the goods and segments that the rules name by their codes."""
    codes = _texts(as_json(rules))
    partners = dict(Partner.objects.values_list("slug", "name"))
    products = dict(Product.objects.filter(code__in=codes).values_list("code", "name"))
    segments = {str(key): name for key, name in Segment.objects.values_list("pk", "name")}
    known = {"product": products, "segment": segments, "partner": partners}
    return lambda kind, code: known.get(kind, {}).get(code, code)


def _texts(data: Any) -> set[str]:
    """Every text of the rules: among them are the codes of goods."""
    if isinstance(data, str):
        return {data}
    inner = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    return {text for one in inner for text in _texts(one)}


def _pretty(rules: dict[str, Any]) -> str:
    return json.dumps(rules, ensure_ascii=False, indent=2)


def _read(text: str) -> Any:
    if len(text) > _LONGEST_RULES:
        raise InputError(_("The rules are longer than {most} characters.").format(most=_LONGEST_RULES))
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
