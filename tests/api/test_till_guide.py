"""The example of the guide sells against a server, as an integrator would run it."""

import os
import random
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from pytest_django.live_server_helper import LiveServer

from regulars.api.models import Scope
from regulars.api.services import make_key
from regulars.customers.models import Customer
from regulars.demo.till import Till, simulate
from regulars.loyalty import members
from regulars.loyalty.balances import Balance
from regulars.loyalty.certificates import make_certificates, take_numbers
from regulars.loyalty.models import OfflineDocument
from regulars.loyalty.verifying import faults
from regulars.purchases.models import Receipt
from tests.loyalty.offline_cases import settle
from tests.loyalty.selling_cases import enrolled, open_shop

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "connect-a-till.md"
TILL, ALONE = re.findall(r"^```python\n(.*?)^```$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.django_db(transaction=True)
def test_the_till_of_the_guide_sells_and_takes_back_whatever_is_told_twice(live_server: LiveServer) -> None:
    open_shop()
    environment = {"REGULARS_URL": live_server.url, "REGULARS_KEY": make_key(name="1", scopes=[Scope.TILL], by=None)}
    for _time in range(2):
        run = subprocess.run(
            [sys.executable, "-c", TILL], capture_output=True, text=True, check=False, timeout=60,
            env={"PATH": os.environ["PATH"], **environment},
        )  # fmt: skip
        assert run.returncode == 0, run.stderr
        said = run.stdout.splitlines()
        assert said[0] == "200 to pay 95000 points 95 balance 95"
        assert said[1] == "Line 1 (“4600123456789”): ₽50.00 off by the rule “five”."
        assert said[-1] == "200 refund 47500 points taken 47"
    assert Customer.objects.get().given_name == "Vera"
    assert list(Receipt.objects.order_by("id").values_list("amount", flat=True)) == [95_000, -47_500]
    assert faults() == []


@pytest.mark.django_db(transaction=True)
def test_the_till_of_the_guide_sells_without_a_line(live_server: LiveServer) -> None:
    open_shop()
    vera = enrolled("1000000017", name="Vera")
    key = make_key(name="1", scopes=[Scope.TILL], by=None)
    environment = {"REGULARS_URL": live_server.url, "REGULARS_KEY": key, "PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run(
        [sys.executable, "-c", ALONE], capture_output=True, text=True, check=False, timeout=60,
        env={"PATH": os.environ["PATH"], **environment},
    )  # fmt: skip
    assert (run.returncode, run.stdout.splitlines()) == (0, ["to pay 95000", "waits"]), run.stderr
    settle()
    assert (Receipt.objects.get().amount, members.points_of(vera).available, faults()) == (95_000, 95, [])


@pytest.mark.django_db(transaction=True)
def test_the_simulator_agrees_with_the_server(live_server: LiveServer) -> None:
    open_shop()
    key = make_key(name="1", scopes=[Scope.TILL], by=None)
    environment = os.environ | {"REGULARS_URL": live_server.url, "REGULARS_KEY": key}
    command = [sys.executable, "-m", "regulars", "till-simulator", "--times", "2", "--lang", "en"]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env=environment)
    assert (run.returncode, run.stderr) == (0, ""), run.stdout + run.stderr
    assert run.stdout.count("tried 2 times") == 12
    assert "A card that nobody has is no member's: tried 1 time" in run.stdout
    assert faults() == []
    wrong = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=60, env=environment | {"REGULARS_KEY": "rg_x"}
    )
    assert (wrong.returncode, "answers 401" in wrong.stderr) == (2, True)


