"""Who moved points, in words: they are written down as "user:3", "till:5 Irina" or "job:expiry"."""

from collections.abc import Collection

from regulars.accounts.models import User
from regulars.core.i18n import gettext as _
from regulars.loyalty.expiring import SOURCE as EXPIRY
from regulars.loyalty.gifts import NOBODY_CAME
from regulars.loyalty.volume import SOURCE as VOLUME


def names_of(who: Collection[str]) -> dict[str, str]:
    """What people call them."""
    keys = {one: one.removeprefix("user:") for one in who if one.startswith("user:")}
    known = [key for key in keys.values() if key.isascii() and key.isdigit() and len(key) < 19]
    users = {str(one.pk): one.name for one in User.objects.filter(pk__in=known)}
    return {one: users.get(keys.get(one, ""), "") or _own_words(one) or one.partition(" ")[2] or one for one in who}


def _own_words(who: str) -> str:
    if who == NOBODY_CAME:
        return _("nobody fetched it")
    if who == EXPIRY:
        return _("by themselves, in the night")
    if who == VOLUME:
        return _("the bonus for volume")
    return _("on his own page") if who.startswith("page:") else ""
