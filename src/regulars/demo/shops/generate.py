"""Put a synthetic shop together: its lines in the purchase contract, and the truth behind them."""

import dataclasses
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.demo.shops.arrays import Ints
from regulars.demo.shops.baskets import UNKNOWN, Lines, Receipts, draw_lines, draw_receipts
from regulars.demo.shops.goods import Goods, draw_goods
from regulars.demo.shops.habits import change_lines, change_visits, draw_habits
from regulars.demo.shops.leaks import leaking, let_leave
from regulars.demo.shops.people import draw_customers, draw_visits
from regulars.demo.shops.plan import PRESETS, ShopPlan
from regulars.demo.shops.season import Season
from regulars.demo.shops.truth import Truth, tell_truth
from regulars.demo.shops.words import WORDS, Words, pick

# a form that every phone library takes for a Russian mobile, in a code without an operator
PHONE_PREFIX = "+7975"
ID_SPACE = 10_000_000


@dataclasses.dataclass(frozen=True)
class Shop:
    """A synthetic shop: `lines` keeps the purchase contract, `truth` is what an analysis should find."""

    plan: ShopPlan
    language: str
    currency: str
    lines: pa.Table
    truth: Truth


def generate_shop(plan: str | ShopPlan = "coffee", *, seed: int = 1, language: str = "en", **changes: Any) -> Shop:
    """Make a shop. The same arguments give the same shop, to the last line.

    `plan` is one of `PRESETS` by name, or a plan of your own; `changes` replace fields of it
    (`customers=500`, `price_change=Change(date(2025, 1, 1), 1.1)`). Customers, visits and baskets have
    random streams of their own, so a change of the baskets leaves the visits as they were.

    Raises `InputError` for an unknown plan, field or language.
    """
    plan = _plan(plan, changes)
    words = _words(language)
    streams = map(np.random.default_rng, np.random.SeedSequence(seed).spawn(7))
    people, visiting, assortment, tills, baskets, habits, later = streams
    season = Season.of(plan)
    customers = draw_customers(plan, people)
    planted = draw_habits(plan, customers, habits)
    visits = change_visits(plan, planted, draw_visits(plan, customers, season, visiting), habits)
    goods = draw_goods(plan, words, assortment, later)
    receipts = draw_receipts(plan, customers, visits, season, tills)
    lines = draw_lines(
        plan, words, goods=goods, customers=customers, receipts=receipts, season=season, rng=baskets, later=later
    )
    lines = change_lines(plan, planted, goods=goods, receipts=receipts, lines=lines, rng=habits)
    leaks = leaking(plan, goods)
    visits, lines = let_leave(plan, leaks, visits=visits, receipts=receipts, lines=lines, seed=seed)
    ids = _customer_ids(plan, language)
    table = _table(plan, words, ids, goods=goods, receipts=receipts, lines=lines)
    truth = tell_truth(
        plan,
        words,
        ids,
        customers=customers,
        visits=visits,
        goods=goods,
        season=season,
        leaks=leaks,
        planted=planted,
    )
    return Shop(plan, language, words.currency, table, truth)


def _plan(plan: str | ShopPlan, changes: dict[str, Any]) -> ShopPlan:
    if isinstance(plan, str):
        if plan not in PRESETS:
            raise InputError(
                _("There is no shop {name!r} to make. Choose one of: {names}.").format(
                    name=plan, names=", ".join(PRESETS)
                )
            )
        plan = PRESETS[plan]
    unknown = changes.keys() - {field.name for field in dataclasses.fields(plan)}
    if unknown:
        raise InputError(_("A shop's plan has no field {name!r}.").format(name=min(unknown)))
    return dataclasses.replace(plan, **changes)


def _words(language: str) -> Words:
    if language not in WORDS:
        raise InputError(
            _("A shop cannot be made in {language!r}. Choose one of: {languages}.").format(
                language=language, languages=", ".join(WORDS)
            )
        )
    return WORDS[language]


def _customer_ids(plan: ShopPlan, language: str) -> pa.Array:
    """Phones in Russian, card numbers in English: unique, and in no order of arrival."""
    numbers = np.arange(plan.customers, dtype=np.int64) * 7_654_321 % ID_SPACE
    digits = pc.utf8_lpad(pa.array(numbers).cast(pa.string()), width=7, padding="0")
    return pc.binary_join_element_wise(PHONE_PREFIX if language == "ru" else "C", digits, "")


def _table(plan: ShopPlan, words: Words, ids: pa.Array, *, goods: Goods, receipts: Receipts, lines: Lines) -> pa.Table:
    at = lines.receipt
    customer = receipts.customer[at]
    moment = np.datetime64(plan.start, "us") + lines.second.astype("timedelta64[s]")
    staff = pick(words.staff, len(plan.store_worth) * plan.staff_per_store)
    return pa.table(
        {
            "customer_id": ids.take(pa.array(customer, mask=customer == UNKNOWN)),
            "purchased_at": moment,
            "receipt_id": pc.utf8_lpad(pa.array(lines.number + 1).cast(pa.string()), width=8, padding="0"),
            "product_id": _named(goods.ids, lines.product),
            "product": _named(goods.names, lines.product),
            "category": _named(goods.categories, lines.product),
            "quantity": lines.quantity.astype(np.float64),
            "amount": lines.amount,
            "discount": lines.discount,
            "cost": lines.cost,
            "store": _named(pick(words.stores, len(plan.store_worth)), receipts.store[at]),
            "staff": _named(staff, receipts.staff[at]),
            "channel": _named(pick(words.channels, len(plan.channel_worth)), receipts.channel[at]),
        }
    )


def _named(names: list[str], position: Ints) -> pa.Array:
    return pa.array(names).take(pa.array(position))