@pytest.mark.django_db(transaction=True)
def test_the_simulator_sells_certificates_and_pays_with_them(live_server: LiveServer, tmp_path: Path) -> None:
    open_shop()
    key = make_key(name="1", scopes=[Scope.TILL], by=None)
    batch = make_certificates("Spring", count=3, amount=50_000, days=None, by=None)
    file = tmp_path / "numbers.csv"
    file.write_text("\n".join(["number", *take_numbers(batch, by=None)]))
    environment = os.environ | {"REGULARS_URL": live_server.url, "REGULARS_KEY": key}
    command = [sys.executable, "-m", "regulars", "till-simulator", "--times", "2", "--lang", "en"]

    def run(path: Path) -> "subprocess.CompletedProcess[str]":
        asked = [*command, "--certificates", str(path)]
        return subprocess.run(asked, capture_output=True, text=True, check=False, timeout=120, env=environment)

    first = run(file)
    assert (first.returncode, first.stderr) == (0, ""), first.stdout + first.stderr
    assert "A certificate is sold, pays, and gets back what it paid: tried 2 times" in first.stdout
    assert sorted(batch.certificates.values_list("balance", flat=True)) == [0, 50_000, 50_000]
    again = run(file)
    assert (again.returncode, "no certificate of the file is left" in again.stderr) == (1, True)
    assert faults() == []
    (tmp_path / "empty.csv").write_text("number\n")
    empty = run(tmp_path / "empty.csv")
    assert (empty.returncode, "empty.csv holds no numbers" in empty.stderr) == (2, True)


@pytest.mark.django_db(transaction=True)
def test_the_simulator_sees_a_certificate_that_pays_too_little(
    live_server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A till that is answered with another balance than there is: the simulator must see it."""
    open_shop()
    batch = make_certificates("Spring", count=1, amount=50_000, days=None, by=None)
    numbers = list(take_numbers(batch, by=None))
    till = Till(live_server.url, make_key(name="1", scopes=[Scope.TILL], by=None), "Arbat", random.Random(1))
    asked = Till.good

    def forgetful(self: Till, path: str, body: Any) -> Any:
        answer = asked(self, path, body)
        return answer | {"to_certificates": 0} if path == "returns" and answer.get("to_certificates") else answer

    monkeypatch.setattr(Till, "good", forgetful)
    wrong = {check.title: check.wrong for check in simulate(till, 1, None, numbers) if check.wrong}
    assert wrong["A certificate is sold, pays, and gets back what it paid"].startswith("where the money goes back")


@pytest.mark.django_db(transaction=True)
def test_the_simulator_names_what_is_not_as_it_should_be(
    live_server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that forgets points: the simulator must see it, or its agreement means nothing."""
    open_shop()
    key = make_key(name="1", scopes=[Scope.TILL], by=None)
    monkeypatch.setattr(members, "points_of", lambda _customer: Balance(1, 0, 0, 0))
    till = Till(live_server.url, key, "Arbat", random.Random(1))
    wrong = {check.title: check.wrong for check in simulate(till, 1) if check.wrong}
    assert wrong["A receipt gives the points that it promised"].startswith("points: 1, not ")
    assert "A receipt told twice is written once" in wrong


@pytest.mark.django_db(transaction=True)
def test_the_simulator_sells_without_a_line_and_tells_later(live_server: LiveServer) -> None:
    open_shop()
    key = make_key(name="1", scopes=[Scope.TILL], by=None)
    environment = os.environ | {"REGULARS_URL": live_server.url, "REGULARS_KEY": key}
    command = [sys.executable, "-m", "regulars", "till-simulator", "--times", "1", "--offline", "--lang", "en"]
    with worker():
        run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env=environment)
    assert (run.returncode, run.stderr) == (0, ""), run.stdout + run.stderr
    assert "A till without a line comes to the same sums: tried 1 time" in run.stdout
    assert "What was sold without a line is told in any order and parts, twice: tried 1 time" in run.stdout
    assert (OfflineDocument.objects.count(), faults()) == (0, [])


@contextmanager
def worker() -> Iterator[None]:
    """Writes what tills told, as the one of the server does every minute."""
    over = threading.Event()

    def work() -> None:
        try:
            while not over.wait(0.5):
                settle()
        finally:
            connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(timeout=30)
