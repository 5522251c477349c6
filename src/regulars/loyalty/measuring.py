"""The catalogue of gifts measured: who could take something, who would want something, and whether it is a dump.

One pass over a year of purchases, and one over what members answered, leave small tables for the time of one
transaction; all figures are counts over them.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import scipy
from django.db import connection, transaction

from regulars.analytics.corrections import q_values
from regulars.analytics.intervals import wilson
from regulars.foundation.models import Business
from regulars.loyalty.answered import Answer, folded, possible_answers
from regulars.loyalty.first_rewards import FirstRewards, first_rewards
from regulars.loyalty.members import points_unit
from regulars.loyalty.models import CatalogueMeasure, Taste
from regulars.loyalty.pace import WINDOW

_FALSE = 0.05  # of the pairs that are told so many may be chance
_FEWEST_BUYERS = 20  # a share of fewer people is no reason for anybody
_SLOW = 0.25  # the quarter of the goods that sells least
_SLICE = 20_000  # members whose wants are laid out at once: with a thousand gifts some hundred megabytes
_SHORTEST_DAYS = 28  # what is new has had less time to sell, but a day says nothing

Counts = tuple[int, int, int]  # can take, want, both

_TABLES = (
    # members with what they can spend now and their tier
    """CREATE TEMP TABLE gift_member ON COMMIT DROP AS
    SELECT c.id, coalesce(have.points, 0) AS points, coalesce(now.tier, '') AS tier
    FROM customers_customer c
    LEFT JOIN (
        SELECT a.customer_id, sum(l.remaining - l.held) AS points
        FROM loyalty_account a JOIN loyalty_lot l ON l.account_id = a.id
        WHERE a.unit_id = %(unit)s AND l.remaining > 0 AND l.available_at <= %(at)s
            AND (l.expires_at IS NULL OR l.expires_at > %(at)s)
        GROUP BY 1
    ) have ON have.customer_id = c.id
    LEFT JOIN (
        SELECT DISTINCT ON (customer_id) customer_id, tier FROM loyalty_tierchange
        WHERE since <= %(at)s ORDER BY customer_id, since DESC, id DESC
    ) now ON now.customer_id = c.id
    WHERE c.merged_into_id IS NULL AND NOT c.is_erased
        AND EXISTS (SELECT 1 FROM loyalty_account a WHERE a.customer_id = c.id AND a.unit_id = %(unit)s)""",
    # gifts of this day, with the category of the product that each is
    """CREATE TEMP TABLE gift_offered ON COMMIT DROP AS
    SELECT g.id, g.points, g.stock, g.most_each, g.tiers, p.id AS product, coalesce(p.category, '') AS category
    FROM loyalty_gift g LEFT JOIN purchases_product p ON p.code = g.product AND g.product <> ''
    WHERE (g.begins_on IS NULL OR g.begins_on <= %(day)s) AND (g.ends_on IS NULL OR g.ends_on >= %(day)s)""",
    # what each member bought and kept in the year
    """CREATE TEMP TABLE gift_kept ON COMMIT DROP AS
    SELECT r.customer_id AS member, l.product_id AS product
    FROM gift_member m JOIN purchases_receipt r ON r.customer_id = m.id JOIN purchases_line l ON l.receipt_id = r.id
    WHERE r.purchased_at > %(since)s AND r.purchased_at <= %(at)s AND l.product_id IS NOT NULL
    GROUP BY 1, 2 HAVING sum(l.amount) > 0""",
    """CREATE TEMP TABLE gift_likes ON COMMIT DROP AS
    SELECT k.member, o.id AS gift FROM gift_offered o JOIN gift_kept k ON k.product = o.product
    UNION SELECT r.customer_id, r.gift_id FROM loyalty_reward r JOIN gift_offered o ON o.id = r.gift_id
    JOIN gift_member m ON m.id = r.customer_id WHERE r.cancelled_at IS NULL""",
    # what makes members alike: the categories that each buys, with those of the gifts that he took, of an empty field,
    """CREATE TEMP TABLE gift_traits ON COMMIT DROP AS
    SELECT k.member, '' AS field, p.category AS value
    FROM gift_kept k JOIN purchases_product p ON p.id = k.product WHERE p.category <> ''
    UNION SELECT l.member, '', o.category FROM gift_likes l JOIN gift_offered o ON o.id = l.gift
    WHERE o.category <> ''""",
    # and what he answered, of what can be answered today; taken apart first, or each answer would meet all that can be
    """WITH said AS MATERIALIZED (
        SELECT m.id, own.key, one.value
        FROM gift_member m JOIN customers_customer c ON c.id = m.id, jsonb_each(c.own_fields) own,
            jsonb_array_elements(
                CASE jsonb_typeof(own.value) WHEN 'array' THEN own.value ELSE jsonb_build_array(own.value) END
            ) one
        WHERE own.key = ANY (%(fields)s)
    )
    INSERT INTO gift_traits
    SELECT DISTINCT s.id, a.field, a.value
    FROM said s JOIN unnest(%(fields)s::text[], %(values)s::text[], %(stored)s::jsonb[]) a (field, value, stored)
        ON a.field = s.key AND a.stored = s.value""",
    # which trait names a category itself, of which nothing has to be found
    """CREATE TEMP TABLE gift_named ON COMMIT DROP AS
    SELECT DISTINCT '' AS field, category AS value, category FROM gift_offered WHERE category <> ''""",
    # each slice of the members is entered by them
    "CREATE INDEX ON gift_member (id)",
    "CREATE INDEX ON gift_likes (member)",
    "CREATE INDEX ON gift_traits (member)",
    "ANALYZE gift_member, gift_offered, gift_kept, gift_likes, gift_traits",
)

_NAMED = "INSERT INTO gift_named SELECT * FROM unnest(%(fields)s::text[], %(values)s::text[], %(categories)s::text[])"

# Of those who have a trait: how many like a gift. Who gave an answer is set beside those who answered the same question
# otherwise: who answers nothing may differ in more than this. Last the number of all pairs, for those that nobody has
# both of are tests too: without them a gift with one liker would go with whatever is rare of him.
_PAIRS = """
WITH who AS (SELECT DISTINCT field, member FROM gift_traits),
known AS (SELECT field, count(*) AS many FROM who GROUP BY 1),
liked AS (SELECT w.field, l.gift, count(*) AS many FROM gift_likes l JOIN who w USING (member) GROUP BY 1, 2),
held AS (SELECT field, value, count(*) AS many FROM gift_traits GROUP BY 1, 2 HAVING count(*) >= %(fewest)s),
pairs AS (
    SELECT l.gift, h.field, h.value, l.many AS liked, h.many AS held
    FROM liked l JOIN held h USING (field) JOIN gift_offered o ON o.id = l.gift
    WHERE NOT EXISTS (
        SELECT FROM gift_named n WHERE n.field = h.field AND n.value = h.value AND n.category = o.category
    )
),
both_ AS (
    SELECT l.gift, t.field, t.value, count(*) AS many
    FROM gift_likes l JOIN gift_traits t USING (member) GROUP BY 1, 2, 3
)
SELECT gift, field, value, b.many, p.liked, p.held, known.many, (SELECT count(*) FROM pairs)
FROM pairs p JOIN both_ b USING (gift, field, value) JOIN known USING (field) ORDER BY 1, 2, 3
"""

# of some members only: every member with every gift would be too many rows to keep
_WANTS_AND_CAN = (
    """CREATE TEMP TABLE gift_wants ON COMMIT DROP AS
    SELECT member, gift FROM gift_likes WHERE member > %(after)s AND member <= %(upto)s
    UNION SELECT t.member, o.id
    FROM gift_traits t JOIN gift_named n USING (field, value) JOIN gift_offered o USING (category)
    WHERE t.member > %(after)s AND t.member <= %(upto)s
    UNION SELECT t.member, pair.gift_id FROM gift_traits t JOIN loyalty_taste pair USING (field, value)
    WHERE t.member > %(after)s AND t.member <= %(upto)s""",
    """CREATE TEMP TABLE gift_can ON COMMIT DROP AS
    WITH taken AS (
        SELECT customer_id AS member, gift_id AS gift, count(*) AS many FROM loyalty_reward
        WHERE cancelled_at IS NULL AND customer_id > %(after)s AND customer_id <= %(upto)s GROUP BY 1, 2
    )
    SELECT m.id AS member, o.id AS gift
    FROM gift_offered o JOIN gift_member m ON m.points >= o.points AND (o.tiers = '[]' OR o.tiers ? m.tier)
    LEFT JOIN taken ON o.most_each IS NOT NULL AND taken.member = m.id AND taken.gift = o.id
    WHERE o.stock > 0 AND (o.most_each IS NULL OR coalesce(taken.many, 0) < o.most_each)
        AND m.id > %(after)s AND m.id <= %(upto)s""",
    "ANALYZE gift_wants, gift_can",
)

_NEXT = "SELECT max(id) FROM (SELECT id FROM gift_member WHERE id > %(after)s ORDER BY id LIMIT %(slice)s) following"

_KNOWN = """
SELECT (SELECT count(*) FROM gift_member),
    (SELECT count(*) FROM (
        SELECT member FROM gift_kept UNION SELECT member FROM gift_likes
        UNION SELECT member FROM gift_traits WHERE field <> ''
    ) known)
