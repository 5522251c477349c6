"""The cashier's page, for a telephone: who stands there, what it costs him, and a card for whoever has none.

A shop whose own till cannot ask types the sum or the goods here; they are judged and written by the same path as the
receipts of tills.
"""

import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from regulars.accounts.models import User
from regulars.accounts.rights import Right
from regulars.api.limits import A_MISS, A_WRONG_CODE, charge, of_user, take
from regulars.api.till_requests import miss
from regulars.core import barcodes
from regulars.core.errors import InputError
from regulars.core.i18n import format_date, format_number
from regulars.core.i18n import gettext as _
from regulars.core.money import format_money
from regulars.customers.contact_values import normal_phone, normalised, region
from regulars.customers.models import Contact, Customer, Field
from regulars.customers.names import half_name
from regulars.customers.selectors.consents import current_purposes
from regulars.foundation.models import Business
from regulars.insights.selectors.membership import segments_of
from regulars.loyalty import gifts, members
from regulars.loyalty.asking import Answers, questions
from regulars.loyalty.cards import give_virtual, has_card
from regulars.loyalty.certificate_deals import MOST_ON_A_RECEIPT
from regulars.loyalty.certificates import NoCertificate
from regulars.loyalty.codes import personal_codes
from regulars.loyalty.members import NoMember, Shown
from regulars.loyalty.models import Reward, Sale
from regulars.loyalty.order_holds import LONGEST_NUMBER, waiting_orders
from regulars.loyalty.paid_cards import CardWish, offers_of, sell_card
from regulars.loyalty.partners import own_stores
from regulars.loyalty.privileges import standing_privileges
from regulars.loyalty.programmes import most_debt
from regulars.loyalty.selling import Order, OtherSum, Quote, commit, is_sold, quote
from regulars.loyalty.setting_aside import NoCode, fetch, waiting_under
from regulars.loyalty.standing import standings_of
from regulars.loyalty.taking_back import latest, till_of
from regulars.loyalty.tastes import fitting
from regulars.loyalty.telling import OtherTold
from regulars.loyalty.tiers import tier_of
from regulars.loyalty.till_codes import is_code, looks_like_code
from regulars.purchases.models import Store
from regulars.web.access import Request, View, needs
from regulars.web.customers.actions import day_of
from regulars.web.middleware import PERMISSIONS
from regulars.web.till_basket import Basket, basket_of, look_for, looks_at_goods, offered_categories

_LARGEST_PHOTO = 12 << 20
STORE = "till_store"
_LAST = 5  # receipts of a member, for whoever brings something back

T = TypeVar("T")


class TooOften(InputError):
    """So many cards were tried that nobody has."""


def with_camera(view: View) -> View:
    """Cards are scanned here, and nowhere else; nothing of it stays in the browser."""

    def allowed(request: Request, *arguments: Any, **named: Any) -> Any:
        response = view(request, *arguments, **named)
        response.headers["Permissions-Policy"] = PERMISSIONS.replace("camera=()", "camera=(self)")
        return response

    return never_cache(allowed)


@needs(Right.SERVE_AT_TILL)
@require_http_methods(["GET", "POST"])
@with_camera
def page(request: Request) -> HttpResponse:
    """Find a member by his card, a photo of it, or his phone."""
    if request.method != "POST":
        return render(request, "till.html", {"who": "", "error": ""})
    who = request.POST.get("who", "").strip()
    try:
        enter(request)
        if has_photo(request):
            who = scanned(request)
        if (waiting := waiting_under(who)) is not None:
            return _waiting(request, waiting)
        return _shown(request, who, _found(request, who))
    except InputError as error:
        return _refused(request, who, error)


@needs(Right.SERVE_AT_TILL)
@require_POST
@with_camera
def sell(request: Request) -> HttpResponse:
    """Quote a sum, and write the receipt when it is paid."""
    typed, who = request.POST, request.POST.get("who", "").strip()
    try:
        enter(request)
        # whoever pays with a certificate need not be a member, and a code is used up by what it wrote
        found = _found(request, who) if who and not _is_told(request) else None
    except InputError as error:
        return _refused(request, who, error)
    if "sum" not in typed:
        return _shown(request, who, found)
    basket = Basket()
    try:
        basket = basket_of(typed)
        if basket.problem:
            raise InputError(basket.problem)
        if has_photo(request):
            look_for(basket, scanned(request))
        if "paid" not in typed:
            return _shown(request, who, found, basket, quoted=_quoted(request, who, basket))
        sale = _paid(request, who, basket)
    except OtherSum as error:
        return _shown(request, who, found, basket, quoted=error.quote, error=str(error))
    except InputError as error:
        return _shown(request, who, found, basket, error=str(error))
    said = _("Written: {money} paid, {earned} points earned, {spent} spent. He has {balance} now.")
    messages.success(
        request,
        (said if sale.customer_id else _("Written: {money} paid.")).format(
            money=format_money(sale.in_money, Business.current().currency, exact=True),
            earned=format_number(sale.points_earned), spent=format_number(sale.points_spent),
            balance=format_number(sale.balance or 0),
        ),
    )  # fmt: skip
    return redirect("till")


