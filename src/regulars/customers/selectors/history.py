"""What this package puts into the timeline: notes, statements of consent, questionnaires, files, merges, changes."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Q, QuerySet

from regulars.accounts.models import User
from regulars.accounts.rights import Right
from regulars.core.i18n import N_
from regulars.core.i18n import gettext as _
from regulars.customers.field_values import answered
from regulars.customers.models import Consent, Field, File, FormAnswer, Merge, Note, Purpose
from regulars.customers.selectors.changes import title_of, told
from regulars.customers.timeline import Before, Entry, Source, register
from regulars.foundation.models import Change


def register_sources() -> None:
    """Called once, when the application is ready."""
    for source in (
        Source("note", N_("Notes"), _notes),
        Source("consent", N_("Consents"), _consents),
        Source("answer", N_("Questionnaires"), _answers),
        Source("file", N_("Files"), _files),
        Source("merge", N_("Merges"), _merges),
        Source("change", N_("Changes"), _changes),
    ):
        register(source)


def _earlier(rows: "QuerySet[Any]", before: Before, limit: int) -> "QuerySet[Any]":
    earlier = Q(at__lt=before.at) | Q(at=before.at, pk__lt=before.id)
    return rows.filter(earlier).order_by("-at", "-pk")[:limit]


def _notes(ids: Sequence[int], before: Before, limit: int, _user: User) -> list[Entry]:
    rows = _earlier(Note.objects.filter(customer__in=ids).select_related("author"), before, limit)
    return [
        Entry(
            one.at, one.pk, "note", _("Note"), who=_name(one.author), text=one.text, actor_id=one.author_id,
            details={"note": one.pk, "is_edited": one.edited_at is not None},
        )
        for one in rows
    ]  # fmt: skip


def _consents(ids: Sequence[int], before: Before, limit: int, _user: User) -> list[Entry]:
    rows = _earlier(Consent.objects.filter(customer__in=ids).select_related("recorded_by"), before, limit)
    titles = dict(Purpose.objects.order_by("version").values_list("slug", "title"))
    return [
        Entry(
            one.at,
            one.pk,
            "consent",
            _("Agreed") if one.is_given else _("Refused"),
            who=_name(one.recorded_by),
            text=f"{titles.get(one.purpose, one.purpose)}: {_(str(Consent.Channel(one.channel).label))}",
            lines=_proof(one),
            tone="good" if one.is_given else "bad",
        )
        for one in rows
    ]


def _proof(statement: Consent) -> tuple[tuple[str, str], ...]:
    source = (_("Source"), statement.source)
    if statement.text_version is None:
        return (source,)
    return source, (_("Consent"), _("text {version}").format(version=statement.text_version))


def _answers(ids: Sequence[int], before: Before, limit: int, _user: User) -> list[Entry]:
    rows = list(
        _earlier(FormAnswer.objects.filter(customer__in=ids).select_related("form", "filled_by"), before, limit)
    )
    types = {one.slug: one for one in Field.objects.all()} if rows else {}
    return [
        Entry(
            one.at, one.pk, "answer", one.form.title, who=_name(one.filled_by) or _("The customer himself"),
            lines=answered(one, types),
        )
        for one in rows
    ]  # fmt: skip


def _files(ids: Sequence[int], before: Before, limit: int, _user: User) -> list[Entry]:
    rows = _earlier(File.objects.filter(customer__in=ids).select_related("author"), before, limit)
    return [
        Entry(one.at, one.pk, "file", _("File"), who=_name(one.author), text=one.name, details={"file": one.pk})
        for one in rows
    ]


def _merges(ids: Sequence[int], before: Before, limit: int, _user: User) -> list[Entry]:
    taken_back = Q(gone__in=ids, undone_at__isnull=False)
    some = Merge.objects.filter(Q(kept__in=ids) | taken_back).defer("moved")
    rows = _earlier(some.select_related("kept", "gone", "by", "undone_by"), before, limit)
    return [_merge(one, ids) for one in rows]


def _merge(one: Merge, ids: Sequence[int]) -> Entry:
    other = one.gone if one.kept_id in ids else one.kept
    if one.undone_at is not None:
        title, who = _("Merged with #{number}, and parted again"), _name(one.undone_by)
    else:
        title, who = _("Merged with #{number}"), _name(one.by) or _("A rule")
    details: dict[str, object] = {"merge": one.pk if one.undone_at is None else None}
    return Entry(one.at, one.pk, "merge", title.format(number=other.pk), who=who, text=other.name, details=details)


def _changes(ids: Sequence[int], before: Before, limit: int, user: User) -> list[Entry]:
    # what a merge moved is told by the merge
    moved = Q(fields__has_key="customer_id") | Q(fields__has_key="merged_into_id")
    kept = Q(table_name="customers_file", action="insert")  # told by the file
    own = Change.objects.filter(customer_id__in=ids).exclude(moved, action="update").exclude(kept)
    rows = list(_earlier(own, before, limit))
    if not rows:
        return []
    words = told(rows, see_contacts=user.may(Right.SEE_CONTACTS))
    return [
        Entry(
            one.at, one.pk, "change", title_of(one), who=words.names.get(one.actor_id, ""), lines=words.lines(one),
            actor_id=one.actor_id, source=one.source,
        )
        for one in rows
    ]  # fmt: skip


def _name(user: User | None) -> str:
    return user.name if user else ""
