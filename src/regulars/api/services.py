"""Every write about keys and web-hooks."""

import base64
import datetime as dt
import hashlib
import json
import secrets
from collections.abc import Iterable
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import connection, transaction
from django.utils import timezone
from django.utils.encoding import iri_to_uri

from regulars.accounts.models import User
from regulars.accounts.services import log
from regulars.api.models import NEEDED, OF_PARTNERS, ApiKey, Delivery, Endpoint, Scope
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.foundation.models import Happening
from regulars.foundation.outbox import Event
from regulars.loyalty.models import Partner
from regulars.loyalty.partners import bind_till

MOST_KEYS = 100
MOST_ENDPOINTS = 50
TEST_EVENT = "test"
BOTH_SECRETS = dt.timedelta(days=1)
_PREFIX = "rg_"
_SHOWN = 10
_AT_ONCE = 500
_LONGEST_NAME, _LONGEST_URL = 100, 500


@transaction.atomic
def make_key(
    *, name: str, scopes: Iterable[Scope], by: User | None, expires_at: dt.datetime | None = None,
    address: str | None = None, partner: Partner | None = None,
) -> str:  # fmt: skip
    """A new key, which nobody can see again. `by` gives only what he may do himself.

    A key of a `partner` is a till of his for ever, and opens nothing that is not his.
    """
    name, wanted = name.replace("\0", "").strip(), sorted(set(scopes))
    if not 1 <= len(name) <= _LONGEST_NAME:
        raise InputError(_("Give the key a name of at most {count} characters.").format(count=_LONGEST_NAME))
    if not wanted:
        raise InputError(_("Choose what the key opens."))
    if partner is not None and not set(wanted) <= OF_PARTNERS:
        raise InputError(
            _("The key of a partner can open {scopes} only.").format(scopes=", ".join(sorted(OF_PARTNERS)))
        )
    if by is not None and not set(wanted) <= set(may_give(by)):
        raise InputError(_("You can give a key only what you may do yourself."))
    if expires_at is not None and expires_at <= timezone.now():
        raise InputError(_("The key would end before it begins."))
    if ApiKey.objects.filter(revoked_at=None).count() >= MOST_KEYS:
        raise InputError(_("There are {count} keys already: revoke those that nobody uses.").format(count=MOST_KEYS))
    key = _PREFIX + secrets.token_urlsafe(32)
    made = ApiKey.objects.create(
        name=name, prefix=key[:_SHOWN], key_hash=hash_of(key), scopes=[scope.value for scope in wanted],
        made_by=by, expires_at=expires_at,
    )  # fmt: skip
    if partner is not None:
        bind_till(partner, f"till:{made.pk}")
    log("key_made", user=by, about=name, details={"scopes": [scope.value for scope in wanted]}, address=address)
    return key


def may_give(user: User) -> list[Scope]:
    """What this user can let a key open. A key sees all customers, so who sees only his own gives none of them."""
    if user.role.own_customers_only:
        return []
    return [scope for scope in Scope if all(user.may(right) for right in NEEDED[scope])]


def find_key(key: str) -> ApiKey | None:
    """The key, when it is one of ours, not revoked and not over. Its use is noted once a day."""
    now = timezone.now()
    found = _stored(hash_of(key))
    if found is None or found.is_over(now):
        return None
    if found.used_on != now.date():
        ApiKey.objects.filter(pk=found.pk).update(used_on=now.date())
    return found


def _stored(key_hash: str) -> ApiKey | None:
    # each request asks for it: the ORM would take longer to write the statement than the database to answer it
    names = [one.attname for one in ApiKey._meta.concrete_fields]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(names)} FROM api_apikey WHERE key_hash = %s AND revoked_at IS NULL", [key_hash]
        )
        row = cursor.fetchone()
    return None if row is None else ApiKey.from_db(connection.alias, names, row)


@transaction.atomic
def revoke_key(key: ApiKey, *, by: User | None, address: str | None = None) -> None:
    """Open nothing with it from now on."""
    if ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now()):
        log("key_revoked", user=by, about=key.name, address=address)


def hash_of(key: str) -> str:
    """What is stored of a key. It is random and long, so a plain hash cannot be guessed backwards."""
    return hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()


