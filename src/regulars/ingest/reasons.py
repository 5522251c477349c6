"""What the stable names of rejects and notices mean, in the language of the reader."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from regulars.analytics.purchases import Notice
from regulars.core.i18n import N_, format_number, ngettext
from regulars.core.i18n import gettext as _

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "wrong_cells": N_("the line has more or fewer cells than the table has columns"),
        "no_date": N_("there is no date"),
        "bad_date": N_("the date cannot be read"),
        "bad_time": N_("the time cannot be read"),
        "impossible_date": N_("the date is before 1970"),
        "future_date": N_("the date is in the future"),
        "no_amount": N_("there is no amount"),
        "bad_amount": N_("the amount is not a number"),
    }
)


# each makes the sentence for a count; the functions, not the words, are stored, because the language may change
NOTICES: Mapping[str, Callable[[int], str]] = MappingProxyType(
    {
        "without_customer": lambda n: ngettext(
            "{rows} line has no customer: it counts in revenue and belongs to nobody",
            "{rows} lines have no customer: they count in revenue and belong to nobody",
            n,
        ),
        "returns": lambda n: ngettext(
            "{rows} line has a negative amount: it is taken for a return",
            "{rows} lines have a negative amount: they are taken for returns",
            n,
        ),
        "zero_amounts": lambda n: ngettext(
            "{rows} line has the amount zero",
            "{rows} lines have the amount zero",
            n,
        ),
        "identical_lines": lambda n: ngettext(
            "{rows} line repeats another line of its file: kept, because two equal units are two lines",
            "{rows} lines repeat other lines of their file: kept, because two equal units are two lines",
            n,
        ),
        "repeated_lines": lambda n: ngettext(
            "{rows} line repeats a line of another file: left out",
            "{rows} lines repeat lines of another file: left out",
            n,
        ),
        "same_files": lambda n: ngettext(
            "{rows} file holds the same bytes as another one: not read twice",
            "{rows} files hold the same bytes as other ones: not read twice",
            n,
        ),
        "extreme_quantities": lambda n: ngettext(
            "{rows} line has a quantity far above the usual, perhaps in another unit: kept",
            "{rows} lines have quantities far above the usual, perhaps in another unit: kept",
            n,
        ),
        "invalid_phones": lambda n: ngettext(
            "{rows} telephone number cannot exist: kept as it is written",
            "{rows} telephone numbers cannot exist: kept as they are written",
            n,
        ),
        "skipped_sheets": lambda n: ngettext(
            "{rows} sheet was left out: it is hidden or its columns are different",
            "{rows} sheets were left out: they are hidden or their columns are different",
            n,
        ),
        "skipped_files": lambda n: ngettext(
            "{rows} file was left out: it has no columns of purchases",
            "{rows} files were left out: they have no columns of purchases",
            n,
        ),
        "total_rows": lambda n: ngettext(
            "{rows} row with a total was skipped",
            "{rows} rows with totals were skipped",
            n,
        ),
        "header_rows": lambda n: ngettext(
            "{rows} repeated row of headings was skipped",
            "{rows} repeated rows of headings were skipped",
            n,
        ),
        "ambiguous_dates": lambda n: ngettext(
            "{rows} date can be read day first or month first: the order of the region was taken",
            "{rows} dates can be read day first or month first: the order of the region was taken",
            n,
        ),
        "mixed_dates": lambda n: ngettext(
            "{rows} date is written in another way than the rest of its column: understood all the same",
            "{rows} dates are written in another way than the rest of their column: understood all the same",
            n,
        ),
        "unread_values": lambda n: ngettext(
            "{rows} optional cell could not be read and was left empty",
            "{rows} optional cells could not be read and were left empty",
            n,
        ),
        "damaged_text": lambda n: ngettext(
            "{rows} character was damaged in the file and replaced",
            "{rows} characters were damaged in the file and replaced",
            n,
        ),
        "guessed_currency": lambda n: ngettext(
            "{rows} line has no sign of its currency: the money of the region was taken",
            "{rows} lines have no sign of their currency: the money of the region was taken",
            n,
        ),
        "converted_zone": lambda n: ngettext(
            "{rows} column holds moments with a time zone: shown in UTC, not in the time of the shop",
            "{rows} columns hold moments with a time zone: shown in UTC, not in the time of the shop",
            n,
        ),
        "repeated_totals": lambda n: ngettext(
            "{rows} line has the same amount as all lines of its receipt: is it the receipt's sum, counted again?",
            "{rows} lines have the same amount as all lines of their receipts: is it the receipt's sum, counted again?",
            n,
        ),
        "few_columns": lambda n: ngettext(
            "{rows} file lacks columns that other files have: they stay empty",
            "{rows} files lack columns that other files have: they stay empty",
            n,
        ),
    }
)


def describe_reason(reason: str) -> str:
    """Why a row was rejected, in the current language."""
    return _(REASONS.get(reason, reason))


def describe_notice(notice: Notice) -> str:
    """A notice as a sentence in the current language, with its count and its example."""
    sentence = NOTICES.get(notice.kind)
    text = sentence(notice.rows) if sentence is not None else "{rows} " + notice.kind
    rows = format_number(notice.rows)
    text = text.format(rows=_("about {number}").format(number=rows) if notice.estimated else rows)
    return f"{text} ({notice.example})" if notice.example else text