"""

# of the members of a slice: who can take something, who wants something, and who both at once
_COUNTS = """
SELECT (SELECT count(DISTINCT member) FROM gift_can), (SELECT count(DISTINCT member) FROM gift_wants),
    (SELECT count(DISTINCT member) FROM gift_can JOIN gift_wants USING (member, gift))
"""

_BY_GIFT = """
WITH can AS (SELECT gift, count(*) AS many FROM gift_can GROUP BY 1),
wants AS (SELECT gift, count(*) AS many FROM gift_wants GROUP BY 1),
both_ AS (SELECT gift, count(*) AS many FROM gift_can JOIN gift_wants USING (member, gift) GROUP BY 1)
SELECT o.id, coalesce(can.many, 0), coalesce(wants.many, 0), coalesce(both_.many, 0)
FROM gift_offered o LEFT JOIN can ON can.gift = o.id LEFT JOIN wants ON wants.gift = o.id
LEFT JOIN both_ ON both_.gift = o.id
"""

# told to whoever nothing closer suits; written last, for tills wait for a gift that is being written
_TAKEN = """
UPDATE loyalty_gift g SET taken_year = coalesce(now.many, 0)
FROM loyalty_gift old LEFT JOIN (
    SELECT gift_id, count(*) AS many FROM loyalty_reward
    WHERE taken_at > %(since)s AND taken_at <= %(at)s AND cancelled_at IS NULL GROUP BY 1
) now ON now.gift_id = old.id
WHERE g.id = old.id AND g.taken_year <> coalesce(now.many, 0)
"""

# how often each of the goods was sold in a day, from its first sale in the year; its place: which share sells slower
_SALES = """
WITH sold AS (
    SELECT l.product_id AS product, count(*) / greatest(%(shortest)s, floor(
        extract(epoch FROM %(at)s - min(r.purchased_at)) / 86400
    )) AS pace
    FROM purchases_receipt r JOIN purchases_line l ON l.receipt_id = r.id
    WHERE r.purchased_at > %(since)s AND r.purchased_at <= %(at)s AND l.product_id IS NOT NULL AND l.amount > 0
    GROUP BY 1
), placed AS (SELECT product, percent_rank() OVER (ORDER BY pace) AS place FROM sold)
SELECT o.id, coalesce(placed.place, 0), (SELECT count(*) FROM placed),
    (SELECT count(*) FROM placed WHERE place < %(slow)s)
