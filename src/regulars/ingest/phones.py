"""One customer, one number: telephone numbers in every form become +79161234567 (E.164).

The usual forms of the region are recognised by a pattern inside the engine; the rest, each distinct text once, goes
to `phonenumbers`. In a cell with several numbers the first valid one wins. What is no valid number stays as it is
written, and is counted.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import phonenumbers
import pyarrow as pa
from phonenumbers import NumberParseException, PhoneMetadata, PhoneNumberFormat

from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.ingest.content import Content
from regulars.ingest.engine import Engine, literal
from regulars.ingest.headings import says_phone

_BETWEEN = r"[,;/|\n]|\s{2,}|\bили\b|\bи\b|\bor\b"
_FLOAT = re.compile(r"^(\d+)[.,]0*$")
_EXPONENT = re.compile(r"^(\d)[.,](\d+)[eE]\+?(\d+)$")
_BATCH = 50_000


@dataclass(frozen=True)
class RegionForm:
    """How numbers of a region look when nothing is wrong with them."""

    country_code: int
    national: str  # pattern of the digits behind the country code
    prefix: str  # pattern of what is dialled before them inside the country


def region_form(region: str) -> RegionForm:
    """The patterns of the region; `InputError` when there is no such region."""
    metadata = PhoneMetadata.metadata_for_region(region.upper())
    if metadata is None or metadata.country_code is None:
        raise InputError(
            _("There is no region {region!r}. Give a two-letter country code, such as RU, KZ or US.").format(
                region=region
            )
        )
    kinds = [kind.national_number_pattern for kind in (metadata.mobile, metadata.fixed_line) if kind is not None]
    prefix = metadata.national_prefix_for_parsing or ""
    if "(" in prefix or metadata.national_prefix_transform_rule:
        prefix = ""  # a rule, not a prefix: left to the library
    return RegionForm(metadata.country_code, "|".join(kind for kind in kinds if kind), prefix)


def looks_like_phones(heading: str, content: Content) -> bool:
    """Whether a customer column holds telephone numbers."""
    if says_phone(heading):
        return content.mobiles + content.dialable > 0.3 or content.is_phone
    return content.is_phone


def quick_sql(x: str, form: RegionForm) -> str:
    """SQL for the E.164 form of a number in a usual form of the region; null for any other text."""
    code, national = form.country_code, form.national
    inside = rf"^(?:{form.prefix})?({national})$" if form.prefix else rf"^({national})$"
    abroad = rf"^\+?{code}({national})$"
    bare = x
    for sign in (" ", "(", ")", "-", "\N{NO-BREAK SPACE}"):
        bare = f"replace({bare}, '{sign}', '')"

    def number_in(text: str) -> str:
        patterns = (inside, abroad)
        return f"coalesce({', '.join(_national_sql(text, code, pattern) for pattern in patterns)})"

    return f"CASE WHEN regexp_full_match({x}, '[+]?\\d+') THEN {number_in(x)} ELSE {number_in(bare)} END"


def _national_sql(text: str, code: int, pattern: str) -> str:
    return f"'+{code}' || nullif(regexp_extract({text}, {literal(pattern)}, 1), '')"


def is_normal_sql(x: str, form: RegionForm) -> str:
    """SQL that is true where `x` is a valid number of the region in E.164 already."""
    pattern = rf"\+{form.country_code}(?:{form.national})"
    return f"regexp_full_match({x}, {literal(pattern)})"


def normalise(text: str, region: str) -> str | None:
    """The first valid number in the text, as E.164; None when there is none."""
    for piece in _pieces(text):
        try:
            number = phonenumbers.parse(piece, region)
        except NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            return phonenumbers.format_number(number, PhoneNumberFormat.E164)
    # a number among words: 8 916 123-45-67 Ivan
    found = next(iter(phonenumbers.PhoneNumberMatcher(text, region)), None) if len(text) > 10 else None
    return phonenumbers.format_number(found.number, PhoneNumberFormat.E164) if found is not None else None


def _pieces(text: str) -> Iterable[str]:
    """The numbers of a cell, each as a person would write it; Excel's floats turned back into digits."""
    exponent = _EXPONENT.match(text)
    if exponent is not None:
        digits = exponent[1] + exponent[2]
        # an exponent that dropped digits names a thousand numbers at once
        return [f"+{digits}"] if len(digits) == int(exponent[3]) + 1 else []
    whole = _FLOAT.match(text)
    if whole is not None:
        return _with_plus(whole[1])
    pieces = [piece.strip() for piece in re.split(_BETWEEN, text) if piece.strip()]
    pieces += [piece for piece in text.split() if len(re.sub(r"\D", "", piece)) >= 10 and piece not in pieces]
    return [form for piece in pieces for form in _with_plus(piece)]


def _with_plus(piece: str) -> list[str]:
    """As written, and as a foreign number whose plus was lost: 375291234567."""
    digits = re.sub(r"\D", "", piece)
    return [piece, f"+{digits}"] if len(digits) >= 11 and not piece.startswith("+") else [piece]


def normalise_rest(engine: Engine, rows: str, form: RegionForm, region: str) -> tuple[str | None, int, str | None]:
    """Normalise the distinct keys of `rows` that the quick pattern left.

    Returns the name of a table (`written`, `number`) of the keys that change, or None; how many keys are no valid
    number; and one of them.
    """
    keys = [
        str(key)
        for (key,) in engine.rows(
            f"""SELECT DISTINCT customer_id FROM ({rows})
            WHERE customer_id IS NOT NULL AND NOT {is_normal_sql("customer_id", form)}"""
        )
    ]
    changed: dict[str, str] = {}
    invalid: list[str] = []
    for position, key in enumerate(sorted(keys)):
        if position % _BATCH == 0:
            engine.progress.step(_("Telephone numbers"), position, len(keys))
        number = normalise(key, region)
        if number is None:
            invalid += [] if "@" in key else [key]
        elif number != key:
            changed[key] = number
    example = invalid[0] if invalid else None
    if not changed:
        return None, len(invalid), example
    table = pa.table({"written": list(changed), "number": list(changed.values())})
    engine.rows("CREATE OR REPLACE TEMP TABLE rg_phones (written VARCHAR, number VARCHAR)")
    engine.insert("rg_phones", table)
    return "rg_phones", len(invalid), example
