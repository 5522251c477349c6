"""The act of an erasure as PDF: what was done, when and by whom, without a word about the person himself."""

from xml.sax.saxutils import escape

import vl_convert

from regulars.core.i18n import current_language, format_date, ngettext
from regulars.core.i18n import gettext as _
from regulars.customers.models import Erasure
from regulars.foundation.models import Business

_WIDTH, _HEIGHT, _LEFT, _LINE = 595, 842, 56, 18
_LONGEST = 78


def act_of(case: Erasure, business: Business | None) -> bytes:
    """One page of A4."""
    made: bytes = vl_convert.svg_to_pdf(_page(_lines(case, business)))
    return made


def _lines(case: Erasure, business: Business | None) -> list[tuple[str, bool]]:
    """Lines of text; true are headings."""
    if case.done_at is None:
        raise ValueError("an act is for what was done")
    zone = business.zone if business else None
    words = [
        (_("Act of erasure of personal data No {number}").format(number=case.pk), True),
        (business.name if business else "", False),
        ("", False),
        (_("Customer No {number}").format(number=case.customer_id), False),
        (_("Demanded on {day}: {how}").format(day=format_date(case.asked_on), how=case.asked_by), False),
        (_("Due on {day}").format(day=format_date(case.due_on)), False),
        (_("Done on {day}").format(day=format_date(case.done_at.astimezone(zone).date())), False),
        (_("Done by {name}").format(name=case.done_by.name if case.done_by else "–"), False),
        ("", False),
        (_("Deleted for good: names, birthday, key, and"), False),
        *((f"– {words}", False) for words in counted(case.what)),
        (_("– the history of their changes"), False),
        ("", False),
        (_("Purchases are kept as figures that name nobody."), False),
        (_("Keyed hashes of contacts are kept to stop a repeated import."), False),
        ("", False),
        (_("Signature: ____________________"), False),
    ]
    return [(piece, is_heading) for text, is_heading in words for piece in _wrapped(text)]


_TITLES = {
    "contact": lambda n: ngettext("{count} contact", "{count} contacts", n).format(count=n),
    "note": lambda n: ngettext("{count} note", "{count} notes", n).format(count=n),
    "file": lambda n: ngettext("{count} file", "{count} files", n).format(count=n),
    "formanswer": lambda n: ngettext("{count} questionnaire", "{count} questionnaires", n).format(count=n),
    "relation": lambda n: ngettext("{count} relation", "{count} relations", n).format(count=n),
    "tag": lambda n: ngettext("{count} tag", "{count} tags", n).format(count=n),
    "consent": lambda n: ngettext("{count} statement of consent", "{count} statements of consent", n).format(count=n),
}


def counted(what: dict[str, int]) -> list[str]:
    """How much of each was erased, in words."""
    return [_TITLES[name](count) for name, count in what.items() if name in _TITLES]


def _page(lines: list[tuple[str, bool]]) -> str:
    text = "".join(
        f'<text x="{_LEFT}" y="{72 + place * _LINE}" font-size="{15 if is_heading else 11}" '
        f'font-weight="{"bold" if is_heading else "normal"}">{escape(_plain(line))}</text>'
        for place, (line, is_heading) in enumerate(lines)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" xml:lang="{current_language()}" '
        f'font-family="DejaVu Sans, Liberation Sans, Arial, sans-serif">{text}</svg>'
    )


def _plain(text: str) -> str:
    """Without what an XML file cannot hold."""
    return "".join(letter for letter in text if letter.isprintable())


def _wrapped(text: str) -> list[str]:
    lines, line = [], ""
    for word in text.split():
        for piece in (word[place : place + _LONGEST] for place in range(0, len(word), _LONGEST)):
            if line and len(line) + 1 + len(piece) > _LONGEST:
                lines.append(line)
                line = ""
            line = f"{line} {piece}" if line else piece
    return [*lines, line]
