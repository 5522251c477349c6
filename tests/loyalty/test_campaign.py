"""A bounded sample of the campaign, and that it would notice a difference."""

import pytest

from regulars.loyalty.models import Settlement, SettlementDay
from tests.loyalty.campaign import Campaign, Differs


@pytest.mark.django_db
def test_a_sample_of_the_campaign_agrees() -> None:
    campaign = Campaign(operations=3_000, seed=20261122)
    campaign.run()
    assert campaign.count >= 3_000
    assert 100 < campaign.refused < 1_500
    assert SettlementDay.objects.count() > 3
    assert Settlement.objects.filter(kind="owed").exists(), "debts of points of partners were paid"


@pytest.mark.django_db
def test_a_point_too_many_is_noticed_and_the_story_told() -> None:
    campaign = Campaign(operations=600, seed=1)
    campaign.run()
    member = next(one for one in campaign.members if one.model.lots)
    member.model.lots[0].remaining += 1
    with pytest.raises(Differs, match=f"customer {member.key}: lots"):
        campaign.compare_all()


@pytest.mark.django_db
def test_a_partner_who_pays_otherwise_and_a_past_that_changed_are_noticed() -> None:
    campaign = Campaign(operations=600, seed=1)
    campaign.run()
    side = next(one for one in campaign.nets.sides.values() if one.is_issued)
    side.points += 1_000
    with pytest.raises(Differs, match="settled is"):
        campaign.compare_all()
    side.points -= 1_000
    campaign.compare_all()
    hour, (books, people) = next(iter(campaign.past.items()))
    campaign.past[hour] = books | {"expired": books["expired"] + 1}, people
    with pytest.raises(Differs, match=f"{hour} h: books"):
        campaign.compare_all()
