"""The form of one bonus for what is bought in a whole period, over its JSON."""

from collections.abc import Iterable, Mapping
from typing import Any

from regulars.core.i18n import N_
from regulars.core.i18n import gettext as _
from regulars.customers.services.fields import slug_of
from regulars.loyalty.programme.reading import read_record, write_record
from regulars.loyalty.programme.volume import Volume
from regulars.web.programme_condition_form import read_when, write_when
from regulars.web.programme_place import Box
from regulars.web.programme_record_form import Form
from regulars.web.programme_typed import Known, Typed

BONUS = (
    Box("steps", N_("Bought in the period for, and the bonus in per cent"), "steps",
        N_("From this on, so many per cent of the whole sum; the highest step that is reached counts."), "money"),
    Box("period", N_("The period"), "choice", N_("Points come on the fourth night after it."), "volume_period"),
    Box("on", N_("On which goods"), "scope", N_("On all goods when nothing is chosen.")),
    Box("title", N_("What people call it"), "text", N_("Members read it on their own pages.")),
)  # fmt: skip
FORM = Form(Volume, BONUS, {"when": (write_when, read_when)})


def bonus_of_typed(
    typed: Typed, stored: Mapping[str, Any] | None, taken: Iterable[str], known: Known
) -> dict[str, Any]:
    """The bonus, as JSON, that the form says; the id of one that is changed stays."""
    found = FORM.made(typed, stored, FORM.kept(typed, stored, known), known)
    if not stored:
        found = {"id": slug_of(found.get("title", ""), set(taken), "bonus")} | found
    return write_record(read_record(Volume, found, _("The bonus")))
