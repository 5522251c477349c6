"""What a unit of a product costs the shop, and its customers: each who says it is kept, the latest moment holds.

Whoever writes many products at once holds the lock of imports: two of them would wait for each other in a circle.
"""

from collections.abc import Mapping, Sequence

from django.db import connection, transaction
from django.utils import timezone

from regulars.accounts.models import User
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.foundation.days import today
from regulars.foundation.models import Business
from regulars.purchases.models import PriceKind, Product, Stated

MOST = 10**12  # minor units
_MOST_SHOWN = 50


def state(product: Product, told: Mapping[str, int | None], *, by: User | None = None, program: str = "") -> None:
    """Somebody says now what it costs: `told` has "cost", "price" or both. The caller has locked the product's row."""
    now = timezone.now()
    for what, value in told.items():
        if value is not None and not 0 <= value <= MOST:
            raise InputError(_("A cost or a price is from 0 to {most}.").format(most=f"{MOST:,}".replace(",", " ")))
        before = getattr(product, what)
        last = Stated.objects.filter(product=product, what=what).order_by("-of", "-id").first()
        if last is None and value is None and before is None:
            continue
        if last is not None and (last.value, last.by, last.program, last.imported_by_id) == (value, by, program, None):
            # the same again: it speaks of now, and the history says it once
            Stated.objects.filter(pk=last.pk).update(of=max(now, last.of))
            continue
        if what == Stated.What.PRICE and before is None:
            before = _last_known(product)
        is_raise = what == Stated.What.PRICE and None not in (value, before) and value > before
        Stated.objects.create(
            product=product, what=what, value=value, of=now, by=by, program=program[:100],
            raised_on=today() if is_raise else None,
        )  # fmt: skip
    hold([product.pk], told)


def _last_known(product: Product) -> int | None:
    """The price that was taken away: whoever types a higher one after it has raised it."""
    said = Stated.objects.filter(product=product, what=Stated.What.PRICE, value__isnull=False)
    return said.order_by("-of", "-id").values_list("value", flat=True).first()


def state_by_code(what: str, codes: Sequence[str], values: Sequence[int], *, import_id: int) -> int:
    """An import says now what these products cost; how many of them that changes. Codes that nobody has are passed by.

    What is so already is not said again: a price list that comes each hour would fill the history with itself.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"""INSERT INTO purchases_stated (product_id, what, value, of, imported_by_id, program, raised_on)
            SELECT p.id, %(what)s, i.value, %(now)s, %(import_id)s, '',
                CASE WHEN %(what)s = '{Stated.What.PRICE}' AND i.value > coalesce(p.price, (
                    SELECT s.value FROM purchases_stated s
                    WHERE s.product_id = p.id AND s.what = '{Stated.What.PRICE}' AND s.value IS NOT NULL
                    ORDER BY s.of DESC, s.id DESC LIMIT 1
                )) THEN %(today)s::date END
            FROM unnest(%(codes)s::text[], %(values)s::bigint[]) AS i (code, value)
            JOIN purchases_product p USING (code)
            WHERE i.value IS DISTINCT FROM CASE %(what)s WHEN '{Stated.What.COST}' THEN p.cost ELSE p.price END
            ON CONFLICT (imported_by_id, product_id, what)
                DO UPDATE SET value = excluded.value, of = excluded.of, raised_on = excluded.raised_on
            RETURNING product_id""",
            {
                "what": what, "now": timezone.now(), "import_id": import_id, "today": today(), "codes": list(codes),
                "values": list(values),
            },
        )  # fmt: skip
        changed = [key for (key,) in cursor.fetchall()]
    hold(changed, [what])
    return len(changed)


def take_back_stated(import_id: int) -> int:
    """What the import said is not said any more: what was said before it, or since, holds. How many products change."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM purchases_stated WHERE imported_by_id = %s RETURNING product_id, what", [import_id])
        rows = cursor.fetchall()
    for what in Stated.What.values:
        hold([key for key, said in rows if said == what], [what])
    return len({key for key, _said in rows})


