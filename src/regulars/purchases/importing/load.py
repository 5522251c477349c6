"""Staged rows into PostgreSQL, inside the transaction of the caller."""

from collections.abc import Set
from dataclasses import asdict, dataclass
from typing import Any

from regulars.core.i18n import gettext as _
from regulars.core.progress import Progress, Silent
from regulars.customers.services.moving import note_moved
from regulars.customers.services.search import search_later, sort_search_in
from regulars.foundation.models import Business
from regulars.foundation.outbox import Event, announce
from regulars.ingest.engine import literal
from regulars.purchases.importing.costs import learn_costs
from regulars.purchases.importing.exchange import execute, pull, push, trusted_rows, value
from regulars.purchases.importing.goods import settle_goods
from regulars.purchases.importing.people import settle_customers
from regulars.purchases.importing.staging import Stage

# one import at a time: two of them would make the same customers
LOCK = 7_461_001

# other writers may take numbers of a sequence between our reading and our jump
_LEEWAY = 10_000

# receipts of a batch from a till or a shop on the web; a day of a chain has more
_LOOKED_UP = 5_000

_UTC_TEXT = "%Y-%m-%d %H:%M:%S.%f+00"


@dataclass(frozen=True)
class Loaded:
    """What an import brought, and what was there already."""

    receipts: int = 0
    lines: int = 0
    amount: int = 0
    receipts_known: int = 0  # by their keys
    receipts_differ: int = 0  # of these, with another sum than in the base: the base keeps its own
    customers: int = 0
    customers_known: int = 0
    customers_forgotten: int = 0
    stores: int = 0
    sellers: int = 0
    products: int = 0
    costs: int = 0  # products of which it tells what a unit costs

    def as_dict(self) -> dict[str, int]:
        """For the result of the import."""
        return asdict(self)


def load(
    stage: Stage,
    import_id: int,
    *,
    cards: bool,
    source: str,
    is_demo: bool = False,
    forgotten: Set[str] = frozenset(),
    progress: Progress | None = None,
) -> Loaded:
    """Write everything that is new; the caller's transaction is its fate. `forgotten` are keys that make nobody."""
    told = progress or Silent()
    execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    search_later()
    told.step(_("Comparing with what is there"), None, None)
    known, differ = _leave_out_known(stage)
    if not stage.value("SELECT count(*) FROM st_receipts"):
        return Loaded(receipts_known=known, receipts_differ=differ)
    _leave_out_names(stage, known)
    told.step(_("Customers"), None, None)
    people = settle_customers(stage, import_id, cards=cards, source=source, is_demo=is_demo, forgotten=forgotten)
    told.step(_("Products and stores"), None, None)
    goods = settle_goods(stage, import_id)
    figures = _write(stage, import_id, told)
    figures |= {"costs": learn_costs(stage, import_id)}
    _note_touched(stage)
    announce(Event.RECEIPTS_RECORDED, {"receipts": figures["receipts"], "import": import_id})
    told.step(_("Making customers easy to find"), None, None)
    sort_search_in(people.made)
    return Loaded(
        receipts_known=known,
        receipts_differ=differ,
        customers=people.made,
        customers_known=people.known,
        customers_forgotten=people.forgotten,
        **goods,
        **figures,
    )


def _leave_out_known(stage: Stage) -> tuple[int, int]:
    """Drop the receipts that the base has; how many, and how many of them have another sum there."""
    where, parameters = _near(stage)
    pull(
        stage.connection,
        f"SELECT encode(key, 'hex'), amount FROM purchases_receipt WHERE {where}",
        "st_known",
        {"key": "VARCHAR", "amount": "BIGINT"},
        folder=stage.folder,
        parameters=parameters,
    )
    known, differ = stage.connection.execute(
        "SELECT count(*), count_if(r.amount <> s.amount) FROM st_receipts r JOIN st_known s USING (key)"
    ).fetchone() or (0, 0)
    if known:
        stage.connection.execute("DELETE FROM st_receipts WHERE key IN (SELECT key FROM st_known)")
    return int(known), int(differ or 0)


def _near(stage: Stage) -> tuple[str, list[Any]]:
    """Which receipts of the base to compare with: a few are looked up, for many their days are read at once."""
    if int(stage.value("SELECT count(*) FROM st_receipts")) <= _LOOKED_UP:
        keys = stage.connection.execute("SELECT key FROM st_receipts").fetchall()
        return "key = ANY(%s)", [[bytes.fromhex(key) for (key,) in keys]]
    row = stage.connection.execute("SELECT min(moment), max(moment) FROM st_receipts").fetchone()
    return (
        """purchased_at >= (%s::timestamp AT TIME ZONE 'UTC') - interval '2 days'
            AND purchased_at <= (%s::timestamp AT TIME ZONE 'UTC') + interval '2 days'""",
        list(row or ()),
    )


