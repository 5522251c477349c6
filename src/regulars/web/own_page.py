"""The customer's own page, behind a link or a code: no log-in, and nothing of his in any address.

A link shows a door first, for messengers open links before people do. The button on it puts a cookie into this
browser, and the page has an address without secrets. See `loyalty.page_links` for what a link is and what proves more.
"""

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone, translation
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from markupsafe import Markup

from regulars.core import barcodes
from regulars.core.errors import InputError
from regulars.core.i18n import LANGUAGE_NAMES, LANGUAGES, format_date, format_moment, use_language
from regulars.core.i18n import gettext as _
from regulars.core.money import format_money, minor_digits
from regulars.customers.models import Contact, Customer
from regulars.customers.names import half_name
from regulars.customers.selectors.consents import CHANNELS, current_purposes, standings
from regulars.customers.services.consents import record_consent, text_read
from regulars.foundation.changes import acting
from regulars.foundation.models import Business
from regulars.loyalty.cards import cards_among
from regulars.loyalty.gifts import NoGift, TooManySetAside
from regulars.loyalty.models import CustomerPage
from regulars.loyalty.notice import begun_lately, changes
from regulars.loyalty.overview import FEW, MANY, Overview, history, overview
from regulars.loyalty.page_links import TooManyTries, page_behind, page_by_code, page_named, whose
from regulars.loyalty.page_links import prove as prove_himself
from regulars.loyalty.partners import has_catalogue
from regulars.loyalty.programme.rules import RuleSet
from regulars.loyalty.programme.words import Words, percent, period_words
from regulars.loyalty.programmes import rules_of
from regulars.loyalty.setting_aside import HOURS, let_go, set_aside
from regulars.loyalty.till_codes import MINUTES, make_till_code
from regulars.web.access import View
from regulars.web.guessing import misses_too_often
from regulars.web.middleware import LANGUAGE_COOKIE
from regulars.web.own_gifts import gifts_shown
from regulars.web.programme import names_of

COOKIE = "own_page"
SEEN = dt.timedelta(hours=1)
PROVEN = dt.timedelta(days=180)
_YEAR = dt.timedelta(days=365)
_LIVES = {"proven": PROVEN, "seen": SEEN}


@dataclass(frozen=True)
class Visit:
    """A browser in which a page was opened; `is_proven`: by its customer himself."""

    page: CustomerPage
    customer: Customer
    is_proven: bool


def private(view: Callable[..., HttpResponse]) -> View:
    """For whoever has the link: kept by no cache, found by no search engine."""

    @login_not_required
    @never_cache
    @wraps(view)
    def closed(request: HttpRequest, **named: Any) -> HttpResponse:
        response = view(request, **named)
        response.headers["X-Robots-Tag"] = "noindex, nofollow, noarchive"
        return response

    return closed


