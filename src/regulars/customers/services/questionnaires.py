"""Questionnaires: questions that fill own fields, answered by staff or by the customer behind a personal link."""

import datetime as dt
import hashlib
import secrets
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.utils import timezone

from regulars.accounts.models import User
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.customers.field_values import read_value
from regulars.customers.models import Customer, Field, Form, FormAnswer, FormLink
from regulars.customers.selectors.consents import CHANNELS
from regulars.customers.selectors.family import survivor
from regulars.customers.services.consents import newest_version, record_consent, text_read
from regulars.customers.services.fields import set_own_fields
from regulars.customers.services.living import lock_living
from regulars.foundation.changes import acting

LINK_DAYS = 30
MOST_QUESTIONS = 60


def write_form(
    form: Form | None, *, title: str, intro: str, fields: Sequence[str], purpose: str, channels: Collection[str] = ()
) -> Form:
    """A new questionnaire, or another set of questions; answers that were given keep the questions they answered."""
    title = " ".join(title.split())
    if not title or not fields or len(fields) > MOST_QUESTIONS:
        raise InputError(
            _("A questionnaire needs a title and from 1 to {count} questions.").format(count=MOST_QUESTIONS)
        )
    known = {one.slug: one for one in Field.objects.filter(slug__in=fields, is_archived=False)}
    if len(known) < len(set(fields)):
        raise InputError(_("A question asks for a field that is no more."))
    if purpose and newest_version(purpose) is None:
        raise InputError(_("There is no text for {purpose!r} yet: write it first.").format(purpose=purpose))
    questions = [{"key": slug, "field": slug, "title": known[slug].title} for slug in dict.fromkeys(fields)]
    # answers refer to the questions as they were asked, so a form with answers is followed by a new one
    if form is None or form.answers.exists():
        if form is not None:
            Form.objects.filter(pk=form.pk).update(is_archived=True)
        form = Form()
    form.title, form.intro, form.questions, form.purpose = title[:200], intro.strip()[:5000], questions, purpose
    form.channels = [one for one in CHANNELS if one in channels] if purpose else []
    form.save()
    return form


def answer_form(
    form: Form,
    customer: Customer,
    typed: Mapping[str, Any],
    *,
    by: User | None,
    agrees: Collection[str] = (),
    text: str = "",
) -> FormAnswer:
    """Keep the answers and fill the own fields; by the customer himself when `by` is None.

    `agrees` are the channels that he allows, `text` names the text that he read.
    """
    fields = asked_fields(form)
    read = {slug: read_value(field, typed.get(slug)) for slug, field in fields.items()}
    answers = {slug: value for slug, value in read.items() if value is not None}
    if not answers and not agrees:
        raise InputError(_("Nothing is filled in yet."))
    source = "web" if by else "form"
    with acting(by.pk if by else None, source):
        lock_living(customer)
        made = FormAnswer.objects.create(form=form, customer=customer, answers=answers, filled_by=by)
        set_own_fields(customer, answers, by=by, source=source)
        if agrees:
            version = _text_of(form, agrees, text)
            for channel in sorted(set(agrees)):
                record_consent(
                    customer, purpose=form.purpose, channel=channel, is_given=True, source=form.title[:100],
                    by=by, text_version=version, proof={"form": form.pk, "answer": made.pk},
                )  # fmt: skip
    return made


def _text_of(form: Form, agrees: Collection[str], text: str) -> int:
    """The version that he read, when it is still what this questionnaire asks for."""
    read = text_read(text)
    if read.slug != form.purpose or not set(agrees) <= set(form.asked_channels):
        raise InputError(_("The questionnaire has changed meanwhile. Look at it again."))
    return read.version


def make_link(form: Form, customer: Customer) -> str:
    """The token of a personal link; a former one for the same form is void from now on."""
    token = secrets.token_urlsafe(24)
    with acting(None, "web"):
        lock_living(customer)
        FormLink.objects.filter(form=form, customer=customer, used_at=None).delete()
        FormLink.objects.create(
            form=form, customer=customer, token_hash=hash_of(token),
            expires_at=timezone.now() + dt.timedelta(days=LINK_DAYS),
        )  # fmt: skip
    return token


def find_link(token: str) -> FormLink | None:
    """What this token opens, when it is neither used nor expired."""
    found = FormLink.objects.select_related("form", "customer").filter(token_hash=hash_of(token)).first()
    return found if found and found.used_at is None and found.expires_at > timezone.now() else None


def answer_by_link(token: str, typed: Mapping[str, Any], *, agrees: Collection[str], text: str) -> FormAnswer:
    """The customer's own answers, once."""
    with acting(None, "form"):
        link = FormLink.objects.select_for_update().filter(token_hash=hash_of(token), used_at=None).first()
        if link is None or link.expires_at <= timezone.now():
            raise InputError(_("This link has expired or was used."))
        made = answer_form(link.form, survivor(link.customer), typed, by=None, agrees=agrees, text=text)
        link.used_at = timezone.now()
        link.save(update_fields=["used_at"])
        return made


def asked_fields(form: Form) -> dict[str, Field]:
    """The fields that the questions fill, in their order; those out of use are not asked."""
    slugs = [str(question["field"]) for question in form.questions]
    known = {one.slug: one for one in Field.objects.filter(slug__in=slugs, is_archived=False)}
    return {slug: known[slug] for slug in slugs if slug in known}


def hash_of(token: str) -> str:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).hexdigest()
