"""Files of any kind -> the purchase contract. No Django, no pandas.

`read_purchases` gives a `History`; `inspect` says how a file would be read, and why. `describe_notice` and
`describe_reason` put the stable names in `Reading.notices` and `Reading.reject_reasons` into words.
"""

from regulars.ingest.attributes import read_attributes
from regulars.ingest.inspect import ColumnFinding, Fact, Inspection, inspect
from regulars.ingest.read import read_purchases
from regulars.ingest.reasons import describe_notice, describe_reason

__all__ = [
    "ColumnFinding",
    "Fact",
    "Inspection",
    "describe_notice",
    "describe_reason",
    "inspect",
    "read_attributes",
    "read_purchases",
]
