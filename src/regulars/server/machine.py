"""What of an installation can be looked at without its database."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass

from regulars.core.i18n import format_number
from regulars.core.i18n import gettext as _
from regulars.server.config import Config

_LEAST_SPACE = 2 * 2**30


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; `cure` is empty when it is well."""

    subject: str
    found: str
    cure: str = ""


def examine_machine(config: Config) -> Iterator[Finding]:
    """The data folder and the settings, one by one."""
    yield _space(config)
    yield _key(config)
    yield _mail(config)


def _space(config: Config) -> Finding:
    free = shutil.disk_usage(config.home).free
    text = _("{count} GB free in {folder}").format(count=format_number(free / 2**30, 1), folder=config.home)
    cure = _("Free some space: an import or an audit may fail.") if free < _LEAST_SPACE else ""
    return Finding(_("Space"), text, cure)


def _key(config: Config) -> Finding:
    if config.secret_key:
        return Finding(_("Secret key"), _("from the settings"))
    rights = config.secret_file.stat().st_mode & 0o077
    cure = _("Others can read it. Run: chmod 600 {file}").format(file=config.secret_file) if rights else ""
    return Finding(_("Secret key"), str(config.secret_file), cure)


def _mail(config: Config) -> Finding:
    if config.mail_url:
        return Finding(_("Mail"), config.mail_from)
    # not wrong: links are shown on the screen instead
    return Finding(_("Mail"), _("none: invitations and new passwords go by a link that you hand over"))
