"""Snapshots of the rules: what a till fetches while it has a line, and what the server judges by when it is told."""

import datetime as dt
import hashlib
import json
import secrets
import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db import connection

from regulars.core.errors import InputError
from regulars.core.i18n import format_number
from regulars.core.i18n import gettext as _
from regulars.foundation.models import Business
from regulars.loyalty.models import OfflineDocument, Partner, Programme, SaleLine, SnapshotFacts, TillSnapshot
from regulars.loyalty.partners import partner_at, store_of
from regulars.loyalty.programme.offline import FORMAT, Goods, Snapshot, Version, facts, read_versions
from regulars.loyalty.programmes import rules_of, valid_at
from regulars.loyalty.signatures import sign
from regulars.loyalty.telling import OLDEST
from regulars.purchases.models import Product

LIFE = dt.timedelta(days=3)
_RENEWED = dt.timedelta(hours=6)  # a till that asks more often is given the same one
MOST_GOODS = 200_000


@dataclass(frozen=True)
class Signed:
    """A snapshot as a till is given it: the signature is of exactly this text."""

    name: str
    text: str
    signature: str


def snapshot_for(till: str, store: str, *, now: dt.datetime) -> Signed:
    """What this till may sell by in this store for the next days. Raises `InputError` without rules."""
    partner = partner_at(till)
    place = store_of(store, partner, make=True)
    text = _facts_text(now, partner)
    kept = _kept(text)
    found = (
        TillSnapshot.objects.filter(till=till, store=place, facts=kept, made_at__gt=now - _RENEWED, made_at__lte=now)
        .order_by("-made_at")
        .first()
    )
    zone, slug = place.time_zone or Business.current().time_zone, partner.slug if partner else ""
    if found is None or (found.zone, found.partner) != (zone, slug):
        found = TillSnapshot.objects.create(
            name=secrets.token_hex(12), till=till, store=place, zone=zone, partner=slug, facts=kept, made_at=now,
            valid_until=now + LIFE,
        )  # fmt: skip
    whole = f"{json.dumps(_head(found, place.name), ensure_ascii=False)[:-1]}, {text[1:]}"
    return Signed(found.name, whole, sign(whole, settings.SECRET_KEY))


def snapshot_named(name: str, till: str) -> Snapshot:
    """What this till sold by. Raises `InputError` for one that it never fetched, or that is gone."""
    known = TillSnapshot.objects.select_related("store", "facts").defer("facts__packed")
    found = known.filter(name=name, till=till).first()
    if found is None:
        raise InputError(_("This till never fetched the rules {name!r}.").format(name=name[:40]))
    goods, versions = _unpacked(found.facts_id, found.facts.digest)
    return Snapshot(
        found.name, found.till, found.store.name, found.zone, found.partner, found.made_at, found.valid_until, goods,
        versions,
    )  # fmt: skip


def forget_snapshots(now: dt.datetime) -> int:
    """Those of which nothing can be told any more; how many they were."""
    named = OfflineDocument.objects.filter(kind=OfflineDocument.Kind.SALE).values_list("body__snapshot", flat=True)
    old = TillSnapshot.objects.filter(valid_until__lt=now - OLDEST).exclude(name__in=list(named))
    count = old.delete()[0]
    # a till that fetches the same facts at this moment holds them
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM loyalty_snapshotfacts f WHERE f.id IN (SELECT id FROM loyalty_snapshotfacts s WHERE NOT EXISTS"
            " (SELECT 1 FROM loyalty_tillsnapshot t WHERE t.facts_id = s.id) FOR UPDATE SKIP LOCKED)"
        )
    return count


def _head(found: TillSnapshot, store: str) -> dict[str, Any]:
    return {
        "format": FORMAT, "id": found.name, "till": found.till, "store": store, "zone": found.zone,
        "partner": found.partner, "made_at": found.made_at.isoformat(), "valid_until": found.valid_until.isoformat(),
    }  # fmt: skip


def _facts_text(now: dt.datetime, partner: Partner | None) -> str:
    valid = valid_at(now)
    if valid is None:
        raise InputError(_("No programme was valid at {moment}: publish one first.").format(moment=now.isoformat()))
    coming = Programme.objects.filter(valid_from__gt=now, valid_from__lte=now + LIFE).order_by("valid_from")
    programmes = [valid[0], *coming.defer("rules")]
    versions = [(one.pk, one.valid_from, rules_of(one)) for one in programmes]
    return json.dumps(facts(versions, _goods(partner)), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _goods(partner: Partner | None) -> list[Goods]:
    known = Product.objects.order_by("code")
    if partner is not None:
        # what the others sell, and for how much at least, is not its business
        known = known.filter(code__in=SaleLine.objects.filter(sale__partner=partner).values("product"))
    rows = known.values_list("code", "category", "cost", "price_raised_on")[: MOST_GOODS + 1]
    # it names the codes that it has sold, so it could ask for the cost of anything: it is judged without, as online
    found = [Goods(*row) if partner is None else Goods(row[0], row[1], None, None) for row in rows]
    if len(found) > MOST_GOODS:
        raise InputError(
            _("A till can carry {most} goods with it, and the shop has more.").format(most=format_number(MOST_GOODS))
        )
    return found


def _kept(text: str) -> SnapshotFacts:
    raw = text.encode()
    digest = hashlib.sha256(raw).hexdigest()
    found = SnapshotFacts.objects.filter(digest=digest).only("id").first()
    return found or SnapshotFacts.objects.get_or_create(digest=digest, defaults={"packed": zlib.compress(raw)})[0]


# the digest tells one database's facts from another's
@lru_cache(maxsize=8)
def _unpacked(key: int, _digest: str) -> tuple[dict[str, Any], tuple[Version, ...]]:
    data = json.loads(zlib.decompress(SnapshotFacts.objects.get(pk=key).packed))
    return data["goods"], read_versions(data)
