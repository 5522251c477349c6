"""Watching over the till: limits that refuse a receipt or a gift at once, and a look at what was told for what is odd.

Merging two customers moves points without a second person. So a merge is looked at as well when by it, or by several
within a day, more points came to one customer than one person may give by hand alone.

A refusal counts while the receipt is being judged, under a lock, so two tills cannot pass a limit together. What is
only odd costs no till any time: every few minutes a job looks at what came since, and may look again at any of it
without telling a thing twice. Receipts and gifts are counted as they were told: what comes back frees nothing.
"""

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, F, Sum
from django.utils import timezone

from regulars.core.i18n import gettext as _
from regulars.foundation.models import Business
from regulars.loyalty.alerts import hold_newest, key_of
from regulars.loyalty.members import points_unit
from regulars.loyalty.models import Alert, Look, Reward, Sale
from regulars.loyalty.programme.watch import Limit, Watch
from regulars.loyalty.programmes import valid_at
from regulars.loyalty.telling import OLDEST, NotNow
from regulars.purchases.models import Store

_COLUMNS = {"member": "customer_id", "cashier": "cashier", "till": "till", "shop": "store_id"}
# longer than any receipt takes to be written: one that began before the last look is seen by this one
_AGAIN = dt.timedelta(hours=1)


@dataclass(frozen=True)
class Deed:
    """What a till is about to write: a receipt, or a gift, which only spends points."""

    till: str
    cashier: str
    store_id: int | None
    customer_id: int | None
    at: dt.datetime
    receipts: int = 0
    earned: int = 0
    spent: int = 0


class Beyond(NotNow):
    """The receipt or the gift passes a limit that refuses."""

    def __init__(self, limit: Limit, deed: Deed, alert: Alert) -> None:
        told = (
            _(
                "This receipt goes beyond the limit of the programme: {limit}. Sell without the card, or ask who "
                "watches over the programme."
            )
            if deed.receipts
            else _("This gift goes beyond the limit of the programme: {limit}. Ask who watches over the programme.")
        )
        super().__init__(told.format(limit=limit.said))
        self.alert = alert


def check_limits(deed: Deed, watch: Watch, zone: dt.tzinfo, *, hold: bool) -> None:
    """Raise `Beyond` when this deed, which is not written yet, passes a limit that refuses.

    With `hold` nobody else counts for the same cashier, till or shop until the end of the transaction; a member is
    held by then.
    """
    for limit in watch.limits:
        subject = getattr(deed, _COLUMNS[limit.of])
        if not limit.refuse or not subject or not (deed.receipts or limit.spent):
            continue
        if hold and limit.of != "member":
            _lock(limit.of, subject)
        begin, end = window(limit.per, deed.at, zone)
        figures = _figures(deed, limit, begin, end)
        # a gift adds no receipt: it is not to blame for those there are
        if limit.is_passed(**figures if deed.receipts else {"receipts": 0, "earned": 0, "spent": figures["spent"]}):
            raise Beyond(limit, deed, _refused(deed, limit, begin, figures))


def _figures(deed: Deed, limit: Limit, begin: dt.datetime, end: dt.datetime) -> dict[str, int]:
    """What was done in the window, with this deed."""
    whose = {_COLUMNS[limit.of]: getattr(deed, _COLUMNS[limit.of])}
    sold = Sale.objects.filter(**whose, purchased_at__gte=begin, purchased_at__lt=end).aggregate(
        receipts=Count("pk"), earned=Sum("points_earned"), spent=Sum("points_spent")
    )
    gifts = limit.spent and Reward.objects.filter(**whose, taken_at__gte=begin, taken_at__lt=end).aggregate(
        spent=Sum("points")
    )
    return {
        "receipts": sold["receipts"] + deed.receipts,
        "earned": (sold["earned"] or 0) + deed.earned,
        "spent": (sold["spent"] or 0) + ((gifts and gifts["spent"]) or 0) + deed.spent,
    }


