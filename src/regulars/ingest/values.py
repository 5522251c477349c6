r"""What is written in a cell, as SQL: dates, times, numbers and customer keys in every form that people write.

Each reading is a DuckDB macro, so that the sample, the whole file and the reasons for rejects use one and the same
definition. A value is first tried in the one form that is usual in its column (`fast_*`, quick) and only then in all
forms (`rg_*`, thorough).

Dates: year first (ISO, with `T`, zone or offset, which are dropped: the wall clock as written is kept), `dd.mm.yyyy`,
`dd.mm.yy`, day and month with slashes or dashes in the order that the column shows, `yyyymmdd`, Excel's day numbers,
and months as words in Russian and English. Two-digit years are of 1970-2069.
Numbers: thousands by spaces of any kind, apostrophes, commas or dots; decimal comma or dot; currency signs; minus
before or after, or brackets.
"""

from collections.abc import Mapping
from types import MappingProxyType

_SPACES = " \\t\\r\\n\\x{00A0}\\x{2000}-\\x{200B}\\x{202F}\\x{205F}\\x{FEFF}"

_RU_MONTHS = "['янв','фев','мар','апр','мая','июн','июл','авг','сен','окт','ноя','дек']"
_EN_MONTHS = "['jan','feb','mar','apr','may','jun','jul','aug','sep','oct','nov','dec']"


