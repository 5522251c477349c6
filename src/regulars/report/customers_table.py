"""The table of customers: one row per customer, every column explained in the file itself."""

from pathlib import Path

import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from regulars.analytics.audit import Audit
from regulars.report.atomic import replacing
from regulars.report.batches import batches_of

_ROWS_AT_ONCE = 100_000

# a spreadsheet takes a text that begins like this for a formula (OWASP, CSV injection)
_FORMULA = r"^[=+\-@\t\r\n＝＋－＠]"
# a phone number is not one, and an id must not change without need
_PHONE = r"^\+\d+$"

MINOR = "minor units of the currency (kopecks, cents)"

# in the order of the file; columns that the history cannot carry are absent
COLUMNS: dict[str, str] = {
    "customer_id": "The customer, as in the files.",
    "first_on": "Day of the first visit.",
    "last_on": "Day of the last visit.",
    "visits": "Days with a purchase.",
    "receipts": "Receipts with at least one position sold.",
    "lines": "Positions sold.",
    "amount": f"Spent in all, net of returns; {MINOR}.",
    "gross": f"Spent in all, returns not taken off; {MINOR}.",
    "cost": f"What the goods cost the business; {MINOR}.",
    "costed_amount": f"Part of `amount` whose cost is known; {MINOR}.",
    "discount": f"Discounts received; {MINOR}.",
    "amount_year": f"Spent in the last 365 days, net of returns; {MINOR}.",
    "visits_year": "Days with a purchase in the last 365 days.",
    "recency_days": "Days from the last visit to the day of the audit.",
    "age_days": "Days from the first visit to the day of the audit.",
    "r": "RFM score of recency: 1 (long ago) to 5 (recently).",
    "f": "RFM score of frequency: 1 (few visits) to 5 (many).",
    "m": "RFM score of money: 1 (little) to 5 (much).",
    "rfm_segment": "RFM segment: champions, loyal, promising, new, need_attention, about_to_sleep, at_risk, "
    "cannot_lose, hibernating.",
    "abc": "Class by money: A brings the first 80 %, B the next 15 %, C the rest.",
    "state": "Lifecycle: new, regular, won_back, slipping, lost.",
    "return_chance": "Chance of a visit within the window, 0 to 1; null when it could not be tested.",
    "standing": "`return_chance` relative to the chance right after the own last visit, 0 to 1; null when untested.",
    "visit_period_days": "Mean days between visits; null with one visit.",
    "mean_check": f"Mean receipt, net of returns; {MINOR}.",
    "p_alive": "Chance of still being a customer by MBG/NBD, 0 to 1; null without a model.",
    "expected_visits_12": "Visits expected in the next 12 months; null without a model.",
    "expected_value_12": f"Expected value of the next 12 months, discounted; {MINOR}; null without a model.",
    "expected_value_24": f"The same for 24 months; {MINOR}.",
    "expected_value_36": f"The same for 36 months; {MINOR}.",
    "lost_kind": "How money was lost last year: lost, shrunken, never_returned; null when none was.",
    "missed_amount": f"Revenue missed in the last 365 days; {MINOR}; null when none was.",
    "never_returned": "Whether this is a newcomer who bought once and has not come back.",
    "opportunity": "What to do: hold_slipping, win_back_lost, second_purchase, raise_frequency, raise_check, or the id "
    "of a finding; null when nothing is at stake.",
    "opportunity_amount": f"Possible gain of 12 months, the assumed share of success applied; {MINOR}.",
    "within_budget": "Whether the budget for contacts reaches this customer; absent without a budget.",
    "first_store": "Store of the first purchase.",
    "first_channel": "Channel of the first purchase.",
    "first_product": "Product of the first purchase that cost the most.",
    "first_category": "Category of that product.",
    "loyalty_stage": "Highest stage of the loyalty pyramid that purchases of the last 365 days show: buys, satisfied, "
    "prefers; null without a purchase in them.",
    "look_alike": "Chance to be one of the best by the given attributes alone, 0 to 1; null without attributes.",
    "findings": "Ids of the findings that this customer is one of; null without any.",
    "currency": "ISO 4217 code of all money in this row.",
}


def write_customers(audit: Audit, path: Path | str) -> None:
    """Write the table of customers, richest first: Parquet, or CSV when `path` ends in .csv.

    The rows go from the engine to the file in batches; memory does not grow with the base. In CSV a text
    that a spreadsheet would take for a formula gets an apostrophe before it; Parquet has it as it is.
    Raises `OutputError` when the file cannot be written; an older file is then left as it was.
    """
    path = Path(path)
    table = _in_order(audit.customers)
    with replacing(path) as temporary:
        if path.suffix.lower() == ".csv":
            _write_csv(table, temporary)
        else:
            _write_parquet(table, temporary)


def _in_order(customers: ir.Table) -> ir.Table:
    known = [name for name in COLUMNS if name in customers.columns]
    # columns that are newer than this file are written too, undescribed
    others = [name for name in customers.columns if name not in COLUMNS]
    ordered: ir.Table = customers.select(*known, *others).order_by([customers.amount.desc(), customers.customer_id])
    return ordered


def _write_parquet(table: ir.Table, path: Path) -> None:
    schema, batches = batches_of(table, rows_at_once=_ROWS_AT_ONCE)
    described = pa.schema([_described(column) for column in schema])
    with pq.ParquetWriter(path, described, compression="zstd") as writer:
        for batch in batches:
            writer.write_batch(batch.cast(described))


def _described(column: pa.Field) -> pa.Field:
    text = COLUMNS.get(column.name)
    return column.with_metadata({"description": text} if text else None)


def _write_csv(table: ir.Table, path: Path) -> None:
    schema, batches = batches_of(table, rows_at_once=_ROWS_AT_ONCE)
    with pa_csv.CSVWriter(path, pa.schema([_in_one_cell(column) for column in schema])) as writer:
        for batch in batches:
            writer.write_batch(_harmless(batch))


def _in_one_cell(column: pa.Field) -> pa.Field:
    return column.with_type(pa.string()) if pa.types.is_list(column.type) else column


def _harmless(batch: pa.RecordBatch) -> pa.RecordBatch:
    for place, column in enumerate(batch.schema):
        if pa.types.is_list(column.type):
            joined = pc.binary_join(batch.column(place), "; ")
            batch = batch.set_column(place, _in_one_cell(column), _without_formulas(joined))
        elif pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            batch = batch.set_column(place, column, _without_formulas(batch.column(place)))
    return batch


def _without_formulas(texts: pa.Array) -> pa.Array:
    dangerous = pc.and_not(pc.match_substring_regex(texts, _FORMULA), pc.match_substring_regex(texts, _PHONE))
    return pc.if_else(dangerous, pc.binary_join_element_wise("'", texts, ""), texts)