def window(per: str, at: dt.datetime, zone: dt.tzinfo) -> tuple[dt.datetime, dt.datetime]:
    """The hour or the day of the shop's clock in which this moment lies: not a stretch of time before it.

    So the order in which tills tell of their receipts changes nothing.
    """
    local = at.astimezone(zone)
    if per == "hour":
        begin = at - dt.timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
        return begin, begin + dt.timedelta(hours=1)
    days = (local.date(), local.date() + dt.timedelta(days=1))
    begin, end = (dt.datetime.combine(day, dt.time.min, zone).astimezone(dt.UTC) for day in days)
    return begin, end


def note_refusal(alert: Alert) -> None:
    """Let people know that a limit refused somebody: once for each limit and window, with how often.

    After a decision they are told anew when it has been refused as often again.
    """
    with transaction.atomic():
        known = hold_newest(alert.key)
        if known is None:
            alert.save()
        elif not known.decision:
            known.figures["times"] += 1
            known.save(update_fields=["figures"])
        elif known.since + 1 >= known.figures["times"]:
            alert.figures["times"] += known.since + known.figures["times"]
            alert.save()
        else:
            Alert.objects.filter(pk=known.pk).update(since=F("since") + 1)


def _lock(of: str, subject: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 2))", [f"limit\x1f{of}\x1f{subject}"])


def _refused(deed: Deed, limit: Limit, begin: dt.datetime, figures: dict[str, int]) -> Alert:
    subject = getattr(deed, _COLUMNS[limit.of])
    shop = Store.objects.filter(pk=subject).values_list("name", flat=True).first() if limit.of == "shop" else ""
    about = (limit.of, limit.per, str(subject), begin.isoformat(), str(_most(limit)))
    return Alert(
        key=key_of(Alert.Kind.REFUSED, *about), kind=Alert.Kind.REFUSED, of=limit.of, per=limit.per, begins_at=begin,
        found_at=timezone.now(),
        subject={"member": "", "shop": shop or ""}.get(limit.of, str(subject)),
        customer_id=deed.customer_id if limit.of == "member" else None,
        figures=figures | {"times": 1, "most": _most(limit)},
    )  # fmt: skip


def _most(limit: Limit) -> dict[str, int | None]:
    return {"receipts": limit.receipts, "earned": limit.earned, "spent": limit.spent}


# --- the look ---

# receipts and gifts alike
_DEEDS = """(
    SELECT till, cashier, store_id, customer_id, purchased_at AS at, recorded_at,
        1 AS receipts, points_earned AS earned, points_spent AS spent FROM loyalty_sale
    UNION ALL
    SELECT till, cashier, store_id, customer_id, taken_at, taken_at, 0, 0, points FROM loyalty_reward
)"""

# the window of each new deed, and all deeds of the same subject in it; after a decision, once they have doubled
_LIMITS = """
INSERT INTO loyalty_alert
    (key, kind, of, per, subject, customer_id, begins_at, figures, found_at, decision, since)
SELECT about.key, 'limit', %(of)s, %(per)s,
    {title}, {customer}, w.begins, jsonb_build_object(
        'receipts', did.receipts, 'earned', did.earned, 'spent', did.spent, 'most', %(most)s::jsonb
    ), %(at)s, '', 0
FROM (
    SELECT DISTINCT d.{column} AS subject, date_trunc(%(per)s, d.at, z.zone) AS begins, CASE %(per)s
        WHEN 'hour' THEN date_trunc('hour', d.at, z.zone) + interval '1 hour'
        ELSE (date_trunc('day', d.at AT TIME ZONE z.zone) + interval '1 day') AT TIME ZONE z.zone
    END AS ends
    FROM {deeds} d LEFT JOIN purchases_store st ON st.id = d.store_id
    CROSS JOIN LATERAL (SELECT coalesce(nullif(st.time_zone, ''), %(zone)s) AS zone) z
    WHERE d.recorded_at > %(since)s AND d.{column} IS NOT NULL AND d.{column}::text <> ''
) w CROSS JOIN LATERAL (
    SELECT coalesce(sum(d.receipts), 0)::bigint AS receipts, coalesce(sum(d.earned), 0)::bigint AS earned,
        coalesce(sum(d.spent), 0)::bigint AS spent
    FROM {deeds} d
    WHERE d.{column} = w.subject AND d.at >= w.begins AND d.at < w.ends
) did CROSS JOIN LATERAL (
    SELECT md5(concat_ws(chr(31), 'limit', %(of)s::text, %(per)s::text, w.subject, w.begins, %(most)s::text)) AS key
) about LEFT JOIN LATERAL (
    SELECT figures FROM loyalty_alert WHERE key = about.key AND decision <> '' ORDER BY id DESC LIMIT 1
) before ON true
WHERE did.receipts > greatest(%(receipts)s, 2 * (before.figures ->> 'receipts')::bigint - 1)
    OR did.earned > greatest(%(earned)s, 2 * (before.figures ->> 'earned')::bigint - 1)
    OR did.spent > greatest(%(spent)s, 2 * (before.figures ->> 'spent')::bigint - 1)
ON CONFLICT (key) WHERE decision = '' DO UPDATE SET figures = excluded.figures
WHERE loyalty_alert.figures <> excluded.figures
"""

