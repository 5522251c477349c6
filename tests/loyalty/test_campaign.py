"""A bounded sample of the campaign, and that it would notice a difference."""

import pytest

from tests.loyalty.campaign import Campaign, Differs


@pytest.mark.django_db
def test_a_sample_of_the_campaign_agrees() -> None:
    campaign = Campaign(operations=3_000, seed=20261122)
    campaign.run()
    assert campaign.count >= 3_000
    assert 100 < campaign.refused < 1_500


@pytest.mark.django_db
def test_a_point_too_many_is_noticed_and_the_story_told() -> None:
    campaign = Campaign(operations=600, seed=1)
    campaign.run()
    member = next(one for one in campaign.members if one.model.lots)
    member.model.lots[0].remaining += 1
    with pytest.raises(Differs, match=f"customer {member.key}: lots"):
        campaign.compare_all()
