"""Two rows become one person, and two again: every row that moves and every field that is filled is written down."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.db.models import Q
from django.utils import timezone

from regulars.accounts.models import User
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.customers.models import Contact, Customer, Erasure, Merge
from regulars.customers.selectors.family import chain_of
from regulars.customers.services.moving import allow_ledger, label, link_of, links, move
from regulars.foundation.changes import acting
from regulars.foundation.outbox import Event, announce

_NAME = ("family_name", "given_name", "middle_name")
_ALONE = ("name", "birth_date", "sex", "language", "owner_id", "source")
_PEACE = ("is_quiet", "quiet_reason", "quiet_until")


def merge(kept: Customer, gone: Customer, *, by: User | None, reasons: Sequence[str] = ()) -> Merge:
    """`gone` becomes part of `kept`: what he has moves, what the other lacks is filled, nothing is lost.

    Statements of consent of both are one ledger from now on; who was to be left in peace stays so.
    """
    with acting(by.pk if by else None, "web" if by else "rule"):
        kept, gone = _locked_pair(kept.pk, gone.pk)
        allow_ledger("merge")
        mains = _give_way(kept, gone)
        rows = {label(link): move(link, rows=Q(**{link.attname: gone.pk}), to=kept.pk) for link in links()}
        moved = {"rows": {name: ids for name, ids in rows.items() if ids}, "mains": mains, **_fill(kept, gone)}
        Customer.objects.filter(pk=gone.pk).update(merged_into=kept.pk)
        allow_ledger("")
        announce(Event.CUSTOMERS_MERGED, {"kept": kept.pk, "gone": gone.pk})
        return Merge.objects.create(kept=kept, gone=gone, reasons=list(reasons), moved=moved, by=by)


def unmerge(merge: Merge, *, by: User) -> Customer:
    """They are two again: what moved goes back, what was filled is emptied unless somebody changed it since."""
    with acting(by.pk, "web"):
        merge = Merge.objects.select_for_update().get(pk=merge.pk)
        gone = Customer.objects.select_for_update().get(pk=merge.gone_id)
        if merge.undone_at is not None:
            raise InputError(_("This merge was taken back already."))
        holders = chain_of(merge.kept_id)
        if Erasure.objects.filter(customer__in=[*holders, gone.pk], done_at__isnull=False).exists():
            raise InputError(_("The data of this person were erased: there is nothing to part."))
        allow_ledger("merge")
        Customer.objects.filter(pk=gone.pk).update(merged_into=None)
        _take_back(merge, holders, gone)
        _empty(Customer.objects.select_for_update().get(pk=merge.kept_id), merge.moved)
        allow_ledger("")
        merge.undone_by, merge.undone_at = by, timezone.now()
        merge.save(update_fields=["undone_by", "undone_at"])
        gone.refresh_from_db()
        announce(Event.CUSTOMERS_PARTED, {"kept": merge.kept_id, "again": gone.pk})
        return gone


def _locked_pair(kept_id: int, gone_id: int) -> tuple[Customer, Customer]:
    if kept_id == gone_id:
        raise InputError(_("This is the same customer."))
    # in one order everywhere, so that two merges cannot wait for each other
    found = {
        one.pk: one for one in Customer.objects.select_for_update().filter(pk__in=[kept_id, gone_id]).order_by("pk")
    }
    if len(found) < 2 or any(one.merged_into_id for one in found.values()):
        raise InputError(_("One of the two is part of another customer already: open the card anew."))
    if Erasure.objects.filter(customer__in=found).exists():
        raise InputError(_("One of the two asked to be erased: do that first."))
    return found[kept_id], found[gone_id]


def _give_way(kept: Customer, gone: Customer) -> list[int]:
    """Main contacts of `gone` that are no longer: one of a kind is the main one."""
    taken = Contact.objects.filter(customer=kept, is_main=True).values("kind")
    ids = list(
        Contact.objects.filter(customer=gone, is_main=True, kind__in=taken).order_by("pk").values_list("pk", flat=True)
    )
    Contact.objects.filter(pk__in=ids).update(is_main=False)
    return ids


def _fill(kept: Customer, gone: Customer) -> dict[str, Any]:
    """Fill what is empty, and say what was there before and is there after."""
    names = [name for name in _ALONE if not getattr(kept, name) and getattr(gone, name)]
    if not any(getattr(kept, name) for name in _NAME):
        names += [name for name in _NAME if getattr(gone, name)]
    if gone.is_quiet and not kept.is_quiet:
        names += _PEACE
    fields = {name: [_plain(getattr(kept, name)), _plain(getattr(gone, name))] for name in names}
    own = {slug: value for slug, value in gone.own_fields.items() if slug not in kept.own_fields}
    values = {name: getattr(gone, name) for name in names}
    if own:
        values["own_fields"] = kept.own_fields | own
    if values:
        Customer.objects.filter(pk=kept.pk).update(**values)
    return {"fields": fields, "own_fields": own}


def _take_back(merge: Merge, holders: list[int], gone: Customer) -> None:
    for name, ids in merge.moved.get("rows", {}).items():
        link = link_of(name)
        if link is not None:
            move(link, rows=Q(pk__in=ids, **{f"{link.attname}__in": holders}), to=gone.pk)
    taken = Contact.objects.filter(customer=gone, is_main=True).values_list("kind", flat=True)
    Contact.objects.filter(customer=gone, pk__in=merge.moved.get("mains", [])).exclude(kind__in=list(taken)).update(
        is_main=True
    )


def _empty(kept: Customer, moved: dict[str, Any]) -> None:
    values: dict[str, Any] = {
        name: before
        for name, (before, after) in moved.get("fields", {}).items()
        if _plain(getattr(kept, name)) == after
    }
    filled = moved.get("own_fields", {})
    values["own_fields"] = {
        slug: value for slug, value in kept.own_fields.items() if slug not in filled or filled[slug] != value
    }
    Customer.objects.filter(pk=kept.pk).update(**values)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, dt.date) else value
