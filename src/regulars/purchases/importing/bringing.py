"""What each kind of import does with its file: read it first, write it later in one transaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from regulars.analytics.purchases import History, Reading
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.core.progress import Progress
from regulars.foundation.models import Business
from regulars.ingest import read_purchases
from regulars.ingest.headings import normalise
from regulars.purchases.importing.load import load
from regulars.purchases.importing.staging import Stage, stage
from regulars.purchases.models import Import


class Brought(Protocol):
    """A file that was read and waits to be written."""

    def write(self, progress: Progress) -> dict[str, Any]:
        """Write it inside the caller's transaction; what the result tells."""


@dataclass(frozen=True)
class Purchases:
    """Lines of receipts."""

    imported: Import
    staged: Stage
    history: History
    names: Mapping[str, str]  # paths that nobody should see -> what the user called the file
    cards: bool = False

    def write(self, progress: Progress) -> dict[str, Any]:
        """Write receipts and all that they mention."""
        loaded = load(
            self.staged,
            self.imported.pk,
            cards=self.cards,
            source="import",
            is_demo=bool(self.imported.options.get("is_demo")),
            progress=progress,
        )
        return loaded.as_dict() | reading_as_dict(self.history.reading, self.names)


def bring(imported: Import, path: Path, *, folder: Path, rejects: Path, progress: Progress) -> Brought:
    """Read the file of an import. Raises `InputError` when it cannot be used."""
    match imported.kind:
        case Import.Kind.PURCHASES:
            return _purchases(imported, path, folder, rejects, progress)
    raise InputError(_("Files of this kind cannot be imported yet."))


def _purchases(imported: Import, path: Path, folder: Path, rejects: Path, progress: Progress) -> Purchases:
    business = Business.current()
    history = read_purchases(
        path,
        mapping=imported.options.get("mapping") or None,
        currency=business.currency,
        region=business.region,
        accept_rejects=bool(imported.options.get("accept_rejects")),
        rejects_to=rejects,
        workspace=folder,
        progress=progress,
    )
    heading = normalise(history.reading.columns.get("customer_id", ""))
    cards = "карт" in heading or "card" in heading
    progress.step(_("Sorting lines into receipts"), None, None)
    return Purchases(imported, stage(history, folder), history, {str(path): imported.file_name}, cards)


def reading_as_dict(reading: Reading, names: Mapping[str, str]) -> dict[str, Any]:
    """What happened to the rows, without our own paths."""

    def shown(text: str | None) -> str | None:
        for path, name in names.items():
            text = text.replace(path, name) if text else text
        return text

    return {
        "rows_read": reading.rows_read,
        "rows_accepted": reading.rows_accepted,
        "rows_rejected": reading.rows_rejected,
        "rows_without_customer": reading.rows_without_customer,
        "reject_reasons": dict(reading.reject_reasons),
        "columns": dict(reading.columns),
        "notices": [
            {"kind": one.kind, "rows": one.rows, "example": shown(one.example), "estimated": one.estimated}
            for one in reading.notices
        ],
    }
