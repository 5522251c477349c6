"""Tills: who stands there, what his basket costs, and the receipts and returns that are written."""

import logging
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Header, NinjaAPI, Query, Router

from regulars.api.http import Problem, Request, answers, needs
from regulars.api.limits import A_SNAPSHOT, charge
from regulars.api.models import Scope
from regulars.api.till_bodies import (
    BalanceOut,
    BatchIn,
    BatchOut,
    ChangedOut,
    GiftCodeIn,
    GiftsOut,
    GiftTakenOut,
    GiftVoidIn,
    GiftWishIn,
    MemberOut,
    NewMemberIn,
    OfflineIn,
    OfflineOut,
    OfflineSaleIn,
    OrderIn,
    QuestionnaireOut,
    QuoteIn,
    QuoteOut,
    ReceiptIn,
    ReturnIn,
    ReturnNowIn,
    ReturnOut,
    SaleOut,
    SnapshotKeyOut,
    SnapshotOut,
    VoidIn,
    WhoIn,
)
from regulars.api.till_requests import known as _known
from regulars.api.till_requests import till_of as _till
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.customers.models import Customer
from regulars.customers.selectors.consents import current_purposes
from regulars.insights.selectors.membership import segments_of
from regulars.loyalty import gifts, members, offline
from regulars.loyalty.asking import Answers, questions
from regulars.loyalty.balances import Balance
from regulars.loyalty.batches import Answer, commit_all
from regulars.loyalty.certificates import NoCertificate
from regulars.loyalty.fiscal import printed, printed_back, printed_of
from regulars.loyalty.ledger import Refused
from regulars.loyalty.members import NoMember, Shown
from regulars.loyalty.models import Reward, SaleReturn, WaitingReturn
from regulars.loyalty.offline_sale import Told
from regulars.loyalty.order_holds import NoHold
from regulars.loyalty.partners import partner_at
from regulars.loyalty.programme.judging import Judged
from regulars.loyalty.programmes import most_debt
from regulars.loyalty.returning import Coming, bring_back
from regulars.loyalty.selling import Item, Order, OtherSum, Paid, Quote, commit, quote
from regulars.loyalty.setting_aside import fetch
from regulars.loyalty.signatures import public_key
from regulars.loyalty.snapshots import snapshot_for
from regulars.loyalty.tastes import fitting
from regulars.loyalty.telling import NotNow, OtherTold, check_clock
from regulars.loyalty.tiers import tier_of

_log = logging.getLogger("regulars.api")

router = Router(tags=["till"])

_WRONG: dict[int, Any] = {404: Problem, 409: ChangedOut}


@router.post("/member", response=answers(MemberOut, more={404: Problem}), **needs(Scope.TILL), summary="Find a member")
def find_member(request: Request, body: WhoIn) -> dict[str, Any]:
    """Who has this card, phone or code. Phones and addresses are not told."""
    found = _found(request, body)
    return _member(found, found.given_name or found.name)


@router.post("/members", response=answers(MemberOut, more={409: Problem}), **needs(Scope.TILL), summary="Make a member")
def make_member(request: Request, body: NewMemberIn) -> dict[str, Any]:
    """Whoever has the phone is made a member, or somebody new; the card becomes his. Twice is the same as once."""
    made = _known(
        request,
        lambda: members.welcome(
            card=body.card,
            phone=body.phone,
            name=body.name,
            source=_till(request),
            most_debt=most_debt(timezone.now()),
            told=Answers(body.birth_date, body.email, body.own_fields, tuple(body.agrees)),
        ),
    )
    # the name that was told, not the one that is known: else phones could be tried for names
    return _member(made, body.name)


@router.get(
    "/questionnaire", response=answers(QuestionnaireOut), **needs(Scope.TILL), summary="What a new member is asked"
)
def read_questionnaire(request: Request) -> dict[str, Any]:
    """The own fields that a questionnaire asks for, and the texts to agree to."""
    return {
        "questions": [
            {"name": one.slug, "title": one.title, "type": one.type, "choices": one.choices} for one in questions()
        ],
        "texts": [{"text": one.shown_as, "title": one.title, "words": one.text} for one in current_purposes()],
    }


@router.post("/quote", response=answers(QuoteOut, more=_WRONG), **needs(Scope.TILL), summary="What a basket costs")
def quote_basket(request: Request, body: QuoteIn) -> dict[str, Any]:
    """Discounts, points and why. Ask again whenever the basket changes."""
    check_clock(body.clock, timezone.now())
    return _quoted(_known(request, lambda: quote(_order(request, body), segments=segments_of)))