@transaction.atomic
def make_endpoint(*, url: str, events: Iterable[Event], by: User | None, address: str | None = None) -> Endpoint:
    """An address to tell; `InputError` when it cannot be one."""
    wanted = sorted({event.value for event in events})
    if not wanted:
        raise InputError(_("Choose what the address is told."))
    if Endpoint.objects.count() >= MOST_ENDPOINTS:
        raise InputError(_("There are {count} addresses already.").format(count=MOST_ENDPOINTS))
    endpoint = Endpoint.objects.create(url=_checked(url), events=wanted, made_by=by, secret=_new_secret())
    log("hook_made", user=by, about=endpoint.url[:200], details={"events": wanted}, address=address)
    return endpoint


@transaction.atomic
def set_active(endpoint: Endpoint, *, is_active: bool, by: User | None, address: str | None = None) -> None:
    """Pause it, or go on. What happens during a pause is not told later; what waited goes on waiting."""
    if Endpoint.objects.filter(pk=endpoint.pk, is_active=not is_active).update(is_active=is_active):
        log("hook_resumed" if is_active else "hook_paused", user=by, about=endpoint.url[:200], address=address)


@transaction.atomic
def rotate_secret(endpoint: Endpoint, *, by: User | None, address: str | None = None) -> str:
    """A new secret. For a day messages carry signatures of both."""
    found = Endpoint.objects.select_for_update().get(pk=endpoint.pk)
    found.old_secret, found.old_secret_until = found.secret, timezone.now() + BOTH_SECRETS
    found.secret = _new_secret()
    found.save(update_fields=["secret", "old_secret", "old_secret_until"])
    log("hook_secret_changed", user=by, about=found.url[:200], address=address)
    return found.secret


@transaction.atomic
def delete_endpoint(endpoint: Endpoint, *, by: User | None, address: str | None = None) -> None:
    """Tell it nothing more, and forget what it was told."""
    log("hook_deleted", user=by, about=endpoint.url[:200], address=address)
    endpoint.delete()


def send_test(endpoint: Endpoint, *, by: User | None, address: str | None = None) -> Delivery:
    """A message that means nothing, to see whether it arrives."""
    if not endpoint.is_active:
        raise InputError(_("This web-hook is paused: let it go on first."))
    log("hook_tested", user=by, about=endpoint.url[:200], address=address)
    return Delivery.objects.create(
        endpoint=endpoint, message_id=f"msg_test_{secrets.token_hex(8)}", event=TEST_EVENT,
        content={"hello": "from Regulars"},
    )  # fmt: skip


def replay(delivery: Delivery, *, by: User | None, address: str | None = None) -> None:
    """Send it again, as the same message."""
    Delivery.objects.filter(pk=delivery.pk).update(
        state=Delivery.State.WAITING, attempts=0, due_at=timezone.now(), last_error=""
    )
    log("hook_replayed", user=by, about=delivery.message_id, address=address)


@transaction.atomic
def hand_out() -> int:
    """Make a delivery of every event for every address that wants it; how many events there were."""
    # locked, so that two workers do not hand out the same
    events = list(Happening.objects.select_for_update(skip_locked=True).order_by("id")[:_AT_ONCE])
    endpoints = list(Endpoint.objects.filter(is_active=True))
    Delivery.objects.bulk_create(
        Delivery(endpoint=endpoint, message_id=f"msg_{one.pk}", event=one.event, content=one.content)
        for one in _without_repetitions(events)
        for endpoint in endpoints
        if one.event in endpoint.events
    )
    Happening.objects.filter(pk__in=[one.pk for one in events]).delete()
    return len(events)


def _without_repetitions(events: list[Happening]) -> list[Happening]:
    """One request may change a customer several times; the last word of equal ones is enough."""
    last = {(one.event, json.dumps(one.content, sort_keys=True)): one for one in events}
    return sorted(last.values(), key=lambda one: one.pk)


def _new_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()


def _checked(url: str) -> str:
    """The address as it will be called."""
    url = url.strip()
    if not url.startswith("https://"):
        raise InputError(_("The address must begin with https://, not {value!r}.").format(value=url[:60]))
    try:
        URLValidator(schemes=["https"])(url)
        parts = urlsplit(iri_to_uri(url))
        plain = parts._replace(fragment="").geturl()
        if parts.username is not None or not parts.hostname or parts.port == 0 or len(plain) > _LONGEST_URL:
            raise ValueError(url)
    except (ValidationError, ValueError):
        raise InputError(
            _(
                "{value!r} is no address that can be called: give https://, a host and a path, without a password."
            ).format(value=url[:60])
        ) from None
    return plain
