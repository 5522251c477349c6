"""Web-hooks: signed so that the standard's own library agrees, tried again, never into a private network."""

import datetime as dt
import http.client
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from django.utils import timezone
from standardwebhooks.webhooks import Webhook

from regulars.api import sending
from regulars.api.models import Delivery
from regulars.api.services import hand_out, make_endpoint, replay
from regulars.core.errors import InputError
from regulars.foundation.outbox import Event, announce

pytestmark = pytest.mark.django_db


class Receiver(BaseHTTPRequestHandler):
    """Somebody's server: keeps what comes and answers what it is told."""

    seen: list[tuple[dict[str, str], str]]
    answers: list[int]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        type(self).seen.append((dict(self.headers), body))
        self.send_response(type(self).answers.pop(0) if type(self).answers else 200)
        self.end_headers()

    def log_message(self, *_arguments: Any) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[type[Receiver]]:
    kind = type("Fresh", (Receiver,), {"seen": [], "answers": []})
    server = HTTPServer(("127.0.0.1", 0), kind)
    kind.port = server.server_port  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield kind
    server.shutdown()
    server.server_close()
    thread.join()


def plain_connection(kind: type[Receiver]) -> type[http.client.HTTPConnection]:
    """A way to the receiver on this machine, which the real one would refuse."""

    class Connection(http.client.HTTPConnection):
        def __init__(self, _host: str, _port: int | None, timeout: float) -> None:
            super().__init__("127.0.0.1", kind.port, timeout=timeout)  # type: ignore[attr-defined]

    return Connection


def waiting(event: Event = Event.CUSTOMER_CREATED) -> Delivery:
    make_endpoint(url="https://hooks.example.com/in?x=1", events=[event], by=None)
    announce(event, {"id": 7, "name": "Анна"})
    assert hand_out() == 1
    return Delivery.objects.get()


def test_a_message_is_signed_as_the_standard_says(receiver: type[Receiver]) -> None:
    delivery = waiting()
    assert sending.send_due(plain_connection(receiver)) == 1
    headers, body = receiver.seen[0]
    verified = Webhook(delivery.endpoint.secret).verify(body, {name.lower(): value for name, value in headers.items()})
    made = delivery.created_at.isoformat()
    assert verified == {"type": "customer.created", "timestamp": made, "data": {"id": 7, "name": "Анна"}}
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts, delivery.last_status) == ("done", 1, 200)


def test_only_who_asked_for_the_event_is_told() -> None:
    make_endpoint(url="https://hooks.example.com/", events=[Event.AUDIT_DONE], by=None)
    announce(Event.CUSTOMER_CREATED, {"id": 7})
    assert hand_out() == 1
    assert not Delivery.objects.exists()
    assert hand_out() == 0


def test_a_refusal_is_tried_again_later_and_given_up_in_the_end(receiver: type[Receiver]) -> None:
    delivery = waiting()
    receiver.answers.extend([500] * 20)
    ids = set()
    for attempt in range(len(sending.PAUSES) + 1):
        assert sending.send_due(plain_connection(receiver)) == 1
        delivery.refresh_from_db()
        assert (delivery.attempts, delivery.last_status) == (attempt + 1, 500)
        assert sending.send_due(plain_connection(receiver)) == 0  # not due yet
        Delivery.objects.update(due_at=timezone.now() - dt.timedelta(seconds=1))
        ids.add(receiver.seen[-1][0]["webhook-id"])
    delivery.refresh_from_db()
    assert delivery.state == "failed"
    assert len(ids) == 1  # so that the receiver can tell a repetition
    receiver.answers.clear()
    replay(delivery, by=None)
    assert sending.send_due(plain_connection(receiver)) == 1
    delivery.refresh_from_db()
    assert delivery.state == "done"


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "::1", "fe80::1%eth0", "fc00::1",
     "::ffff:127.0.0.1", "0.0.0.0", "224.0.0.1", "100.64.0.1"],
)  # fmt: skip
def test_private_addresses_are_not_public(address: str) -> None:
    assert not sending.is_public(address)


def test_public_addresses_are_public() -> None:
    assert sending.is_public("93.184.215.14")
    assert sending.is_public("2606:2800:21f:cb07:6820:80da:af6b:8b2c")


def test_a_name_that_leads_to_this_machine_is_refused_when_connecting(receiver: type[Receiver]) -> None:
    make_endpoint(url=f"https://localhost:{receiver.port}/", events=[Event.AUDIT_DONE], by=None)  # type: ignore[attr-defined]
    announce(Event.AUDIT_DONE, {})
    hand_out()
    assert sending.send_due() == 1
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.last_status) == ("waiting", None)
    assert "not a public address" in delivery.last_error
    assert receiver.seen == []


@pytest.mark.parametrize("url", ["http://example.com/", "ftp://example.com", "javascript:alert(1)", ""])
def test_only_https_addresses_are_taken(url: str) -> None:
    with pytest.raises(InputError, match="https://"):
        make_endpoint(url=url, events=[Event.AUDIT_DONE], by=None)


def test_the_body_is_what_was_announced() -> None:
    delivery = waiting()
    body = json.dumps({"a": 1})
    headers = sending.headers_of(delivery, body, timezone.now())
    assert headers["webhook-id"] == delivery.message_id
    assert headers["webhook-signature"].startswith("v1,")
