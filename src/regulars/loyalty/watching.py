"""Watching over the till: limits that refuse a receipt at once, and a look at what was told for everything odd.

A refusal counts while the receipt is being judged, under a lock, so two tills cannot pass a limit together. What is
only odd costs no till any time: every few minutes a job looks at the receipts that came since, and may look again at
any of them without telling a thing twice. Receipts are counted as they were sold: what comes back frees nothing.
"""

import datetime as dt
import hashlib
import json
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, Sum
from django.utils import timezone

from regulars.core.i18n import gettext as _
from regulars.foundation.models import Business
from regulars.loyalty.models import Alert, Look, Sale
from regulars.loyalty.programme.watch import Limit, Watch
from regulars.loyalty.programmes import valid_at
from regulars.loyalty.telling import OLDEST, NotNow

_COLUMNS = {"member": "customer_id", "cashier": "cashier", "till": "till", "shop": "store_id"}
# longer than any receipt takes to be written: one that began before the last look is seen by this one
_AGAIN = dt.timedelta(hours=1)


class Beyond(NotNow):
    """The receipt passes a limit that refuses."""

    def __init__(self, limit: Limit, alert: Alert) -> None:
        super().__init__(
            _(
                "This receipt goes beyond the limit of the programme: {limit}. Sell without the card, or ask who "
                "watches over the programme."
            ).format(limit=limit.said)
        )
        self.alert = alert


def check_limits(sale: Sale, watch: Watch, zone: dt.tzinfo, *, hold: bool) -> None:
    """Raise `Beyond` when this receipt, which is not written yet, passes a limit that refuses.

    With `hold` nobody else counts for the same cashier, till or shop until the end of the transaction; a member is
    held by then.
    """
    for limit in watch.limits:
        subject = getattr(sale, _COLUMNS[limit.of])
        if not limit.refuse or not subject:
            continue
        if hold and limit.of != "member":
            _lock(limit.of, subject)
        begin, end = window(limit.per, sale.purchased_at, zone)
        told = Sale.objects.filter(
            **{_COLUMNS[limit.of]: subject}, purchased_at__gte=begin, purchased_at__lt=end
        ).aggregate(receipts=Count("pk"), earned=Sum("points_earned"), spent=Sum("points_spent"))
        figures = {
            "receipts": told["receipts"] + 1,
            "earned": (told["earned"] or 0) + sale.points_earned,
            "spent": (told["spent"] or 0) + sale.points_spent,
        }
        if limit.is_passed(**figures):
            raise Beyond(limit, _refused(sale, limit, begin, figures))


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
    """Let people know that a limit refused somebody: once for each limit and window, with how often."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 3))", [alert.key])
        known = Alert.objects.filter(key=alert.key).first()
        if known is None:
            alert.save()
        elif not known.decision:
            known.figures["times"] += 1
            known.save(update_fields=["figures"])


def _lock(of: str, subject: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 2))", [f"limit\x1f{of}\x1f{subject}"])


def _refused(sale: Sale, limit: Limit, begin: dt.datetime, figures: dict[str, int]) -> Alert:
    subject = getattr(sale, _COLUMNS[limit.of])
    key = "\x1f".join(("refused", limit.of, limit.per, str(subject), begin.isoformat(), str(_most(limit))))
    return Alert(
        key=hashlib.md5(key.encode(errors="replace"), usedforsecurity=False).hexdigest(), kind=Alert.Kind.REFUSED,
        of=limit.of, per=limit.per, begins_at=begin, found_at=timezone.now(),
        subject={"member": "", "shop": sale.store.name if sale.store else ""}.get(limit.of, str(subject)),
        customer_id=sale.customer_id if limit.of == "member" else None,
        figures=figures | {"times": 1, "most": _most(limit)},
    )  # fmt: skip


def _most(limit: Limit) -> dict[str, int | None]:
    return {"receipts": limit.receipts, "earned": limit.earned, "spent": limit.spent}


# --- the look ---

# the window of each new receipt, and all receipts of the same subject in it
_LIMITS = """
INSERT INTO loyalty_alert
    (key, kind, of, per, subject, customer_id, begins_at, figures, found_at, decision)
SELECT md5(concat_ws(chr(31), 'limit', %(of)s::text, %(per)s::text, w.subject, w.begins, %(most)s::text)),
    'limit', %(of)s, %(per)s,
    {title}, {customer}, w.begins, jsonb_build_object(
        'receipts', did.receipts, 'earned', did.earned, 'spent', did.spent, 'most', %(most)s::jsonb
    ), %(at)s, ''
