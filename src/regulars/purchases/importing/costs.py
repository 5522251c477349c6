"""Imported receipts teach what goods cost: of each product the unit cost of its latest purchase."""

from django.utils import timezone

from regulars.foundation.models import Business
from regulars.ingest.engine import literal
from regulars.purchases.importing.exchange import execute, push, value
from regulars.purchases.importing.staging import Stage
from regulars.purchases.models import Stated
from regulars.purchases.stating import MOST, hold

_INCOMING = "incoming_costs"


def learn_costs(stage: Stage, import_id: int) -> int:
    """Of how many products the staged receipts tell the cost. The tables of goods and zones are made already.

    A cost of nothing is how exports write that it is not known, and what came back was bought at another time.
    """
    if not int(stage.value(f"SELECT count(*) FROM (SELECT 1 FROM st_lines WHERE {_TELLS} LIMIT 1)")):
        return 0
    execute(f"DROP TABLE IF EXISTS {_INCOMING}")
    execute(f"CREATE TEMP TABLE {_INCOMING} (product_id bigint, value bigint, of timestamptz) ON COMMIT DROP")
    push(
        stage.connection, _unit_costs(Business.current().time_zone), _INCOMING, ("product_id", "value", "of"),
        folder=stage.folder,
    )  # fmt: skip
    # what comes through the API in one day is one import: its later receipts say it anew
    taught = execute(
        f"""INSERT INTO purchases_stated (product_id, what, value, of, imported_by_id, program)
        SELECT product_id, '{Stated.What.COST}', value, of, %s, '' FROM {_INCOMING}
        ON CONFLICT (imported_by_id, product_id, what) DO UPDATE SET value = excluded.value, of = excluded.of
            WHERE excluded.of >= purchases_stated.of""",
        [import_id],
    )
    hold(list(value(f"SELECT array_agg(product_id) FROM {_INCOMING}") or ()), [Stated.What.COST])
    return taught


_QUANTITY = "coalesce(quantity, 1)"
_TELLS = f"code IS NOT NULL AND cost > 0 AND {_QUANTITY} > 0 AND amount >= 0"


def _unit_costs(zone: str) -> str:
    """Product, unit cost and moment; a purchase that is still to come by its date speaks of now.

    The latest is looked for by the wall clock of each store first: to turn every line's into a moment takes long.
    """
    at = f"timezone(coalesce(z.zone, {literal(zone)}), u.purchased_at)::TIMESTAMPTZ"
    now = literal(timezone.now().isoformat())
    return f"""WITH costed AS (
            SELECT code, store, purchased_at, cost, {_QUANTITY} AS quantity FROM st_lines WHERE {_TELLS}
        ), latest AS (
            SELECT code, store, max(purchased_at) AS purchased_at FROM costed GROUP BY code, store
        ), unit AS (
            SELECT c.code, c.store, c.purchased_at, round(sum(c.cost) / sum(c.quantity)) AS cost
            FROM costed c JOIN latest l ON l.code = c.code AND l.purchased_at = c.purchased_at
                AND l.store IS NOT DISTINCT FROM c.store
            GROUP BY c.code, c.store, c.purchased_at
        )
        SELECT p.id, u.cost::BIGINT AS value,
            strftime(least({at}, {now}::TIMESTAMPTZ) AT TIME ZONE 'UTC', '%Y-%m-%d %H:%M:%S.%f+00') AS of
        FROM unit u JOIN st_product_ids p USING (code) LEFT JOIN st_store_ids s ON s.written = u.store
        LEFT JOIN st_zones z ON z.id = s.id WHERE u.cost BETWEEN 1 AND {MOST}
        QUALIFY row_number() OVER (PARTITION BY p.id ORDER BY {at} DESC, u.cost DESC) = 1"""