FROM gift_offered o LEFT JOIN placed USING (product) WHERE o.product IS NOT NULL
"""


@dataclass(frozen=True)
class Share:
    """So many of so many, with the interval of Wilson."""

    part: int
    whole: int
    value: float
    low: float
    high: float

    @classmethod
    def of(cls, part: int, whole: int) -> "Share | None":
        """None when there is nobody to take the share of."""
        found = wilson(part, whole)
        return None if found is None else cls(part, whole, found.value, found.low, found.high)


@dataclass(frozen=True)
class OneGift:
    """How many can take it now, would want it, and both; `place`: which share of the goods sells slower."""

    can: int
    want: int
    both: int
    place: float | None = None
    is_slow: bool = False


@dataclass(frozen=True)
class Figures:
    """The catalogue on a day. `attracted` is of members whose taste is known, `slow` of the gifts that are goods."""

    members: int
    can: int
    want: int
    attracted: Share | None
    slow: Share | None
    slow_goods: float  # which share of the whole assortment is as slow
    gifts: dict[int, OneGift]
    rewards: FirstRewards

    @property
    def is_dump(self) -> bool:
        """Whether more of the gifts are slow goods than if they were drawn by lot, beyond chance."""
        return self.slow is not None and self.slow.low > self.slow_goods


@transaction.atomic
def measure(at: dt.datetime) -> Figures:
    """Count everything anew, and keep it: the tastes for cards and tills, the figures for the page."""
    answers = possible_answers()
    values = {
        "unit": points_unit().pk, "at": at, "since": at - WINDOW, "day": at.astimezone(Business.current().zone).date(),
        "fewest": _FEWEST_BUYERS, "slow": _SLOW, "shortest": _SHORTEST_DAYS,
        "fields": [one.field.slug for one in answers], "values": [one.value for one in answers],
        "stored": [one.stored for one in answers],
    }  # fmt: skip
    # two that measure at one moment would both write the same tastes
    _rows("SELECT pg_advisory_xact_lock(hashtextextended('gifts measured', 0))", {})
    for query in _TABLES:
        _run(query, values)
    _name(answers)
    Taste.objects.all().delete()
    Taste.objects.bulk_create(_tastes(_rows(_PAIRS, values)))
    found = _figures(values)
    for table in ("member", "offered", "kept", "likes", "traits", "named"):
        _run(f"DROP TABLE gift_{table}", {})
    CatalogueMeasure.objects.update_or_create(made_at=at, defaults={"figures": asdict(found)})
    _run(_TAKEN, values)
    return found


def latest() -> tuple[dt.datetime, Figures] | None:
    """What was measured last, and when; None before the first time."""
    newest = CatalogueMeasure.objects.order_by("-made_at").first()
    return None if newest is None else (newest.made_at, _read(newest.figures))


def _name(answers: Sequence[Answer]) -> None:
    """Which answers name a category of the gifts; folded here, so that a till finds the same."""
    offered: dict[str, list[str]] = {}
    for (category,) in _rows("SELECT DISTINCT category FROM gift_offered WHERE category <> ''", {}):
        offered.setdefault(folded(category), []).append(category)
    found = [(one.field.slug, one.value, category) for one in answers for category in offered.get(one.names, ())]
    names = ("fields", "values", "categories")
    _run(_NAMED, {name: [row[place] for row in found] for place, name in enumerate(names)})
    _run("ANALYZE gift_named", {})


def _tastes(pairs: list[tuple[Any, ...]]) -> Iterator[Taste]:
    """The pairs that go together more than chance makes them: hypergeometric, with the false discovery rate held."""
    if not pairs:
        return
    gifts, fields, values, both, liked, held, known, tested = zip(*pairs, strict=True)
    p_values = scipy.stats.hypergeom.sf(np.array(both) - 1, np.array(known), np.array(liked), np.array(held))
    found = q_values(np.concatenate([p_values, np.ones(tested[0] - len(pairs))]))[: len(pairs)]
    for gift, field, value, likers, buyers, q in zip(gifts, fields, values, both, held, found, strict=True):
        if q < _FALSE:
            yield Taste(gift_id=gift, field=field, value=value, buyers=buyers, likers=likers)


def _figures(values: dict[str, Any]) -> Figures:
    ((members, known),) = _rows(_KNOWN, values)
    total, by_gift = _wants_and_can(values)
    can, want, attracted = total
    rows = _rows(_SALES, values)
    sold = {gift: place for gift, place, _goods, _slow in rows}
    goods, slow = rows[0][2:] if rows else (0, 0)
    # one product that is sold says nothing of fast and slow
    is_slow = {gift: goods > 1 and place < _SLOW for gift, place in sold.items()}
    return Figures(
        members, can, want, Share.of(attracted, known), Share.of(sum(is_slow.values()), len(is_slow)),
        slow / goods if goods else 0.0,
        {
            gift: OneGift(can, want, both, sold.get(gift), is_slow.get(gift, False))
            for gift, (can, want, both) in by_gift.items()
        },
        first_rewards(at=values["at"]),
    )  # fmt: skip


def _wants_and_can(values: dict[str, Any]) -> tuple[Counts, dict[int, Counts]]:
    """How many can take, want, and both: of all gifts together and of each, added up over slices of the members."""
    total, by_gift, after = (0, 0, 0), {gift: (0, 0, 0) for (gift,) in _rows("SELECT id FROM gift_offered", {})}, 0
    while (upto := _rows(_NEXT, {"after": after, "slice": _SLICE})[0][0]) is not None:
        for query in _WANTS_AND_CAN:
            _run(query, values | {"after": after, "upto": upto})
        total = _added(total, _rows(_COUNTS, values)[0])
        for gift, *counts in _rows(_BY_GIFT, values):
            by_gift[gift] = _added(by_gift[gift], counts)
        _run("DROP TABLE gift_wants, gift_can", {})
        after = upto
    return total, by_gift


def _added(one: Counts, other: Sequence[int]) -> Counts:
    return one[0] + other[0], one[1] + other[1], one[2] + other[2]


def _read(stored: dict[str, Any]) -> Figures:
    shares = {name: Share(**stored[name]) if stored[name] else None for name in ("attracted", "slow")}
    gifts = {int(key): OneGift(**one) for key, one in stored["gifts"].items()}
    return Figures(**stored | shares | {"gifts": gifts, "rewards": FirstRewards.of(stored["rewards"])})


def _run(query: str, values: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(query, values)


def _rows(query: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return list(cursor.fetchall())
