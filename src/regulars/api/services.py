"""Every write about keys and web-hooks."""

import base64
import hashlib
import secrets
from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone

from regulars.accounts.models import User
from regulars.accounts.services import log
from regulars.api.models import ApiKey, Delivery, Endpoint, Event, Scope
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.foundation.models import Happening

_PREFIX = "rg_"
_SHOWN = 10
_AT_ONCE = 500


def make_key(*, name: str, scopes: Iterable[Scope], by: User | None) -> str:
    """A new key, which nobody can see again."""
    key = _PREFIX + secrets.token_urlsafe(32)
    ApiKey.objects.create(
        name=name,
        prefix=key[:_SHOWN],
        key_hash=hash_of(key),
        scopes=sorted(scope.value for scope in scopes),
        made_by=by,
    )
    log("key_made", user=by, about=name)
    return key


def find_key(key: str) -> ApiKey | None:
    """The key, when it is one of ours and not revoked. Its use is noted once a day."""
    found = ApiKey.objects.filter(key_hash=hash_of(key), revoked_at=None).first()
    today = timezone.now().date()
    if found is not None and found.used_on != today:
        ApiKey.objects.filter(pk=found.pk).update(used_on=today)
    return found


def revoke_key(key: ApiKey, *, by: User | None) -> None:
    """Open nothing with it from now on."""
    ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now())
    log("key_revoked", user=by, about=key.name)


def hash_of(key: str) -> str:
    """What is stored of a key. It is random and long, so a plain hash cannot be guessed backwards."""
    return hashlib.sha256(key.encode()).hexdigest()


@transaction.atomic
def make_endpoint(*, url: str, events: Iterable[Event], by: User | None) -> Endpoint:
    """An address to tell; `InputError` when it is not an https one."""
    if not url.startswith("https://"):
        raise InputError(_("The address must begin with https://, not {value!r}.").format(value=url[:60]))
    endpoint = Endpoint.objects.create(
        url=url, events=sorted(event.value for event in events), made_by=by, secret=_new_secret()
    )
    log("hook_made", user=by, about=url[:200])
    return endpoint


def _new_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()


@transaction.atomic
def hand_out() -> int:
    """Make a delivery of every event for every address that wants it; how many events there were."""
    # locked, so that two workers do not hand out the same
    events = list(Happening.objects.select_for_update(skip_locked=True).order_by("id")[:_AT_ONCE])
    endpoints = list(Endpoint.objects.filter(is_active=True))
    Delivery.objects.bulk_create(
        Delivery(endpoint=endpoint, message_id=f"msg_{one.pk}", event=one.event, content=one.content)
        for one in events
        for endpoint in endpoints
        if one.event in endpoint.events
    )
    Happening.objects.filter(pk__in=[one.pk for one in events]).delete()
    return len(events)


def replay(delivery: Delivery) -> None:
    """Send it again, as the same message."""
    Delivery.objects.filter(pk=delivery.pk).update(
        state=Delivery.State.WAITING, attempts=0, due_at=timezone.now(), last_error=""
    )