def remember_kinds(kinds: Mapping[str, str]) -> None:
    """Kinds of prices of 1C by their ids, so that somebody can say what they are here."""
    rows = [PriceKind(key=key, name=name) for key, name in sorted(kinds.items())]
    PriceKind.objects.bulk_create(rows, update_conflicts=True, update_fields=["name"], unique_fields=["key"])


def kept_kinds() -> dict[str, str]:
    """The kinds of prices that are kept: 1C's id -> "cost" or "price"."""
    return dict(PriceKind.objects.exclude(means="").values_list("key", "means"))


@transaction.atomic
def choose_kinds(chosen: Mapping[str, str]) -> None:
    """Say which kind is the cost and which the price: "cost" or "price" -> 1C's id; an empty one is none of them."""
    given = [key for key in chosen.values() if key]
    if len(given) != len(set(given)):
        raise InputError(_("One kind of prices cannot be both the cost and the price: choose two."))
    known = set(PriceKind.objects.select_for_update().order_by("id").values_list("key", flat=True))
    if lost := set(given) - known:
        raise InputError(_("1C has not named the kind of prices {value!r}.").format(value=min(lost)[:40]))
    PriceKind.objects.exclude(means="").update(means="")
    for what, key in chosen.items():
        PriceKind.objects.filter(key=key).update(means=Stated.What(what))


def hold(products: Sequence[int], whats: Mapping[str, object] | Sequence[str]) -> None:
    """Give the products the cost or price of the latest moment, none where nothing is said of it."""
    for what in whats:
        _hold(Stated.What(what), products)


# The last day on which the price rose from one that it is still above. Who took a price away before he typed a higher
# one raised it as well. Where nothing older is known the row itself says whether it was a raise.
_RAISED = """(
    SELECT max(coalesce(s.raised_on, (s.of AT TIME ZONE %(zone)s)::date)) FROM (
        SELECT one.value, one.raised_on, one.of, lag(one.value) OVER (ORDER BY one.of, one.id) AS before,
            first_value(one.value) OVER (ORDER BY one.of DESC, one.id DESC) AS now
        FROM purchases_stated one WHERE one.product_id = i.id AND one.what = 'price' AND one.value IS NOT NULL
    ) s WHERE CASE WHEN s.before IS NULL THEN s.raised_on IS NOT NULL ELSE least(s.value, s.now) > s.before END
)"""


def _hold(what: Stated.What, products: Sequence[int]) -> None:
    found = {what.value: f"""(
        SELECT s.value FROM purchases_stated s WHERE s.product_id = i.id AND s.what = '{what}'
        ORDER BY s.of DESC, s.id DESC LIMIT 1
    )"""} | ({"price_raised_on": _RAISED} if what == Stated.What.PRICE else {})  # fmt: skip
    differs = " OR ".join(f"p.{column} IS DISTINCT FROM f.{column}" for column in found)
    written = ", ".join(f"{column} = f.{column}" for column in found)
    known = ", ".join(f"{one} AS {column}" for column, one in found.items())
    with connection.cursor() as cursor:
        cursor.execute(
            f"""UPDATE purchases_product p SET {written}, updated_at = %(now)s FROM (
                SELECT i.id, {known} FROM unnest(%(products)s::bigint[]) AS i (id)
            ) f WHERE p.id = f.id AND ({differs})""",
            {"now": timezone.now(), "products": list(products), "zone": Business.current().time_zone},
        )


def history_of(product: Product) -> list[Stated]:
    """What was said of it, the latest moment first."""
    said = Stated.objects.filter(product=product).select_related("imported_by", "by")
    return list(said.order_by("-of", "-id")[:_MOST_SHOWN])


def last_said(products: Sequence[Product]) -> dict[tuple[int, str], Stated]:
    """Of each product and "cost" or "price" what holds, and who said it."""
    said = Stated.objects.filter(product__in=products).select_related("imported_by", "by")
    rows = said.order_by("product", "what", "-of", "-id").distinct("product", "what")
    return {(one.product_id, one.what): one for one in rows}
