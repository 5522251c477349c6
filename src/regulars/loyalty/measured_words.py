"""What was measured of the catalogue of gifts, in sentences."""

from collections.abc import Iterator

from regulars.core.i18n import format_number, format_percent, ngettext
from regulars.core.i18n import gettext as _
from regulars.loyalty.first_rewards import FirstRewards
from regulars.loyalty.measuring import Figures, Share


def attractiveness(found: Figures) -> list[str]:
    """Who could have something that suits him, and whether the catalogue is a dump."""
    return [*_attracted(found), *_slow(found)]


def time_to_reward(found: FirstRewards) -> list[str]:
    """How long members wait for the first thing that points bring them."""
    if not found.members:
        return [_("There are no members yet.")]
    return [_rewarded(found), *_median(found), *_shares(found)]


def _attracted(found: Figures) -> Iterator[str]:
    if found.attracted is None:
        yield _(
            "Not enough data: nobody's taste is known, because no member answered a question or bought anything in the "
            "last year."
        )
        return
    yield _(
        "{share} of members could take something now that suits them: {part} of the {whole} whose taste is known."
    ).format(
        share=_range(found.attracted),
        part=format_number(found.attracted.part),
        whole=format_number(found.attracted.whole),
    )
    yield _("Of {members} members {can} can take something now, {want} would want something.").format(
        members=format_number(found.members), can=format_number(found.can), want=format_number(found.want)
    )


def _slow(found: Figures) -> Iterator[str]:
    if found.slow is None:
        yield _("No gift is linked to a product, so nothing is known of slow goods among them.")
        return
    words = _("{part} of {whole} gifts that are sold too are slow goods: {share}; of all goods {goods} are as slow.")
    yield words.format(
        part=format_number(found.slow.part), whole=format_number(found.slow.whole), share=_range(found.slow),
        goods=format_percent(found.slow_goods),
    )  # fmt: skip
    if found.is_dump:
        yield _("The catalogue looks like a dump for slow goods: put something in that is bought gladly.")


def _rewarded(found: FirstRewards) -> str:
    return _("{rewarded} of {members} members have had something for their points.").format(
        rewarded=format_number(found.rewarded), members=format_number(found.members)
    )


def _median(found: FirstRewards) -> Iterator[str]:
    median = found.median
    if median.value is None:
        yield _("Half of them have not come so far yet, so there is no typical time to the first reward.")
        return
    low = format_number(median.low or 0)
    # with few of them the upper bound is not reached yet
    bounds = (
        _("{low} or more").format(low=low)
        if median.high is None
        else _("{low} to {high}").format(low=low, high=format_number(median.high))
    )
    yield ngettext(
        "Half of the members have their first reward within {n} day ({bounds}).",
        "Half of the members have their first reward within {n} days ({bounds}).", median.value,
    ).format(n=format_number(median.value), bounds=bounds)  # fmt: skip


def _shares(found: FirstRewards) -> Iterator[str]:
    for day, share, low, high in found.shares:
        yield ngettext(
            "Within {n} day: {share} ({low} to {high}).", "Within {n} days: {share} ({low} to {high}).", day
        ).format(n=format_number(day), share=format_percent(share), low=format_percent(low), high=format_percent(high))


def _range(share: Share) -> str:
    low, high = format_percent(share.low), format_percent(share.high)
    return _("{share} ({low} to {high})").format(share=format_percent(share.value), low=low, high=high)
