"""The rows behind a statement as a file that a partner's bookkeeper opens."""

import csv
import io
from collections.abc import Iterable, Iterator

from regulars.core.i18n import current_language
from regulars.core.i18n import gettext as _
from regulars.core.money import to_units
from regulars.foundation.models import Business
from regulars.insights.exports import safe_text
from regulars.loyalty.settling import Settled, what_happened

_PIECE = 1 << 16


def csv_of(rows: Iterable[Settled], business: Business) -> Iterator[bytes]:
    """One posting in a line, piece by piece: what a Russian Excel opens has semicolons."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";" if current_language() == "ru" else ",", lineterminator="\r\n")
    writer.writerow([
        _("Settled on"), _("Date"), _("Till"), _("Receipt"), _("What"), _("Points"), _("Price of 1,000 points"),
        _("Sum"),
    ])  # fmt: skip
    yield "\N{BYTE ORDER MARK}".encode()
    for one in rows:
        writer.writerow([
            one.day.isoformat(), one.happened_at.astimezone(business.zone).isoformat(" ", "minutes"), one.till,
            safe_text(one.number), what_happened(one.kind, is_back=one.points < 0), one.points,
            to_units(one.price, business.currency), to_units(one.amount, business.currency),
        ])  # fmt: skip
        if out.tell() > _PIECE:
            yield _taken(out)
    yield _taken(out)


def _taken(out: io.StringIO) -> bytes:
    text = out.getvalue()
    out.seek(0)
    out.truncate()
    return text.encode("utf-8", errors="replace")