@needs(Right.SERVE_AT_TILL)
@require_POST
@with_camera
def take_gift(request: Request) -> HttpResponse:
    """A gift for his points, given into his hands."""
    who = request.POST.get("who", "")
    try:
        enter(request)
        wish = _wish(request, who)
        # a repetition is answered as it was, though his card be lost by now
        if known := gifts.told_before(wish):
            return _handed_out(request, known)
        found = _found(request, who)
    except InputError as error:
        return _refused(request, who, error)
    try:
        return _handed_out(request, gifts.take(found, wish, _read(who)))
    except InputError as error:
        return _shown(request, who, found, error=str(error))


def _wish(request: Request, who: str) -> gifts.Wish:
    typed, store = request.POST, request.session.get(STORE, "")
    return gifts.Wish(
        _till(request), number_of_form(typed), whole(typed.get("gift", "")), whole(typed.get("points", "")),
        shown=who[:100], cashier=request.user.name[:200], is_handed_out=True,
        # of a sum that was asked and never paid the store may not be there yet
        store=store if Store.objects.filter(name=store).exists() else "",
    )  # fmt: skip


@needs(Right.SERVE_AT_TILL)
@require_POST
@with_camera
def hand_out_gift(request: Request) -> HttpResponse:
    """What waits for him, to whoever shows its code."""
    code, till = request.POST.get("code", ""), _till(request)
    try:
        enter(request)
        return _handed_out(request, fetch(code, who=till, till=till, number=number_of_form(request.POST)))
    except InputError as error:
        if isinstance(error, NoCode):
            charge(of_user(request.user.pk), A_MISS)
        return _refused(request, code, error)


@needs(Right.SERVE_AT_TILL)
@require_POST
@with_camera
def sell_a_card(request: Request) -> HttpResponse:
    """He paid for his card."""
    typed, who = request.POST, request.POST.get("who", "").strip()
    try:
        enter(request)
        found = _found(request, who)
    except InputError as error:
        return _refused(request, who, error)
    try:
        wish = CardWish(
            _till(request), number_of_form(typed), typed.get("card", ""), whole(typed.get("paid", "")),
            request.user.name[:200],
        )  # fmt: skip
        sale = counted(request, lambda: sell_card(wish))
    except InputError as error:
        return _shown(request, who, found, error=str(error))
    said = _("Paid: {money}. He has “{privilege}” through {day}.")
    money = format_money(sale.price, Business.current().currency, exact=True)
    messages.success(request, said.format(money=money, privilege=sale.batch.privilege, day=format_date(sale.until)))
    return redirect("till")


@needs(Right.SERVE_AT_TILL)
@require_http_methods(["GET", "POST"])
@with_camera
def member(request: Request) -> HttpResponse:
    """Give a card to whoever has none: a name, a phone, and what he agrees to."""
    if request.method != "POST":
        return _form(request)
    try:
        enter(request)
        if has_photo(request):
            return _form(request, card=scanned(request))
        who = _welcome(request)
    except InputError as error:
        if isinstance(error, NoMember):
            charge(of_user(request.user.pk), A_MISS)
        return _form(request, error=error)
    messages.success(request, _("He takes part now."))
    shown = _read(who)
    return _shown(request, who, members.find(card=shown.card, phone=shown.phone))


def _handed_out(request: Request, reward: Reward) -> HttpResponse:
    said = _("Give it to him: {gift}, paid with {points} points.")
    messages.success(request, said.format(gift=reward.gift.name, points=format_number(reward.points)))
    return redirect("till")


def _waiting(request: Request, reward: Reward) -> HttpResponse:
    """A gift that waits, by its code."""
    context = {
        "one": reward, "name": half_name(reward.customer), "form_number": new_number(),
        "zone": Business.current().zone,
    }  # fmt: skip
    return render(request, "till_gift.html", context)


def enter(request: Request) -> None:
    """Every try is counted, as those of tills are."""
    if not take(of_user(request.user.pk)):
        raise TooOften(_("Too many cards were tried that nobody has: wait half a minute."))


def has_photo(request: Request) -> bool:
    """Whether the server is to read one, be it that none was chosen."""
    return "photo" in request.FILES or "read" in request.POST


