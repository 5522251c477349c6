"""An import taken back: its receipts, and what it made that nothing else uses by now."""

from collections.abc import Iterator

from django.db import models

from regulars.core.i18n import gettext as _
from regulars.core.progress import Progress
from regulars.customers.models import Contact, Customer
from regulars.customers.services.search import search_later
from regulars.purchases.importing.exchange import execute, may_trust, trusted_rows, value
from regulars.purchases.importing.goods import take_back_names
from regulars.purchases.importing.load import LOCK
from regulars.purchases.importing.people_loading import take_back_fills
from regulars.purchases.stating import take_back_stated

_GONE = "undone_customers"
_UNUSED = "undone_goods"
_MOST_LOOKS = 200_000_000  # some ten seconds

# made anew by the next night's work; nobody wrote it
_DERIVED = frozenset({"insights.Score", "customers.Likeness"})
_LOOKED_AT_APART = frozenset({"customers.Contact", "purchases.Receipt", "customers.Customer"})


def take_back(import_id: int, progress: Progress) -> dict[str, int]:
    """Undo inside the caller's transaction; counts of what went (`removed_*`) and what stays, by reason (`kept_*`)."""
    execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    search_later()
    progress.step(_("Removing receipts"), None, None)
    counts = _remove_receipts(import_id)
    progress.step(_("Removing customers that nothing else uses"), None, None)
    counts["emptied_customers"] = take_back_fills(import_id)
    counts |= _remove_customers(import_id)
    counts["renamed_products"] = take_back_names(import_id)
    counts["restated_products"] = take_back_stated(import_id)
    counts |= _remove_goods(import_id)
    return counts


def _remove_receipts(import_id: int) -> dict[str, int]:
    execute(
        """INSERT INTO purchases_touched (month)
        SELECT DISTINCT date_trunc('month', (purchased_at AT TIME ZONE 'UTC') + shift)::date
        FROM purchases_receipt, (VALUES (interval '-12 hours'), (interval '14 hours')) AS zones (shift)
        WHERE imported_by_id = %s""",
        [import_id],
    )
    with trusted_rows():
        lines = execute(
            """DELETE FROM purchases_line l USING purchases_receipt r
            WHERE r.id = l.receipt_id AND r.imported_by_id = %s""",
            [import_id],
        )
        receipts = execute("DELETE FROM purchases_receipt WHERE imported_by_id = %s", [import_id])
    return {"removed_receipts": receipts, "removed_lines": lines}


def _remove_customers(import_id: int) -> dict[str, int]:
    execute(f"DROP TABLE IF EXISTS {_GONE}")
    execute(
        f"""CREATE TEMP TABLE {_GONE} ON COMMIT DROP AS
        SELECT id, NULL::text AS reason FROM customers_customer WHERE import_id = %s FOR UPDATE""",
        [import_id],
    )
    execute(f"CREATE UNIQUE INDEX ON {_GONE} (id)")
    execute(f"ANALYZE {_GONE}")
    for reason, condition in _reasons(import_id):
        execute(f"UPDATE {_GONE} g SET reason = '{reason}' WHERE reason IS NULL AND {condition}")
    for table, column in _derived():
        execute(f"DELETE FROM {table} t USING {_GONE} g WHERE g.reason IS NULL AND t.{column} = g.id")
    removed = execute(f"DELETE FROM customers_customer c USING {_GONE} g WHERE g.reason IS NULL AND c.id = g.id")
    kept = {
        f"kept_{reason}": int(value(f"SELECT count(*) FROM {_GONE} WHERE reason = '{reason}'") or 0)
        for reason in ("bought", "merged", "changed", "used")
    }
    return {"removed_customers": removed} | {reason: count for reason, count in kept.items() if count}


def _reasons(import_id: int) -> Iterator[tuple[str, str]]:
    """Why a customer stays, as conditions over `g`."""
    yield "bought", "EXISTS (SELECT 1 FROM purchases_receipt r WHERE r.customer_id = g.id)"
    yield (
        "merged",
        """EXISTS (SELECT 1 FROM customers_customer c
        WHERE c.merged_into_id = g.id OR (c.id = g.id AND c.merged_into_id IS NOT NULL))""",
    )
    yield (
        "changed",
        f"""EXISTS (SELECT 1 FROM foundation_change h
        WHERE h.customer_id = g.id AND h.source <> 'import:{int(import_id)}')""",
    )
    for table, column in _users():
        yield "used", f"EXISTS (SELECT 1 FROM {table} t WHERE t.{column} = g.id)"


def _links() -> "Iterator[models.ForeignKey[models.Model, models.Model]]":
    """Every foreign key to a customer, those of packages that do not exist yet included."""
    for relation in Customer._meta.get_fields(include_hidden=True):
        link = getattr(relation, "field", None)
        if relation.auto_created and isinstance(link, models.ForeignKey):
            yield link


def _users() -> Iterator[tuple[str, str]]:
    for link in _links():
        if link.model._meta.label not in _DERIVED | _LOOKED_AT_APART:
            yield link.model._meta.db_table, link.column


def _derived() -> Iterator[tuple[str, str]]:
    for link in _links():
        if link.model._meta.label in _DERIVED or link.model is Contact:
            yield link.model._meta.db_table, link.column


def _remove_goods(import_id: int) -> dict[str, int]:
    # nobody may mention them between the look and the deletion
    execute("LOCK TABLE purchases_product, purchases_store, purchases_seller IN EXCLUSIVE MODE")
    counts: dict[str, int] = {}
    for name, user in (("product", "purchases_line"), ("store", "purchases_receipt"), ("seller", "purchases_receipt")):
        counts |= _remove_unused(name, user, import_id)
    return counts


def _remove_unused(name: str, user: str, import_id: int) -> dict[str, int]:
    execute(f"DROP TABLE IF EXISTS {_UNUSED}")
    # a product of which somebody said what it costs would lose that
    said = "AND NOT EXISTS (SELECT 1 FROM purchases_stated s WHERE s.product_id = p.id)" if name == "product" else ""
    unused = execute(
        f"""CREATE TEMP TABLE {_UNUSED} ON COMMIT DROP AS SELECT p.id FROM purchases_{name} p WHERE p.import_id = %s
        AND NOT EXISTS (SELECT 1 FROM {user} u WHERE u.{name}_id = p.id) {said}""",
        [import_id],
    )
    # without the right to trust, the database looks for each of them in all rows once more
    if not may_trust() and unused * int(value(f"SELECT count(*) FROM {user}")) > _MOST_LOOKS:
        return {f"kept_unused_{name}s": unused}
    if name == "product":
        execute(f"DELETE FROM purchases_renamed r USING {_UNUSED} u WHERE r.product_id = u.id")
    with trusted_rows():
        removed = execute(f"DELETE FROM purchases_{name} p USING {_UNUSED} u WHERE p.id = u.id")
    return {f"removed_{name}s": removed}
