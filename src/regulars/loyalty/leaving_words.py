"""Why members leave, in the language of the reader: signs, and how sure they are."""

from collections.abc import Iterator

from regulars.core.i18n import N_, format_number
from regulars.core.i18n import gettext as _
from regulars.loyalty.leaving import FEWEST, Leaving, Sign
from regulars.report.words import percent

_TITLES = {
    "no_reward": N_("Three months in the programme without spending a point"),
    "rules_changed": N_("The rules changed within a month before"),
    "tier_lost": N_("The tier was lost within three months"),
    "points_expired": N_("Points expired within two months"),
    "brought_back": N_("Goods were brought back within two months"),
    "consent_withdrawn": N_("Consent to messages was withdrawn within two months"),
    "bought_on_price": N_("More discounted goods in the last three purchases than before"),
}


def title_of(sign: str) -> str:
    """What the sign is."""
    return _(_TITLES[sign])


def rows(found: Leaving) -> list[tuple[str, str, str, str, bool]]:
    """Each sign: what it is, its share among those who left and who stayed, what follows, whether it is proven."""
    by_strength = sorted(found.signs, key=lambda one: (one.q_value is None, one.q_value or 0, one.id))
    return [
        (title_of(one.id), _share(one, is_left=True), _share(one, is_left=False), *_verdict(one)) for one in by_strength
    ]


def sentences(found: Leaving) -> list[str]:
    """What was compared, and what that can say."""
    return list(_said(found))


def _said(found: Leaving) -> Iterator[str]:
    yield _(
        "{left} members who left, at their last purchase, beside {stayed} who went on buying, at the same time."
    ).format(left=format_number(found.left), stayed=format_number(found.stayed))
    if found.signs and not any(one.is_shown for one in found.signs):
        yield _("Nothing reliable is found among {count} signs.").format(count=format_number(len(found.signs)))
    yield _("What comes before leaving need not be its reason: it says where to look and what to try with a holdout.")
    yield _(
        "A change of the rules is asked about otherwise: of purchases within 30 days before and after it, the share "
        "after it, of last purchases beside all purchases of who stayed. It should be the same."
    )
    yield _(
        "Three signs wait for data. Complaints: nobody writes them down here. Too many messages: other programs send "
        "them and do not tell how many, so a withdrawn consent is looked at instead. Offers of rivals: nobody knows "
        "them, so it is looked at whether more of the goods were bought at a discount in the end."
    )


def _share(one: Sign, *, is_left: bool) -> str:
    share = one.left if is_left else one.stayed
    return "–" if share is None else f"{percent(share.value)} ({percent(share.low)}–{percent(share.high)})"


def _verdict(one: Sign) -> tuple[str, bool]:
    if one.more is None:
        return _("Too few to tell: at least {count} of both are needed.").format(count=FEWEST), False
    if one.is_shown:
        return _("More often before leaving"), True
    if one.q_value is not None and one.q_value < 0.05:
        return _("Rarer before leaving"), False
    return _("No difference is shown"), False