_CANCELLED = "EXISTS (SELECT 1 FROM loyalty_salereturn b WHERE b.sale_id = {sale}.id AND b.is_void)"

# the nearest earlier receipt of the same card and sum: of three in a row the second and the third are told. The order
# is that of the purchases, whichever was told first: one that is told late may make a pair with one seen before
_SAME = f"""
INSERT INTO loyalty_alert
    (key, kind, of, per, subject, customer_id, sale_id, other_id, begins_at, figures, found_at, decision, since)
SELECT about.key, 'same', '', '', '', s.customer_id, s.id, o.id, s.purchased_at, '{{}}', %(at)s, '', 0
FROM (
    SELECT n.id FROM loyalty_sale n WHERE n.recorded_at > %(since)s AND n.price > 0
    UNION
    SELECT later.id FROM loyalty_sale n CROSS JOIN LATERAL (
        SELECT l.id FROM loyalty_sale l
        WHERE l.customer_id = n.customer_id AND l.price = n.price AND (l.purchased_at, l.id) > (n.purchased_at, n.id)
            AND l.purchased_at <= n.purchased_at + %(apart)s AND NOT {_CANCELLED.format(sale="l")}
        ORDER BY l.purchased_at, l.id LIMIT 1
    ) later
    WHERE n.recorded_at > %(since)s AND n.price > 0 AND NOT {_CANCELLED.format(sale="n")}
) new JOIN loyalty_sale s ON s.id = new.id CROSS JOIN LATERAL (
    SELECT o.id FROM loyalty_sale o
    WHERE o.customer_id = s.customer_id AND o.price = s.price AND (o.purchased_at, o.id) < (s.purchased_at, s.id)
        AND o.purchased_at >= s.purchased_at - %(apart)s AND NOT {_CANCELLED.format(sale="o")}
    ORDER BY o.purchased_at DESC, o.id DESC LIMIT 1
) o CROSS JOIN LATERAL (
    SELECT md5(concat_ws(chr(31), 'same', least(o.id, s.id), greatest(o.id, s.id))) AS key
) about
WHERE NOT {_CANCELLED.format(sale="s")} AND NOT EXISTS (SELECT 1 FROM loyalty_alert a WHERE a.key = about.key)
"""