@router.post("/receipts", response=answers(SaleOut, more=_WRONG), **needs(Scope.TILL), summary="Write a receipt")
def commit_receipt(request: Request, body: ReceiptIn) -> dict[str, Any]:
    """Write the receipt with its points, once for each number; the same request again is answered alike."""
    check_clock(body.clock, timezone.now())
    return _known(request, lambda: _sell(request, body))


@router.post("/returns", response=answers(ReturnOut, more=_WRONG), **needs(Scope.TILL), summary="Take goods back")
def return_goods(request: Request, body: ReturnNowIn) -> dict[str, Any]:
    """Take back parts of a receipt, or all that is left of it, once for each number of this till."""
    check_clock(body.clock, timezone.now())
    return _take_back(_coming(request, body))


@router.post("/voids", response=answers(ReturnOut, more=_WRONG), **needs(Scope.TILL), summary="Cancel a receipt")
def void_receipt(request: Request, body: VoidIn) -> dict[str, Any]:
    """Undo a whole receipt of this till of which nothing came back yet."""
    till = _till(request)
    return _take_back(Coming(till, body.number, till, body.receipt, cashier=body.cashier, is_void=True))


@router.post("/batch", response=answers(BatchOut), **needs(Scope.TILL), summary="Tell what happened offline")
def tell_batch(request: Request, body: BatchIn) -> dict[str, Any]:
    """Receipts and returns, each written or refused on its own. Rules are those of the moment of the purchase."""
    check_clock(body.clock, timezone.now())
    has_clock = body.clock is not None
    paid = [Paid(_order(request, one), one.number, one.to_pay, one.in_money, has_clock) for one in body.receipts]
    sales = zip(paid, commit_all(paid, segments=segments_of), strict=True)
    return {
        "receipts": [_told(request, one.number, "sale", partial(_sold, sale)) for one, sale in sales],
        "returns": [
            _told(request, one.number, "back", partial(_take_back, _coming(request, one))) for one in body.returns
        ],
    }


@router.get(
    "/snapshot", response=answers(SnapshotOut, more={304: None}), **needs(Scope.TILL), summary="Rules to sell by alone"
)
def read_snapshot(
    request: Request,
    response: HttpResponse,
    store: Annotated[str, Query(min_length=1, max_length=200, description="Where the till sells.", examples=["Arbat"])],
    known: Annotated[
        str | None, Header(alias="If-None-Match", description="The `ETag` of the last one: 304 while it is as good.")
    ] = None,
) -> Any:
    """The rules of now and of the next three days, with which the till can judge baskets by itself."""
    charge(request.auth.pk, A_SNAPSHOT)
    found = snapshot_for(_till(request), store, now=timezone.now())
    tag = f'"{found.name}"'
    # a proxy that packs answers weakens the tag, and several may be named
    if known is not None and found.name in known:
        return HttpResponse(status=304, headers={"ETag": tag})
    response["ETag"] = tag
    return {"snapshot": found.text, "signature": found.signature}


@router.get("/snapshot/key", response=answers(SnapshotKeyOut), **needs(Scope.TILL), summary="The key of snapshots")
def read_snapshot_key(request: Request) -> dict[str, Any]:
    """With which a till checks that a snapshot is the server's."""
    return {"public_key": public_key(settings.SECRET_KEY)}


@router.post("/offline", response=answers(OfflineOut), **needs(Scope.TILL), summary="Tell what was sold without a line")
def tell_offline(request: Request, body: OfflineIn) -> dict[str, Any]:
    """Receipts and returns are kept at once, and written in the order in which they happened."""
    check_clock(body.clock, timezone.now())
    till = _till(request)
    answer = {
        "receipts": [
            _stored(one.number, partial(offline.store_sale, _told_offline(request, one), more=body.more))
            for one in body.receipts
        ],
        "returns": [
            _stored(one.number, partial(offline.store_return, _coming(request, one), more=body.more))
            for one in body.returns
        ],
    }
    if not body.more:
        offline.hurry(till)
    return answer


@router.post("/gifts", response=answers(GiftsOut, more={404: Problem}), **needs(Scope.TILL), summary="Gifts for him")
def list_gifts(request: Request, body: WhoIn) -> dict[str, Any]:
    """What he can take for his points now, the cheapest first, and what suits him now or soon, with the reason.

    A gift is taken with the card or a code; by the phone alone codes of gifts that wait are not told.
    """
    found, is_proof = _found(request, body), Shown(body.card, body.phone, body.code).is_proof
    # a partner hands out no gifts, and is not told what was bought elsewhere
    is_partner = partner_at(_till(request)) is not None
    offers = [] if is_partner else gifts.offers_for(found)
    return {
        "can_take": [_gift(one) for one in offers if one.can_take],
        "suits": [_gift(one.offer) | {"reason": one.reason} for one in fitting(found, offers)],
        "waiting": [] if is_partner else [_waiting(one, is_proof=is_proof) for one in gifts.waiting_gifts(found)],
        "balance": _balance(members.points_of(found)),
    }


