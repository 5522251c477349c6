"""What makes a receipt this receipt and no other."""

import datetime as dt
import hashlib

_BETWEEN = "\x1f"
_EPOCH = dt.datetime(1970, 1, 1)


def receipt_key(*, moment: dt.datetime, store: str | None, number: str | None, customer: str | None) -> bytes:
    """The digest of a receipt by the purchase contract's own words; `moment` is the shop's wall clock.

    A till restarts its numbers: a receipt is its number within one day, store and customer. Without a number it is
    what one customer bought at one moment in one store. `customer` is his key as the source writes it, because that
    stays the same when customers are merged.
    """
    exact = "" if number else str(round((moment - _EPOCH) / dt.timedelta(microseconds=1)))
    return _digest(str(moment.date()), store or "", number or "", customer or "", exact)


def named_key(kind: str, name: str) -> bytes:
    """The digest of a receipt that has a name of its own everywhere, such as a fiscal sign or an order's id."""
    return _digest(kind, name)


def key_sql() -> str:
    """The same as DuckDB's SQL over the columns of the contract: the text whose MD5 is the key."""
    return f"""CASE WHEN receipt_name IS NOT NULL THEN receipt_name ELSE
        concat_ws('{_BETWEEN}', purchased_at::DATE::VARCHAR, coalesce(store, ''), coalesce(receipt_id, ''),
        coalesce(customer_id, ''),
        CASE WHEN coalesce(receipt_id, '') = '' THEN epoch_us(purchased_at)::VARCHAR ELSE '' END) END"""


def name_text(kind: str, name: str) -> str:
    """What goes into the column `receipt_name` for `named_key`."""
    return _BETWEEN.join((kind, name))


def _digest(*parts: str) -> bytes:
    return hashlib.md5(_BETWEEN.join(parts).encode(), usedforsecurity=False).digest()
