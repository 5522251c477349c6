"""Customer keys: what stands for nobody, and numbers that Excel made of codes.

A key is kept as it is written, without the blanks around it. The words below, in any letters, and zeros mean that the
buyer is unknown: such a line counts in revenue and belongs to no customer. The list is short on purpose: a word that
could be somebody's name is not on it.
"""

from regulars.ingest.engine import literal

NOBODY = (
    "-", "--", "---", "—", "–", ".", "?", "нет", "нет данных", "нет карты", "без карты", "без клиента", "без покупателя",
    "не указан", "не указано", "не указана", "не задан", "не определен", "не определён", "неизвестно", "неизвестный",
    "неизвестен", "розничный покупатель", "розничный клиент", "розница", "покупатель", "частное лицо", "физлицо",
    "физ. лицо", "физическое лицо", "аноним", "анонимный покупатель", "гость", "пусто", "(пусто)", "<пусто>",
    "null", "(null)", "<null>", "none", "nan", "nil", "na", "n/a", "#n/a", "#н/д", "unknown", "(unknown)", "undefined",
    "not set", "(not set)", "blank", "(blank)", "empty", "anonymous", "guest", "guest customer", "walk-in", "walk in",
    "walk-in customer", "cash customer", "retail customer", "no customer", "no card", "without card", "customer",
)  # fmt: skip


def key_sql(x: str, *, whole_numbers: bool) -> str:
    """SQL for the key in the text `x`; null where it stands for nobody.

    `whole_numbers`: the column holds numbers, so `12345.0` and `1.2345E+4` are Excel's ways to write 12345.
    """
    nobody = ", ".join(literal(word) for word in NOBODY)
    text = f"rg_text({x})"
    code = _whole_number_sql(x) if whole_numbers else text
    # one quick test that is true for nearly every card, code and phone: digits, and not only zeros
    plain = f"regexp_full_match({x}, '\\+?\\d*[1-9]\\d*')"
    return f"""CASE WHEN {plain} THEN {x}
        WHEN lower({text}) IN ({nobody}) OR regexp_full_match({text}, '0+([.,]0+)?') THEN NULL ELSE {code} END"""


def _whole_number_sql(x: str) -> str:
    # an exponent that has lost digits (7.91E+10) is left as it is: it is nobody's number any more
    text = f"rg_text({x})"
    digits = f"length(regexp_replace(regexp_extract({text}, '^[\\d.,]+'), '\\D', '', 'g'))"
    exponent = f"try_cast(regexp_extract({text}, '[eE]\\+?(\\d+)$', 1) AS INTEGER)"
    return f"""CASE WHEN regexp_matches({text}, '^\\d+[.,]0+$') THEN regexp_extract({text}, '^\\d+')
        WHEN regexp_matches({text}, '^\\d[.,]\\d+[eE]\\+?\\d+$') AND {digits} > {exponent}
            THEN (replace({text}, ',', '.')::DOUBLE)::BIGINT::VARCHAR
        ELSE {text} END"""
