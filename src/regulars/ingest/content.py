"""What the cells of a column look like, counted over a sample: the second witness beside the heading."""

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from regulars.ingest.engine import Engine, literal
from regulars.ingest.table import RawTable

SAMPLES = 5

_WHOLE = ("rows", "filled", "distinct", "commas", "dots", "dot_groups", "padded")
_SHARES = (
    "dates", "clocks", "times", "numbers", "fractions", "mobiles", "dialable", "emails", "worded", "slashed",
    "hms", "hm",
)  # fmt: skip


@dataclass(frozen=True)
class Content:
    """Shares are of the filled cells of the sample."""

    rows: int
    filled: int
    distinct: int
    dates: float
    clocks: float  # dates with a time of day other than midnight
    times: float  # a time of day without a date
    numbers: float
    fractions: float  # numbers with something behind the decimal sign
    mobiles: float  # unmistakable phone numbers
    dialable: float  # 10 to 15 digits and nothing but what people put between them
    emails: float
    worded: float  # two words or more
    slashed: float  # dates with slashes or dashes, day or month first
    commas: int  # numbers in which a comma must be the decimal sign
    dots: int  # numbers in which a dot must be the decimal sign
    padded: int  # cells with blanks around them
    dot_groups: int  # numbers in which a dot must stand between thousands
    hms: float  # cells that end with hours, minutes and seconds
    hm: float  # cells that end with hours and minutes
    families: tuple[tuple[str, int], ...]  # forms of dates and how many cells have each
    signs: str  # currency signs and codes that occur
    samples: tuple[str, ...]

    @property
    def is_date(self) -> bool:
        """Most filled cells are dates; titles, totals and broken dates may stand among them."""
        return self.filled > 0 and self.dates > 0.5

    @property
    def is_number(self) -> bool:
        """Most filled cells are numbers."""
        return self.filled > 0 and self.numbers > 0.5

    @property
    def is_phone(self) -> bool:
        """Most filled cells are mobile numbers beyond doubt."""
        return self.filled > 0 and self.mobiles >= 0.6

    @property
    def is_empty(self) -> bool:
        """No cell of the sample holds anything."""
        return self.filled == 0


_SEPARATED = r"^\+?[\d\s().+-]{10,20}$"
_MOBILE = r"^(\+?7|8)[\s(-]*9\d{2}[\s)-]*\d{3}[\s-]*\d{2}[\s-]*\d{2}(\.0)?$|^\+\d[\d\s()-]{8,17}$"
_CURRENCY = r"(₽|руб|\$|€|£|₸|₴|\b(?:rub|usd|eur|kzt|gbp)\b)"

_SIGN = f"nullif(regexp_extract(lower(v), {literal(_CURRENCY)}, 1), '')"

FAMILIES = {
    "year_first": r"^\d{4}[-/.]",
    "dotted": r"^\d{1,2}\.\d{1,2}\.\d{2}",
    "day_slash": r"^\d{1,2}[/-]\d{1,2}[/-]\d{2}",
    "compact": r"^(19|20)\d{6}$",
}


_COUNTS = {
    "rows": "count(*)",
    "filled": "count(v)",
    "distinct": "count(DISTINCT v)",
    "dates": "count(d)",
    "clocks": "count_if(d <> date_trunc('day', d))",
    "times": "count_if(regexp_full_match(v, '\\d{1,2}:\\d{2}(:\\d{2})?\\s*([AaPp][Mm])?"
    "|0?[.,]\\d+|(1899-12-3[01]|1900-01-0[01]) .*'))",
    "numbers": "count(n)",
    "fractions": "count_if(regexp_matches(n, '\\.0*[1-9]'))",
    "mobiles": f"count_if(regexp_matches(v, {literal(_MOBILE)}))",
    "dialable": f"count_if(regexp_matches(v, {literal(_SEPARATED)}))",
    "emails": "count_if(regexp_matches(v, '^\\S+@\\S+\\.\\S+$'))",
    "worded": "count_if(regexp_matches(lower(v), '[a-zа-яё]\\s+[a-zа-яё]'))",
    "slashed": "count(rg_slash_order(v))",
    "hms": "count_if(regexp_matches(v, '[^:]\\d:\\d\\d:\\d\\d$'))",
    "hm": "count_if(regexp_matches(v, '[^:]\\d:\\d\\d$') AND NOT regexp_matches(v, ':\\d\\d:\\d\\d$'))",
    "commas": "count_if(regexp_matches(v, '^[^.,]*,(\\d{1,2}|\\d{4,})\\D*$|\\.\\d{3},\\d'))",
    "dots": "count_if(regexp_matches(v, '^[^.,]*\\.(\\d{1,2}|\\d{4,})\\D*$|,\\d{3}\\.\\d'))",
    "dot_groups": "count_if(regexp_matches(v, '^\\D*\\d{1,3}(\\.\\d{3})+,\\d'))",
    "padded": "count_if(r <> v)",
    # ordered, for a DISTINCT alone comes in the order of the threads: the same file would show other samples
    "signs": f"string_agg(DISTINCT {_SIGN}, ',' ORDER BY {_SIGN})",
    "samples": f"list(DISTINCT left(v, 60) ORDER BY left(v, 60)) FILTER (v IS NOT NULL)[:{SAMPLES}]",
    **{f"f_{key}": f"count_if(regexp_matches(v, {literal(sign)}))" for key, sign in FAMILIES.items()},
}


# one long column of cells instead of many columns, and one plan for all tables: planning takes longer than counting
_CELLS = "CREATE TEMP TABLE IF NOT EXISTS rg_cells (i INTEGER, r VARCHAR)"
_PLAN = f"""PREPARE rg_profile AS
    SELECT i, {", ".join(f"{sql} AS {key}" for key, sql in _COUNTS.items())} FROM (
        SELECT i, r, v, rg_number(v, false) AS n, CASE WHEN year(d) BETWEEN 1900 AND 2100 THEN d END AS d FROM (
            SELECT i, r, v, coalesce(rg_date(v, false), rg_date(v, true)) AS d FROM (
                SELECT i, r, rg_text(r) AS v FROM rg_cells)))
    GROUP BY i ORDER BY i"""


def prepare_profiles(engine: Engine) -> None:
    """Teach the connection to profile; once for a reading."""
    engine.rows(_CELLS)
    engine.rows(_PLAN)


def profile(engine: Engine, table: RawTable) -> tuple[Content, ...]:
    """The content of every column of the table, from its sample."""
    width = len(table.headings)
    engine.rows("DELETE FROM rg_cells")
    cells = {
        "i": [position for row in table.sample for position in range(min(width, len(row)))],
        "r": [text for row in table.sample for text in row[:width]],
    }
    engine.insert("rg_cells", pa.table(cells, schema=pa.schema({"i": pa.int32(), "r": pa.string()})))
    found = {int(row["i"]): _content(row) for row in engine.records("EXECUTE rg_profile", table.label)}
    nothing = _content(dict.fromkeys(_COUNTS, 0) | {"signs": "", "samples": []})
    return tuple(found.get(position, nothing) for position in range(width))


def _content(counts: dict[str, Any]) -> Content:
    filled = int(counts["filled"])
    values: dict[str, Any] = {key: int(counts[key] or 0) for key in _WHOLE}
    values |= {key: int(counts[key] or 0) / filled if filled else 0.0 for key in _SHARES}
    values["families"] = tuple((key, int(counts[f"f_{key}"] or 0)) for key in FAMILIES)
    values["signs"] = counts["signs"] or ""
    values["samples"] = tuple(counts["samples"] or ())
    return Content(**values)
