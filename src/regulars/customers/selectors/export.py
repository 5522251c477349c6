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
from django.utils import timezone

from regulars.customers.models import Consent, Customer, File, Purpose
from regulars.customers.names import shown_name
from regulars.customers.readable import page
from regulars.customers.selectors.family import family_of
from regulars.customers.services.files import path_of
from regulars.customers.services.moving import label
from regulars.foundation.models import Business, Change

# of the machinery, or of other people
_UNTOLD = frozenset(
    {"search_text", "search_parts", "token_hash", "stored_as", "digest", "chain", "import_id", "imported_by_id", "key",
     "cost", "is_demo", "code_digest"}
)  # fmt: skip
_ROWS, _CHUNK = 1_000, 1 << 20

# about the base, not about him
_NOT_HIS = frozenset(
    {"customers.Customer.merged_into", "customers.Merge.kept", "customers.Merge.gone", "customers.Likeness.first",
     "customers.Likeness.second"}
)  # fmt: skip

Row = dict[str, Any]
Tables = dict[str, Callable[[], Iterable[Row]]]


def all_about(customer: Customer) -> Tables:
    """Every table that points to him, and to those who became part of him; rows are read when they are asked for."""
    ids = family_of(customer.pk)
    tables: Tables = {"about": _about, "customer": _rows(Customer, {"pk__in": ids})}
    for link in _links():
        name = f"{link.model._meta.model_name}" + ("" if link.name == "customer" else f".{link.name}")
        tables[name] = _rows(link.model, {f"{link.name}__in": ids})
        if name == "receipt":
            tables["receipt line"] = _rows_below(link.model, ids)
    said = Consent.objects.filter(customer__in=ids)
    tables["purpose"] = _rows(Purpose, {"slug__in": said.values("purpose")})
    tables["change"] = _rows(Change, {"customer_id__in": ids})
    return tables


def archive(customer: Customer) -> Iterator[bytes]:
    """The ZIP, piece by piece: data.json, readable.html, and his files."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as made:
        readable = page(shown_name(customer), family_of(customer.pk))
        for name, pieces in (("data.json", _json(all_about(customer))), ("readable.html", readable)):
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


def _about() -> list[Row]:
    """What a program has to know to read the rest."""
    return [{"made_at": timezone.now(), "currency": Business.current().currency, "amounts_in": "minor units"}]


def _links() -> "Iterator[models.ForeignKey[Any, Any]]":
    """All tables that point to customers and tell of a person."""
    for relation in Customer._meta.get_fields(include_hidden=True):
        link = getattr(relation, "field", None)
        if relation.auto_created and isinstance(link, models.ForeignKey) and label(link) not in _NOT_HIS:
            yield link


def _rows(model: type[models.Model], which: dict[str, Any]) -> Callable[[], Iterator[Row]]:
    told = [one.attname for one in model._meta.concrete_fields if one.attname not in _UNTOLD]
    names = dict(_names(model))

    def read() -> Iterator[Row]:
        return iter(model._base_manager.filter(**which).order_by("pk").values(*told, **names).iterator(_ROWS))

    return read


def _names(model: type[models.Model]) -> Iterator[tuple[str, models.F]]:
    """What numbers of other tables stand for; other customers are left without names: those are their own data."""
    for link in model._meta.concrete_fields:
        if isinstance(link, models.ForeignKey) and link.related_model is not Customer and link.attname not in _UNTOLD:
            known = {one.name for one in link.related_model._meta.concrete_fields}
            for name in ("name", "title"):
                if name in known:
                    yield f"{link.name}_{name}", models.F(f"{link.name}__{name}")


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