def _leave_out_names(stage: Stage, known: int) -> None:
    """Names that only known receipts mention make nobody."""
    if not known:
        return
    run = stage.connection.execute
    run("DELETE FROM st_lines WHERE k NOT IN (SELECT k FROM st_receipts)")
    run("DELETE FROM st_products WHERE code NOT IN (SELECT code FROM st_lines WHERE code IS NOT NULL)")
    for table, column in (("st_stores", "store"), ("st_sellers", "staff"), ("st_customers", "customer_id")):
        run(
            f"""DELETE FROM {table} WHERE written NOT IN
            (SELECT {column} FROM st_receipts WHERE {column} IS NOT NULL)"""
        )


def _write(stage: Stage, import_id: int, progress: Progress) -> dict[str, Any]:
    row = stage.connection.execute(
        "SELECT count(*), coalesce(sum(lines), 0), coalesce(sum(amount), 0) FROM st_receipts"
    ).fetchone()
    receipts, lines, amount = map(int, row or (0, 0, 0))
    first = _reserve(receipts)
    stage.connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE st_numbers AS
        SELECT k, {first} + row_number() OVER (ORDER BY moment, key) - 1 AS id FROM st_receipts"""
    )
    with trusted_rows():
        push(
            stage.connection, _receipts_sql(import_id, _zones(stage)), "purchases_receipt",
            ("id", "customer_id", "store_id", "seller_id", "number", "channel", "purchased_at", "amount", "key",
             "imported_by_id"),
            texts=("number", "channel"), folder=stage.folder, progress=progress,
            label=_("Writing receipts"), rows=receipts,
        )  # fmt: skip
        push(
            stage.connection, _LINES, "purchases_line",
            ("receipt_id", "position", "product_id", "quantity", "amount", "discount", "cost", "promotion"),
            texts=("promotion",), folder=stage.folder, progress=progress,
            label=_("Writing lines"), rows=lines,
        )  # fmt: skip
    _tell_merges(stage)
    return {"receipts": receipts, "lines": lines, "amount": amount}


def _tell_merges(stage: Stage) -> None:
    """Receipts that came by the key of somebody who was merged go back with him when the merge is taken back."""
    came = stage.connection.execute(
        """SELECT c.origin, list(n.id ORDER BY n.id) FROM st_receipts r JOIN st_numbers n USING (k)
        JOIN st_customer_ids c ON c.written = r.customer_id WHERE c.origin <> c.id GROUP BY c.origin"""
    ).fetchall()
    for origin, receipts in came:
        note_moved("purchases.Receipt.customer", receipts, gone=origin)


def _reserve(count: int) -> int:
    """The first of `count` numbers of receipts that nobody else will get."""
    sequence = "pg_get_serial_sequence('purchases_receipt', 'id')"
    last = int(value(f"SELECT setval({sequence}, nextval({sequence}) + %s)", [_LEEWAY + count]))
    return last - count + 1


def _zones(stage: Stage) -> str:
    """A DuckDB table of the zones of stores; the business's own where a store has none."""
    pull(
        stage.connection,
        "SELECT id, time_zone FROM purchases_store WHERE time_zone <> ''",
        "st_zones",
        {"id": "BIGINT", "zone": "VARCHAR"},
        folder=stage.folder,
    )
    return Business.current().time_zone


def _receipts_sql(import_id: int, zone: str) -> str:
    moment = f"timezone(coalesce(z.zone, {literal(zone)}), r.moment)::TIMESTAMPTZ"
    return f"""SELECT n.id, c.id, s.id, e.id, left(coalesce(r.number, ''), 200) AS number,
            left(coalesce(r.channel, ''), 60) AS channel,
            strftime({moment} AT TIME ZONE 'UTC', '{_UTC_TEXT}') AS purchased_at,
            r.amount, '\\x' || r.key AS key, {import_id} AS imported_by
        FROM st_receipts r JOIN st_numbers n USING (k)
        LEFT JOIN st_customer_ids c ON c.written = r.customer_id
        LEFT JOIN st_store_ids s ON s.written = r.store
        LEFT JOIN st_seller_ids e ON e.written = r.staff
        LEFT JOIN st_zones z ON z.id = s.id
        ORDER BY n.id"""


_LINES = """SELECT n.id, row_number() OVER (PARTITION BY n.id) AS position, p.id, l.quantity, l.amount, l.discount,
        l.cost, left(coalesce(l.promotion, ''), 200) AS promotion
    FROM st_lines l JOIN st_numbers n USING (k) LEFT JOIN st_product_ids p USING (code)
    ORDER BY n.id, position"""


def _note_touched(stage: Stage) -> None:
    """What the triggers would have noted, had they run."""
    months = stage.connection.execute(
        """SELECT DISTINCT date_trunc('month', moment + shift)::DATE
        FROM st_receipts, (VALUES (INTERVAL '-1 day'), (INTERVAL '1 day')) AS zones (shift)"""
    ).fetchall()
    execute("INSERT INTO purchases_touched (month) SELECT unnest(%s::date[])", [[month for (month,) in months]])
