"""What every file of the demonstration shares: money as exact decimals, and an error that a person understands."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from regulars.core.errors import OutputError
from regulars.core.i18n import gettext as _

MONEY = ("amount", "discount", "cost")


def in_units(minor: pa.ChunkedArray) -> pa.ChunkedArray:
    """Minor units as decimals of currency units: 12345 -> 123.45. For currencies with two decimals."""
    exact = pc.multiply(minor.cast(pa.decimal128(19)), pa.scalar(Decimal("0.01")))
    return exact.cast(pa.decimal128(15, 2))


def money_in_units(lines: pa.Table) -> pa.Table:
    """The lines with every money column in currency units."""
    for column in set(MONEY) & set(lines.column_names):
        lines = lines.set_column(lines.column_names.index(column), column, in_units(lines[column]))
    return lines


def write_file(path: Path, write: Callable[[Path], None]) -> Path:
    """Let `write` make the file `path`, with its folder; `OutputError` when that cannot be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(
            _("Cannot write {path}: {reason}. Choose another place, or make room.").format(path=path, reason=reason)
        ) from error
    return path
