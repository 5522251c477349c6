"""The sections of `audit.json` that tell why customers leave, what they need, what it costs and brings."""

from collections.abc import Callable
from typing import Any

from regulars.analytics.audit import Audit
from regulars.analytics.forecasting import HORIZON
from regulars.core.money import to_units
from regulars.report.json_shape import (
    BOOLEAN,
    DATE,
    INTEGER,
    MONEY,
    MOST_ROWS,
    NUMBER,
    SHARE,
    STRING,
    Field,
    Json,
    Kind,
    attribute,
    estimate,
    list_of,
    object_of,
    sorted_rows,
)

_MOST_SMALL = 500  # products of small sales: a large shop has tens of thousands
_LOW, _HIGH = "Lower end of its 95 % interval.", "Upper end of its 95 % interval."
_Q = "False discovery rate at which it would just be reported."


def _table(name: str, text: str, order: tuple[str, ...], *members: Field, most: int = MOST_ROWS) -> Field:
    """A result table as a list of its rows, always in the same order, and of no more than `most`."""
    rows = sorted_rows(lambda found: getattr(found, name), *order, limit=most)
    return Field(name, list_of(object_of(*members)), text, rows)


def _limits(kind: Kind = NUMBER) -> tuple[Field, Field]:
    return attribute("low", kind, _LOW, optional=True), attribute("high", kind, _HIGH, optional=True)


def _product() -> tuple[Field, Field]:
    return (
        attribute("product_id", STRING, "Code of the product; its name where there are no codes.", optional=True),
        attribute("product", STRING, "Name.", optional=True),
    )


def _standing(thing: str) -> tuple[Field, ...]:
    """A level whose share of returns is compared with that of comparable cases."""
    return (
        attribute("dimension", STRING, "What kind of thing it is: `product`, `staff`, `shift`..."),
        attribute("key", STRING, "Which one."),
        attribute("label", STRING, "Its name.", optional=True),
        attribute("cases", INTEGER, f"{thing} with it."),
        attribute("returned", INTEGER, "Of them, followed by a return within the window."),
        attribute("share", SHARE, "returned / cases."),
        attribute("expected", SHARE, "The share among comparable ones; null: cannot be told apart.", optional=True),
        attribute("difference", NUMBER, "share − expected, drawn towards zero.", optional=True),
        *_limits(),
        attribute("p_value", NUMBER, "Before the correction.", optional=True),
        attribute("q_value", NUMBER, _Q, optional=True),
        attribute("reported", BOOLEAN, "Whether it is a finding."),
    )


def _levels(thing: str, *more: Field) -> Field:
    return _table("levels", "What was compared.", ("dimension", "key"), *_standing(thing), *more)


_VALUE_OF_RETURN = estimate("value_of_return", MONEY, "What a return is worth over 12 months; null: not known.")

ENTRY = object_of(
    attribute("newcomers", INTEGER, "First visits compared."),
    attribute("of_newcomers", INTEGER, "First visits there are; a large base is sampled."),
    attribute("returned_share", SHARE, "Of the compared ones, returned within the window."),
    _VALUE_OF_RETURN,
    _levels("First visits"),
)

EXITS = object_of(
    attribute("left", INTEGER, "Regulars who left for good."),
    attribute("stayed", INTEGER, "Regulars who stayed, the standard."),
    _table(
        "levels",
        "What was compared.",
        ("dimension", "key"),
        attribute("dimension", STRING, "`product`, `category`, `staff` or `store`."),
        attribute("key", STRING, "Which one."),
        attribute("label", STRING, "Its name.", optional=True),
        attribute("last", INTEGER, "Regulars who left and met it at the last visit."),
        attribute("expected", NUMBER, "As many as their own earlier visits would make."),
        attribute("ratio", NUMBER, "How many times the odds of leaving differ, drawn towards 1.", optional=True),
        *_limits(),
        attribute("p_value", NUMBER, "Before the correction.", optional=True),
        attribute("q_value", NUMBER, _Q, optional=True),
        attribute("reported", BOOLEAN, "Whether it is a finding."),
    ),
)

SERVICE = object_of(
    attribute("visits", INTEGER, "Visits compared."),
    attribute("of_visits", INTEGER, "Visits there are; a large base is sampled."),
    attribute("returned_share", SHARE, "Of the compared ones, followed by a return within the window."),
    _VALUE_OF_RETURN,
    _levels("Visits", attribute("check", MONEY, "Mean money of a visit.", optional=True)),
)

