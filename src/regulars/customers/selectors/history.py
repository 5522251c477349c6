"""What this package puts into the timeline: notes, statements of consent, questionnaires, files, merges, changes."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Q, QuerySet

from regulars.accounts.models import User
from regulars.accounts.rights import Right
from regulars.core.i18n import N_
from regulars.core.i18n import gettext as _
from regulars.customers.field_values import shown_value
from regulars.customers.models import Consent, Field, File, FormAnswer, Merge, Note
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
    return [Entry(one.at, one.pk, "note", _("Note"), who=_name(one.author), text=one.text) for one in rows]


def _consents(ids: Sequence[int], before: Before, limit: int, _user: User) -> list[Entry]:
    rows = _earlier(Consent.objects.filter(customer__in=ids).select_related("recorded_by"), before, limit)
    return [
        Entry(
            one.at, one.pk, "consent", _("Agreed") if one.is_given else _("Refused"), who=_name(one.recorded_by),
            text=f"{one.purpose}: {_(str(Consent.Channel(one.channel).label))}",
            lines=((_("Source"), one.source), *(((_("Text"), f"v{one.text_version}"),) if one.text_version else ())),
            tone="good" if one.is_given else "bad",
        )
        for one in rows
    ]  # fmt: skip


def _answers(ids: Sequence[int], before: Before, limit: int, _user: User) -> list[Entry]:
    rows = list(
        _earlier(FormAnswer.objects.filter(customer__in=ids).select_related("form", "filled_by"), before, limit)
    )
    types = {one.slug: one for one in Field.objects.all()} if rows else {}
    return [
        Entry(
            one.at, one.pk, "answer", one.form.title, who=_name(one.filled_by) or _("The customer himself"),
            lines=tuple(
                (str(question.get("title", "")), shown_value(types.get(str(question.get("field"))), value))
                for place, question in enumerate(one.form.questions)
                if (value := one.answers.get(str(question.get("key", place)))) not in (None, "", [])
            ),
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
    rows = _earlier(
        Merge.objects.filter(kept__in=ids, undone_at=None).select_related("gone", "by").defer("moved"), before, limit
    )
    return [
        Entry(
            one.at, one.pk, "merge", _("Merged with #{number}").format(number=one.gone_id),
            who=_name(one.by) or _("A rule"), text=one.gone.name, details={"merge": one.pk},
        )
        for one in rows
    ]  # fmt: skip


def _changes(ids: Sequence[int], before: Before, limit: int, user: User) -> list[Entry]:
    rows = list(_earlier(Change.objects.filter(customer_id__in=ids), before, limit))
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