@router.post("/gifts/take", response=answers(GiftTakenOut, more=_WRONG), **needs(Scope.TILL), summary="Take a gift")
def take_gift(request: Request, body: GiftWishIn) -> dict[str, Any]:
    """Take a gift for his points, once for each number of this till; the same request again is answered alike."""
    wish = gifts.Wish(
        _till(request), body.number, body.gift, body.points, shown=_shown(body), cashier=body.cashier,
        store=body.store, is_handed_out=body.handed_out,
    )  # fmt: skip
    # a repetition is answered as it was, though his card be lost and the gift gone by now
    if known := gifts.told_before(wish):
        return _taken(known)
    found = _found(request, body)
    return _taken(gifts.take(found, wish, Shown(body.card, body.phone, body.code)))


@router.post("/gifts/hand-out", response=answers(GiftTakenOut, more=_WRONG), **needs(Scope.TILL),
             summary="Hand out a gift that waits")  # fmt: skip
def hand_out_gift(request: Request, body: GiftCodeIn) -> dict[str, Any]:
    """Whoever shows the code of a gift that waits gets it, once; the same request again is answered alike."""
    till = _till(request)
    who = f"{till} {body.cashier}".strip()
    return _taken(_known(request, lambda: fetch(body.code, who=who, till=till, number=body.number)))


@router.post("/gifts/cancel", response=answers(GiftTakenOut, more=_WRONG), **needs(Scope.TILL), summary="Cancel a gift")
def cancel_gift(request: Request, body: GiftVoidIn) -> dict[str, Any]:
    """Undo a gift that this till took: the points go back to him, the piece to the stock. Twice is the same as once."""
    return _taken(gifts.cancel_of_till(_till(request), body.number, cashier=body.cashier))


def handle_errors(api: NinjaAPI) -> None:
    """What is right but does not go is no fault of the request."""
    api.exception_handler(NoMember)(lambda request, error: _refusal(api, request, error, 404))
    api.exception_handler(NoCertificate)(lambda request, error: _refusal(api, request, error, 404))
    api.exception_handler(NoHold)(lambda request, error: _refusal(api, request, error, 404))
    api.exception_handler(gifts.NoGift)(lambda request, error: _refusal(api, request, error, 404))
    api.exception_handler(Refused)(lambda request, error: _refusal(api, request, error, 409))
    api.exception_handler(NotNow)(lambda request, error: _refusal(api, request, error, 409))
    # a repetition with another body is told as one of an idempotency key is
    api.exception_handler(OtherTold)(lambda request, error: _refusal(api, request, error, 422))


def _refusal(api: NinjaAPI, request: HttpRequest, error: InputError, status: int) -> HttpResponse:
    more = {"quote": _quoted(error.quote)} if isinstance(error, OtherSum) else {}
    return api.create_response(request, {"detail": str(error)} | more, status=status)


def _found(request: Request, body: WhoIn) -> Customer:
    return _known(request, lambda: members.find(card=body.card, phone=body.phone, code=body.code, till=_till(request)))


def _shown(body: WhoIn) -> str:
    """By which a repetition is known."""
    return "\x1f".join((body.card, body.phone, *([body.code] if body.code else [])))


def _order(request: Request, body: OrderIn) -> Order:
    return Order(
        till=_till(request), store=body.store, purchased_at=body.purchased_at, channel=body.channel,
        cashier=body.cashier, card=body.card, phone=body.phone, code=body.code, promo_codes=frozenset(body.promo_codes),
        points=body.points, certificates=tuple(body.certificates), hold=body.hold,
        items=tuple(Item(one.product_id, one.quantity, one.price, one.product, one.category) for one in body.lines),
    )  # fmt: skip


def _sell(request: Request, body: ReceiptIn) -> dict[str, Any]:
    return _sold(
        commit(
            _order(request, body), body.number, to_pay=body.to_pay, in_money=body.in_money, segments=segments_of,
            has_clock=body.clock is not None,
        )
    )  # fmt: skip


def _sold(sale: Answer) -> dict[str, Any]:
    if isinstance(sale, Exception):
        raise sale
    sums = vars(printed_of(sale))
    return {name: getattr(sale, name) for name in SaleOut.model_fields if name not in sums} | sums


