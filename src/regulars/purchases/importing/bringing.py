"""What each kind of import does with its file: read it first, write it later in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from regulars.analytics.purchases import History, Reading
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.core.progress import Progress
from regulars.foundation.models import Business
from regulars.ingest import read_purchases
from regulars.ingest.engine import Engine
from regulars.ingest.headings import normalise
from regulars.purchases.importing.commerceml import read_commerceml
from regulars.purchases.importing.documents import history_of
from regulars.purchases.importing.exchange import execute
from regulars.purchases.importing.fiscal import read_fiscal
from regulars.purchases.importing.goods import write_catalogue
from regulars.purchases.importing.load import LOCK, load
from regulars.purchases.importing.people_lists import check, open_engine, open_list, stage_list
from regulars.purchases.importing.people_loading import (
    load_list,
    settle_phones,
    settle_rows,
    stage_people,
    write_rejects,
)
from regulars.purchases.importing.price_lists import check as check_prices
from regulars.purchases.importing.price_lists import open_price_list, reasons_of, stage_prices, usable
from regulars.purchases.importing.price_lists import write_rejects as write_rejected_prices
from regulars.purchases.importing.staging import Stage, stage
from regulars.purchases.models import Import, Stated
from regulars.purchases.stating import kept_kinds, remember_kinds, state_by_code


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
        case Import.Kind.CUSTOMERS:
            return _customers(imported, path, folder, rejects, progress)
        case Import.Kind.FISCAL:
            return _fiscal(imported, path, folder)
        case Import.Kind.GOODS:
            return _goods(imported, path, folder, rejects, progress)
        case Import.Kind.COMMERCEML:
            return _commerceml(imported, path, folder)
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


@dataclass(frozen=True)
class Customers:
    """A list of customers."""

    imported: Import
    engine: Engine
    folder: Path
    figures: Mapping[str, Any]

    def write(self, progress: Progress) -> dict[str, Any]:
        """Write them and their contacts."""
        demo = bool(self.imported.options.get("is_demo"))
        loaded = load_list(self.engine, self.folder, self.imported.pk, is_demo=demo, progress=progress)
        return {**loaded.counts, **self.figures}


def _customers(imported: Import, path: Path, folder: Path, rejects: Path, progress: Progress) -> Customers:
    region = Business.current().region
    engine = open_engine(folder, progress)
    columns = open_list(engine, path, imported.options.get("mapping") or None)
    check(columns)
    stage_list(engine, columns, region)
    invalid = settle_phones(engine, region)
    nobody = settle_rows(engine)
    write_rejects(engine, rejects)
    rows = int(engine.rows("SELECT count(*) FROM pl_people")[0][0])
    reasons = {"names_nobody": nobody, "bad_contact": invalid}
    figures = {
        "rows_read": rows,
        "rows_accepted": rows - nobody,
        "rows_rejected": nobody,
        "reject_reasons": {reason: count for reason, count in reasons.items() if count},
    }
    return Customers(imported, engine, folder, figures)


@dataclass(frozen=True)
class Prices:
    """A list of costs and prices."""

    imported: Import
    rows: Sequence[tuple[str, str | None, int | None, int | None, bool]]
    figures: Mapping[str, Any]

    def write(self, progress: Progress) -> dict[str, Any]:
        """First the products that are new, then what each costs."""
        execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        progress.step(_("Products and stores"), None, None)
        new = {code: (name or code, "") for code, name, _cost, _price, is_known in self.rows if not is_known}
        said = {
            "costs": [(code, cost) for code, _name, cost, _price, _known in self.rows if cost is not None],
            "prices": [(code, price) for code, _name, _cost, price, _known in self.rows if price is not None],
        }
        made = write_catalogue(new, self.imported.pk)
        changed = {
            name: state_by_code(what, [code for code, _sum in sums], [each for _code, each in sums],
                                import_id=self.imported.pk)
            for (name, sums), what in zip(said.items(), Stated.What.values, strict=True)
        }  # fmt: skip
        return {"products": made, **changed, **self.figures}


def _goods(imported: Import, path: Path, folder: Path, rejects: Path, progress: Progress) -> Prices:
    engine = open_engine(folder, progress)
    columns = open_price_list(engine, path, imported.options.get("mapping") or None)
    check_prices(columns)
    stage_prices(engine, columns)
    rows, reasons = usable(engine), reasons_of(engine)
    rejected, read = sum(reasons.values()), int(engine.rows("SELECT count(*) FROM pr_rows")[0][0])
    if not rows:
        raise InputError(_("No row of this file can be used: open it again to see why."))
    if rejected:
        write_rejected_prices(engine, rejects)
    figures = {
        "rows_read": read, "rows_accepted": read - rejected, "rows_rejected": rejected, "reject_reasons": reasons
    }  # fmt: skip
    return Prices(imported, rows, figures)


@dataclass(frozen=True)
class Documents:
    """Receipts that come as documents, and what comes with them."""

    imported: Import
    staged: Stage
    figures: Mapping[str, Any]
    products: Mapping[str, tuple[str, str]]
    people: Engine | None = None
    kinds: Mapping[str, str] = field(default_factory=dict)  # of prices
    prices: Mapping[str, Mapping[str, int]] = field(default_factory=dict)  # "cost" and "price": code -> of a unit

    def write(self, progress: Progress) -> dict[str, Any]:
        """First who and what they mention, then the receipts."""
        counts: dict[str, Any] = {}
        forgotten: frozenset[str] = frozenset()
        demo = bool(self.imported.options.get("is_demo"))
        if self.people is not None:
            people = load_list(self.people, self.staged.folder, self.imported.pk, is_demo=demo, progress=progress)
            counts, forgotten = dict(people.counts), people.forgotten
        products = write_catalogue(self.products, self.imported.pk)
        loaded = load(
            self.staged, self.imported.pk, cards=False, source="import", is_demo=demo, forgotten=forgotten,
            progress=progress,
        )  # fmt: skip
        remember_kinds(self.kinds)
        stated = {
            what: state_by_code(what, list(said), list(said.values()), import_id=self.imported.pk)
            for what, said in self.prices.items()
        }
        made = counts.get("customers", 0) + loaded.customers
        return {
            **counts,
            **loaded.as_dict(),
            "customers": made,
            "customers_forgotten": counts.get("customers_forgotten", 0) or loaded.customers_forgotten,
            "products": products + loaded.products,
            "costs": loaded.costs + stated.get("cost", 0),
            "prices": stated.get("price", 0),
            **self.figures,
        }


def _fiscal(imported: Import, path: Path, folder: Path) -> Documents:
    business = Business.current()
    found = read_fiscal(path, region=business.region, currency=business.currency)
    staged = stage(history_of(found.lines, folder), folder)
    return Documents(imported, staged, _documents_read(found.documents, found.reasons), {})


def _commerceml(imported: Import, path: Path, folder: Path) -> Documents:
    business = Business.current()
    found = read_commerceml(path, currency=business.currency, kinds=kept_kinds())
    staged = stage(history_of(found.lines, folder), folder)
    people = stage_people(found.people, folder, business.region) if found.people else None
    figures = _documents_read(found.documents, found.reasons)
    unused = {what: count for what, count in found.unused.items() if count}
    return Documents(imported, staged, figures | {"unused": unused}, found.products, people, found.kinds, found.prices)


def _documents_read(documents: int, reasons: Mapping[str, int]) -> dict[str, Any]:
    rejected = sum(reasons.values())
    return {
        "rows_read": documents,
        "rows_accepted": documents - rejected,
        "rows_rejected": rejected,
        "reject_reasons": dict(reasons),
    }


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