def scanned(request: Request) -> str:
    """The barcode on the photo that was sent."""
    photo = request.FILES.get("photo")
    if not isinstance(photo, UploadedFile):
        raise InputError(_("Take a photo of the barcode first."))
    if photo.size is None or photo.size > _LARGEST_PHOTO:
        raise InputError(_("The picture is too large: take a smaller photo."))
    found = barcodes.read(photo.read())
    if not found:
        raise InputError(_("No barcode can be read on the photo: hold the telephone nearer, or type the number."))
    return found[0]


def counted(request: Request, work: Callable[[], T], *, may_be_code: bool = False) -> T:
    """Do it; a card, code or certificate that nobody has costs the right to ask."""
    try:
        return work()
    except (NoMember, NoCertificate) as error:
        charge(of_user(request.user.pk), A_WRONG_CODE if may_be_code else miss(error))
        raise


def _till(request: Request) -> str:
    return till_of(request.user)


def _is_told(request: Request) -> bool:
    """Whether the form wrote a receipt already."""
    return "paid" in request.POST and is_sold(_till(request), request.POST.get("number", ""))


def _found(request: Request, who: str) -> Customer:
    shown = _read(who)
    return counted(
        request, lambda: members.find(card=shown.card, phone=shown.phone, code=shown.code, till=_till(request)),
        # where phones are as long as codes nobody knows which of them was tried
        may_be_code=not shown.card and looks_like_code(who),
    )  # fmt: skip


def _quoted(request: Request, who: str, basket: Basket) -> Quote | None:
    """What it costs; nothing while goods are only being put together."""
    if basket.found or (basket.is_changed and "ask" not in request.POST):
        return None
    order = _order(request, who, basket)
    return counted(request, lambda: quote(order, segments=segments_of))


def _paid(request: Request, who: str, basket: Basket) -> Sale:
    typed, order = request.POST, _order(request, who, basket)
    in_money = whole(typed["in_money"]) if order.certificates and typed.get("in_money") else None
    number, to_pay = number_of_form(typed), whole(typed.get("to_pay", ""))
    return counted(request, lambda: _sold(order, number, who, to_pay=to_pay, in_money=in_money))


def _sold(order: Order, number: str, who: str, *, to_pay: int, in_money: int | None) -> Sale:
    """The receipt. Pressed again its code is used up, and reads as a phone where phones are as long."""
    try:
        return commit(order, number, to_pay=to_pay, in_money=in_money, segments=segments_of)
    except OtherTold:
        if not (order.phone and looks_like_code(who)):
            raise
        by_code = replace(order, phone="", code=who)
        return commit(by_code, number, to_pay=to_pay, in_money=in_money, segments=segments_of)


def _read(who: str) -> Shown:
    """A card or a code when somebody has it, else a phone when it is one."""
    if not who.strip():
        raise InputError(_("Scan a card, or type its number or the phone."))
    try:
        card = normalised(Contact.Kind.CARD, who, region=region())
    except InputError:
        card = ""
    if card and Contact.objects.filter(kind=Contact.Kind.CARD, value=card).exists():
        return Shown(card=card)
    may_be_code = looks_like_code(who)
    if may_be_code and is_code(who):
        return Shown(code=who)
    try:
        return Shown(phone=normal_phone(who, region()))
    except InputError:
        if not card:
            raise
        return Shown(code=who) if may_be_code else Shown(card=card)


def _order(request: Request, who: str, basket: Basket) -> Order:
    typed, shown = request.POST, _read(who) if who else Shown()
    store = typed.get("store", "").strip()[:200]
    if not store:
        raise InputError(_("Choose the store."))
    request.session[STORE] = store
    code = typed.get("code", "").strip()[:200]
    # scanned one after the other, or typed with spaces between groups of digits
    certificates = tuple(re.findall(r"[^,;\n]+", typed.get("certificates", "")[:2_000].strip()))
    if len(certificates) > MOST_ON_A_RECEIPT:
        raise InputError(_("At most {most} certificates pay for one receipt.").format(most=MOST_ON_A_RECEIPT))
    return Order(
        till=_till(request), store=store, cashier=request.user.name[:200], card=shown.card,
        phone=shown.phone, code=shown.code,
        items=basket.items(), points=whole(typed.get("points", "")), promo_codes=frozenset({code} if code else ()),
        certificates=certificates, hold=typed.get("hold", "")[:LONGEST_NUMBER],
    )  # fmt: skip


def whole(text: str) -> int:
    """A whole number as people type it; nothing is nought."""
    bare = re.sub(r"\s", "", text)
    if not re.fullmatch(r"[0-9]{0,13}", bare):
        raise InputError(_("{value!r} is no whole number.").format(value=text[:40]))
    return int(bare or 0)


def number_of_form(typed: Any) -> str:
    """The number that the form was made with: pressed twice it is one receipt."""
    number: str = typed.get("number", "")
    if not re.fullmatch(r"[0-9a-f-]{1,40}", number):
        raise InputError(_("The form is broken: begin anew."))
    return number