@csrf_exempt  # it changes nothing here; and without a Referer browsers do not say from where a form came
@private
@require_http_methods(["GET", "HEAD", "POST"])
def door(request: HttpRequest, signed: str) -> HttpResponse:
    """What a link opens: nothing of the customer, and a button that opens his page in this browser."""
    found = page_behind(signed, at=timezone.now())
    if found is None:
        response = _void(request)
    elif request.method == "POST":
        response = _opened(request, found, how="seen")
        _remember_language(response, request.POST.get("language", ""))
    else:
        response = _shown(request, "own/door.html", {}, whose(found))
    # this address alone is a secret: whatever is loaded or opened from here is not told of it
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@private
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Everything; without a cookie the place where a code is typed."""
    visit = _visit(request)
    return _page(request, visit) if visit else _shown(request, "own/code.html", {"error": ""}, None)


@private
@require_POST
def code(request: HttpRequest) -> HttpResponse:
    """A code of the shop opens the page, and proves who holds it."""
    found = page_by_code(request.POST.get("code", "")[:100], at=timezone.now())
    if found is not None:
        return _opened(request, found, how="proven")
    many = misses_too_often(request, "own-code")
    with _speaking(request, None):
        error = _too_many() if many else _("This is no code of ours, or it has ended. Ask for a new one.")
    return _shown(request, "own/code.html", {"error": error}, None, status=429 if many else 422)


@private
@require_POST
def prove(request: HttpRequest) -> HttpResponse:
    """The number of the card, or a code: from now on this browser shows the card and may change things."""
    visit = _visit(request)
    if visit is None:
        return redirect("own_page")
    with _speaking(request, visit.customer):
        try:
            if prove_himself(visit.page, request.POST.get("proof", "")[:100], at=timezone.now()):
                return _opened(request, visit.page, how="proven")
            error, status = _("This is neither the number of your card nor a code that is valid."), 422
        except TooManyTries:
            error, status = _too_many(), 429
    return _page(request, visit, error=error, status=status)


@private
@require_POST
def till_code(request: HttpRequest) -> HttpResponse:
    """A code by which a till knows him, and that it is he; like the card it waits for the proof."""
    visit = _visit(request)
    if visit is None:
        return redirect("own_page")
    if not visit.is_proven:
        with _speaking(request, visit.customer):
            return _page(request, visit, error=_("First show that it is you."), status=403)
    return _page(request, visit, code=make_till_code(visit.page, at=timezone.now()))


@private
@require_POST
def consent(request: HttpRequest) -> HttpResponse:
    """Taken back by whoever has the link, for that must be as easy as can be; given by himself alone."""
    visit = _visit(request)
    if visit is None:
        return redirect("own_page")
    is_given = request.POST.get("given") == "yes"
    with _speaking(request, visit.customer):
        if is_given and not visit.is_proven:
            return _page(request, visit, error=_("First show that it is you."), status=403)
        try:
            _record(visit, request.POST.get("text", ""), request.POST.get("channel", ""), is_given=is_given)
        except InputError as refused:
            return _page(request, visit, error=str(refused), status=422)
    return redirect(reverse("own_page") + "?saved=1#consents")


@private
@require_POST
def set_gift_aside(request: HttpRequest) -> HttpResponse:
    """For his points, to be fetched at a till: for whoever has shown that it is he."""
    return _about_gifts(request, lambda visit: set_aside(
        visit.customer, visit.page, number=_typed(request, "number", r"[0-9a-f]{16}"),
        gift=int(_typed(request, "gift", r"[0-9]{1,18}")), points=int(_typed(request, "points", r"[0-9]{1,18}")),
    ))  # fmt: skip


@private
@require_POST
def let_gift_go(request: HttpRequest) -> HttpResponse:
    """He does not want it any more: his points come back."""
    return _about_gifts(
        request, lambda visit: let_go(visit.customer, int(_typed(request, "reward", r"[0-9]{1,18}")), visit.page)
    )


def _about_gifts(request: HttpRequest, work: Callable[[Visit], object]) -> HttpResponse:
    visit = _visit(request)
    if visit is None:
        return redirect("own_page")
    with _speaking(request, visit.customer):
        if not visit.is_proven:
            return _page(request, visit, error=_("First show that it is you."), status=403)
        try:
            work(visit)
        except (TooManySetAside, NoGift) as refused:
            return _page(request, visit, error=str(refused), status=422)
        except InputError:
            # what the till is told speaks of him
            error = _("This gift cannot be set aside any more. Here is how things stand now.")
            return _page(request, visit, error=error, status=422)
    return redirect(reverse("own_page") + "?saved=1#gifts")


def _typed(request: HttpRequest, name: str, pattern: str) -> str:
    """What the page has written into its form itself."""
    value = request.POST.get(name, "")
    if not re.fullmatch(pattern, value):
        raise InputError(_("The form is broken: begin anew."))
    return value


@private
@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """In which language he reads it, in this browser."""
    response = redirect("own_page")
    _remember_language(response, request.POST.get("language", ""))
    return response


@private
@require_POST
def close(request: HttpRequest) -> HttpResponse:
    """This browser forgets the page."""
    response = redirect("own_page")
    response.delete_cookie(COOKIE, samesite="Lax")
    return response


# --- the page ---


def _page(request: HttpRequest, visit: Visit, *, error: str = "", status: int = 200, code: str = "") -> HttpResponse:
    business, at, customer = Business.current(), timezone.now(), visit.customer
    found = overview(customer, at=at, zone=business.zone)
    is_long = "all" in request.GET
    entries, has_more = history(customer, most=MANY if is_long else FEW)
    contacts = list(customer.contacts.order_by("-is_main", "id"))
    with _speaking(request, customer):
        context: dict[str, Any] = {
            "business": business, "error": error, "customer": customer, "is_proven": visit.is_proven,
            "name": half_name(customer),
            "phone": next((one for one in contacts if one.kind == Contact.Kind.PHONE), None),
            "card": _card(contacts) if visit.is_proven else None,
            "till_code": code, "till_bars": barcodes.bars(code) if code else None, "minutes": MINUTES,
            "found": found, "worth": partial(_exactly, currency=business.currency),
            "period": period_words(found.tier.period) if found and found.tier else "",
            "period_words": period_words, "share": percent,
            "entries": entries, "has_more": has_more, "is_long": is_long, "zone": business.zone,
            "currency": business.currency, **_promised(found, customer, business),
            "lately": _changed_lately(customer, business, at) if found and found.rules else [],
            "consents": standings(list(customer.consents.all()), current_purposes()), "channels": CHANNELS,
            "saved": "saved" in request.GET, "hours": HOURS,
            "has_partners": bool(found) and has_catalogue(at.astimezone(business.zone).date()),
            **(gifts_shown(customer, is_proven=visit.is_proven, is_long=is_long) if found else {}),
        }  # fmt: skip
    return _shown(request, "own/page.html", context, customer, status=status)


def _promised(found: Overview | None, customer: Customer, business: Business) -> dict[str, Any]:
    """The rules as sentences, and what of them changes when."""
    said = _sentences(found.rules) if found and found.rules else []
    if found is None or found.following is None:
        return {"rules": said, "following": None}
    following = rules_of(found.following).for_member(str(customer.pk))
    new, gone = changes(said, _sentences(following))
    begins = format_moment(found.following.valid_from, business.zone)
    return {"rules": said, "following": found.following, "begins": begins, "new": new, "gone": gone}


def _changed_lately(
    customer: Customer, business: Business, at: dt.datetime
) -> list[tuple[str, str, list[str], list[str]]]:
    """What versions that began have changed for him: the day, the note, what began and what ended."""
    told = []
    for one, before in begun_lately(at):
        new, gone = changes(*(_sentences(rules_of(each).for_member(str(customer.pk))) for each in (before, one)))
        if new or gone:
            told.append((format_date(one.valid_from.astimezone(business.zone).date()), one.note, new, gone))
    return told


def _sentences(rules: RuleSet) -> list[str]:
    return Words(rules, names_of(rules)).for_members()


def _exactly(minor: int, currency: str) -> str:
    """Money to the minor unit where there are any."""
    return format_money(minor, currency, exact=minor % 10 ** minor_digits(currency) > 0)


def _card(contacts: list[Contact]) -> dict[str, Any] | None:
    """The number of his card, and how readers see it: as bars, and as a square."""
    good = (one.contact for one in cards_among(contacts) if not one.is_blocked)
    number = next((one.value for one in good if one.is_valid), None)
    if number is None:
        return None
    return {"number": number, "bars": barcodes.bars(number), "square": _drawn(number, barcodes.Kind.QR)}


def _drawn(number: str, kind: barcodes.Kind) -> Markup | None:
    try:
        return barcodes.svg(number, kind)
    except InputError:
        # another check digit, or letters that these bars cannot hold
        return None


def _record(visit: Visit, shown: str, channel: str, *, is_given: bool) -> None:
    """What he says is written down when it is news: pressed again and again it fills no ledger."""
    purpose = shown.partition("/")[0]
    version = text_read(shown).version if is_given else None
    held = standings(list(visit.customer.consents.filter(purpose=purpose)), current_purposes())
    said = next((one.by_channel for one in held if one.purpose.slug == purpose), {})
    if channel not in said:
        raise InputError(_("This is no more asked for."))
    if (before := said[channel]) is not None and before.is_given == is_given:
        return
    with use_language(Business.current().language):
        source = _("his own page")
    with acting(None, "page"):
        record_consent(
            visit.customer, purpose=purpose, channel=channel, is_given=is_given, source=source, by=None,
            text_version=version, proof={"page": visit.page.pk, "proven": visit.is_proven},
        )  # fmt: skip


# --- who is here, and in which language ---


def _visit(request: HttpRequest) -> Visit | None:
    """Whose page this browser has opened; None when that was long ago, or its links were revoked since."""
    for how, life in _LIVES.items():
        try:
            name, version = signing.loads(request.COOKIES.get(COOKIE, ""), salt=_salt(how), max_age=life)
        except signing.BadSignature:
            continue
        found = page_named(name, version)
        return Visit(found, whose(found), how == "proven") if found else None
    return None


def _opened(request: HttpRequest, found: CustomerPage, *, how: str) -> HttpResponse:
    """The way to the page, with the cookie; what is proven already stays proven when a link is opened again."""
    visit = _visit(request)
    response = redirect("own_page")
    if how == "seen" and visit is not None and visit.is_proven and visit.page == found:
        return response
    value = signing.dumps([found.name, found.version], salt=_salt(how))
    response.set_cookie(
        COOKIE, value, max_age=_LIVES[how], httponly=True, samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )  # fmt: skip
    return response


def _salt(how: str) -> str:
    return f"regulars.page.{how}"


def _void(request: HttpRequest) -> HttpResponse:
    many = misses_too_often(request, "own-page")
    return _shown(request, "own/void.html", {"many": many}, None, status=429 if many else 410)


def _too_many() -> str:
    return _("Too many tries. Wait an hour, or ask the shop for a new link.")


def _language(request: HttpRequest, customer: Customer | None) -> str:
    """Staff looks at it in its own language; a customer in the one that he chose, in his, or in the shop's."""
    if request.user.is_authenticated:
        return request.user.language
    wished = [request.COOKIES.get(LANGUAGE_COOKIE, ""), customer.language if customer else ""]
    return next((one for one in wished if one in LANGUAGES), "") or Business.current().language


def _speaking(request: HttpRequest, customer: Customer | None) -> Any:
    return use_language(_language(request, customer))


def _remember_language(response: HttpResponse, chosen: str) -> None:
    if chosen in LANGUAGES:
        response.set_cookie(
            LANGUAGE_COOKIE, chosen, max_age=_YEAR, httponly=True, samesite="Lax",
            secure=settings.SESSION_COOKIE_SECURE,
        )  # fmt: skip


def _shown(
    request: HttpRequest, template: str, context: dict[str, Any], customer: Customer | None, *, status: int = 200
) -> HttpResponse:
    spoken = _language(request, customer)
    others = [(code, name) for code, name in LANGUAGE_NAMES.items() if code != spoken]
    business = context.get("business") or Business.current()
    with use_language(spoken), translation.override(spoken):
        response = render(request, template, {"business": business} | context | {"others": others}, status=status)
    response.headers["Content-Language"] = spoken
    return response
