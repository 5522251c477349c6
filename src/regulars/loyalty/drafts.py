"""The draft of the next rules: kept while it is written, and never overwritten by somebody who has not seen it."""

from django.db import transaction
from django.utils import timezone

from regulars.accounts.models import User
from regulars.core.errors import InputError
from regulars.core.i18n import format_moment
from regulars.core.i18n import gettext as _
from regulars.foundation.models import Business
from regulars.loyalty.models import ProgrammeDraft
from regulars.loyalty.programmes import LONGEST_NOTE

LONGEST_RULES = 500_000


class DraftChanged(InputError):
    """Somebody else saved, published or threw away the draft meanwhile."""


def draft_now() -> ProgrammeDraft:
    """The draft with its version; its text is empty when nothing is being written."""
    return ProgrammeDraft.objects.select_related("saved_by").first() or ProgrammeDraft(pk=1, saved_at=timezone.now())


@transaction.atomic
def keep_draft(text: str, note: str, *, version: int, by: User) -> ProgrammeDraft:
    """Write it over the version that its writer has seen; `DraftChanged` when there is another one by now.

    What is sent again changes nothing, whatever the version.
    """
    if len(text) > LONGEST_RULES:
        raise InputError(_("The rules are longer than {most} characters.").format(most=LONGEST_RULES))
    if len(note) > LONGEST_NOTE:
        raise InputError(_("Write a note of at most {count} characters.").format(count=LONGEST_NOTE))
    draft = _locked()
    if (draft.text, draft.note) != (text, note):
        _check_seen(draft, version)
        _write(draft, text, note, by)
    return draft


@transaction.atomic
def drop_draft(*, version: int, by: User) -> None:
    """Nothing is being written any more: it is published or thrown away. `DraftChanged` as above."""
    draft = _locked()
    _check_seen(draft, version)
    _write(draft, "", "", by)


def _locked() -> ProgrammeDraft:
    ProgrammeDraft.objects.get_or_create(pk=1, defaults={"saved_at": timezone.now()})
    return ProgrammeDraft.objects.select_for_update(of=("self",)).select_related("saved_by").get()


def _check_seen(draft: ProgrammeDraft, version: int) -> None:
    if draft.version == version:
        return
    moment = format_moment(draft.saved_at, Business.current().zone)
    text = (
        _("{who} saved another draft meanwhile ({moment}). Nothing of yours is saved.")
        if draft.text
        else _("{who} published the draft or threw it away meanwhile ({moment}). Nothing of yours is saved.")
    )
    raise DraftChanged(text.format(who=draft.saved_by.name if draft.saved_by else "–", moment=moment))


def _write(draft: ProgrammeDraft, text: str, note: str, by: User) -> None:
    draft.text, draft.note, draft.saved_by, draft.saved_at = text, note, by, timezone.now()
    draft.version += 1
    draft.save()
