"""What kind of file somebody dropped, by its first bytes and its columns."""

from pathlib import Path

from regulars.core.errors import InputError
from regulars.foundation.models import Business
from regulars.ingest import inspect
from regulars.purchases.importing.people_lists import looks_like_list
from regulars.purchases.importing.price_lists import looks_like_price_list
from regulars.purchases.models import Import

_HEAD = 4096


def guess_kind(path: Path, name: str) -> str:
    """The kind of import that fits; a file that fits none is shown as purchases, with what it lacks."""
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"<?xml") or "КоммерческаяИнформация".encode() in start:
        return Import.Kind.COMMERCEML
    if start.startswith((b"{", b"[")) or name.lower().endswith(".json"):
        return Import.Kind.FISCAL
    try:
        is_purchases = not inspect(path, region=Business.current().region).problems
    except InputError:
        is_purchases = False
    if is_purchases:
        return Import.Kind.PURCHASES
    # first, because the name of a product is read as somebody's
    if looks_like_price_list(path):
        return Import.Kind.GOODS
    return Import.Kind.CUSTOMERS if looks_like_list(path) else Import.Kind.PURCHASES