def _coming(request: Request, body: ReturnIn) -> Coming:
    till = _till(request)
    return Coming(
        till, body.number, body.receipt_till or till, body.receipt,
        tuple((one.line, one.quantity) for one in body.lines), body.returned_at, body.cashier,
    )  # fmt: skip


def _told_offline(request: Request, body: OfflineSaleIn) -> Told:
    order = _order(request, body)
    return Told(order, body.number, body.snapshot, body.paid, order.has_member)


def _stored(number: str, work: Callable[[], offline.State]) -> dict[str, Any]:
    """One of many: whatever is wrong with it, the others are kept."""
    try:
        found = work()
    except InputError as refused:
        return {"number": number, "state": "refused", "detail": str(refused)}
    except DatabaseError:
        _log.warning("what a till told was not kept", exc_info=True)
        return {"number": number, "state": "refused", "detail": _("It could not be kept: tell it again.")}
    sale, back = found.sale and _sold(found.sale), found.back and _back(found.back)
    return {"number": number, "state": found.name, "detail": found.problem, "sale": sale, "back": back}


_BACK = ("refund", "to_certificates", "points_back", "points_taken", "points_forgiven")


def _take_back(coming: Coming) -> dict[str, Any]:
    return _back(bring_back(coming))


def _back(found: SaleReturn | WaitingReturn) -> dict[str, Any]:
    if isinstance(found, WaitingReturn):
        detail = found.wanted.get("refused", "")
        nothing = dict.fromkeys((*_BACK, "points_as", "price_to_print", "paid_by_points"))
        state = "refused" if detail else "waits"
        return {"number": found.number, "state": state, "detail": detail, **nothing, "lines": []}
    lines = [vars(one) for one in printed_back(found)]
    sums = {name: sum(one[name] for one in lines) for name in ("price_to_print", "paid_by_points")}
    figures = {name: getattr(found, name) for name in _BACK} | {"points_as": found.sale.points_as, "lines": lines}
    return {"number": found.number, "state": "done", "detail": "", **figures, **sums}


def _told(request: Request, number: str, name: str, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """One of a batch: whatever is wrong with it, the others are told too."""
    try:
        return {"number": number, "detail": "", name: _known(request, work)}
    except InputError as refused:
        return {"number": number, "detail": str(refused)}
    except DatabaseError:
        _log.warning("one of a batch was not written", exc_info=True)
        return {"number": number, "detail": _("It could not be written: tell it again on its own.")}


def _member(found: Customer, name: str) -> dict[str, Any]:
    tier = tier_of(found.pk)
    return {
        "name": name, "balance": _balance(members.points_of(found)),
        "tier": tier.title if tier else "", "tier_ends_on": tier.ends_on if tier else None,
    }  # fmt: skip


def _gift(offer: gifts.Offer) -> dict[str, Any]:
    one = offer.gift
    return {"gift": one.pk, "name": one.name, "points": one.points, "missing": offer.missing, "left": one.stock}


def _taken(reward: Reward) -> dict[str, Any]:
    state = "cancelled" if reward.cancelled_at else "handed_out" if reward.handed_at else "waits"
    said = {"number": reward.number, "name": reward.gift.name, "points": reward.points, "state": state}
    return said | {"code": reward.code if state == "waits" else None}


def _waiting(reward: Reward, *, is_proof: bool) -> dict[str, Any]:
    return {
        "code": reward.code if is_proof else None,
        "name": reward.gift.name,
        "points": reward.points,
        "until": reward.until,
    }


def _balance(found: Balance | None) -> dict[str, int] | None:
    return None if found is None else {name: getattr(found, name) for name in BalanceOut.model_fields}


def _quoted(found: Quote) -> dict[str, Any]:
    judged: Judged = found.judged
    return {
        "price": sum(one.line.price for one in judged.lines), "discount": judged.discount,
        "by_points": judged.by_points, "to_pay": judged.to_pay, "points_as": judged.points_as,
        **vars(printed(judged.to_pay, judged.by_points, judged.points_as)), "by_certificates": found.by_certificates,
        "in_money": found.in_money, "certificates": [
            {"certificate": one.certificate.number, "pays": one.pays, "left": one.left} for one in found.payments
        ], "points_spent": judged.points_spent,
        "points_earned": judged.earned, "most_points": found.most_points, "balance": _balance(found.balance),
        "lines": [
            {"price": one.line.price, "discount": one.discount, "by_points": one.by_points, "to_pay": one.to_pay,
             **vars(printed(one.to_pay, one.by_points, judged.points_as)), "points": one.earned}
            for one in judged.lines
        ],
        "why": list(found.why),
    }  # fmt: skip