NEEDS = object_of(
    attribute("horizon_days", INTEGER, "How far ahead is looked."),
    attribute("personal", BOOLEAN, "Whether own rhythms foretell better than popularity and habit."),
    attribute("due_customers", INTEGER, "Customers with a product due; who and what is in `customers.parquet`."),
    *estimate("hit_rate", SHARE, "Of purchases said to be due in the back-test, those that were made."),
    attribute("tested_customers", INTEGER, "Customers of the back-test."),
    _table(
        "backtest",
        "Rules against each other on days that they had not seen.",
        ("rule",),
        attribute("rule", STRING, "The rule."),
        attribute("recall", SHARE, "recall@10: of what was bought, the part among the ten named."),
        attribute("ndcg", SHARE, "NDCG@10: the same, better places counting more."),
        *_limits(),
    ),
)

BOUGHT_TOGETHER = object_of(
    attribute("receipts", INTEGER, "Receipts looked at."),
    attribute("sampled_every", INTEGER, "Every n-th customer; 1: all."),
    attribute("products", INTEGER, "Products compared."),
    _table(
        "pairs",
        "Reliable pairs.",
        ("first", "second"),
        attribute("first", STRING, "The product with more buyers."),
        attribute("second", STRING, "The other."),
        attribute("receipts", INTEGER, "Receipts with both."),
        attribute("customers", INTEGER, "Customers with such a receipt."),
        attribute("support", SHARE, "Share of all receipts."),
        attribute("confidence", SHARE, "Of those with the first, share with the second."),
        attribute("confidence_back", SHARE, "Of those with the second, share with the first."),
        attribute("lift", NUMBER, "support over the product of both supports."),
        attribute("expected", NUMBER, "Receipts by chance, given each customer's habits and sizes of baskets."),
        attribute("times", NUMBER, "receipts / expected, cautious."),
        *_limits(),
        attribute("q_value", NUMBER, _Q),
        attribute("margin", MONEY, "Of the second per purchase; null: no cost is known.", optional=True),
    ),
    _table(
        "sets",
        "Frequent sets of three or four products of which every pair is reliable.",
        ("products",),
        Field("products", list_of(STRING), "The products.", lambda row: row["products"]),
        attribute("receipts", INTEGER, "Receipts with all of them."),
        attribute("support", SHARE, "Share of all receipts."),
        attribute("lift", NUMBER, "support over the product of the single supports."),
    ),
)

BOUGHT_IN_SEQUENCE = object_of(
    attribute("sampled_every", INTEGER, "Every n-th customer; 1: all."),
    attribute("products", INTEGER, "Products compared."),
    Field("windows", list_of(INTEGER), "Days within which a second purchase counts.", lambda found: found.windows),
    _table(
        "sequences",
        "Reliable sequences.",
        ("first", "second", "window_days"),
        attribute("first", STRING, "Bought first."),
        attribute("second", STRING, "Bought after it."),
        attribute("typical_days", INTEGER, "Median wait."),
        attribute("window_days", INTEGER, "Within so many days."),
        attribute("visits", INTEGER, "Visits with the first."),
        attribute("customers", INTEGER, "Customers with both in this order."),
        attribute("followed_share", SHARE, "Of the visits, followed by the second in time."),
        attribute("extra_share", NUMBER, "Beyond what the other order shows."),
        *_limits(),
        attribute("q_value", NUMBER, _Q),
    ),
)

JOBS = object_of(
    attribute("count", INTEGER, "Groups of products that serve one job."),
    _table(
        "groups",
        "Who is in which.",
        ("job_no", "product"),
        attribute("job_no", INTEGER, "From 1, the closest first."),
        attribute("product", STRING, "Product."),
    ),
)

TRIALS = object_of(
    attribute("horizon_days", INTEGER, "How far ahead is looked."),
    attribute("loyal", INTEGER, "Loyal customers."),
    _table(
        "backtest",
        "Who tried what was named for them.",
        ("rule",),
        attribute("rule", STRING, "How the customers were chosen."),
        attribute("named", INTEGER, "Customers named."),
        attribute("tried", INTEGER, "Of them, tried it."),
        attribute("rate", SHARE, "tried / named.", optional=True),
        *_limits(),
    ),
    _table(
        "categories",
        "Little-used categories.",
        ("category",),
        attribute("category", STRING, "Category."),
        attribute("users_share", SHARE, "Of the loyal, share that uses it."),
        attribute("likely_rate", NUMBER, "Of the likeliest fifth, share that tried it.", optional=True),
        attribute("others_rate", NUMBER, "Of all loyal customers without it.", optional=True),
        attribute("q_value", NUMBER, _Q, optional=True),
    ),
)

