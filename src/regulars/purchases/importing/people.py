"""The customers of an import: known ones by key or contact, new ones made, forgotten ones left out."""

import re
from collections.abc import Iterator, Set
from dataclasses import dataclass

from django.db import connection

from regulars.customers.models import Contact, Customer, ForgottenContact
from regulars.customers.services.erasing import forgotten
from regulars.customers.services.search import search_columns
from regulars.purchases.importing.exchange import execute, pull, push
from regulars.purchases.importing.rows import insert_select
from regulars.purchases.importing.staging import Stage

_TABLE = "incoming_customers"
_BATCH = 50_000


@dataclass(frozen=True)
class People:
    """How the customers of the file were found."""

    known: int
    made: int
    forgotten: int


def settle_customers(
    stage: Stage, import_id: int, *, cards: bool, source: str, is_demo: bool = False, forgotten: Set[str] = frozenset()
) -> People:
    """Give every key of `st_customers` its customer: DuckDB's table `st_customer_ids` (written, id).

    Order of trust: the key in the till, then a telephone, e-mail or card that only one customer has. A merged
    customer stands for the one that was kept. `cards`: keys that are no contacts are numbers of cards.
    """
    _send(stage, cards=cards)
    known = _find_known()
    left_out = _leave_out_forgotten(forgotten)
    made = _make(import_id, source=source, is_demo=is_demo)
    pull(
        stage.connection,
        f"SELECT n, customer_id FROM {_TABLE} WHERE customer_id IS NOT NULL",
        "st_customer_numbers",
        {"n": "BIGINT", "id": "BIGINT"},
        folder=stage.folder,
    )
    stage.connection.execute(
        """CREATE OR REPLACE TEMP TABLE st_customer_ids AS
        SELECT c.written, n.id FROM st_customers c JOIN st_customer_numbers n USING (n)"""
    )
    return People(known, made, left_out)


def _send(stage: Stage, *, cards: bool) -> None:
    execute(f"DROP TABLE IF EXISTS {_TABLE}")
    execute(
        f"""CREATE TEMP TABLE {_TABLE} (n bigint, key varchar(200), kind varchar(10), value varchar(254),
        customer_id bigint, is_new boolean DEFAULT false) ON COMMIT DROP"""
    )
    # as people type cards into the application: without blanks and dashes, in capitals
    card = "upper(regexp_replace(name, '[\\s-]', '', 'g'))"
    other = f"WHEN regexp_full_match({card}, '[\\p{{L}}\\p{{N}}_]{{3,64}}') THEN 'card'" if cards else ""
    kind = f"""CASE WHEN regexp_full_match(name, '\\+\\d{{7,15}}') THEN 'phone'
        WHEN regexp_full_match(name, '[^@\\s]+@[^@\\s]+\\.[^@\\s]+') THEN 'email' {other} ELSE '' END"""
    value = f"CASE kind WHEN 'email' THEN lower(name) WHEN 'card' THEN {card} ELSE name END"
    push(
        stage.connection,
        f"SELECT n, name, kind, {value} FROM (SELECT n, name, {kind} AS kind FROM st_customers)",
        _TABLE,
        ("n", "key", "kind", "value"),
        texts=("kind",),
        folder=stage.folder,
    )
    execute(f"ANALYZE {_TABLE}")


def _find_known() -> int:
    by_key = execute(
        f"""UPDATE {_TABLE} SET customer_id = c.id FROM customers_customer c
        WHERE c.external_id = {_TABLE}.key"""
    )
    by_contact = execute(
        f"""UPDATE {_TABLE} SET customer_id = found.id FROM (
            SELECT t.kind, t.value, min(t.customer_id) AS id FROM customers_contact t
            JOIN {_TABLE} i ON i.kind = t.kind AND i.value = t.value AND i.customer_id IS NULL
            WHERE i.kind <> '' GROUP BY t.kind, t.value HAVING count(DISTINCT t.customer_id) = 1) AS found
        WHERE {_TABLE}.customer_id IS NULL AND {_TABLE}.kind = found.kind AND {_TABLE}.value = found.value"""
    )
    while execute(
        f"""UPDATE {_TABLE} SET customer_id = c.merged_into_id FROM customers_customer c
        WHERE c.id = {_TABLE}.customer_id AND c.merged_into_id IS NOT NULL"""
    ):
        pass  # a chain of merges is walked to its end
    _hold()
    return by_key + by_contact


def _hold() -> None:
    """Nobody takes a known customer away before his receipts are written: they are not looked up again."""
    execute(
        f"""WITH held AS (
            SELECT c.id FROM customers_customer c
            WHERE c.id IN (SELECT customer_id FROM {_TABLE} WHERE customer_id IS NOT NULL) AND NOT c.is_erased
            FOR KEY SHARE)
        UPDATE {_TABLE} SET customer_id = NULL
        WHERE customer_id IS NOT NULL AND customer_id NOT IN (SELECT id FROM held)"""
    )


def _leave_out_forgotten(known: Set[str]) -> int:
    """Keys of people who asked to be erased bring nobody back: their purchases belong to nobody."""
    gone = execute(f"DELETE FROM {_TABLE} WHERE customer_id IS NULL AND key = ANY(%s)", [sorted(known)]) if known else 0
    if not ForgottenContact.objects.exists():
        return gone
    for keys in _batches():
        said = {n: _identities(key, kind, text) for n, key, kind, text in keys}
        erased = forgotten({one for several in said.values() for one in several})
        found = [n for n, several in said.items() if several & erased]
        gone += execute(f"DELETE FROM {_TABLE} WHERE n = ANY(%s)", [found]) if found else 0
    return gone


def _identities(key: str, kind: str, text: str) -> set[tuple[str, str]]:
    """All that the key may have been to the erased person: a contact, a card, his key in the till."""
    card = re.sub(r"[\s-]", "", key).upper()
    return {(kind, text), ("key", key), ("card", card)}


def _batches() -> Iterator[list[tuple[int, str, str, str]]]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT n, key, kind, value FROM {_TABLE} WHERE customer_id IS NULL ORDER BY n")
        while rows := cursor.fetchmany(_BATCH):
            yield rows


def _make(import_id: int, *, source: str, is_demo: bool) -> int:
    given = {
        "external_id": "i.key",
        "source": "%s",
        "import_id": "%s",
        "is_demo": "%s",
        **search_columns("concat_ws(' ', i.key, CASE WHEN i.kind <> '' THEN i.value END)"),
    }
    sql, defaults = insert_select(Customer, given, f"FROM {_TABLE} i WHERE i.customer_id IS NULL")
    made = execute(sql + " ON CONFLICT (external_id) DO NOTHING", [source, import_id, is_demo, *defaults])
    execute(
        f"""UPDATE {_TABLE} SET customer_id = c.id, is_new = true FROM customers_customer c
        WHERE c.external_id = {_TABLE}.key AND {_TABLE}.customer_id IS NULL"""
    )
    given = {
        "customer_id": "i.customer_id",
        "kind": "i.kind",
        "value": "i.value",
        "written": "i.key",
        "is_main": "true",
        "is_valid": "true",
    }
    sql, defaults = insert_select(Contact, given, f"FROM {_TABLE} i WHERE i.is_new AND i.kind <> ''")
    execute(sql + " ON CONFLICT DO NOTHING", defaults)
    return made
