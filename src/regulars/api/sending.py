"""Sending web-hooks: signed after Standard Webhooks, tried again with growing pauses, never into a private network."""

import datetime as dt
import http.client
import ipaddress
import json
import socket
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.db import transaction
from django.utils import timezone
from standardwebhooks.webhooks import Webhook

from regulars.api.models import Delivery

TIMEOUT = 15  # seconds
# after the first attempt: seconds to the second, the third and so on; about three days in all
PAUSES = (5, 60, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600)
BATCH = 50


@dataclass(frozen=True)
class Result:
    """What came of one attempt."""

    status: int | None
    error: str = ""

    @property
    def is_taken(self) -> bool:
        """Whether the receiver said yes."""
        return self.status is not None and 200 <= self.status < 300


class Refused(OSError):
    """The address leads into a network that must not be reached from here."""


class _GuardedConnection(http.client.HTTPSConnection):
    """Connects to public addresses only. Checked on the address it connects to: a name may change in between."""

    def connect(self) -> None:
        found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        if not found:
            raise Refused(f"{self.host} has no address")
        for _family, _type, _protocol, _name, address in found:
            if not is_public(str(address[0])):
                raise Refused(f"{self.host} leads to {address[0]}, which is not a public address")
        plain = socket.create_connection((str(found[0][4][0]), self.port), self.timeout)
        self.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=self.host)


def is_public(address: str) -> bool:
    """Whether an address belongs to the open net."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return parsed.is_global and not parsed.is_multicast


def send_due(connection: type[http.client.HTTPConnection] = _GuardedConnection) -> int:
    """Try everything that is due, each in a transaction of its own; how many were tried."""
    tried = 0
    while tried < BATCH:
        with transaction.atomic():
            # locked, so that two workers do not send the same
            due = (
                Delivery.objects.select_for_update(skip_locked=True, of=("self",))
                .select_related("endpoint")
                .filter(state=Delivery.State.WAITING, due_at__lte=timezone.now(), endpoint__is_active=True)
                .order_by("due_at", "id")
                .first()
            )
            if due is None:
                break
            _note(due, attempt(due, connection))
        tried += 1
    return tried


def attempt(delivery: Delivery, connection: type[http.client.HTTPConnection] = _GuardedConnection) -> Result:
    """Send once."""
    body = json.dumps({"type": delivery.event, "data": delivery.content}, ensure_ascii=False, separators=(",", ":"))
    parts = urlsplit(delivery.endpoint.url)
    link = connection(parts.hostname or "", parts.port, timeout=TIMEOUT)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        link.request("POST", path, body.encode(), headers_of(delivery, body, timezone.now()))
        status = link.getresponse().status
        return Result(status, "" if 200 <= status < 300 else f"HTTP {status}")
    except (OSError, http.client.HTTPException, ValueError) as error:
        return Result(None, f"{type(error).__name__}: {error}"[:300])
    finally:
        link.close()


def headers_of(delivery: Delivery, body: str, now: dt.datetime) -> dict[str, str]:
    """The signature and what it is made of."""
    return {
        "Content-Type": "application/json",
        "User-Agent": "Regulars",
        "webhook-id": delivery.message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(delivery.endpoint.secret).sign(delivery.message_id, now, body),
    }


def _note(delivery: Delivery, result: Result) -> None:
    delivery.attempts += 1
    delivery.last_status, delivery.last_error = result.status, result.error
    if result.is_taken:
        delivery.state = Delivery.State.DONE
    elif delivery.attempts > len(PAUSES):
        delivery.state = Delivery.State.FAILED
    else:
        delivery.due_at = timezone.now() + dt.timedelta(seconds=PAUSES[delivery.attempts - 1])
    delivery.save(update_fields=["attempts", "last_status", "last_error", "state", "due_at"])
