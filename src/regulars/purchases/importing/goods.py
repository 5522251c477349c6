"""Stores, sellers and products of an import: known by their names and codes, new ones made."""

from collections.abc import Mapping, Sequence

from django.db import models

from regulars.purchases.importing.exchange import execute, pull, push
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