MACROS = (
    # text without the blanks around it; null when nothing is left
    f"CREATE OR REPLACE MACRO rg_text(x) AS nullif(regexp_replace(x, '^[{_SPACES}]+|[{_SPACES}]+$', '', 'g'), '')",
    # a date prepared for reading: single plain spaces, no comma, no zone, no word for year
    f"""CREATE OR REPLACE MACRO rg_date_text(x) AS trim(regexp_replace(regexp_replace(regexp_replace(regexp_replace(
        trim(x), ',?[{_SPACES}]+', ' ', 'g'), ',(\\d{{1,2}}:)', ' \\1'),
        '(\\d)\\s*(Z|UTC|GMT|MSK|МСК|[+-]\\d{{2}}:?\\d{{2}})$', '\\1'), '\\s*(г\\.?|года)(\\s|$)', ' '))""",
    """CREATE OR REPLACE MACRO rg_year_first(t) AS
        try_cast(regexp_replace(t, '^(\\d{4})[-/.](\\d{1,2})[-/.](\\d{1,2})', '\\1-\\2-\\3') AS TIMESTAMP)""",
    # time of day as an interval since midnight; the empty text is midnight
    """CREATE OR REPLACE MACRO rg_clock(c) AS CASE WHEN c = '' THEN INTERVAL 0 SECONDS
        WHEN regexp_matches(c, '[AaPp][Mm]$') THEN try_strptime(upper(replace(c, ' ', '')),
            ['%I:%M:%S%p', '%I:%M%p']) - TIMESTAMP '1900-01-01'
        ELSE (DATE '1900-01-01' + try_cast(c AS TIME)) - TIMESTAMP '1900-01-01' END""",
    """CREATE OR REPLACE MACRO rg_joined(p, month_first) AS try_cast(
        CASE WHEN length(p.y) = 4 THEN '' WHEN p.y < '70' THEN '20' ELSE '19' END || p.y || '-' ||
        CASE WHEN month_first THEN p.a || '-' || p.b ELSE p.b || '-' || p.a END AS TIMESTAMP) + rg_clock(p.c)""",
    """CREATE OR REPLACE MACRO rg_year_last(t, month_first) AS list_transform(
        [regexp_extract(t, '^(\\d{1,2})[./-](\\d{1,2})[./-](\\d{4}|\\d{2})(?:[T ](.*))?$', ['a', 'b', 'y', 'c'])],
        lambda p: rg_joined(p, month_first))[1]""",
    """CREATE OR REPLACE MACRO rg_serial(t) AS
        TIMESTAMP '1899-12-30' + to_seconds(round(try_cast(replace(t, ',', '.') AS DOUBLE) * 86400)::BIGINT)""",
    f"""CREATE OR REPLACE MACRO rg_month_word(t) AS coalesce(
        list_position({_RU_MONTHS}, replace(left(regexp_extract(lower(t), '[а-яё]{{3,}}'), 3), 'май', 'мая')),
        list_position({_EN_MONTHS}, left(regexp_extract(lower(t), '[a-z]{{3,}}'), 3)))""",
    """CREATE OR REPLACE MACRO rg_worded(t) AS try_cast(
        regexp_extract(t, '\\d{4}') || '-' || rg_month_word(t) || '-' ||
        regexp_extract(t, '(^|[^\\d:])(\\d{1,2})([^\\d:]|$)', 2) ||
        coalesce(' ' || nullif(regexp_extract(t, '\\d{1,2}:\\d{2}(:\\d{2})?'), ''), '') AS TIMESTAMP)""",
    """CREATE OR REPLACE MACRO rg_date_of(t, month_first) AS CASE
        WHEN regexp_matches(t, '^\\d{4}[-/.]\\d{1,2}[-/.]\\d{1,2}') THEN rg_year_first(t)
        WHEN regexp_matches(t, '^\\d{1,2}\\.\\d{1,2}\\.\\d{2}') THEN rg_year_last(t, false)
        WHEN regexp_matches(t, '^\\d{1,2}[/-]\\d{1,2}[/-]\\d{2}') THEN rg_year_last(t, month_first)
        WHEN regexp_matches(t, '^(19|20)\\d{6}$') THEN try_strptime(t, '%Y%m%d')
        WHEN regexp_matches(t, '^(19|20)\\d{6}[T ]?\\d{6}$')
            THEN try_strptime(replace(replace(t, 'T', ''), ' ', ''), '%Y%m%d%H%M%S')
        WHEN regexp_matches(t, '^[2-7]\\d{4}([.,]\\d+)?$') THEN rg_serial(t)
        WHEN regexp_matches(t, '[A-Za-zА-Яа-яЁё]{3}') THEN rg_worded(t) END""",
    # list_transform over one element gives a name to an intermediate result; without it the expression is repeated
    # wherever its name stands, and planning takes seconds
    """CREATE OR REPLACE MACRO rg_date(x, month_first) AS
        list_transform([rg_date_text(x)], lambda t: rg_date_of(t, month_first))[1]""",
    # evidence for the order of day and month: 2 = only day first fits, 1 = only month first fits, 0 = both
    """CREATE OR REPLACE MACRO rg_slash_order(x) AS CASE
        WHEN NOT regexp_matches(x, '^\\s*\\d{1,2}[/-]\\d{1,2}[/-]\\d{2}') THEN NULL
        WHEN regexp_extract(x, '(\\d{1,2})[/-](\\d{1,2})', 1)::INT > 12 THEN 2
        WHEN regexp_extract(x, '(\\d{1,2})[/-](\\d{1,2})', 2)::INT > 12 THEN 1 ELSE 0 END""",
    # a cell that holds only a time; Excel gives a fraction of a day, or its day zero with the time
    """CREATE OR REPLACE MACRO rg_time(x) AS CASE
        WHEN regexp_matches(trim(x), '^0?[.,]\\d+$|^[01]([.,]0+)?$')
            THEN to_seconds(round(try_cast(replace(trim(x), ',', '.') AS DOUBLE) * 86400)::BIGINT % 86400)
        WHEN regexp_matches(x, '\\d:\\d')
            THEN rg_clock(regexp_extract(x, '\\d{1,2}:\\d{2}(:\\d{2})?(\\s*[AaPp][Mm])?')) END""",
    f"""CREATE OR REPLACE MACRO rg_number_signs(x) AS regexp_replace(lower(x),
        '[{_SPACES}''’`₽$€£₸₴¥]|руб(\\.|лей|ля|ль)?|р\\.|р$|rub|rur|usd|eur|kzt|byn|uah|gbp|тг', '', 'g')""",
    "CREATE OR REPLACE MACRO rg_minus(t) AS regexp_matches(t, '^[-−–]|[-−–]$|^\\(.*\\)$')",
    """CREATE OR REPLACE MACRO rg_plain(n, comma) AS CASE
        WHEN regexp_matches(n, '^\\d+$') THEN n
        WHEN regexp_matches(n, '^\\d{1,3}(,\\d{3})+\\.\\d*$|^\\d{1,3}(,\\d{3}){2,}$') THEN replace(n, ',', '')
        WHEN regexp_matches(n, '^\\d{1,3}(\\.\\d{3})+,\\d*$|^\\d{1,3}(\\.\\d{3}){2,}$')
            THEN replace(replace(n, '.', ''), ',', '.')
        WHEN regexp_matches(n, '^[1-9]\\d{0,2},\\d{3}$') THEN replace(n, ',', CASE WHEN comma THEN '.' ELSE '' END)
        WHEN regexp_matches(n, '^\\d*,\\d+$|^\\d+,$|^\\d*\\.\\d+$|^\\d+\\.$') THEN replace(n, ',', '.')
        WHEN regexp_matches(n, '^\\d+([.,]\\d+)?e[+-]?\\d{1,2}$') THEN replace(n, ',', '.') END""",
    """CREATE OR REPLACE MACRO rg_signed(t, comma) AS CASE WHEN rg_minus(t) THEN '-' ELSE '' END ||
        list_transform([regexp_replace(t, '^[-−–+(]+|[-−–)]+$', '', 'g')], lambda n: rg_plain(n, comma))[1]""",
    # the number as plain text: -1234.50; null when it is no number
    """CREATE OR REPLACE MACRO rg_number(x, comma) AS
        list_transform([rg_number_signs(x)], lambda t: rg_signed(t, comma))[1]""",
)

