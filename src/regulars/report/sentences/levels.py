"""What newcomers began with, what regulars bought last, and who served them, as a reader calls it."""

from babel import dates

from regulars.core.i18n import current_language
from regulars.core.i18n import gettext as _
from regulars.report import names, words


def thing(dimension: str, label: str) -> str:
    """A level with its kind: product “Flat white”."""
    if dimension in {"discount", "shift"}:
        return level(dimension, label)
    return _("{kind} “{name}”").format(kind=names.role(dimension), name=words.name(label))


def level(dimension: str, label: str) -> str:
    """A level alone, as in a table."""
    if dimension == "discount":
        return _depth(label)
    if dimension == "shift":
        return _shift(label)
    return words.name(label)


def is_ours(dimension: str) -> bool:
    """Whether the text is ours, not the user's."""
    return dimension in {"discount", "shift"}


def _depth(key: str) -> str:
    if key == "0":
        return _("no discount")
    if key == "100":
        return _("discount of more than 30%")
    return _("discount of up to {percent}").format(percent=words.percent(int(key) / 100))


def _shift(key: str) -> str:
    weekday, hour = key.split(":")
    day = dates.get_day_names("wide", "stand-alone", current_language())[int(weekday)]
    hours = {
        "0": _("before 11:00"),
        "11": _("from 11:00 to 15:00"),
        "15": _("from 15:00 to 19:00"),
        "19": _("after 19:00"),
    }[hour]
    return _("{weekday}, {hours}").format(weekday=day, hours=hours)
