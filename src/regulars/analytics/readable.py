"""A repr that a person can read in a notebook: numbers as they are, tables by their columns."""

from dataclasses import fields, is_dataclass
from typing import Any

import ibis.expr.types as ir

from regulars.analytics.estimate import Estimate


class Readable:
    """Base of results. Declare them `@dataclass(frozen=True, repr=False)`."""

    def __repr__(self) -> str:
        """One field on a line; an Ibis table is named by its columns and not computed."""
        rows = [f"  {field.name}: {_shown(getattr(self, field.name))}" for field in fields(self)]  # type: ignore[arg-type]
        return "\n".join([type(self).__name__, *rows])


def _shown(value: Any) -> str:
    match value:
        case ir.Table():
            shown = f"table ({', '.join(value.columns)})"
        case Estimate():
            shown = f"{_shown(value.value)} ({_shown(value.low)} to {_shown(value.high)})"
        case bool() | None:
            shown = str(value)
        case int():
            shown = f"{value:,}"
        case float():
            shown = f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
        case dict():
            shown = "".join(f"\n    {key}: {_shown(one)}" for key, one in value.items()) or "none"
        case tuple():
            shown = ", ".join(_shown(one) for one in value) or "none"
        case _ if is_dataclass(value):
            parts = (f"{field.name} {_shown(getattr(value, field.name))}" for field in fields(value))
            shown = ", ".join(parts)
        case _:
            shown = str(value)
    return shown
