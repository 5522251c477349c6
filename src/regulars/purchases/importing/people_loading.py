"""A staged list of customers into the base: known ones get what they lack, new ones are made."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from django.db import connection

from regulars.core.i18n import gettext as _
from regulars.core.progress import Progress
from regulars.customers.models import Contact, Customer, ForgottenContact
from regulars.customers.services.erasing import forgotten
from regulars.customers.services.search import refresh_search_of_import, search_later
from regulars.ingest.engine import Engine
from regulars.ingest.phones import normalise
from regulars.purchases.importing.exchange import execute, push, value
from regulars.purchases.importing.load import LOCK
from regulars.purchases.importing.people_lists import open_engine
from regulars.purchases.importing.rows import insert_select

# filled when they are empty; what somebody wrote stays
FILLED = ("external_id", "name", "family_name", "given_name", "middle_name", "birth_date", "sex")
_FIELDS = (*FILLED, "own_fields")
_MOST_REJECTS = 100_000


def stage_people(people: Mapping[str, tuple[str, list[tuple[str, str]]]], folder: Path, region: str) -> Engine:
    """People whom documents mention (key -> name, contacts) staged as a list is."""
    engine = open_engine(folder)
    rows = [(number, key[:200], name[:300]) for number, (key, (name, _contacts)) in enumerate(people.items(), 1)]
    contacts = [
        (number, kind, normalise(text, region) if kind == "phone" else text.casefold(), text[:254])
        for number, (_name, said) in enumerate(people.values(), 1)
        for kind, text in said
    ]
    numbers, keys, names = ([row[place] for row in rows] for place in range(3))
    engine.rows("CREATE TEMP TABLE pl_given (n BIGINT, external_id VARCHAR, name VARCHAR)")
    engine.insert("pl_given", pa.table({"n": numbers, "external_id": keys, "name": names}))
    engine.rows(
        """CREATE TEMP TABLE pl_people AS SELECT n, external_id, name, '' AS family_name, '' AS given_name,
        '' AS middle_name, NULL::DATE AS birth_date, '' AS sex, '{}' AS own_fields FROM pl_given"""
    )
    engine.rows("CREATE TEMP TABLE pl_contacts (n BIGINT, kind VARCHAR, value VARCHAR, written VARCHAR)")
    if contacts:
        columns = {name: [row[place] for row in contacts] for place, name in enumerate(_CONTACT_COLUMNS)}
        engine.insert("pl_contacts", pa.table(columns, schema=_CONTACT_SCHEMA))
    settle_rows(engine)
    return engine


_CONTACT_COLUMNS = ("n", "kind", "value", "written")
_CONTACT_SCHEMA = pa.schema(
    [("n", pa.int64()), ("kind", pa.string()), ("value", pa.string()), ("written", pa.string())]
)


def settle_phones(engine: Engine, region: str) -> int:
    """Normalise the numbers that the quick pattern left; how many are none."""
    left = [text for (text,) in engine.rows(
        "SELECT DISTINCT written FROM pl_contacts WHERE kind = 'phone' AND value IS NULL"
    )]  # fmt: skip
    found = {text: number for text in left if (number := normalise(text, region)) is not None}
    if found:
        engine.rows("CREATE OR REPLACE TEMP TABLE pl_phones (written VARCHAR, number VARCHAR)")
        engine.insert("pl_phones", pa.table({"written": list(found), "number": list(found.values())}))
        engine.rows(
            """UPDATE pl_contacts SET value = number FROM pl_phones p
            WHERE kind = 'phone' AND value IS NULL AND p.written = pl_contacts.written"""
        )
    return int(engine.rows("SELECT count(*) FROM pl_contacts WHERE value IS NULL")[0][0])


def settle_rows(engine: Engine) -> int:
    """Table `pl_ready`: each person once. How many rows name nobody."""
    engine.rows(
        """CREATE OR REPLACE TEMP TABLE pl_ready AS
        WITH said AS (SELECT n, string_agg(DISTINCT kind || value, ',' ORDER BY kind || value) AS contacts
            FROM pl_contacts WHERE value IS NOT NULL GROUP BY n),
        named AS (SELECT p.* REPLACE (coalesce(nullif(name, ''),
                concat_ws(' ', nullif(family_name, ''), nullif(given_name, ''), nullif(middle_name, ''))) AS name),
                coalesce(contacts, '') AS contacts FROM pl_people p LEFT JOIN said USING (n))
        SELECT *, min(n) OVER (PARTITION BY CASE WHEN external_id <> '' THEN external_id
            ELSE md5(lower(name)) || contacts END) AS one
        FROM named WHERE external_id <> '' OR name <> '' OR contacts <> ''"""
    )
    return int(engine.rows("SELECT count(*) FROM pl_people WHERE n NOT IN (SELECT n FROM pl_ready)")[0][0])


def write_rejects(engine: Engine, target: Path) -> None:
    """Contacts and rows that could not be used, as CSV for Excel."""
    rows = engine.rows(
        f"""SELECT n, kind, written, 'contact' FROM pl_contacts WHERE value IS NULL
        UNION ALL SELECT n, '', '', 'row' FROM pl_people WHERE n NOT IN (SELECT n FROM pl_ready)
        ORDER BY 1 LIMIT {_MOST_REJECTS}"""
    )
    if not rows:
        return
    words = {"contact": _("this cannot be such a contact: left out"), "row": _("the row names nobody")}
    with target.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow([_("row of data"), _("column"), _("value"), _("reason")])
        writer.writerows([number, kind, harmless(text), words[why]] for number, kind, text, why in rows)


def harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return "'" + text if text[:1] in ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠") else text


@dataclass(frozen=True)
class LoadedList:
    """What a list brought, and the keys of those whom it may not bring back."""

    counts: Mapping[str, int]
    forgotten: frozenset[str]


def load_list(engine: Engine, folder: Path, import_id: int, *, is_demo: bool, progress: Progress) -> LoadedList:
    """Write it inside the caller's transaction."""
    execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    search_later()
    progress.step(_("Comparing with what is there"), None, None)
    _send(engine, folder)
    _find_known()
    _hold()
    forgotten, keys = _leave_out_forgotten()
    known = int(value("SELECT count(DISTINCT customer_id) FROM incoming_people WHERE customer_id IS NOT NULL"))
    progress.step(_("Customers"), None, None)
    made = _make(import_id, is_demo=is_demo)
    filled = _fill(import_id)
    _add_contacts(import_id)
    progress.step(_("Making customers easy to find"), None, None)
    refresh_search_of_import(import_id)
    _refresh_filled(import_id)
    counts = {
        "customers": made,
        "customers_known": known,
        "customers_filled": filled,
        "customers_forgotten": forgotten,
    }
    return LoadedList(counts, keys)


