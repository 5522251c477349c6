"""Customer keys: what stands for nobody, and numbers that Excel made of codes.

A key is kept as it is written, without the blanks around it. The words below, in any letters, and zeros mean that the
buyer is unknown: such a line counts in revenue and belongs to no customer. The list is short on purpose: a word that
could be somebody's name is not on it.
"""

import re
from collections.abc import Sequence

from regulars.ingest.engine import literal

NOBODY = (
    "-", "--", "---", "—", "–", ".", "?", "нет", "нет данных", "нет карты", "без карты", "без клиента",
    "без покупателя",
    "не указан", "не указано", "не указана", "не задан", "не определен", "не определён", "неизвестно", "неизвестный",
    "неизвестен", "розничный покупатель", "розничный клиент", "розница", "покупатель", "частное лицо", "физлицо",
    "физ. лицо", "физическое лицо", "аноним", "анонимный покупатель", "гость", "пусто", "(пусто)", "<пусто>",
    "null", "(null)", "<null>", "none", "nan", "nil", "na", "n/a", "#n/a", "#н/д", "unknown", "(unknown)", "undefined",
    "not set", "(not set)", "blank", "(blank)", "empty", "anonymous", "guest", "guest customer", "walk-in", "walk in",
    "walk-in customer", "cash customer", "retail customer", "no customer", "no card", "without card", "customer",
)  # fmt: skip


# what a row with a total has instead of a customer: tested once here, where it costs nothing, and compared later
TOTAL = "\x1ftotal"

TOTAL_WORDS = (
    "итого", "итого:", "всего", "всего:", "total", "total:", "grand total", "subtotal", "подытог", "общий итог",
)  # fmt: skip


def key_sql(x: str, *, whole_numbers: bool, padded: bool = False) -> str:
    """SQL for the key in the text `x`; null where it stands for nobody.

    `whole_numbers`: the column holds numbers, so `12345.0` and `1.2345E+4` are Excel's ways to write 12345.
    `padded`: blanks of other kinds than the space stand around some keys.
    """
    text = f"rg_text({x})"
    code = _whole_number_sql(x) if whole_numbers else text
    # a digit, no blank around it: no word of the lists is like that. These tests are cheap, the others are not
    clean = f"NOT starts_with({x}, ' ') AND NOT ends_with({x}, ' ')"
    if whole_numbers:
        # four searches for one character cost a third of one regular expression
        clean += "".join(f" AND NOT contains({x}, '{sign}')" for sign in ".,eE")
    if padded:
        clean += f" AND {x} = {text}"
    return f"""CASE WHEN {x} >= '1' AND {x} < ':' AND {clean} THEN {x}
        WHEN regexp_matches({x}, '[1-9]') AND {clean} THEN {x}
        WHEN {one_of(f"lower({text})", TOTAL_WORDS)} THEN {literal(TOTAL)}
        WHEN {one_of(f"lower({text})", NOBODY)} OR regexp_full_match({text}, '0+([.,]0+)?') THEN NULL
        ELSE {code} END"""


def one_of(x: str, words: Sequence[str]) -> str:
    """SQL that is true where `x` is one of the words.

    Not `IN`: the planner turns a long list into a join, which then runs for every row, whatever stands before it.
    """
    pattern = "|".join(re.escape(word) for word in words)
    return f"regexp_full_match({x}, {literal(pattern)})"


def _whole_number_sql(x: str) -> str:
    # an exponent that has lost digits (7.91E+10) is left as it is: it is nobody's number any more
    text = f"rg_text({x})"
    digits = f"length(regexp_replace(regexp_extract({text}, '^[\\d.,]+'), '\\D', '', 'g'))"
    exponent = f"try_cast(regexp_extract({text}, '[eE]\\+?(\\d+)$', 1) AS INTEGER)"
    return f"""CASE WHEN regexp_matches({text}, '^\\d+[.,]0+$') THEN regexp_extract({text}, '^\\d+')
        WHEN regexp_matches({text}, '^\\d[.,]\\d+[eE]\\+?\\d+$') AND {digits} > {exponent}
            THEN (replace({text}, ',', '.')::DOUBLE)::BIGINT::VARCHAR
        ELSE {text} END"""