@transaction.atomic
def _welcome(request: Request) -> str:
    """His card, by which he is found from now on."""
    typed, now = request.POST, timezone.now()
    card, phone = typed.get("card", "").strip(), typed.get("phone", "").strip()
    if not card and not phone:
        raise InputError(_("Scan a card or write his phone: without both nobody can be found again."))
    made = members.welcome(
        card=card, phone=phone, name=typed.get("name", "")[:120], source="web", most_debt=most_debt(now),
        by=request.user, told=Answers(
            day_of(typed.get("birth_date", "")), typed.get("email", "")[:254], _own_fields(typed),
            tuple(typed.getlist("agrees")[:20]),
        ),
    )  # fmt: skip
    return card or _shown_as(made, phone, request.user)


def _shown_as(customer: Customer, phone: str, by: User) -> str:
    """A new number without plastic; who has a card already, or forgot that he takes part, has only said his phone."""
    return phone if has_card(customer.pk) else give_virtual(customer, by=by).value


def _shown(
    request: Request, who: str, found: Customer | None, basket: Basket | None = None, *,
    quoted: Quote | None = None, error: str = "",
) -> HttpResponse:  # fmt: skip
    """Who it is, and what he is about to pay."""
    business, day, number = Business.current(), timezone.now(), new_number()
    basket = basket or Basket()
    context: dict[str, Any] = {
        "who": who, "error": error, "customer": found, "basket": basket, "looks_at_goods": looks_at_goods(),
        "categories": offered_categories(), "names": [*(one.name for one in basket.rows), _("Goods by their sum")],
        "day_now": day.astimezone(business.zone).date(), "zone": business.zone, "currency": business.currency,
        "stores": _stores(business), "store": request.POST.get("store") or request.session.get(STORE, ""),
        "typed": request.POST if request.POST.keys() & {"sum", "certificates"} else {}, "quoted": quoted,
        "number_of_receipt": request.POST.get("number") or number, "number_of_gift": number,
        "waiting": [], "fits": [], "offers": [], "sales": [], "orders": [], "half_name": half_name,
    }  # fmt: skip
    if found is not None:
        offers = gifts.offers_for(found)
        context |= {
            "is_proof": _read(who).is_proof, "waiting": gifts.waiting_gifts(found), "fits": fitting(found, offers),
            "offers": [one for one in offers if one.can_take],
            "name": found.given_name or found.name, "standings": standings_of(found.pk), "tier": tier_of(found.pk),
            "privileges": standing_privileges(found), "paid_cards": offers_of(found),
            "codes": personal_codes(found.pk, day.astimezone(business.zone).date()),
            "sales": latest(request.user, customer=found)[:_LAST],
            # a partner's orders are paid at its own tills
            "orders": [one for one in waiting_orders(found.pk, members.points_unit()) if not one.partner],
        }  # fmt: skip
    return render(request, "till_member.html", context, status=422 if error else 200)


def new_number() -> str:
    """For the next form."""
    return f"{timezone.now().astimezone(Business.current().zone):%y%m%d-%H%M%S}-{secrets.token_hex(3)}"


def _stores(business: Business) -> Sequence[str]:
    return own_stores() or [business.name]


def _form(request: Request, *, error: InputError | None = None, card: str = "") -> HttpResponse:
    typed = (request.POST or request.GET).copy()
    if card:
        typed["card"] = card
    told = _own_fields(typed)
    context = {
        "error": str(error or ""), "typed": typed, "purposes": current_purposes(),
        # ticked by a person, never by a link
        "agreed": request.POST.getlist("agrees"),
        "fields": [(one, _as_shown(one, told.get(one.slug))) for one in questions()],
    }  # fmt: skip
    return render(request, "till_new.html", context, status=status_of(error))


def _own_fields(typed: QueryDict) -> dict[str, Any]:
    """What is filled in of what a questionnaire asks for."""
    answers = {one.slug: [value for value in typed.getlist(f"own-{one.slug}") if value] for one in questions()}
    several = {one.slug for one in questions() if one.type == Field.Type.CHOICES}
    return {slug: found if slug in several else found[0] for slug, found in answers.items() if found}


def _as_shown(one: Field, typed: Any) -> Any:
    """For the form, which is shown again as it was typed."""
    return typed == "yes" if one.type == Field.Type.YES_NO and typed else typed


def _refused(request: Request, who: str, error: InputError) -> HttpResponse:
    return render(request, "till.html", {"who": who, "error": str(error)}, status=status_of(error))


def status_of(error: InputError | None) -> int:
    """Of the answer that tells it."""
    if error is None:
        return 200
    return 429 if isinstance(error, TooOften) else 404 if isinstance(error, NoMember | NoCertificate) else 422
