"""Web-hooks: signed so that the standard's own library agrees, tried again, never into a private network."""

import contextlib
import datetime as dt
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from django.utils import timezone
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from regulars.api import sending
from regulars.api.models import Delivery, Endpoint
from regulars.api.services import hand_out, make_endpoint, replay, rotate_secret, set_active
from regulars.core.errors import InputError
from regulars.customers.services.contacts import add_contact
from regulars.customers.services.customers import add_customer
from regulars.customers.services.merging import merge
from regulars.foundation.models import Happening
from regulars.foundation.outbox import Event, announce
from tests.web.people import make_business

pytestmark = pytest.mark.django_db


class Receiver(BaseHTTPRequestHandler):
    """Somebody's server: keeps what comes and answers what it is told."""

    seen: list[tuple[dict[str, str], str]]
    answers: list[int]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        type(self).seen.append((dict(self.headers), body))
        self.send_response(type(self).answers.pop(0) if type(self).answers else 200)
        self.send_header("Location", "http://127.0.0.1:1/inside")
        self.end_headers()
        self.wfile.write(b"thank you")

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
     "::ffff:127.0.0.1", "0.0.0.0", "224.0.0.1", "100.64.0.1", "::127.0.0.1", "::7f00:1", "64:ff9b::10.0.0.1",
     "2002:7f00:1::", "2001:0:7f00:1::", "ff02::1", "::", "2001:db8::1"],
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


def test_for_a_day_after_a_change_both_secrets_verify(receiver: type[Receiver]) -> None:
    delivery = waiting()
    old = delivery.endpoint.secret
    new = rotate_secret(delivery.endpoint, by=None)
    sending.send_due(plain_connection(receiver))
    headers, body = receiver.seen[0]
    named = {name.lower(): value for name, value in headers.items()}
    assert Webhook(old).verify(body, named) == Webhook(new).verify(body, named)
    Endpoint.objects.update(old_secret_until=timezone.now())
    replay(delivery, by=None)
    sending.send_due(plain_connection(receiver))
    headers, body = receiver.seen[1]
    named = {name.lower(): value for name, value in headers.items()}
    with pytest.raises(WebhookVerificationError):
        Webhook(old).verify(body, named)


def test_a_redirect_is_not_followed_and_the_answer_is_kept(receiver: type[Receiver]) -> None:
    delivery = waiting()
    receiver.answers.append(302)
    sending.send_due(plain_connection(receiver))
    delivery.refresh_from_db()
    assert (delivery.state, delivery.last_status, delivery.last_answer) == ("waiting", 302, "thank you")
    assert len(receiver.seen) == 1


def test_who_answers_a_byte_at_a_time_does_not_hold_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "TIMEOUT", 1)
    waiting()
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=drip, args=[server], daemon=True).start()
        kind = type("Slow", (Receiver,), {"port": server.getsockname()[1]})
        began = time.monotonic()
        assert sending.send_due(plain_connection(kind)) == 1
    assert time.monotonic() - began < 5
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.last_status) == ("waiting", None)


def drip(server: socket.socket) -> None:
    """Never end the first line of the answer."""
    link = server.accept()[0]
    with link, contextlib.suppress(OSError):
        link.sendall(b"HTTP/1.1 200 ")
        for _ in range(100):
            link.sendall(b"x")
            time.sleep(0.1)


def test_an_address_that_fails_does_not_hold_up_the_others(receiver: type[Receiver]) -> None:
    waiting()
    for number in range(3):
        announce(Event.CUSTOMER_CREATED, {"id": number})
    make_endpoint(url="https://other.example.com/", events=[Event.CUSTOMER_CREATED], by=None)
    hand_out()
    receiver.answers.append(500)  # the first address is tried once, the other gets all of its messages
    assert sending.send_due(plain_connection(receiver)) == 4
    states = Delivery.objects.values_list("endpoint__url", "state")
    assert sorted(states).count(("https://other.example.com/", "done")) == 3


def test_a_message_that_a_worker_holds_is_not_sent_by_another(receiver: type[Receiver]) -> None:
    waiting()
    assert sending._take(set()) is not None
    assert sending.send_due(plain_connection(receiver)) == 0
    Delivery.objects.update(due_at=timezone.now())  # the worker was killed, and its time is over
    assert sending.send_due(plain_connection(receiver)) == 1


def test_a_paused_address_is_told_nothing(receiver: type[Receiver]) -> None:
    delivery = waiting()
    set_active(delivery.endpoint, is_active=False, by=None)
    announce(Event.CUSTOMER_CREATED, {"id": 8})
    hand_out()
    assert sending.send_due(plain_connection(receiver)) == 0
    assert Delivery.objects.count() == 1


def test_equal_words_are_told_once() -> None:
    make_endpoint(url="https://hooks.example.com/", events=[Event.CUSTOMER_CHANGED], by=None)
    for number in (7, 8, 7):
        announce(Event.CUSTOMER_CHANGED, {"id": number})
    assert hand_out() == 3
    assert [one.content["id"] for one in Delivery.objects.order_by("id")] == [8, 7]


def test_what_is_done_in_the_application_is_told() -> None:
    make_business()
    vera = add_customer(by=None, name="Vera")
    anna = add_customer(by=None, name="Anna")
    add_contact(vera, kind="phone", written="8 916 123-45-67", by=None)
    merge(vera, anna, by=None)
    told = list(Happening.objects.order_by("id").values_list("event", flat=True))
    assert told == ["customer.created", "customer.created", "customer.changed", "customers.merged"]


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