def _send(engine: Engine, folder: Path) -> None:
    for table in ("incoming_people", "incoming_people_contacts"):
        execute(f"DROP TABLE IF EXISTS {table}")
    execute(
        """CREATE TEMP TABLE incoming_people (n bigint PRIMARY KEY, external_id text, name text, family_name text,
        given_name text, middle_name text, birth_date date, sex text, own_fields jsonb, customer_id bigint,
        is_new boolean DEFAULT false) ON COMMIT DROP"""
    )
    execute(
        """CREATE TEMP TABLE incoming_people_contacts (n bigint, kind text, value text, written text)
        ON COMMIT DROP"""
    )
    texts = [name for name in _FIELDS if name not in ("birth_date", "own_fields")]
    push(
        engine.connection, f"SELECT n, {', '.join(_FIELDS)} FROM pl_ready WHERE n = one", "incoming_people",
        ("n", *_FIELDS), texts=texts, folder=folder,
    )  # fmt: skip
    push(
        engine.connection,
        """SELECT DISTINCT ON (r.one, c.kind, c.value) r.one, c.kind, c.value, c.written FROM pl_contacts c
        JOIN pl_ready r USING (n) WHERE c.value IS NOT NULL""",
        "incoming_people_contacts", ("n", "kind", "value", "written"), folder=folder,
    )  # fmt: skip
    # empty objects and keys without a value say nothing
    execute("UPDATE incoming_people SET own_fields = jsonb_strip_nulls(own_fields)")
    execute("CREATE INDEX ON incoming_people_contacts (kind, value)")
    execute("ANALYZE incoming_people")
    execute("ANALYZE incoming_people_contacts")


_FITS = "(i.name = '' OR c.name = '' OR lower(c.name) = lower(i.name))"


