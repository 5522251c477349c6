"""The written strategy for each market group; every version stays."""

from django.db.models import Max

from regulars.accounts.models import User
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.customers.models import Strategy
from regulars.foundation.changes import acting
from regulars.foundation.clashes import or_told

LONGEST = 20_000


def write_strategy(group: str, *, why: str, how: str, what: str, based_on: int, by: User) -> Strategy:
    """A new version; refused when somebody wrote another since `based_on` was read."""
    texts = [text.replace("\0", "").strip() for text in (why, how, what)]
    if any(len(text) > LONGEST for text in texts):
        raise InputError(_("Each part has at most {count} characters.").format(count=LONGEST))
    with acting(by.pk, "web"):
        newest = Strategy.objects.filter(group=group).aggregate(newest=Max("version"))["newest"] or 0
        if newest != based_on:
            raise InputError(_("Somebody wrote version {version} meanwhile. Look at it first.").format(version=newest))
        with or_told(_("Somebody wrote version {version} meanwhile. Look at it first.").format(version=newest + 1)):
            return Strategy.objects.create(
                group=group, version=newest + 1, why=texts[0], how=texts[1], what=texts[2], written_by=by
            )
