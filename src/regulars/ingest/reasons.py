"""What the stable names of rejects and notices mean, in the language of the reader."""

from regulars.analytics.purchases import Notice
from regulars.core.i18n import N_, format_number
from regulars.core.i18n import gettext as _

REASONS = {
    "wrong_cells": N_("the line has more or fewer cells than the table has columns"),
    "no_date": N_("there is no date"),
    "bad_date": N_("the date cannot be read"),
    "bad_time": N_("the time cannot be read"),
    "impossible_date": N_("the date is before 1970"),
    "future_date": N_("the date is in the future"),
    "no_amount": N_("there is no amount"),
    "bad_amount": N_("the amount is not a number"),
}

NOTICES = {
    "without_customer": N_("{rows} lines have no customer: they count in revenue and belong to nobody"),
    "returns": N_("{rows} lines have a negative amount: they are taken for returns"),
    "zero_amounts": N_("{rows} lines have the amount zero"),
    "identical_lines": N_("{rows} lines repeat another line of their file: kept, two equal units are two lines"),
    "repeated_lines": N_("{rows} lines repeat lines of another file: left out"),
    "same_files": N_("{rows} files hold the same bytes as another one: not read twice"),
    "extreme_quantities": N_("{rows} lines have a quantity far above the usual: mixed units? They are kept"),
    "invalid_phones": N_("{rows} customers have a telephone number that cannot exist: kept as it is written"),
    "skipped_sheets": N_("{rows} sheets were left out: their columns are different"),
    "skipped_files": N_("{rows} files were left out: they have no columns of purchases"),
    "total_rows": N_("{rows} rows with totals were skipped"),
    "header_rows": N_("{rows} repeated rows of headings were skipped"),
    "ambiguous_dates": N_("{rows} dates can be read day first or month first: the order of your region was taken"),
    "mixed_dates": N_("{rows} dates are written in another way than the rest of their column: understood all the same"),
    "unread_values": N_("{rows} optional cells could not be read and were left empty"),
    "damaged_text": N_("{rows} characters were damaged in the file and replaced"),
    "guessed_currency": N_("no currency is named in the files: the one of your region was taken"),
    "converted_zone": N_("{rows} columns hold moments with a time zone: they are shown in UTC, not in the shop's time"),
    "few_columns": N_("{rows} files lack columns that other files have: those stay empty"),
}


def describe_reason(reason: str) -> str:
    """Why a row was rejected, in the current language."""
    return _(REASONS.get(reason, reason))


def describe_notice(notice: Notice) -> str:
    """A notice as a sentence in the current language, with its count and its example."""
    text = _(NOTICES.get(notice.kind, "{rows} " + notice.kind)).format(rows=format_number(notice.rows))
    if notice.estimated:
        text = _("About {text}").format(text=text)
    return f"{text} ({notice.example})" if notice.example else text