# a name of one word is that of too many people. Who sells on the cashier's page has signed in, so his address is known;
# of whoever stands at another till only the name is, as the till tells it
_OWN = """
INSERT INTO loyalty_alert
    (key, kind, of, per, subject, customer_id, sale_id, begins_at, figures, found_at, decision, since)
SELECT DISTINCT ON (s.customer_id, s.cashier, day.begins)
    about.key, 'own', '', 'day', coalesce(nullif(s.cashier, ''), s.till), s.customer_id, s.id, day.begins, '{}'::jsonb,
    %(at)s, '', 0
FROM loyalty_sale s JOIN customers_customer c ON c.id = s.customer_id
LEFT JOIN purchases_store st ON st.id = s.store_id
CROSS JOIN LATERAL (
    SELECT date_trunc('day', s.purchased_at, coalesce(nullif(st.time_zone, ''), %(zone)s)) AS begins
) day CROSS JOIN LATERAL (SELECT md5(concat_ws(chr(31), 'own', s.customer_id, s.cashier, day.begins)) AS key) about
WHERE s.recorded_at > %(since)s AND NOT EXISTS (SELECT 1 FROM loyalty_alert a WHERE a.key = about.key) AND (
    s.cashier LIKE '%% %%' AND lower(s.cashier) IN (
        lower(c.name), lower(concat_ws(' ', c.given_name, c.family_name)),
        lower(concat_ws(' ', c.family_name, c.given_name)),
        lower(concat_ws(' ', c.family_name, c.given_name, c.middle_name))
    ) OR s.till LIKE 'user:%%' AND EXISTS (
        SELECT 1 FROM customers_contact his JOIN accounts_user u ON u.email = lower(his.value)
        WHERE his.customer_id = s.customer_id AND his.kind = 'email' AND s.till = 'user:' || u.id
    )
)
ORDER BY s.customer_id, s.cashier, day.begins, s.id
"""

# the accounts that went along, as the merge wrote them down, and what was on them at that moment; many small merges
# into one customer are as good as a large one
_MERGED = """
INSERT INTO loyalty_alert
    (key, kind, of, per, subject, customer_id, merge_id, begins_at, figures, found_at, decision, since)
SELECT md5(concat_ws(chr(31), 'merged', day.id)), 'merged', '', 'day', '', (
        WITH RECURSIVE chain (id, above) AS (
            SELECT c.id, c.merged_into_id FROM customers_customer c WHERE c.id = day.kept_id
            UNION ALL
            SELECT c.id, c.merged_into_id FROM chain JOIN customers_customer c ON c.id = chain.above
        ) SELECT chain.id FROM chain WHERE chain.above IS NULL
    ), day.id, day.at, jsonb_build_object('points', day.points, 'in_a_day', day.in_a_day, 'alone', %(alone)s),
    %(at)s, '', 0
FROM (
    SELECT m.id, m.kept_id, m.at, did.points, sum(did.points) OVER (
        PARTITION BY m.kept_id ORDER BY m.at RANGE BETWEEN interval '1 day' PRECEDING AND CURRENT ROW
    )::bigint AS in_a_day
    FROM customers_merge m CROSS JOIN LATERAL (
        SELECT greatest(coalesce(sum(p.amount), 0), 0)::bigint AS points
        FROM jsonb_array_elements_text(m.moved #> '{rows,loyalty.Account.customer}') moved (id)
        JOIN loyalty_account a ON a.id = moved.id::bigint AND a.unit_id = %(unit)s
        JOIN loyalty_posting p ON p.account_id = a.id
        JOIN loyalty_transaction t ON t.id = p.transaction_id AND t.recorded_at <= m.at
    ) did
    WHERE m.at > %(since)s - interval '1 day'
) day
WHERE day.at > %(since)s AND day.points > 0 AND day.in_a_day > %(alone)s
    AND NOT EXISTS (SELECT FROM loyalty_alert told WHERE told.key = md5(concat_ws(chr(31), 'merged', day.id)))
ORDER BY day.id
"""

