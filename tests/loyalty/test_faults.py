"""A bounded sample of the campaign of kills: each of those that can fall, once."""

import json
from typing import Any

import pytest
from django.utils import timezone

from regulars.loyalty import expiring, measuring, settling
from regulars.loyalty.models import Sale
from tests.loyalty import faults_inside
from tests.loyalty.faults import VICTIMS, Lost, campaign
from tests.loyalty.selling_cases import CARD, order, sell


def test_what_was_answered_survives_a_kill_of_anything() -> None:
    written, killed = campaign(kills=4, seed=6)
    assert killed == dict.fromkeys(VICTIMS, 1)
    assert written > 0


@pytest.mark.django_db
def test_what_is_lost_or_there_twice_is_noticed(capsys: pytest.CaptureFixture[str]) -> None:
    faults_inside.open_up("null")
    assert len(json.loads(capsys.readouterr().out)["tills"]) == 3
    earned = sell(order(("tea", 1, 10_000), ("cup", 2, 6_000))).points_earned
    till = [CARD, 1, 0, earned, 0, 0]
    right = {"tills": [till], "expired": 0}
    with pytest.raises(Lost, match="not settled"):
        faults_inside.check(json.dumps(right))
    settling.close_days(at=timezone.now())
    with pytest.raises(Lost, match="never measured"):
        faults_inside.check(json.dumps(right))
    measuring.measure(timezone.now())
    expiring.expire_points(timezone.now())
    faults_inside.check(json.dumps(right))
    for place, wrong in enumerate((2, 1, earned + 10, 10, 10), start=1):
        row: list[Any] = [*till]
        row[place] = wrong
        with pytest.raises(Lost):
            faults_inside.check(json.dumps(right | {"tills": [row]}))
    with pytest.raises(Lost, match="expired"):
        faults_inside.check(json.dumps(right | {"expired": 10}))
    assert Sale.objects.count() == 1
