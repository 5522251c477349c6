"""Stores, sellers and products of an import: known by their names and codes, new ones made."""

from collections.abc import Mapping, Sequence

from django.db import models

from regulars.purchases.importing.exchange import execute, pull, push, value
from regulars.purchases.importing.rows import insert_select
from regulars.purchases.importing.staging import Stage
from regulars.purchases.models import Product, Seller, Store


def settle_goods(stage: Stage, import_id: int) -> Mapping[str, int]:
    """Make `st_store_ids` (written, id, zone), `st_seller_ids` (written, id), `st_product_ids` (code, id)."""
    made = {
        "stores": _settle(stage, Store, "st_stores", import_id, key="name"),
        "sellers": _settle(stage, Seller, "st_sellers", import_id, key="name"),
        "products": _settle(stage, Product, "st_products", import_id, key="code", more=("name", "category")),
    }
    for name in ("store", "seller"):
        stage.connection.execute(
            f"""CREATE OR REPLACE TEMP TABLE st_{name}_ids AS
            SELECT s.written, n.id FROM st_{name}s s JOIN st_{name}s_numbers n USING (n)"""
        )
    stage.connection.execute(
        """CREATE OR REPLACE TEMP TABLE st_product_ids AS
        SELECT p.code, n.id FROM st_products p JOIN st_products_numbers n USING (n)"""
    )
    return made


def _settle(
    stage: Stage, model: type[models.Model], table: str, import_id: int, *, key: str, more: Sequence[str] = ()
) -> int:
    incoming, target = table.replace("st_", "incoming_"), model._meta.db_table
    columns = (key, *more)
    execute(f"DROP TABLE IF EXISTS {incoming}")
    execute(
        f"CREATE TEMP TABLE {incoming} (n bigint, {', '.join(f'{column} text' for column in columns)}) ON COMMIT DROP"
    )
    listed = ", ".join(columns)
    push(
        stage.connection, f"SELECT n, {listed} FROM {table}", incoming, ("n", *columns), texts=columns,
        folder=stage.folder,
    )  # fmt: skip
    given = {column: f"i.{column}" for column in columns} | {"import_id": "%s"}
    sql, defaults = insert_select(model, given, f"FROM {incoming} i ORDER BY i.{key}")
    made = execute(f"{sql} ON CONFLICT ({key}) DO NOTHING", [import_id, *defaults])
    pull(
        stage.connection,
        f"SELECT i.n, t.id FROM {incoming} i JOIN {target} t ON t.{key} = i.{key}",
        f"{table}_numbers",
        {"n": "BIGINT", "id": "BIGINT"},
        folder=stage.folder,
    )
    return made


def write_catalogue(products: Mapping[str, tuple[str, str]], import_id: int) -> int:
    """Names and categories as the catalogue has them now; returns how many products are new."""
    if not products:
        return 0
    before = int(value("SELECT count(*) FROM purchases_product"))
    given = {
        "code": "i.code",
        "name": "coalesce(nullif(i.name, ''), i.code)",
        "category": "i.category",
        "import_id": "%s",
    }
    sql, defaults = insert_select(
        Product, given, "FROM unnest(%s::text[], %s::text[], %s::text[]) AS i (code, name, category)"
    )
    codes = [_bare(code)[:200] for code in products]
    names = [_bare(name)[:500] for name, _category in products.values()]
    categories = [_bare(category)[:200] for _name, category in products.values()]
    execute(f"{sql} ON CONFLICT (code) DO NOTHING", [import_id, *defaults, codes, names, categories])
    for field, values in (("name", names), ("category", categories)):
        _rename(field, codes, values, import_id)
    return int(value("SELECT count(*) FROM purchases_product")) - before


def _rename(field: str, codes: Sequence[str], values: Sequence[str], import_id: int) -> None:
    """Write what the catalogue says over what is there, and note both.

    Equal rows are left alone: each change has the whole columnar copy written anew.
    """
    execute(
        f"""WITH said AS (
            SELECT p.id, p.{field} AS before, max(i.said) AS after
            FROM unnest(%s::text[], %s::text[]) AS i (code, said) JOIN purchases_product p USING (code)
            WHERE i.said <> '' GROUP BY p.id, p.{field}
        ), changed AS (
            UPDATE purchases_product p SET {field} = s.after, updated_at = now() FROM said s
            WHERE p.id = s.id AND p.{field} <> s.after RETURNING p.id
        )
        INSERT INTO purchases_renamed (imported_by_id, product_id, field, before, after)
        SELECT %s, s.id, '{field}', s.before, s.after FROM said s JOIN changed USING (id)""",
        [codes, values, import_id],
    )


def take_back_names(import_id: int) -> int:
    """Put back what the import wrote over, where nobody wrote anything else since; how many products that concerned.

    A later import that wrote over it in its turn puts back what stood before both.
    """
    touched = value("SELECT count(DISTINCT product_id) FROM purchases_renamed WHERE imported_by_id = %s", [import_id])
    execute(
        """UPDATE purchases_renamed later SET before = mine.before FROM purchases_renamed mine
        WHERE mine.imported_by_id = %s AND later.product_id = mine.product_id AND later.field = mine.field
            AND later.id > mine.id AND later.before = mine.after AND NOT EXISTS (
                SELECT 1 FROM purchases_renamed between_them WHERE between_them.product_id = mine.product_id
                AND between_them.field = mine.field AND between_them.id > mine.id AND between_them.id < later.id)""",
        [import_id],
    )
    for field in ("name", "category"):
        execute(
            f"""UPDATE purchases_product p SET {field} = r.before, updated_at = now() FROM purchases_renamed r
            WHERE r.imported_by_id = %s AND r.product_id = p.id AND r.field = '{field}' AND p.{field} = r.after""",
            [import_id],
        )
    execute("DELETE FROM purchases_renamed WHERE imported_by_id = %s", [import_id])
    return int(touched or 0)


def _bare(text: str) -> str:
    return text.replace("\0", "")
