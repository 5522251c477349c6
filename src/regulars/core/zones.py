"""Clocks of businesses, by their names in the IANA list."""

import zoneinfo

from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _


def check_zone(name: str) -> str:
    """The name as it is; `InputError` when there is no such time zone."""
    if name not in zoneinfo.available_timezones():
        raise InputError(
            _("There is no time zone {name!r}. Give one such as Europe/Moscow or America/New_York.").format(name=name)
        )
    return name
