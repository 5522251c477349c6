"""The example of the guide runs against a server, as a reader would run it."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer
from standardwebhooks.webhooks import Webhook

from regulars.api.models import Scope
from regulars.api.services import make_key
from regulars.customers.models import Customer
from regulars.insights.models import Score
from regulars.purchases.models import Receipt
from tests.web.people import make_business

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "connect-through-the-api.md"
CLIENT, CHECK = re.findall(r"^```python\n(.*?)^```$", GUIDE.read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.django_db(transaction=True)
def test_the_client_writes_a_customer_and_receipts_and_reads_scores(live_server: LiveServer) -> None:
    make_business()
    others = Customer.objects.bulk_create(Customer(name=f"Customer {number}") for number in range(3))
    Score.objects.bulk_create(Score(customer=one, state="lost", amount=7) for one in others)
    key = make_key(name="Example", scopes=list(Scope), by=None)
    # pages of two, so that there is a second one
    run = subprocess.run(
        [sys.executable, "-c", CLIENT.replace("limit=1000", "limit=2")],
        capture_output=True, text=True, check=False, timeout=120,
        env={"PATH": os.environ["PATH"], "REGULARS_URL": live_server.url, "REGULARS_KEY": key},
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    said = run.stdout.splitlines()
    assert said[0].endswith("Vera Sokolova +79161234567")
    assert said[1] == "receipts 10"
    assert [line.split()[2:] for line in said[2:]] == [["lost", "7"]] * 3
    assert Receipt.objects.filter(customer__external_id="C-000123").count() == 10


def test_the_receiver_tells_our_messages_from_others() -> None:
    names: dict[str, Any] = {}
    exec(compile(CHECK, str(GUIDE), "exec"), names)
    secret, body, now = "whsec_c2VjcmV0IHNlY3JldCBzZWNyZXQ=", '{"type":"test"}', timezone.now()
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": "v1,other " + Webhook(secret).sign("msg_1", now, body),
    }
    assert names["verified"](secret, headers, body.encode())
    assert not names["verified"](secret, headers, b"{}")
    assert not names["verified"]("whsec_b3RoZXI=", headers, body.encode())
    assert not names["verified"](secret, headers | {"webhook-timestamp": "1700000000"}, body.encode())