DISCOUNTS = object_of(
    attribute("compared", INTEGER, "Customers with enough purchases."),
    attribute("discount_year", MONEY, "Given in the last 365 days.", optional=True),
    attribute("list_year", MONEY, "List prices of the last 365 days."),
    attribute("reason", STRING, "Why it cannot be said who would come without discounts.", optional=True),
    _table(
        "classes",
        "Customers by habit.",
        ("habit",),
        attribute("habit", STRING, "`price`, `mixed` or `service`."),
        attribute("customers", INTEGER, "Customers."),
        attribute("amount_year", MONEY, "What they spent in the last 365 days.", optional=True),
        attribute("discount_year", MONEY, "Discounts that they got in that time.", optional=True),
    ),
)

PRICE_RESPONSE = object_of(
    attribute("offered", INTEGER, "Products with offers."),
    attribute("priced", INTEGER, "Products whose regular price moved."),
    _table(
        "products",
        "Products that could be tested.",
        ("product_id",),
        *_product(),
        attribute("weeks", INTEGER, "Weeks seen."),
        attribute("weeks_on_offer", INTEGER, "Of them on offer."),
        attribute("amount", MONEY, "Sales."),
        attribute("elasticity", NUMBER, "Of units to the regular price, drawn to the mean.", optional=True),
        attribute("elasticity_low", NUMBER, _LOW, optional=True),
        attribute("elasticity_high", NUMBER, _HIGH, optional=True),
        attribute("elasticity_q", NUMBER, _Q, optional=True),
        attribute("lift", NUMBER, "Growth of units in a week of offer, 1: twice as much.", optional=True),
        attribute("lift_low", NUMBER, _LOW, optional=True),
        attribute("lift_high", NUMBER, _HIGH, optional=True),
        attribute("lift_q", NUMBER, _Q, optional=True),
        attribute("depth", NUMBER, "Mean discount, a share of the regular price.", optional=True),
        attribute("margin", NUMBER, "A share of the regular price.", optional=True),
        attribute("break_even", NUMBER, "Growth at which an offer earns exactly nothing.", optional=True),
        attribute("needed_margin", NUMBER, "Margin from which an offer of this growth pays.", optional=True),
    ),
)

MINIMUM_ORDER = object_of(
    attribute("best", MONEY, "The sum that earns most; null: none earns.", optional=True),
    attribute("margin_share", NUMBER, "Margin that was counted with."),
    _table(
        "thresholds",
        "What a bonus from this sum on would bring in 12 months, simulated on the receipts.",
        ("threshold",),
        attribute("threshold", MONEY, "Minimum order."),
        attribute("near", NUMBER, "Receipts a year up to a quarter below it."),
        attribute("above", NUMBER, "Receipts a year that get the bonus for nothing."),
        attribute("moved", NUMBER, "Receipts a year assumed to move up."),
        attribute("extra_margin", MONEY, "Margin of what they add."),
        attribute("bonus", MONEY, "Bonuses paid."),
        attribute("net", MONEY, "What remains."),
        attribute("net_low", MONEY, _LOW),
        attribute("net_high", MONEY, _HIGH),
        attribute("needed_share", NUMBER, "Of the near ones, share that must move; null: not even all.", optional=True),
    ),
    attribute("shown_threshold", MONEY, "The sum that `add_ons` are about."),
    _table(
        "add_ons",
        "What lifted receipts over the sum.",
        ("product_id",),
        *_product(),
        attribute("receipts", INTEGER, "Receipts a year."),
    ),
)

ASSORTMENT = object_of(
    attribute("best_customers", INTEGER, "The tenth of customers that spent most."),
    _table(
        "products",
        f"Products of small sales, those closest to a finding first, at most {_MOST_SMALL}.",
        ("q_value", "product_id"),
        *_product(),
        attribute("buyers", INTEGER, "Buyers."),
        attribute("best_buyers", INTEGER, "Of them among the best customers."),
        attribute("purchases", INTEGER, "Customer-days with it."),
        attribute("best_purchases", INTEGER, "Of them by the best."),
        attribute("expected_purchases", NUMBER, "By the best, had they taken to it as to all else."),
        attribute("concentration", NUMBER, "best_purchases / expected_purchases, drawn towards 1."),
        attribute("q_value", NUMBER, _Q),
        attribute("devoted", INTEGER, "Best customers with it in half of their visits or more."),
        attribute("devoted_value", MONEY, "Expected of these in 12 months: at risk if it is delisted.", optional=True),
        attribute("amount", MONEY, "Sales."),
        most=_MOST_SMALL,
    ),
    _table(
        "gaps",
        "Products that were missing from a store longer than chance allows.",
        ("product_id", "store"),
        *_product(),
        attribute("store", STRING, "Store.", optional=True),
        attribute("gap_from", DATE, "First day without a sale."),
        attribute("gap_to", DATE, "Last day."),
        attribute("expected_sales", NUMBER, "Receipts that would have had it."),
        attribute("missed_amount", MONEY, "Sales missed."),
        attribute("q_value", NUMBER, _Q),
    ),
    _table(
        "shelf",
        "On what the best customers spend most.",
        ("product_id",),
        *_product(),
        attribute("best_buyers", INTEGER, "Best customers who buy it."),
        attribute("best_share", SHARE, "Share of the best customers."),
        attribute("amount_best", MONEY, "What they spent on it."),
    ),
)