# one replacement turns the usual form of a column into what the cast reads; a value in another form stays unchanged
_FAST_DATES: Mapping[str | None, tuple[str, str]] = MappingProxyType(
    {
        "dotted": (r"^(\d\d?)\.(\d\d?)\.(\d{4})", r"\3-\2-\1"),
        "day_slash": (r"^(\d\d?)/(\d\d?)/(\d{4})", r"\3-\2-\1"),
        "month_slash": (r"^(\d\d?)/(\d\d?)/(\d{4})", r"\3-\1-\2"),
        "compact": (r"^(\d{4})(\d\d)(\d\d)$", r"\1-\2-\3"),
    }
)


def date_sql(x: str, *, fast: str | None, month_first: bool) -> str:
    """SQL for a timestamp out of the text `x`; null when it is no date.

    `fast` is the usual form of the column: a `strptime` format when nearly all cells have that one, else the name of a
    family of forms.
    """
    thorough = f"rg_date({x}, {str(month_first).lower()})"
    if fast is not None and fast.startswith("%"):
        quick = f"try_strptime({x}, '{fast}')"
    elif fast in _FAST_DATES:
        pattern, order = _FAST_DATES[fast]
        quick = f"try_cast(regexp_replace({x}, '{pattern}', '{order}') AS TIMESTAMP)"
    else:
        quick = f"try_cast({x} AS TIMESTAMP)"
    # a two-digit year read as the year 24 is no success
    return f"CASE WHEN {quick} >= TIMESTAMP '1900-01-01' THEN {quick} ELSE {thorough} END"


def decimal_sql(x: str, *, comma: bool, dot_groups: bool = False) -> str:
    """SQL for an exact number with four decimals out of the text `x`; null when it is none."""
    return _number_sql(x, "DECIMAL(18,4)", comma=comma, dot_groups=dot_groups)


def double_sql(x: str, *, comma: bool, dot_groups: bool = False) -> str:
    """SQL for a floating number out of the text `x`; null when it is none."""
    return _number_sql(x, "DOUBLE", comma=comma, dot_groups=dot_groups)


def _number_sql(x: str, kind: str, *, comma: bool, dot_groups: bool) -> str:
    thorough = f"try_cast(rg_number({x}, {str(comma).lower()}) AS {kind})"
    if dot_groups:
        # 1.234 would be read as one and a bit
        grouped = f"regexp_matches({x}, '^\\D*[1-9]\\d{{0,2}}(\\.\\d{{3}})+\\D*$')"
        whole = f"CASE WHEN {grouped} THEN replace({x}, '.', '') ELSE {x} END"
        return thorough.replace(f"rg_number({x},", f"rg_number({whole},")
    quick = f"try_cast(replace({x}, ',', '.') AS {kind})" if comma else f"try_cast({x} AS {kind})"
    if kind == "DOUBLE":
        quick = f"CASE WHEN isfinite({quick}) THEN {quick} END"
    return f"coalesce({quick}, {thorough})"