def _find_known() -> None:
    """By the key; by a contact whose owner has the same name; by a contact that one customer has and no name denies."""
    execute(
        """UPDATE incoming_people i SET customer_id = c.id FROM customers_customer c
        WHERE i.external_id <> '' AND c.external_id = i.external_id"""
    )
    for same_name in (True, False):
        for kind in ("card", "phone", "email"):
            fits = "true" if kind == "card" else "lower(c.name) = lower(i.name)" if same_name else _FITS
            only = "" if same_name and kind != "card" else "HAVING count(DISTINCT c.id) = 1"
            execute(
                f"""UPDATE incoming_people SET customer_id = found.id FROM (
                    SELECT i.n, min(c.id) AS id FROM incoming_people i
                    JOIN incoming_people_contacts w ON w.n = i.n AND w.kind = %s
                    JOIN customers_contact t ON t.kind = w.kind AND t.value = w.value
                    JOIN customers_customer c ON c.id = t.customer_id
                    WHERE i.customer_id IS NULL AND c.merged_into_id IS NULL AND {fits}
                        AND (i.external_id = '' OR c.external_id IS NULL OR c.external_id = t.value)
                    GROUP BY i.n {only}) AS found
                WHERE incoming_people.n = found.n""",
                [kind],
            )
    execute(
        """UPDATE incoming_people SET customer_id = found.id FROM (
            SELECT i.n, min(c.id) AS id FROM incoming_people i JOIN customers_customer c ON c.name = i.name
            WHERE i.customer_id IS NULL AND i.external_id = '' AND i.name <> '' AND c.merged_into_id IS NULL
                AND NOT EXISTS (SELECT 1 FROM incoming_people_contacts w WHERE w.n = i.n)
                AND NOT EXISTS (SELECT 1 FROM customers_contact t WHERE t.customer_id = c.id)
            GROUP BY i.n) AS found
        WHERE incoming_people.n = found.n"""
    )
    while execute(
        """UPDATE incoming_people i SET customer_id = c.merged_into_id FROM customers_customer c
        WHERE c.id = i.customer_id AND c.merged_into_id IS NOT NULL"""
    ):
        pass  # a chain of merges is walked to its end


def _hold() -> None:
    """Nobody merges or erases a known customer before he is written to; who was erased meanwhile is nobody's."""
    execute(
        """WITH held AS (SELECT c.id FROM customers_customer c
            WHERE c.id IN (SELECT customer_id FROM incoming_people) AND NOT c.is_erased AND c.merged_into_id IS NULL
            ORDER BY c.id FOR NO KEY UPDATE)
        UPDATE incoming_people SET customer_id = NULL
        WHERE customer_id IS NOT NULL AND customer_id NOT IN (SELECT id FROM held)"""
    )