SLOWING = object_of(
    attribute("watched", INTEGER, "Customers with a high check, in good standing, with eight gaps or more."),
    attribute("warned", INTEGER, "Of them, slowing down; who is in `customers.parquet`."),
    attribute("high_check", MONEY, "From which mean check on.", optional=True),
    *estimate("precision", SHARE, "Of those warned in the past, share that then came much less."),
    *estimate("base_rate", SHARE, "The same share of those not warned."),
    attribute("p_value", NUMBER, "That both shares are one.", optional=True),
    attribute("reason", STRING, "Why nobody is warned about.", optional=True),
)


def _measured(name: str, text: str) -> Field:
    """Money of different goods together, or units of one product."""

    def write(found: tuple[float, str], currency: str) -> Json:
        value, measure = found
        return to_units(value, currency) if measure == "amount" else float(f"{value:.9g}")

    return Field(name, Kind({"type": "number"}, write, "number"), text, lambda row: (row[name], row["measure"]))


DEMAND = object_of(
    attribute("weeks", INTEGER, "Full weeks of history."),
    attribute("series", INTEGER, "Series forecast."),
    attribute("pooled", INTEGER, "Products in the series of the rest."),
    attribute("counts_positions", BOOLEAN, "Lines carry no quantity: positions are counted."),
    attribute("origins", INTEGER, "Rehearsals in the past."),
    attribute(
        "mase", NUMBER, "Mean over all series, of weeks not seen before; below the next is better.", optional=True
    ),
    attribute("naive_mase", NUMBER, "The same of the seasonal naive forecast.", optional=True),
    attribute("coverage", SHARE, "Of the rehearsals, inside limits that should hold 90 %.", optional=True),
    _table(
        "past",
        f"Sales of everything by {HORIZON} weeks, at most two years.",
        ("starts_on",),
        attribute("starts_on", DATE, "First day."),
        attribute("ends_on", DATE, "Last day."),
        attribute("amount", MONEY, "Sales; returns are not taken off."),
    ),
    _table(
        "forecasts",
        f"Forecasts of the next {HORIZON} weeks.",
        ("kind", "product_id", "store"),
        attribute("kind", STRING, "`all`, `product`, `store`, `product_store`, or `rest`: the other products."),
        attribute("measure", STRING, "What is forecast: `amount` (money) or `units`."),
        *_product(),
        attribute("store", STRING, "Store.", optional=True),
        attribute("amount_year", MONEY, "Sales of the last 52 weeks."),
        _measured("last", f"The last {HORIZON} weeks."),
        _measured("forecast", f"The next {HORIZON} weeks."),
        _measured("low", "One in twenty comes out below."),
        _measured("high", "One in twenty comes out above."),
        _measured("enough", "Suffices in nine cases of ten."),
        attribute("method", STRING, "The method that won on this series."),
        attribute("mase", NUMBER, "Its MASE; null: the series never moved.", optional=True),
        attribute("naive_mase", NUMBER, "Of the seasonal naive forecast.", optional=True),
    ),
    attribute("watched", INTEGER, "Series searched for a lasting change."),
    attribute("not_watched", STRING, "Why none was.", optional=True),
    _table(
        "shifts",
        "The largest step of each series that was watched.",
        ("kind", "product_id", "store"),
        attribute("kind", STRING, "`product` or `store`."),
        *_product(),
        attribute("store", STRING, "Store.", optional=True),
        attribute("since", DATE, "First day of the week from which the level differs."),
        attribute("change", NUMBER, "New level over old, against the others, drawn towards 1."),
        attribute("change_low", NUMBER, _LOW),
        attribute("change_high", NUMBER, _HIGH),
        attribute("a_week", MONEY, "Sales of a week at the new level."),
        attribute("p_value", NUMBER, "Before the correction."),
        attribute("q_value", NUMBER, _Q),
    ),
)

