"""Sending web-hooks: signed after Standard Webhooks, tried again with growing pauses, never into a private network."""

import datetime as dt
import http.client
import ipaddress
import json
import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.db import transaction
from django.utils import timezone
from standardwebhooks.webhooks import Webhook

from regulars.api.models import Delivery

TIMEOUT = 15  # seconds for all of one attempt
# after the first attempt: seconds to the second, the third and so on; about three days in all
PAUSES = (5, 60, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600)
BATCH = 50
# that a worker holds a message: when it is killed meanwhile, another one sends it again
_HELD = dt.timedelta(minutes=2)
_KEPT_ANSWER = 500  # bytes of it
# other machines are reached through these only by way of an IPv4 address inside
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_UNICAST = ipaddress.ip_network("2000::/3")


@dataclass(frozen=True)
class Result:
    """What came of one attempt."""

    status: int | None
    error: str = ""
    answer: str = ""

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
        self.sock = plain
        self.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=self.host)


def is_public(address: str) -> bool:
    """Whether an address belongs to the open net, whatever it is wrapped in."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return is_public(str(parsed.ipv4_mapped))
        if parsed in _NAT64:
            return is_public(str(ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)))
        if parsed not in _UNICAST or parsed.sixtofour is not None or parsed.teredo is not None:
            return False
    return parsed.is_global and not parsed.is_multicast


def send_due(connection: type[http.client.HTTPConnection] = _GuardedConnection) -> int:
    """Try what is due; how many were tried. An address that failed rests, so that it cannot hold up the others."""
    tried, failed = 0, set[int]()
    while tried < BATCH:
        due = _take(failed)
        if due is None:
            break
        # outside a transaction: a slow receiver must not keep one open
        result = attempt(due, connection)
        _note(due, result)
        if not result.is_taken:
            failed.add(due.endpoint_id)
        tried += 1
    return tried


def _take(failed: set[int]) -> Delivery | None:
    """The next one, held for a while so that no other worker sends it too."""
    now = timezone.now()
    with transaction.atomic():
        due = (
            Delivery.objects.select_for_update(skip_locked=True, of=("self",))
            .select_related("endpoint")
            .filter(state=Delivery.State.WAITING, due_at__lte=now, endpoint__is_active=True)
            .exclude(endpoint__in=failed)
            .order_by("due_at", "id")
            .first()
        )
        if due is not None:
            Delivery.objects.filter(pk=due.pk).update(due_at=now + _HELD)
    return due


def attempt(delivery: Delivery, connection: type[http.client.HTTPConnection] = _GuardedConnection) -> Result:
    """Send once. A redirect is a refusal: it is not followed."""
    body = body_of(delivery)
    parts = urlsplit(delivery.endpoint.url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        link = connection(parts.hostname or "", parts.port, timeout=TIMEOUT)
        # a timeout of a socket begins anew with each byte: who sends one now and then would hold us for ever
        late = threading.Event()
        alarm = threading.Timer(TIMEOUT, _hang_up, [link, late])
        alarm.start()
        try:
            link.request("POST", path, body.encode(), headers_of(delivery, body, timezone.now()))
            answer = link.getresponse()
            said = answer.read(_KEPT_ANSWER).decode(errors="replace").replace("\0", "")
        finally:
            alarm.cancel()
            link.close()
        if late.is_set():
            raise TimeoutError(f"no whole answer within {TIMEOUT} seconds")
    except (OSError, http.client.HTTPException, ValueError) as error:
        return Result(None, f"{type(error).__name__}: {error}".replace("\0", "")[:300])
    return Result(answer.status, "" if 200 <= answer.status < 300 else f"HTTP {answer.status}", said)


def _hang_up(link: http.client.HTTPConnection, late: threading.Event) -> None:
    late.set()
    if link.sock is not None:
        # it may have ended by itself at this moment
        with suppress(OSError):
            link.sock.shutdown(socket.SHUT_RDWR)


def body_of(delivery: Delivery) -> str:
    """What is sent; the same at every attempt."""
    content = {"type": delivery.event, "timestamp": delivery.created_at.isoformat(), "data": delivery.content}
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def headers_of(delivery: Delivery, body: str, now: dt.datetime) -> dict[str, str]:
    """The signature and what it is made of; for a day after a change of the secret, of both."""
    endpoint = delivery.endpoint
    secrets = [endpoint.secret]
    if endpoint.old_secret_until is not None and endpoint.old_secret_until > now:
        secrets.append(endpoint.old_secret)
    return {
        "Content-Type": "application/json",
        "User-Agent": "Regulars",
        "webhook-id": delivery.message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(Webhook(secret).sign(delivery.message_id, now, body) for secret in secrets),
    }


def _note(delivery: Delivery, result: Result) -> None:
    delivery.attempts += 1
    delivery.last_at = timezone.now()
    delivery.last_status, delivery.last_error, delivery.last_answer = result.status, result.error, result.answer
    delivery.due_at = delivery.last_at
    if result.is_taken:
        delivery.state = Delivery.State.DONE
    elif delivery.attempts > len(PAUSES):
        delivery.state = Delivery.State.FAILED
    else:
        delivery.due_at += dt.timedelta(seconds=PAUSES[delivery.attempts - 1])
    # an update: the address may have been deleted meanwhile
    names = ("attempts", "last_at", "last_status", "last_error", "last_answer", "state", "due_at")
    Delivery.objects.filter(pk=delivery.pk).update(**{name: getattr(delivery, name) for name in names})