# goods whose price was raised before they were discounted, by whoever states prices or by whoever typed a higher one at
# the till; each once in a day of the shop's clock, with the first receipt that shows it. It concerns the shop and no
# customer. What a partner sells has prices of its own. The stated price is that of the moment of the purchase, for a
# receipt may come after another one was stated. A line is rounded, so a minor unit more is nobody's doing
_RAISED = f"""
INSERT INTO loyalty_alert (key, kind, of, per, subject, sale_id, begins_at, figures, found_at, decision, since)
SELECT DISTINCT ON (about.key) about.key, 'raised', '', 'day', left(p.name, 200), s.id, day.begins,
    CASE WHEN raised.by_statement THEN jsonb_build_object('raised_on', p.price_raised_on)
        ELSE jsonb_build_object('typed', round(l.price / l.quantity)::bigint, 'stated', stated.price) END,
    %(at)s, '', 0
FROM loyalty_sale s JOIN loyalty_saleline l ON l.sale_id = s.id AND l.lowered > 0
JOIN purchases_product p ON p.code = l.product LEFT JOIN purchases_store st ON st.id = s.store_id
CROSS JOIN LATERAL (SELECT coalesce(nullif(st.time_zone, ''), %(zone)s) AS zone) z
CROSS JOIN LATERAL (SELECT date_trunc('day', s.purchased_at, z.zone) AS begins) day
CROSS JOIN LATERAL (SELECT (s.purchased_at AT TIME ZONE z.zone)::date AS sold_on) sold
CROSS JOIN LATERAL (
    SELECT coalesce(sold.sold_on - p.price_raised_on BETWEEN 0 AND %(days)s - 1, false) AS by_statement
) raised
LEFT JOIN LATERAL (
    SELECT said.value AS price FROM purchases_stated said
    WHERE said.product_id = p.id AND said.what = 'price' AND said.of <= s.purchased_at
        AND NOT raised.by_statement AND l.price > p.price * l.quantity + greatest(l.quantity, 1)
    ORDER BY said.of DESC, said.id DESC LIMIT 1
) stated ON true
CROSS JOIN LATERAL (
    SELECT md5(concat_ws(
        chr(31), 'raised', p.id, sold.sold_on, CASE WHEN NOT raised.by_statement THEN 'typed' END
    )) AS key
) about
WHERE s.recorded_at > %(since)s AND s.partner_id IS NULL
    AND (raised.by_statement OR stated.price > 0 AND l.price > stated.price * l.quantity + greatest(l.quantity, 1))
    AND NOT {_CANCELLED.format(sale="s")} AND NOT EXISTS (SELECT 1 FROM loyalty_alert a WHERE a.key = about.key)
ORDER BY about.key, s.purchased_at, s.id, l.position
"""


def look(at: dt.datetime) -> int:
    """Look at all that came since the last look, by the rules of now; how many alerts were made or grew."""
    valid = valid_at(at)
    if valid is None:
        return 0
    watch = valid[1].watch
    with transaction.atomic():
        last, _new = Look.objects.select_for_update().get_or_create(pk=1, defaults={"looked_at": at - OLDEST})
        # who decides waits: a figure that grows after a decision is compared with what was decided
        list(Alert.objects.select_for_update().filter(decision="", kind=Alert.Kind.LIMIT).values_list("pk"))
        values = {"since": last.looked_at - _AGAIN, "at": at, "zone": Business.current().time_zone}
        count = sum(_look_at_limit(limit, values) for limit in watch.limits)
        count += _run(_OWN, values)
        count += _run(_MERGED, values | {"unit": points_unit().pk, "alone": watch.alone})
        if days := valid[1].price_watch_days:
            count += _run(_RAISED, values | {"days": days})
        if watch.same_minutes:
            count += _run(_SAME, values | {"apart": dt.timedelta(minutes=watch.same_minutes)})
        Look.objects.filter(pk=1).update(looked_at=at)
    return count


def _look_at_limit(limit: Limit, values: dict[str, Any]) -> int:
    names = {"shop": "(SELECT name FROM purchases_store WHERE id = w.subject)", "member": "''"}
    customer = "w.subject" if limit.of == "member" else "NULL::bigint"
    query = _LIMITS.format(
        column=_COLUMNS[limit.of], title=names.get(limit.of, "w.subject"), customer=customer, deeds=_DEEDS
    )
    never = 2**62
    most = {name: never if one is None else one for name, one in _most(limit).items()}
    return _run(query, values | most | {"of": limit.of, "per": limit.per, "most": json.dumps(_most(limit))})


def _run(query: str, values: dict[str, Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return int(cursor.rowcount)
