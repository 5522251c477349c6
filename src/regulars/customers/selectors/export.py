"""All that is known of one person, to hand over: a ZIP with JSON for programs and a page for people.

It goes out while it is made, row by row and file by file: memory does not grow with the history.
"""

import json
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from markupsafe import Markup, escape

from regulars.core.i18n import N_, current_language
from regulars.core.i18n import gettext as _
from regulars.customers.models import Customer, File
from regulars.customers.names import shown_name
from regulars.customers.selectors.changes import FIELD_TITLES
from regulars.customers.selectors.family import family_of
from regulars.customers.services.files import path_of
from regulars.customers.services.moving import links
from regulars.foundation.models import Change

# of the machinery, or of other people
_UNTOLD = frozenset({"search_text", "search_parts", "token_hash", "stored_as", "import_id", "key", "is_demo"})
_ROWS, _CHUNK = 1_000, 1 << 20

# the rest is called as in the JSON
_TITLES = {
    "customer": N_("Who he is"), "contact": N_("Contacts"), "note": N_("Notes"), "consent": N_("Consents"),
    "relation": N_("Relations"), "relation.other": N_("Relations"), "file": N_("Files"),
    "formanswer": N_("Questionnaires"), "receipt": N_("Purchases"), "receipt line": N_("Lines of purchases"),
    "change": N_("Changes"), "score": N_("What the audit says"), "customer_tags": N_("Tags"),
}  # fmt: skip

Row = dict[str, Any]
Tables = dict[str, Callable[[], Iterable[Row]]]


def all_about(customer: Customer) -> Tables:
    """Every table that points to him, and to those who became part of him; rows are read when they are asked for."""
    ids = family_of(customer.pk)
    tables: Tables = {"customer": _rows(Customer, {"pk__in": ids})}
    for link in links():
        name = f"{link.model._meta.model_name}" + ("" if link.name == "customer" else f".{link.name}")
        tables[name] = _rows(link.model, {f"{link.name}__in": ids})
        if name == "receipt":
            tables["receipt line"] = _rows_below(link.model, ids)
    tables["change"] = _rows(Change, {"customer_id__in": ids})
    return tables


def archive(customer: Customer) -> Iterator[bytes]:
    """The ZIP, piece by piece: data.json, readable.html, and his files."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as made:
        tables = all_about(customer)
        for name, pieces in (("data.json", _json(tables)), ("readable.html", _page(customer, tables))):
            with made.open(name, "w", force_zip64=True) as part:
                for piece in pieces:
                    part.write(piece.encode("utf-8", "replace"))
                    yield from sink.taken()
        for file in File.objects.filter(customer__in=family_of(customer.pk)).order_by("pk").iterator(_ROWS):
            yield from _copied(made, sink, path_of(file), f"files/{file.pk}-{_bare(file.name)}")
    yield from sink.taken(at_least=1)


class _Sink:
    """Where the archive writes; what has come together is taken away."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0

    def write(self, piece: bytes) -> int:
        """Keep a piece until somebody takes it."""
        self._pieces.append(bytes(piece))
        self._size += len(piece)
        return len(piece)

    def flush(self) -> None:
        """Nothing waits here."""

    def close(self) -> None:
        """Nothing to close."""

    def taken(self, at_least: int = 1 << 16) -> Iterator[bytes]:
        """All that has come together, when it is worth sending."""
        if self._size >= at_least:
            whole, self._pieces, self._size = b"".join(self._pieces), [], 0
            yield whole


def _copied(made: zipfile.ZipFile, sink: _Sink, path: Path, name: str) -> Iterator[bytes]:
    try:
        source: IO[bytes] = path.open("rb")
    except FileNotFoundError:
        return
    with source, made.open(name, "w", force_zip64=True) as part:
        while chunk := source.read(_CHUNK):
            part.write(chunk)
            yield from sink.taken()


def _bare(name: str) -> str:
    """A name that stays within the archive's folder wherever it is unpacked."""
    return re.sub(r'[\\/:*?"<>|\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]', "_", name)


def _rows(model: type[models.Model], which: dict[str, Any]) -> Callable[[], Iterator[Row]]:
    def read() -> Iterator[Row]:
        for row in model._base_manager.filter(**which).order_by("pk").values().iterator(_ROWS):
            yield {name: value for name, value in row.items() if name not in _UNTOLD}

    return read


def _rows_below(model: type[models.Model], ids: list[int]) -> Callable[[], Iterable[Row]]:
    """Lines of receipts, found like everything else without knowing that package."""
    below = next((one for one in model._meta.related_objects if one.field.name == "receipt"), None)
    return _rows(below.related_model, {"receipt__customer__in": ids}) if below is not None else lambda: ()


def _json(tables: Tables) -> Iterator[str]:
    coder = DjangoJSONEncoder(ensure_ascii=False, indent=1)
    yield "{"
    for place, (name, rows) in enumerate(tables.items()):
        yield f"{',' if place else ''}\n{json.dumps(name)}: ["
        for number, row in enumerate(rows()):
            yield (",\n" if number else "\n") + coder.encode(row)
        yield "]"
    yield "\n}\n"


def _page(customer: Customer, tables: Tables) -> Iterator[str]:
    title = escape(_("All that is known of {name}").format(name=shown_name(customer)))
    yield f'<!doctype html>\n<html lang="{current_language()}"><head><meta charset="utf-8">'
    yield f"<title>{title}</title></head><body>\n<h1>{title}</h1>\n"
    for name, rows in tables.items():
        for number, row in enumerate(rows()):
            if not number:
                yield f"<h2>{escape(_(_TITLES.get(name, name)))}</h2>\n"
            yield _shown(row)
    yield "</body></html>\n"


def _shown(row: Row) -> str:
    told = ((field, value) for field, value in row.items() if value not in (None, "", [], {}))
    lines = (
        Markup("<dt>{}</dt><dd>{}</dd>\n").format(_(FIELD_TITLES.get(field, field)), value) for field, value in told
    )
    return Markup("<dl>\n{}</dl><hr>\n").format(Markup("").join(lines))