PROFILE = object_of(
    attribute("by", STRING, "What makes a customer one of the best: `expected_value_12` or `amount`."),
    attribute("best", INTEGER, "The best customers with attributes."),
    attribute("best_from", MONEY, "From which value on."),
    _table(
        "levels",
        "Values and bands of attributes.",
        ("heading", "kind", "level", "low"),
        attribute("heading", STRING, "Heading of the column."),
        attribute("kind", STRING, "What kind of column it is."),
        attribute("level", STRING, "The value; null: a band.", optional=True),
        attribute("low", NUMBER, "Where the band begins.", optional=True),
        attribute("high", NUMBER, "Where it ends.", optional=True),
        attribute("best", INTEGER, "Of the best customers."),
        attribute("others", INTEGER, "Of the others."),
        attribute("best_share", SHARE, "Share of the best."),
        attribute("others_share", SHARE, "Share of the others."),
        attribute("lift", NUMBER, "Ratio of the shares, drawn towards 1.", optional=True),
        attribute("lift_low", NUMBER, _LOW, optional=True),
        attribute("lift_high", NUMBER, _HIGH, optional=True),
        attribute("p_value", NUMBER, "Before the correction.", optional=True),
        attribute("q_value", NUMBER, _Q, optional=True),
    ),
    Field(
        "alike",
        object_of(
            *estimate("auc", SHARE, "How well the score tells the best from the others, on customers it had not seen."),
            attribute("tested", INTEGER, "Customers it was tested on."),
            attribute("customers", INTEGER, "Customers who are alike; who is in `customers.parquet`."),
            attribute("share", SHARE, "Share of the best among all."),
            attribute("share_above", SHARE, "Share of the best among those scored as high as the middle one of them."),
        ),
        "The score of likeness; null: there is none.",
        lambda found: found.alike,
        optional=True,
    ),
)

PYRAMID = object_of(
    attribute("window_days", INTEGER, "The business's own window."),
    attribute("uses_categories", BOOLEAN, "Whether the top stage asks for two categories."),
    Field(
        "stages",
        list_of(
            object_of(
                attribute("stage", STRING, "From the bottom to the top."),
                attribute("customers", INTEGER, "On it or higher; null: purchases cannot show it.", optional=True),
                attribute("customers_here", INTEGER, "Of them, no higher.", optional=True),
                attribute("amount", MONEY, "What `customers` spent in 365 days.", optional=True),
                attribute("share_of_below", SHARE, "Of those one stage lower.", optional=True),
                attribute("customers_before", INTEGER, "A year earlier.", optional=True),
                attribute("share_of_below_before", SHARE, "A year earlier.", optional=True),
            )
        ),
        "Stages of loyalty, each part of the one before.",
        lambda found: found.stages.to_pyarrow().to_pylist(),
    ),
)


def _found(name: str) -> Callable[[Audit], Any]:
    return lambda audit: getattr(audit.reasons, name)


def _section(name: str, kind: Kind, text: str) -> Field:
    return Field(name, kind, text, _found(name), optional=True)


REASONS = (
    _section("entry", ENTRY, "What newcomers begin with, and whether they return."),
    _section("exits", EXITS, "What regulars meet last before they leave."),
    _section("service", SERVICE, "Sellers, stores, shifts and channels, net of whom they serve."),
    _section("needs", NEEDS, "What is needed next."),
    _section("bought_together", BOUGHT_TOGETHER, "What is bought in one receipt."),
    _section("bought_in_sequence", BOUGHT_IN_SEQUENCE, "What is bought after what."),
    _section("jobs", JOBS, "Products that serve one job."),
    _section("trials", TRIALS, "Who may try something new."),
    _section("discounts", DISCOUNTS, "Who buys on price, and what discounts cost."),
    _section("price_response", PRICE_RESPONSE, "The answer of demand to prices and offers."),
    _section("minimum_order", MINIMUM_ORDER, "The minimum order worth a bonus."),
    _section("assortment", ASSORTMENT, "What the best customers come for."),
    _section("slowing", SLOWING, "Early warning: high check, rarer visits."),
    _section("demand", DEMAND, "What will be bought, and lasting changes of it."),
    _section("profile", PROFILE, "What sets the best customers apart."),
    _section("pyramid", PYRAMID, "The loyalty pyramid."),
)
