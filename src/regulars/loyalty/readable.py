"""Points on the page of all that is known of a person."""

from collections.abc import Iterator, Sequence

from regulars.core.i18n import N_, format_date, format_moment, format_number
from regulars.core.i18n import gettext as _
from regulars.core.money import format_money
from regulars.customers.readable import Cells, Section, register
from regulars.foundation.models import Business
from regulars.loyalty.cards import cards_of
from regulars.loyalty.models import (
    Alert,
    CardSale,
    Correction,
    CustomerPage,
    Posting,
    Privilege,
    PromoCode,
    Reward,
    Sale,
    TierChange,
    TierEnding,
    Transaction,
)
from regulars.loyalty.tiers import tier_title

_ROWS = 500


def register_sections() -> None:
    """Called once, when the application is ready."""
    register(
        Section(N_("Points"), ("account",), _points, (N_("When"), N_("What"), N_("Points"), N_("Reason"))),
        Section(
            N_("Purchases by the loyalty programme"), ("sale",), _sales,
            (
                N_("When"), N_("Price"), N_("Discount"), N_("Paid with points"), N_("Paid with certificates"),
                N_("Points earned"),
            ),
        ),
        Section(N_("Tiers"), ("tierchange", "tierending"), _tiers, (N_("From which day"), N_("Tier"), N_("Turnover"))),
        Section(N_("Cards"), (), _cards, (N_("Given"), N_("Number"), N_("Blocked"), N_("Reason"))),
        Section(
            N_("Paid cards"), ("cardsale",), _paid_cards,
            (N_("When"), N_("Privilege"), N_("Price"), N_("Valid through"), N_("Cancelled")),
        ),
        Section(N_("Promo codes"), ("promocode",), _codes, (N_("Code"), N_("Until"), N_("Times used"))),
        Section(
            N_("Gifts"), ("reward",), _rewards,
            (N_("When"), N_("Gift"), N_("Points"), N_("Handed out"), N_("Cancelled")),
        ),
        Section(
            N_("Privileges"), ("privilege",), _privileges,
            (N_("Given"), N_("Privilege"), N_("Shown"), N_("Valid through"), N_("Ended")),
        ),
        Section(
            N_("Points by hand"), ("correction",), _corrections,
            (N_("When"), N_("Points"), N_("Reason"), N_("State")),
        ),
        Section(N_("Receipts that were looked at"), ("alert",), _alerts, (N_("When"), N_("Why"), N_("What it was"))),
        Section(N_("Own page"), ("customerpage",), _pages, (N_("Made"), N_("Times its links were revoked"))),
    )  # fmt: skip


def _points(ids: Sequence[int]) -> Iterator[Cells]:
    zone = Business.current().zone
    rows = Posting.objects.filter(account__customer__in=ids).select_related("transaction", "transaction__unit")
    for one in rows.order_by("id").iterator(_ROWS):
        fact = one.transaction
        yield (
            format_moment(fact.recorded_at, zone), _(str(Transaction.Kind(fact.kind).label)),
            f"{format_number(one.amount)} ({fact.unit})", fact.reason,
        )  # fmt: skip


def _tiers(ids: Sequence[int]) -> Iterator[Cells]:
    business = Business.current()
    for one in TierChange.objects.filter(customer__in=ids).order_by("since", "id"):
        money = format_money(one.turnover, business.currency, exact=True)
        yield format_moment(one.since, business.zone), tier_title(one.tier) or _("none"), money
    for ending in TierEnding.objects.filter(customer__in=ids):
        yield format_date(ending.ends_on), _("The tier ends unless he buys more"), ""


def _privileges(ids: Sequence[int]) -> Iterator[Cells]:
    zone = Business.current().zone
    for one in Privilege.objects.filter(customer__in=ids).order_by("given_at", "id"):
        yield (
            format_moment(one.given_at, zone), one.name, one.proof, format_date(one.until) if one.until else "",
            format_moment(one.ended_at, zone) if one.ended_at else "",
        )  # fmt: skip


def _pages(ids: Sequence[int]) -> Iterator[Cells]:
    zone = Business.current().zone
    for one in CustomerPage.objects.filter(customer__in=ids).order_by("id"):
        yield format_moment(one.made_at, zone), format_number(one.version - 1)


def _paid_cards(ids: Sequence[int]) -> Iterator[Cells]:
    business = Business.current()
    for one in CardSale.objects.filter(customer__in=ids).select_related("batch").order_by("id"):
        yield (
            format_moment(one.sold_at, business.zone), one.batch.privilege,
            format_money(one.price, business.currency, exact=True), format_date(one.until),
            format_moment(one.cancelled_at, business.zone) if one.cancelled_at else "",
        )  # fmt: skip


def _codes(ids: Sequence[int]) -> Iterator[Cells]:
    for one in PromoCode.objects.filter(customer__in=ids).select_related("batch").order_by("id"):
        until = one.batch.until
        yield one.code, format_date(until) if until else "", format_number(one.used)


def _rewards(ids: Sequence[int]) -> Iterator[Cells]:
    zone = Business.current().zone
    for one in Reward.objects.filter(customer__in=ids).select_related("gift").order_by("taken_at", "id"):
        ends = (format_moment(at, zone) if at else "" for at in (one.handed_at, one.cancelled_at))
        yield format_moment(one.taken_at, zone), one.gift.name, format_number(one.points), *ends


def _cards(ids: Sequence[int]) -> Iterator[Cells]:
    zone = Business.current().zone
    for one in cards_of(ids):
        blocked = one.card.blocked_at if one.card else None
        yield (
            format_moment(one.contact.created_at, zone), one.contact.value,
            format_moment(blocked, zone) if blocked else "", one.card.reason if one.card else "",
        )  # fmt: skip


def _sales(ids: Sequence[int]) -> Iterator[Cells]:
    business = Business.current()
    for one in Sale.objects.filter(customer__in=ids).order_by("purchased_at", "id").iterator(_ROWS):
        money = (
            format_money(sum_, business.currency, exact=True)
            for sum_ in (one.price, one.discount, one.by_points, one.by_certificates)
        )
        yield format_moment(one.purchased_at, business.zone), *money, format_number(one.points_earned)


def _corrections(ids: Sequence[int]) -> Iterator[Cells]:
    zone = Business.current().zone
    for one in Correction.objects.filter(customer__in=ids).order_by("id"):
        state = _(str(Correction.State(one.state).label))
        yield format_moment(one.asked_at, zone), format_number(one.points), one.reason, state


def _alerts(ids: Sequence[int]) -> Iterator[Cells]:
    zone = Business.current().zone
    for one in Alert.objects.filter(customer__in=ids).order_by("id"):
        what, decision = Alert.Kind(one.kind).label, Alert.Decision(one.decision).label
        yield format_moment(one.begins_at, zone), _(str(what)), _(str(decision))
