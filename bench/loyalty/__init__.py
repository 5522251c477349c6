"""Tills at work, against a bare function of the database that writes the same rows; all of it in one run.

python -m bench loyalty        a hundred thousand members, a million lots that expire: ten minutes, 3 GB of disk
"""

from bench.application.installation import installed
from bench.history import DATA


def rows() -> list[tuple[str, str]]:
    """Everything that is measured of tills and of the ledger, as pairs of label and figures."""
    with installed(DATA / "loyalty") as installation:
        from bench.loyalty.measured import rows_of  # noqa: PLC0415 - models can be imported from here on

        return rows_of(installation)