def _leave_out_forgotten() -> tuple[int, frozenset[str]]:
    """How many people are left out, and their keys: receipts beside the list must not bring them back either."""
    if not ForgottenContact.objects.exists():
        return 0, frozenset()
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT n, kind, value FROM incoming_people_contacts
            UNION ALL SELECT n, 'key', external_id FROM incoming_people WHERE external_id <> ''"""
        )
        rows = cursor.fetchall()
    erased = forgotten({(kind, text) for _n, kind, text in rows})
    gone = [number for number, kind, text in rows if (kind, text) in erased]
    execute("DELETE FROM incoming_people_contacts WHERE n = ANY(%s)", [gone])
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM incoming_people WHERE n = ANY(%s) RETURNING external_id", [gone])
        keys = [key for (key,) in cursor.fetchall()]
    return len(keys), frozenset(filter(None, keys))


def _make(import_id: int, *, is_demo: bool) -> int:
    # numbers are given beforehand: without a key there would be no way back from the row to its customer
    execute(
        """UPDATE incoming_people SET is_new = true,
        customer_id = nextval(pg_get_serial_sequence('customers_customer', 'id')) WHERE customer_id IS NULL"""
    )
    given = {name: f"i.{name}" for name in _FIELDS} | {
        "id": "i.customer_id",
        "external_id": "nullif(i.external_id, '')",
        "source": "'import'",
        "import_id": "%s",
        "is_demo": "%s",
    }
    sql, defaults = insert_select(Customer, given, "FROM incoming_people i WHERE i.is_new")
    return execute(sql, [import_id, is_demo, *defaults])


def _fill(import_id: int) -> int:
    """Give known customers what they lack, and write down what was given."""
    for field in FILLED:
        kind = {"birth_date": "NULL"}.get(field, "''")
        lacks = f"c.{field} IS NULL" if field in ("birth_date", "external_id") else f"c.{field} = ''"
        has = "i.birth_date IS NOT NULL" if field == "birth_date" else f"i.{field} <> {kind}"
        free = (
            "AND NOT EXISTS (SELECT 1 FROM customers_customer o WHERE o.external_id = i.external_id)"
            if field == "external_id"
            else ""
        )
        execute(
            f"""WITH done AS (UPDATE customers_customer c SET {field} = i.{field} FROM incoming_people i
                WHERE c.id = i.customer_id AND NOT i.is_new AND {lacks} AND {has} {free}
                RETURNING c.id, md5(c.{field}::text) AS digest)
            INSERT INTO purchases_filled (imported_by_id, customer_id, field, digest)
            SELECT %s, id, '{field}', digest FROM done""",
            [import_id],
        )
    _fill_own(import_id)
    return int(value("SELECT count(DISTINCT customer_id) FROM purchases_filled WHERE imported_by_id = %s", [import_id]))


def _fill_own(import_id: int) -> None:
    execute(
        """INSERT INTO purchases_filled (imported_by_id, customer_id, field, digest)
        SELECT %s, c.id, 'own:' || e.key, md5(e.value::text) FROM incoming_people i
        JOIN customers_customer c ON c.id = i.customer_id, jsonb_each(i.own_fields) e
        WHERE NOT i.is_new AND NOT c.own_fields ? e.key""",
        [import_id],
    )
    execute(
        """UPDATE customers_customer c SET own_fields = i.own_fields || c.own_fields FROM incoming_people i
        WHERE c.id = i.customer_id AND NOT i.is_new AND NOT c.own_fields @> i.own_fields
            AND (i.own_fields || c.own_fields) <> c.own_fields"""
    )


def _add_contacts(import_id: int) -> None:
    main = """row_number() OVER (PARTITION BY i.customer_id, w.kind ORDER BY w.n, w.value) = 1 AND NOT EXISTS (
        SELECT 1 FROM customers_contact m WHERE m.customer_id = i.customer_id AND m.kind = w.kind AND m.is_main)"""
    given: dict[str, Any] = {
        "customer_id": "i.customer_id",
        "kind": "w.kind",
        "value": "w.value",
        "written": "w.written",
        "is_main": main,
        "is_valid": "true",
    }
    sql, defaults = insert_select(
        Contact,
        given,
        """FROM incoming_people_contacts w JOIN incoming_people i ON i.n = w.n
        WHERE NOT EXISTS (SELECT 1 FROM customers_contact t
            WHERE t.kind = w.kind AND t.value = w.value AND (t.kind = 'card' OR t.customer_id = i.customer_id))""",
    )
    execute(
        f"""WITH done AS ({sql} ON CONFLICT DO NOTHING RETURNING id, customer_id)
        INSERT INTO purchases_filled (imported_by_id, customer_id, contact_id, field, digest)
        SELECT %s, d.customer_id, d.id, '', '' FROM done d
        WHERE NOT EXISTS (SELECT 1 FROM incoming_people i WHERE i.customer_id = d.customer_id AND i.is_new)""",
        [*defaults, import_id],
    )


def _refresh_filled(import_id: int) -> None:
    if value("SELECT to_regproc('customers_refresh_search')::text") is not None:
        execute(
            """SELECT customers_refresh_search(array_agg(DISTINCT customer_id)) FROM purchases_filled
            WHERE imported_by_id = %s HAVING count(*) > 0""",
            [import_id],
        )


def take_back_fills(import_id: int) -> int:
    """Empty again what an import filled, where it still stands; how many customers that concerned."""
    touched = value("SELECT count(DISTINCT customer_id) FROM purchases_filled WHERE imported_by_id = %s", [import_id])
    execute(
        "DELETE FROM customers_contact t USING purchases_filled f WHERE f.imported_by_id = %s AND t.id = f.contact_id",
        [import_id],
    )
    for field in FILLED:
        empty = "NULL" if field in ("birth_date", "external_id") else "''"
        execute(
            f"""UPDATE customers_customer c SET {field} = {empty} FROM purchases_filled f
            WHERE f.imported_by_id = %s AND f.customer_id = c.id AND f.field = %s
                AND md5(c.{field}::text) = f.digest""",
            [import_id, field],
        )
    execute(
        """UPDATE customers_customer c SET own_fields = c.own_fields - gone.keys FROM (
            SELECT f.customer_id, array_agg(substr(f.field, 5)) AS keys FROM purchases_filled f
            JOIN customers_customer o ON o.id = f.customer_id
            WHERE f.imported_by_id = %s AND f.field LIKE 'own:%%'
                AND md5((o.own_fields -> substr(f.field, 5))::text) = f.digest
            GROUP BY f.customer_id) AS gone
        WHERE c.id = gone.customer_id""",
        [import_id],
    )
    execute("DELETE FROM purchases_filled WHERE imported_by_id = %s", [import_id])
    return int(touched or 0)
