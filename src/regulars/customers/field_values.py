"""Values of own fields: read from what was typed, checked by the field's type, shown to people."""

import datetime as dt
import math
from collections.abc import Mapping
from typing import Any

from regulars.core.errors import InputError
from regulars.core.i18n import format_date, format_number
from regulars.core.i18n import gettext as _
from regulars.customers.models import Field, FormAnswer

LONGEST_TEXT = 2_000


def read_value(field: Field, typed: Any) -> Any:
    """What is stored for this, or None for nothing; `InputError` names the field and what it takes."""
    if isinstance(typed, str):
        typed = typed.replace("\0", "").strip()
    if typed in (None, "", []):
        return None
    return _READERS[Field.Type(field.type)](field, typed)


def shown_value(field: Field | None, value: Any) -> str:
    """As a person reads it."""
    if value in (None, "", []):
        return ""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, (int, float)):
        return format_number(value, 0 if float(value).is_integer() else 2)
    if field is not None and field.type == Field.Type.DATE:
        return format_date(dt.date.fromisoformat(value))
    return str(value)


def answered(answer: FormAnswer, fields: Mapping[str, Field]) -> tuple[tuple[str, str], ...]:
    """Each question that was answered, and the answer, as a person reads them."""
    return tuple(
        (str(question.get("title", "")), shown_value(fields.get(str(question.get("field"))), value))
        for place, question in enumerate(answer.form.questions)
        if (value := answer.answers.get(str(question.get("key", place)))) not in (None, "", [])
    )


def _text(field: Field, typed: Any) -> str:
    text = str(typed)
    if len(text) > LONGEST_TEXT:
        raise InputError(_("{field}: at most {count} characters.").format(field=field.title, count=LONGEST_TEXT))
    return text


def _number(field: Field, typed: Any) -> float | int:
    try:
        number = float(str(typed).replace(" ", "").replace("\N{NO-BREAK SPACE}", "").replace(",", "."))
    except ValueError:
        raise InputError(_("{field}: {value!r} is no number.").format(field=field.title, value=str(typed))) from None
    if isinstance(typed, bool) or not math.isfinite(number) or abs(number) > 1e15:
        raise InputError(_("{field}: {value!r} is no number.").format(field=field.title, value=str(typed)))
    return int(number) if number.is_integer() else number


def _date(field: Field, typed: Any) -> str:
    text = str(typed)
    for form in ("%Y-%m-%d", "%d.%m.%Y"):
        try:
            return dt.datetime.strptime(text, form).date().isoformat()
        except ValueError:
            continue
    raise InputError(_("{field}: {value!r} is no date such as 2026-03-31.").format(field=field.title, value=text))


def _yes_no(field: Field, typed: Any) -> bool:
    words = {"yes": True, "true": True, "1": True, "да": True, "no": False, "false": False, "0": False, "нет": False}
    text = str(typed).casefold()
    if text not in words:
        raise InputError(_("{field}: yes or no, not {value!r}.").format(field=field.title, value=str(typed)))
    return words[text]


def _choice(field: Field, typed: Any) -> str:
    if typed not in field.choices:
        raise InputError(
            _("{field}: one of {choices}, not {value!r}.").format(
                field=field.title, choices=", ".join(field.choices), value=str(typed)
            )
        )
    return str(typed)


def _choices(field: Field, typed: Any) -> list[str]:
    several = typed if isinstance(typed, list) else [typed]
    chosen = {_choice(field, one) for one in several}
    return [one for one in field.choices if one in chosen]


_READERS = {
    Field.Type.TEXT: _text,
    Field.Type.NUMBER: _number,
    Field.Type.DATE: _date,
    Field.Type.YES_NO: _yes_no,
    Field.Type.CHOICE: _choice,
    Field.Type.CHOICES: _choices,
}