FROM (
    SELECT DISTINCT s.{column} AS subject, date_trunc(%(per)s, s.purchased_at, z.zone) AS begins, CASE %(per)s
        WHEN 'hour' THEN date_trunc('hour', s.purchased_at, z.zone) + interval '1 hour'
        ELSE (date_trunc('day', s.purchased_at AT TIME ZONE z.zone) + interval '1 day') AT TIME ZONE z.zone
    END AS ends
    FROM loyalty_sale s LEFT JOIN purchases_store st ON st.id = s.store_id
    CROSS JOIN LATERAL (SELECT coalesce(nullif(st.time_zone, ''), %(zone)s) AS zone) z
    WHERE s.recorded_at > %(since)s AND s.{column} IS NOT NULL AND s.{column}::text <> ''
) w CROSS JOIN LATERAL (
    SELECT count(*) AS receipts, sum(s.points_earned)::bigint AS earned, sum(s.points_spent)::bigint AS spent
    FROM loyalty_sale s
    WHERE s.{column} = w.subject AND s.purchased_at >= w.begins AND s.purchased_at < w.ends
) did
WHERE did.receipts > %(receipts)s OR did.earned > %(earned)s OR did.spent > %(spent)s
ON CONFLICT (key) DO UPDATE SET figures = excluded.figures
WHERE loyalty_alert.decision = '' AND loyalty_alert.figures <> excluded.figures
"""

_CANCELLED = "EXISTS (SELECT 1 FROM loyalty_salereturn b WHERE b.sale_id = {sale}.id AND b.is_void)"

# the nearest earlier receipt of the same card and sum: of three in a row the second and the third are told
_SAME = f"""
INSERT INTO loyalty_alert
    (key, kind, of, per, subject, customer_id, sale_id, other_id, begins_at, figures, found_at, decision)
SELECT md5(concat_ws(chr(31), 'same', o.id, s.id)), 'same', '', '', '', s.customer_id, s.id, o.id, s.purchased_at,
    '{{}}', %(at)s, ''
FROM loyalty_sale s CROSS JOIN LATERAL (
    SELECT o.id FROM loyalty_sale o
    WHERE o.customer_id = s.customer_id AND o.id < s.id AND o.price = s.price
        AND o.purchased_at >= s.purchased_at - %(apart)s AND o.purchased_at <= s.purchased_at + %(apart)s
        AND NOT {_CANCELLED.format(sale="o")}
    ORDER BY o.id DESC LIMIT 1
) o
WHERE s.recorded_at > %(since)s AND s.price > 0 AND NOT {_CANCELLED.format(sale="s")}
ON CONFLICT (key) DO NOTHING
"""

# a name of one word is that of too many people
_OWN = """
INSERT INTO loyalty_alert
    (key, kind, of, per, subject, customer_id, sale_id, begins_at, figures, found_at, decision)
SELECT DISTINCT ON (s.customer_id, s.cashier, day.begins)
    md5(concat_ws(chr(31), 'own', s.customer_id, s.cashier, day.begins)), 'own', '', 'day', s.cashier, s.customer_id,
    s.id, day.begins, '{}'::jsonb, %(at)s, ''
FROM loyalty_sale s JOIN customers_customer c ON c.id = s.customer_id
LEFT JOIN purchases_store st ON st.id = s.store_id
CROSS JOIN LATERAL (
    SELECT date_trunc('day', s.purchased_at, coalesce(nullif(st.time_zone, ''), %(zone)s)) AS begins
) day
WHERE s.recorded_at > %(since)s AND s.cashier <> '' AND (
    s.cashier LIKE '%% %%' AND lower(s.cashier) IN (
        lower(c.name), lower(concat_ws(' ', c.given_name, c.family_name)),
        lower(concat_ws(' ', c.family_name, c.given_name)),
        lower(concat_ws(' ', c.family_name, c.given_name, c.middle_name))
    ) OR EXISTS (
        SELECT 1 FROM purchases_seller who JOIN accounts_user u ON u.id = who.user_id
        JOIN customers_contact his ON his.value = u.email AND his.kind = 'email'
        WHERE who.name = s.cashier AND his.customer_id = s.customer_id
    )
)
ORDER BY s.customer_id, s.cashier, day.begins, s.id
ON CONFLICT (key) DO NOTHING
"""


def look(at: dt.datetime) -> int:
    """Look at every receipt that came since the last look, by the rules of now; how many alerts were made or grew."""
    valid = valid_at(at)
    if valid is None:
        return 0
    watch = valid[1].watch
    with transaction.atomic():
        last, _new = Look.objects.select_for_update().get_or_create(pk=1, defaults={"looked_at": at - OLDEST})
        values = {"since": last.looked_at - _AGAIN, "at": at, "zone": Business.current().time_zone}
        count = sum(_look_at_limit(limit, values) for limit in watch.limits)
        count += _run(_OWN, values)
        if watch.same_minutes:
            count += _run(_SAME, values | {"apart": dt.timedelta(minutes=watch.same_minutes)})
        Look.objects.filter(pk=1).update(looked_at=at)
    return count


def _look_at_limit(limit: Limit, values: dict[str, Any]) -> int:
    names = {"shop": "(SELECT name FROM purchases_store WHERE id = w.subject)", "member": "''"}
    customer = "w.subject" if limit.of == "member" else "NULL::bigint"
    query = _LIMITS.format(column=_COLUMNS[limit.of], title=names.get(limit.of, "w.subject"), customer=customer)
    never = 2**62
    most = {name: never if one is None else one for name, one in _most(limit).items()}
    return _run(query, values | most | {"of": limit.of, "per": limit.per, "most": json.dumps(_most(limit))})


def _run(query: str, values: dict[str, Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return int(cursor.rowcount)
