"""What a role may be allowed to do, and the five roles that every installation begins with."""

from dataclasses import dataclass
from enum import StrEnum

from regulars.core.i18n import N_


class Right(StrEnum):
    """One thing that one may do. Stored by its value; shown by `TITLES`."""

    SEE_CUSTOMERS = "customers.see"
    EDIT_CUSTOMERS = "customers.edit"
    MERGE_CUSTOMERS = "customers.merge"
    EXPORT_CUSTOMERS = "customers.export"
    ERASE_CUSTOMERS = "customers.erase"
    SEE_CONTACTS = "contacts.see"
    SEE_PURCHASES = "purchases.see"
    RECORD_PURCHASES = "purchases.record"
    CORRECT_POINTS = "points.correct"
    WATCH_TILLS = "tills.watch"
    SERVE_AT_TILL = "till.serve"
    RUN_IMPORTS = "imports.run"
    SEE_INSIGHTS = "insights.see"
    RUN_AUDITS = "audits.run"
    EDIT_SEGMENTS = "segments.edit"
    EDIT_STRATEGY = "strategy.edit"
    MANAGE_FIELDS = "fields.manage"
    MANAGE_USERS = "users.manage"
    MANAGE_API = "api.manage"
    SEE_LOG = "log.see"
    MANAGE_BUSINESS = "business.manage"


TITLES = {
    Right.SEE_CUSTOMERS: N_("see customers"),
    Right.EDIT_CUSTOMERS: N_("add and change customers"),
    Right.MERGE_CUSTOMERS: N_("merge customers"),
    Right.EXPORT_CUSTOMERS: N_("take lists of customers out"),
    Right.ERASE_CUSTOMERS: N_("erase personal data"),
    Right.SEE_CONTACTS: N_("see phones and addresses in full"),
    Right.SEE_PURCHASES: N_("see purchases"),
    Right.RECORD_PURCHASES: N_("record purchases"),
    Right.CORRECT_POINTS: N_("give and take points by hand"),
    Right.WATCH_TILLS: N_("watch over tills and agree to corrections of points"),
    Right.SERVE_AT_TILL: N_("serve members at the till"),
    Right.RUN_IMPORTS: N_("import files and undo imports"),
    Right.SEE_INSIGHTS: N_("see the audit and the money"),
    Right.RUN_AUDITS: N_("start an audit"),
    Right.EDIT_SEGMENTS: N_("make and change segments"),
    Right.EDIT_STRATEGY: N_("write the strategy"),
    Right.MANAGE_FIELDS: N_("define own fields and questionnaires"),
    Right.MANAGE_USERS: N_("invite people and give roles"),
    Right.MANAGE_API: N_("give keys to other programs"),
    Right.SEE_LOG: N_("see the log of safety"),
    Right.MANAGE_BUSINESS: N_("change the settings of the business"),
}


@dataclass(frozen=True)
class Preset:
    """A role as it is at the first start."""

    slug: str
    title: str
    rights: frozenset[Right]
    own_customers_only: bool = False


_EVERYDAY = {
    Right.SEE_CUSTOMERS,
    Right.EDIT_CUSTOMERS,
    Right.SEE_CONTACTS,
    Right.SEE_PURCHASES,
}

PRESETS = (
    Preset("owner", N_("Owner"), frozenset(Right)),
    Preset(
        "marketer",
        N_("Marketer"),
        frozenset(
            _EVERYDAY
            | {
                Right.MERGE_CUSTOMERS,
                Right.EXPORT_CUSTOMERS,
                Right.CORRECT_POINTS,
                Right.WATCH_TILLS,
                Right.RUN_IMPORTS,
                Right.SEE_INSIGHTS,
                Right.RUN_AUDITS,
                Right.EDIT_SEGMENTS,
                Right.EDIT_STRATEGY,
                Right.MANAGE_FIELDS,
            }
        ),
    ),
    Preset(
        "manager",
        N_("Manager"),
        frozenset(_EVERYDAY | {Right.RECORD_PURCHASES, Right.SERVE_AT_TILL}),
        own_customers_only=True,
    ),
    Preset(
        "cashier",
        N_("Cashier"),
        frozenset({Right.SEE_CUSTOMERS, Right.RECORD_PURCHASES, Right.SERVE_AT_TILL}),
    ),
    Preset(
        "analyst",
        N_("Analyst"),
        frozenset(
            {Right.SEE_CUSTOMERS, Right.SEE_PURCHASES, Right.SEE_INSIGHTS, Right.RUN_AUDITS, Right.EDIT_SEGMENTS}
        ),
    ),
)

OWNER = "owner"
